"""The built files of static/: how pages name them, and how they are served."""

from functools import cache
from wsgiref.headers import Headers

from flask import Flask
from markupsafe import Markup
from whitenoise import WhiteNoise

from linkstar.assets.build import STATIC, asset


class StaticFiles(WhiteNoise):
    FOREVER = 31_536_000  # a year, for what is named by its hash


def add_headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"


@cache
def icon(name: str, classes: str = "") -> Markup:
    """One sign of the sprite. Always the same, and a page has a hundred of them."""
    space = " " if classes else ""
    return Markup('<svg class="i{}{}" aria-hidden="true"><use href="{}#i-{}"/></svg>').format(
        space, classes, asset("icons.svg"), name
    )


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(asset=asset, icon=icon)
    app.wsgi_app = StaticFiles(  # type: ignore[method-assign]
        app.wsgi_app,
        root=STATIC,
        prefix="/static/",
        max_age=3600,
        allow_all_origins=False,
        add_headers_function=add_headers,
        immutable_file_test=r"^/static/build/.+\.[0-9a-f]{8}\.\w+$",
    )
