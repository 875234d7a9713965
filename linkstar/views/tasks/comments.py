from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user

from linkstar.extensions import commit, db, limiter
from linkstar.forms.comment import CommentEditForm, CommentForm
from linkstar.i18n import _
from linkstar.models import Comment, StaleVersion, Task
from linkstar.reports.panel import Panel
from linkstar.views import access, answers

blueprint = Blueprint("comments", __name__, url_prefix="/comments")


@blueprint.post("")
@limiter.limit("60 per minute", key_func=lambda: str(current_user.id))
def create(task_id: int) -> Any:
    """Whoever sees a task may say something on it."""
    task = access.get_task(task_id)
    form = CommentForm()
    if not form.validate():
        template = "tasks/comments/_form.html" if request.htmx else "tasks/show.html"  # type: ignore[attr-defined]
        drawn = render_template(template, task=task, panel=Panel(task, current_user), form=form)
        return drawn, 422, {"HX-Retarget": f"#composer-{task.id}"}
    Comment.post(task, form.body.data or "", by=current_user, shared=form.shared.data)
    commit()
    return _answer(task, _("Sent"))


@blueprint.get("/<id:comment_id>/edit")
def edit(task_id: int, comment_id: int) -> Any:
    comment = access.get_comment(task_id, comment_id)
    return _form(comment, CommentEditForm(formdata=None, obj=comment))


@blueprint.put("/<id:comment_id>")
@limiter.limit("60 per minute", key_func=lambda: str(current_user.id))
def update(task_id: int, comment_id: int) -> Any:
    comment = access.get_comment(task_id, comment_id)
    form = CommentEditForm()
    if not form.validate():
        return _form(comment, form, 422)
    if form.version.data is None:
        form.body.errors = [_("This page had become too old")]
        return _form(comment, form, 422)
    try:
        comment.edit(form.body.data or "", by=current_user, version=form.version.data)
    except StaleVersion:
        db.session.rollback()
        comment = access.get_comment(task_id, comment_id)
        form.version.data = comment.version
        return _form(comment, form, 409)
    commit()
    return _answer(comment.task, _("Saved"), also="tasks/comments/_saved.html")


@blueprint.delete("/<id:comment_id>")
def destroy(task_id: int, comment_id: int) -> Any:
    comment = access.get_comment(task_id, comment_id)
    change = comment.trash(by=current_user)
    commit()
    return _answer(comment.task, _("The comment is taken back"), change=change)


def _answer(task: Task, said: str, change: str | None = None, also: str = "tasks/_talk.html") -> Any:
    return answers.changed(
        task.project, [task], said, change=change, also=also, task=task, panel=Panel(task, current_user),
        back=url_for("tasks.show", task_id=task.id, _anchor="talk"),
    )  # fmt: skip


def _form(comment: Comment, form: CommentEditForm, status: int = 200) -> Any:
    """409: somebody (the same person, elsewhere) was faster; the form now knows that version, and shows it."""
    return answers.dialog(
        "tasks/comments/_edit.html", "layouts/alone.html", status, comment=comment, task=comment.task,
        project=comment.task.project, form=form, stale=status == 409,
    )  # fmt: skip
