from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user

from linkstar.extensions import commit, limiter
from linkstar.forms.handover_note import HandoverNoteForm
from linkstar.i18n import _, moment
from linkstar.models import HandoverNote, NotAllowed, Task, User
from linkstar.reports.panel import Panel
from linkstar.views import access, answers

blueprint = Blueprint("handover_notes", __name__, url_prefix="/handover_notes")


@blueprint.get("/new")
def new(task_id: int) -> Any:
    task = _task(task_id)
    people = HandoverNote.recipients(task, current_user)
    form = HandoverNoteForm(formdata=None, data={"recipient_id": _usual(task, people)})
    return _dialog(task, form.offer(people))


@blueprint.post("")
@limiter.limit("60 per hour", key_func=lambda: str(current_user.id))
def create(task_id: int) -> Any:
    task = _task(task_id)
    people = HandoverNote.recipients(task, current_user)
    form = HandoverNoteForm().offer(people)
    if not form.validate():
        return _dialog(task, form, 422)
    recipient = next(person for person in people if person.id == form.recipient_id.data)
    note = HandoverNote.write(
        task, recipient, by=current_user, done=form.done.data, needed=form.needed.data, decide=form.decide.data
    )
    commit()
    arrives = moment(note.deliver_at, current_user.timezone)
    return answers.changed(
        task.project, [task], _("It reaches %(name)s %(moment)s", name=recipient.name, moment=arrives),
        also="tasks/dates/_saved.html", task=task, panel=Panel(task, current_user),
        back=url_for("tasks.show", task_id=task.id),
    )  # fmt: skip


def _task(task_id: int) -> Task:
    task = access.get_task(task_id)
    if not HandoverNote.may_be_written(task, current_user):
        raise NotAllowed("view")
    return task


def _usual(task: Task, people: list[User]) -> int | None:
    """Whom the task asks, or who asks there, wherever that is; else who works while the writer sleeps."""
    other = task.owner_id if task.counterpart_id == current_user.id else task.counterpart_id
    if other in [person.id for person in people]:
        return other
    elsewhere = [person.id for person in people if person.timezone != current_user.timezone]
    return next((each for each in (task.owner_id, *elsewhere) if each in elsewhere), None)


def _dialog(task: Task, form: HandoverNoteForm, status: int = 200) -> Any:
    return answers.dialog(
        "tasks/handover_notes/_form.html", "layouts/alone.html", status, task=task, project=task.project, form=form
    )
