from linkstar.views.tasks import (
    checklist_items,
    checklists,
    comments,
    completion,
    dates,
    delay,
    deliverables,
    dependencies,
    evidence,
    history,
    moves,
    plan_values,
    split,
    waivers,
    watch,
)
from linkstar.views.tasks.tasks import blueprint

for module in (
    dates,
    delay,
    dependencies,
    split,
    plan_values,
    moves,
    completion,
    comments,
    checklist_items,
    checklists,
    evidence,
    deliverables,
    waivers,
    watch,
    history,
):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
