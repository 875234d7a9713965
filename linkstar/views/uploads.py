"""Which addresses take a file, and how much of one. All others read no more than the configuration says."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request, session

from linkstar.forms.evidence import LARGEST_FILE

View = TypeVar("View", bound=Callable[..., Any])

AROUND_IT = 1_000_000  # for the other fields and what a browser writes between them


def takes_file(view: View) -> View:
    """Marks a view that a file may be sent to."""
    view.takes_file = True  # type: ignore[attr-defined]
    return view


def init_app(app: Flask) -> None:
    app.url_value_preprocessor(_read_more)  # before the first look at the form, which is the token's


def _read_more(endpoint: str | None, values: dict[str, Any] | None) -> None:
    view = current_app.view_functions.get(endpoint or "")
    if getattr(view, "takes_file", False) and "_user_id" in session:
        request.max_content_length = LARGEST_FILE + AROUND_IT
