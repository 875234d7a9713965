from linkstar.views.tasks import (
    attachments,
    checklist_items,
    checklists,
    comments,
    completion,
    dates,
    delay,
    deliverables,
    dependencies,
    entries,
    evidence,
    history,
    moves,
    outsiders,
    plan_values,
    split,
    trashing,
    waivers,
    watch,
)
from linkstar.views.tasks.tasks import blueprint

for module in (
    dates,
    delay,
    dependencies,
    split,
    trashing,
    plan_values,
    moves,
    completion,
    comments,
    attachments,
    checklist_items,
    checklists,
    evidence,
    deliverables,
    waivers,
    watch,
    history,
    outsiders,
    entries,
):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
