"""/api/v1: the same verbs and the same rights as the pages have, JSON in and out. One file a resource."""

from flask import Blueprint, Flask

from linkstar.api import (
    approvals,
    attachments,
    audit_events,
    checklist_items,
    checklists,
    comments,
    completion,
    contents,
    dependencies,
    docs,
    door,
    hook_samples,
    hooks,
    members,
    moves,
    openapi,
    phases,
    problems,
    projects,
    stages,
    tasks,
    ticks,
    workspaces,
)

blueprint = Blueprint("api", __name__, url_prefix=problems.ROOT)
for module in (workspaces, projects, phases, stages, tasks, moves, completion, dependencies, checklists):
    blueprint.register_blueprint(module.blueprint)
for module in (checklist_items, ticks, comments, attachments, contents, members, approvals, audit_events, hooks):
    blueprint.register_blueprint(module.blueprint)
for module in (hook_samples, openapi, docs):
    blueprint.register_blueprint(module.blueprint)
door.guard(blueprint)
problems.register(blueprint)


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)
    door.init_app(app, blueprint)
    problems.init_app(app)
