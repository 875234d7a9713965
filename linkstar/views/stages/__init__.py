from flask import Blueprint

from linkstar.views.stages import checklist_items, checklists, evidence

blueprint = Blueprint("stages", __name__, url_prefix="/stages/<id:stage_id>")

for module in (checklists, checklist_items, evidence):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
