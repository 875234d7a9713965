from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user

from linkstar.extensions import commit, limiter
from linkstar.forms.comment import CommentForm
from linkstar.i18n import _
from linkstar.models import Comment
from linkstar.reports.briefs import brief_of
from linkstar.views import access, answers
from linkstar.views.admission import open_to_creators
from linkstar.views.briefs.page import page

blueprint = Blueprint("comments", __name__, url_prefix="/<id:task_id>/comments")


@blueprint.post("")
@open_to_creators
@limiter.limit("60 per minute", key_func=lambda: str(current_user.id))
def create(task_id: int) -> Any:
    """What a creator says is shared with the team."""
    task = access.get_brief(task_id)
    form = CommentForm()
    if not form.validate():
        if not request.htmx:  # type: ignore[attr-defined]
            return page(task, form=form), 422
        return (
            render_template("briefs/comments/_form.html", task=task, form=form),
            422,
            {"HX-Retarget": f"#composer-{task.id}"},
        )
    Comment.post(task, form.body.data or "", by=current_user, shared=True)
    commit()
    return answers.changed(
        task.project, [task], _("Sent"), also="briefs/_talk.html", task=task, brief=brief_of(task, current_user),
        back=url_for("briefs.show", task_id=task.id, _anchor="talk"),
    )  # fmt: skip
