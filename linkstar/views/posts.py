from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_login import current_user

from linkstar.extensions import commit, db, record_id
from linkstar.forms.post import PostForm
from linkstar.forms.publication import USUAL, PublicationForm
from linkstar.i18n import _
from linkstar.models import MoveRefused, NotAllowed, Project, Task, User
from linkstar.models.audit_event import new_change
from linkstar.reports.obstacles import Obstacles
from linkstar.reports.publication import Publication
from linkstar.views import answers
from linkstar.views.overloads import question
from linkstar.views.shell import Shell
from linkstar.views.tasks.publication import put_on_day, seen_from

blueprint = Blueprint("posts", __name__, url_prefix="/posts")


@blueprint.get("/new")
def new() -> Any:
    """The dialog; ?day= is one of the calendar's. While it is filled in, what the moment means and who can own it."""
    projects = _projects()
    if request.htmx and "time" in request.args:  # type: ignore[attr-defined]
        moment = PublicationForm(request.args).offer()
        post = _post(projects, moment) if moment.validate() else None
        return render_template("tasks/publication/_meaning.html", post=post, form=moment, task=None)
    if request.htmx and "owner_id" in request.args:  # type: ignore[attr-defined]
        form = PostForm(request.args).offer_in(projects, current_user)
        return render_template("posts/_owner.html", form=form)
    chosen = record_id(request.args.get("project_id", "")) or (projects[0].id if len(projects) == 1 else None)
    data = put_on_day(USUAL) | {"project_id": chosen, "owner_id": current_user.id}
    form = PostForm(formdata=None, data=data).offer_in(projects, current_user)
    return _dialog(projects, form, post=_post(projects, form) if form.work_out() else None)


@blueprint.post("")
def create() -> Any:
    """A cheerful post on a sensitive day is asked about first, as where a post is put on such a day."""
    projects = _projects()
    form = PostForm().offer_in(projects, current_user)
    if not form.validate():
        return _dialog(projects, form, 422)
    post = _post(projects, form)
    if form.answer.data == "another":
        return _dialog(projects, form, post=post, choosing=True)
    answered = form.answer.data == "publish" and form.seen.data == post.fingerprint
    if post.warnings and not answered:
        return _dialog(projects, form, 409 if form.answer.data == "publish" else 422, post=post, asks=True)
    project = next(each for each in projects if each.id == form.project_id.data)
    owner, change = db.session.get_one(User, form.owner_id.data), new_change()
    values = form.values() | {"due_on": form.due_where(owner)}
    if asked := question(project, owner, values, draft="new-post"):
        return asked
    try:
        task = Task.create(project, by=current_user, change=change, owner=owner, stage=project.stages[0], **values)
    except MoveRefused as refusal:
        db.session.rollback()
        obstacles = Obstacles(refusal.task, refusal.stage, refusal.phase, current_user, refusal.holds)
        form.project_id.errors = [*form.project_id.errors, *obstacles.sentences]
        return _dialog(projects, form, 422)
    commit()
    return answers.changed(
        project, [task], _("Added “%(title)s”", title=task.title_zh or task.title_en), change=change,
        also="layouts/_no_dialog.html", back=url_for("tasks.show", task_id=task.id),
    )  # fmt: skip


def _projects() -> list[Project]:
    """Where the person may add tasks: in the workspace that the dialog is about, also before a project is chosen, in
    that of the project that is named, else in the one looked at."""
    membership = Shell(current_user).membership or abort(404)
    here = record_id(request.args.get("workspace_id", ""))
    if not here and (named := record_id(request.values.get("project_id", ""))):
        seen = Project.visible_to(current_user).where(Project.id == named).with_only_columns(Project.workspace_id)
        here = db.session.scalar(seen)
    membership = current_user.membership_in(here) or membership
    projects = list(db.session.scalars(Project.open_to_tasks_of(membership).order_by(Project.id)))
    if not projects:
        raise NotAllowed("create")
    return projects


def _post(projects: list[Project], form: PublicationForm) -> Publication:
    assert form.moment
    zone, cheerful = form.audience_timezone.data, form.cheerful.data
    return Publication(
        projects[0].workspace_id, form.moment, zone, current_user, cheerful=cheerful, seen_from=seen_from()
    )  # fmt: skip


def _dialog(projects: list[Project], form: PostForm, status: int = 200, **context: Any) -> Any:
    about: dict[str, Any] = {"workspace_id": projects[0].workspace_id, "zone": seen_from()}
    return answers.dialog(
        "posts/_form.html", "posts/new.html", status, form=form, task=None, stale=status == 409,
        address=url_for("posts.create", **about), again=url_for("posts.new", **about),
        cancel=url_for("calendar.show"), **({"post": None, "asks": False, "choosing": False} | context),
    )  # fmt: skip
