from typing import Any

from flask import Blueprint, abort, request
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.checklist import ChecklistForm
from linkstar.i18n import _
from linkstar.models import Checklist, Project, Stage, Task
from linkstar.reports.library import Library
from linkstar.views import access, answers
from linkstar.views.tasks.checklist_items import answer

blueprint = Blueprint("checklists", __name__, url_prefix="/checklists")


@blueprint.get("/new")
def new(task_id: int) -> Any:
    task = access.get_task(task_id, "edit")
    return choice(task.project, task, ChecklistForm(formdata=None))


@blueprint.post("")
def create(task_id: int) -> Any:
    task = access.get_task(task_id, "edit")
    form = ChecklistForm()
    if not added(task.project, task, form):
        return choice(task.project, task, form, 422)
    commit()
    return answer(task, _("List added"))


@blueprint.post("/<id:checklist_id>/removal")
def destroy(task_id: int, checklist_id: int) -> Any:
    checklist = access.get_checklist(checklist_id, "edit")
    if checklist.task_id != task_id:
        abort(404)
    task, kept = checklist.task, checklist.may_come_back
    change = checklist.remove(by=current_user)
    commit()
    return answer(task, _("List removed"), change=change if kept else None)


def choice(project: Project, target: Task | Stage, form: ChecklistForm, status: int = 200) -> Any:
    """The lists of the installed packs, those first that fit the project; and a line for a list of one's own."""
    return answers.dialog(
        "checklists/_new.html", "layouts/alone.html", status, project=project, form=form,
        task=target if isinstance(target, Task) else None, stage=target if isinstance(target, Stage) else None,
        library=Library(project, target.checklists, request.args.get("region")),
    )  # fmt: skip


def added(project: Project, target: Task | Stage, form: ChecklistForm) -> bool:
    """Puts the chosen list on the task or the stage, or begins an own one."""
    if not form.validate():
        return False
    rule = Library(project, target.checklists).rules.get(form.key.data or "")
    if rule:
        Checklist.attach(rule, target, by=current_user)
    elif form.title.data and not form.key.data:
        Checklist.begin(form.title.data, target, by=current_user)
    else:
        form.key.errors = [_("Choose a list, or write the title of your own.")]
        return False
    return True
