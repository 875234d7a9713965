from linkstar.views.projects import (
    anchor,
    baselines,
    board,
    bulk_edits,
    calendar,
    cards,
    changes,
    copy,
    exports,
    gantt,
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
    trashing,
)
from linkstar.views.projects.projects import blueprint

for module in (board, cards, changes, gates, list, table, bulk_edits, tasks, members, history, previews):
    blueprint.register_blueprint(module.blueprint)

for module in (calendar, gantt, baselines):
    blueprint.register_blueprint(module.blueprint)

for module in (plan, anchor, phases, stages, template, copy, trashing, exports):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
