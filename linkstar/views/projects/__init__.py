from linkstar.views.projects import (
    anchor,
    board,
    bulk_edits,
    cards,
    changes,
    copy,
    gates,
    history,
    list,
    members,
    phases,
    plan,
    previews,
    stages,
    table,
    tasks,
    template,
)
from linkstar.views.projects.projects import blueprint

for module in (board, cards, changes, gates, list, table, bulk_edits, tasks, members, history, previews):
    blueprint.register_blueprint(module.blueprint)

for module in (plan, anchor, phases, stages, template, copy):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
