from typing import Any

from flask import Blueprint, abort, url_for
from flask_login import current_user
from sqlalchemy import select

from linkstar.extensions import commit, db
from linkstar.forms.outsider import OutsiderForm
from linkstar.i18n import _
from linkstar.models import Membership, NotAllowed, Task, User
from linkstar.reports.outsiders import Outsiders
from linkstar.reports.panel import Panel
from linkstar.views import access, answers

blueprint = Blueprint("outsiders", __name__, url_prefix="/outsiders")


@blueprint.get("/new")
def new(task_id: int) -> Any:
    task = shared_by_me(task_id)
    return _dialog(task, OutsiderForm(formdata=None))


@blueprint.post("")
def create(task_id: int) -> Any:
    """Shares the task with a creator, who gets a link by mail."""
    task = shared_by_me(task_id)
    outsiders, form = Outsiders(task, current_user), OutsiderForm()
    form.offer(outsiders.choices, invites=_invites(task))
    if not form.validate():
        return _dialog(task, form, 422)
    if form.is_new and _invited(task, form):
        commit()
        said = _("An invitation is on its way to %(email)s. Share the task once it is taken up.", email=form.email.data)
        return answer(task, said)
    creator = _admitted(task, form) if form.is_new else db.session.get_one(User, form.user_id.data)
    if creator is None:
        return _dialog(task, form, 422)
    task.share_with(creator, owner=form.part.data == "owner", by=current_user)
    commit()
    name = form.email.data if form.is_new else creator.name  # what an account is called is not told by its address
    return answer(task, _("%(name)s gets a link by mail", name=name))


@blueprint.post("/<id:user_id>/removal")
def destroy(task_id: int, user_id: int) -> Any:
    """The creator helps no more. Who owns the task stays until somebody else does."""
    task = shared_by_me(task_id)
    creator = get_outsider(task, user_id)
    if creator.id == task.owner_id:
        raise NotAllowed("edit")
    task.stop_sharing_with(creator, by=current_user)
    commit()
    return answer(task, _("%(name)s does not see the task any more", name=creator.name))


def shared_by_me(task_id: int) -> Task:
    """A task that the person may share: who edits it, and sees the whole of it."""
    task = access.get_task(task_id, "edit")
    if not task.seen_whole_by(current_user) or task.project.draft_of_id:
        raise NotAllowed("edit")
    return task


def get_outsider(task: Task, user_id: int) -> User:
    """A creator who takes part in the task."""
    here = (outsider.person for outsider in Outsiders(task, current_user).here)
    return next((person for person in here if person.id == user_id), None) or abort(404)


def answer(task: Task, said: str) -> Any:
    return answers.changed(
        task.project, [task], said, also="tasks/dates/_saved.html", task=task, panel=Panel(task, current_user),
        back=url_for("tasks.show", task_id=task.id),
    )  # fmt: skip


def _invites(task: Task) -> bool:
    """Whoever administers the workspace lets new creators in; others ask for it where people are invited."""
    mine = current_user.membership_in(task.workspace_id)
    return mine is not None and mine.administers


def _invited(task: Task, form: OutsiderForm) -> bool:
    """Whether there is an account that is not admitted by somebody else: the person is asked, by mail."""
    known = db.session.scalar(select(User).where(User.email == form.email.data))
    here = current_user.membership_in(task.workspace_id).workspace
    if known is None or known.membership_in(here.id) or Membership.is_admitted_at_once(here.id, known):
        return False
    Membership.invite(here, known.email, form.name.data or "", "creator", form.language.data, by=current_user)
    return True


def _admitted(task: Task, form: OutsiderForm) -> User | None:
    """The new creator; somebody who is a creator here already is that one, and a colleague never becomes one."""
    email = form.email.data or ""
    creator = db.session.scalar(select(User).where(User.email == email))
    membership = creator.membership_in(task.workspace_id) if creator else None
    if creator and membership and membership.role != "creator":
        form.email.errors = [_("This address belongs to somebody of the team.")]
        return None
    if membership:
        return creator
    return Membership.admit_creator(
        task.workspace_id, email, form.name.data or "", form.language.data, form.timezone.data, by=current_user
    )  # fmt: skip


def _dialog(task: Task, form: OutsiderForm, status: int = 200) -> Any:
    outsiders, invites = Outsiders(task, current_user), _invites(task)
    form.offer(outsiders.choices, invites=invites)
    return answers.dialog(
        "tasks/outsiders/_form.html", "layouts/alone.html", status, task=task, project=task.project, form=form,
        invites=invites,
    )  # fmt: skip
