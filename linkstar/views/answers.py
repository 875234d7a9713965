"""How a view answers after a change: fragments for htmx, a redirect for a plain form, always with what happened."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Response, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar.models import Project, Task
from linkstar.reports.board import Board
from linkstar.reports.task_filter import TaskFilter
from linkstar.views import access
from linkstar.views.admission import own_path


def dialog(template: str, full: str, status: int = 200, **context: Any) -> Response:
    """A form in the dialog above the page; without JavaScript, or opened in a tab, a page of its own."""
    if request.htmx:  # type: ignore[attr-defined]
        response = make_response(render_template("layouts/dialog.html", fragment=template, **context), status)
        response.headers["HX-Reswap"] = "none"
        return response
    return make_response(render_template(full, fragment=template, **context), status)


def changed(
    project: Project,
    tasks: list[Task],
    message: str,
    *,
    change: str | None = None,
    also: str = "",
    back: str | None = None,
    status: int = 200,
    **context: Any,
) -> Any:
    """After tasks have changed: their cards and the columns' heads for the board that the reader has open, the
    toast with its undo, and `also`, the fragment that was asked for. A plain form goes `back`."""
    if not request.htmx:  # type: ignore[attr-defined]
        session["toast"] = {"message": message, "change": change}
        return redirect(back or came_from() or url_for("projects.board.show", project_id=project.id), 303)
    address = urlsplit(request.htmx.current_url or "")  # type: ignore[attr-defined]
    whole = [url_for(f"projects.{page}.show", project_id=project.id) for page in ("plan", "gantt")]
    if address.path in whole and project.known_to(current_user):  # any change may move all of their rows
        session["toast"] = {"message": message, "change": change}
        return leave(address._replace(scheme="", netloc="", fragment="").geturl())
    board = board_on_screen(project)
    cells, gone = board.changes([task.id for task in tasks]) if board else ([], [])
    return make_response(
        render_template(
            "projects/changes/_changes.html",
            project=project,
            chosen=board.filter if board else None,
            board=board,
            cells=cells,
            gone=gone,
            also=also,
            toast={"message": message, "change": change},
            **context,
        ),
        status,
    )


def leave(address: str) -> Any:
    """To another page. htmx would paste a redirect's page into its target, so it is told to go there."""
    if request.htmx:  # type: ignore[attr-defined]
        response = Response(status=200)
        response.headers["HX-Redirect"] = address
        return response
    return redirect(address, 303)


def page_of(task: Task) -> str:
    """Where the reader finds the task."""
    return url_for("briefs.show" if access.is_brief(task) else "tasks.show", task_id=task.id)


def board_on_screen(project: Project) -> Board | None:
    """The board of this project as the page shows it from which an htmx request came, None for other pages, and for
    who has no board."""
    address = urlsplit(request.htmx.current_url or "")  # type: ignore[attr-defined]
    here = url_for("projects.board.show", project_id=project.id)
    if address.path != here or not project.known_to(current_user):
        return None
    return Board(project, current_user, TaskFilter.read(dict(parse_qsl(address.query))))


def came_from() -> str | None:
    """The page of ours that the form stood on."""
    return own_path(request.form.get("back")) or own_path(request.referrer)
