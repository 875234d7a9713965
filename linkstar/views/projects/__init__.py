from linkstar.views.projects import board, bulk_edits, cards, changes, list, members, table, tasks
from linkstar.views.projects.projects import blueprint

for module in (board, cards, changes, list, table, bulk_edits, tasks, members):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
