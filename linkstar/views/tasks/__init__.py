from linkstar.views.tasks import checklist_items, comments, completion, moves, watch
from linkstar.views.tasks.tasks import blueprint

for module in (moves, completion, comments, checklist_items, watch):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
