from typing import Any

from flask import Blueprint
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from linkstar.api.checklists import ChecklistItemAnswer
from linkstar.api.operation import operation
from linkstar.api.problems import Problem
from linkstar.api.values import Body, Day, Text
from linkstar.extensions import commit
from linkstar.forms.evidence import EvidenceForm
from linkstar.i18n import _l
from linkstar.models import ChecklistItem
from linkstar.views import access

blueprint = Blueprint("ticks", __name__, url_prefix="/checklist-items/<id:item_id>/tick")


class Tick(Body):
    """With `value`: the evidence that the item asks for, an address, a number, a day or a text."""

    value = Text(4000)
    valid_from = Day(allow_none=True)
    valid_until = Day(allow_none=True)


@blueprint.put("")
@operation(
    "work:write", _l("Tick an item, with evidence where it asks for some"), answer=ChecklistItemAnswer, body=Tick
)
def update(item_id: int, body: dict[str, Any]) -> ChecklistItem:
    item = access.get_checklist_item(item_id, "edit")
    if body.get("value"):
        _give(item, body)
    else:
        item.tick(by=current_user)
    commit()
    return item


@blueprint.delete("")
@operation("work:write", _l("Take the tick of an item back"), answer=ChecklistItemAnswer)
def destroy(item_id: int) -> ChecklistItem:
    item = access.get_checklist_item(item_id, "edit")
    item.untick(by=current_user)
    commit()
    return item


def _give(item: ChecklistItem, body: dict[str, Any]) -> None:
    target = item.checklist.task or item.checklist.stage.project  # type: ignore[union-attr]
    form = EvidenceForm(MultiDict({name: str(value) for name, value in body.items() if value}))
    evidence = form.evidence(item.evidence_kind or "text", target.workspace_id)
    if evidence is None:
        errors = [{"field": name, "detail": " ".join(map(str, said))} for name, said in form.errors.items()]
        raise Problem(422, errors=errors)
    item.give(evidence, by=current_user)
