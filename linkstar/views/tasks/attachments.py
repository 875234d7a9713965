from typing import Any

from flask import Blueprint, redirect, render_template, request, session
from flask_login import current_user

from linkstar.extensions import commit, limiter, write
from linkstar.forms.attachment import AttachmentForm
from linkstar.i18n import _, ngettext
from linkstar.models import Attachment, NotAllowed, Task
from linkstar.models.attachment import kept
from linkstar.reports.panel import Panel
from linkstar.views import access, answers
from linkstar.views.admission import open_to_creators, own_path, reads_first
from linkstar.views.uploads import takes_file

blueprint = Blueprint("attachments", __name__, url_prefix="/attachments")


@blueprint.get("")
@open_to_creators
def index(task_id: int) -> Any:
    """The section of the page, drawn again when something has been sent."""
    task = access.get_task(task_id)
    return render_template("tasks/attachments/_files.html", task=task, panel=Panel(task, current_user))


@blueprint.post("")
@open_to_creators
@takes_file
@limiter.limit("60 per minute", key_func=lambda: str(current_user.id))
@reads_first
def create(task_id: int) -> Any:
    """Files as a plain form sends them."""
    task = access.get_task(task_id)
    if not Attachment.may_be_added(task, current_user):
        raise NotAllowed("edit")
    form = AttachmentForm()
    files = form.received(task.workspace_id, by=current_user) if form.validate() else []
    if not files:
        return not_taken(task, form)
    with kept(files):
        write()
        task = access.get_task(task_id)
        for file in files:
            Attachment.add(task, file, by=current_user, shared=form.shared.data)
    commit()
    return answer(task, ngettext("%(num)s file added", "%(num)s files added", len(files)))


def answer(task: Task, said: str, change: str | None = None) -> Any:
    return answers.changed(
        task.project, [task], said, change=change, also="tasks/attachments/_files.html", task=task,
        panel=Panel(task, current_user), back=f"{_back(task)}#files",
    )  # fmt: skip


def not_taken(task: Task, form: AttachmentForm) -> Any:
    """The same form, which says why; a creator's page, which is not drawn here, says it above itself."""
    if request.htmx or not access.is_brief(task):  # type: ignore[attr-defined]
        template = "tasks/attachments/_files.html" if request.htmx else "tasks/show.html"  # type: ignore[attr-defined]
        return render_template(template, task=task, panel=Panel(task, current_user), files_form=form), 422
    session["toast"] = {"message": " ".join(form.file.errors) or _("This did not arrive."), "change": None}
    return redirect(_back(task), 303)


def _back(task: Task) -> str:
    return own_path(request.form.get("back")) or answers.page_of(task)
