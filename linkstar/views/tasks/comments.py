from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user

from linkstar.extensions import commit, limiter
from linkstar.forms.comment import CommentForm
from linkstar.i18n import _
from linkstar.models import Comment
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
    return answers.changed(
        task.project, [task], _("Sent"), also="tasks/_talk.html", task=task, panel=Panel(task, current_user),
        back=url_for("tasks.show", task_id=task.id, _anchor="talk"),
    )  # fmt: skip
