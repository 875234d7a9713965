from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.api.checklists import ChecklistItemAnswer
from linkstar.api.operation import operation
from linkstar.api.problems import not_taken
from linkstar.api.values import Body, Flag, Text, Word
from linkstar.extensions import commit
from linkstar.i18n import _, _l
from linkstar.models import EVIDENCE, ChecklistItem
from linkstar.views import access

blueprint = Blueprint("checklist_items", __name__)


class NewChecklistItem(Body):
    text = Text(400, required=True)
    required = Flag(load_default=False)
    evidence_kind = Word(EVIDENCE, allow_none=True, load_default=None)


@blueprint.get("/checklist-items/<id:item_id>")
@operation("work:read", _l("One item"), answer=ChecklistItemAnswer)
def show(item_id: int) -> ChecklistItem:
    return access.get_checklist_item(item_id, "view")


@blueprint.post("/checklists/<id:checklist_id>/items")
@operation(
    "work:write", _l("Add an item to a list of your own"), answer=ChecklistItemAnswer, body=NewChecklistItem,
    status=201, place="api.checklist_items.show",
)  # fmt: skip
def create(checklist_id: int, body: dict[str, Any]) -> ChecklistItem:
    checklist = access.get_checklist(checklist_id, "edit")
    if checklist.key:
        raise not_taken(text=_("This list comes from a pack; items are added to lists of your own."))
    item = checklist.write(
        body["text"], by=current_user, required=body["required"], evidence_kind=body["evidence_kind"]
    )
    commit()
    return item
