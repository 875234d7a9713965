"""The pages: blueprints nested like their addresses."""

from flask import Flask
from werkzeug.routing import IntegerConverter

from linkstar.extensions import LARGEST_ID
from linkstar.views import (
    absences,
    accounts,
    admission,
    api_tokens,
    approvals,
    attachments,
    automations,
    briefs,
    calendar,
    calendar_events,
    calendar_feeds,
    calendars,
    channels,
    deliveries,
    emergencies,
    entries,
    errors,
    evidence,
    gate_passages,
    health,
    histories,
    idempotency,
    incoming,
    inlets,
    invitations,
    members,
    metrics,
    mutes,
    my_work,
    notification_preferences,
    notifications,
    open_id,
    operations,
    packs,
    partners,
    password_resets,
    personal_data,
    posts,
    preferences,
    project_batches,
    projects,
    push_subscriptions,
    roles,
    saved_views,
    second_factors,
    service_workers,
    setups,
    shell,
    sign_ins,
    stages,
    tasks,
    templates,
    trash,
    trust,
    undos,
    unread_counts,
    unsubscriptions,
    uploads,
    waivers,
    waking,
    workload,
    workspaces,
)


class RecordId(IntegerConverter):
    """An id that fits the database's integers; anything longer is an address that does not exist."""

    regex = "[0-9]+"

    def __init__(self, map: object) -> None:
        super().__init__(map, max=LARGEST_ID)  # type: ignore[arg-type]


def init_app(app: Flask) -> None:
    app.url_map.converters["id"] = RecordId
    for module in (uploads, admission, idempotency, waking, shell, errors):
        module.init_app(app)
    for module in (health, sign_ins, my_work, notifications, preferences, projects, tasks, saved_views, undos):
        app.register_blueprint(module.blueprint)
    for module in (notification_preferences, mutes, unread_counts):
        app.register_blueprint(module.blueprint)
    for module in (unsubscriptions, push_subscriptions, service_workers):
        app.register_blueprint(module.blueprint)
    for module in (project_batches, stages, waivers, approvals, trash, evidence, gate_passages):
        app.register_blueprint(module.blueprint)
    for module in (attachments, uploads):
        app.register_blueprint(module.blueprint)
    for module in (members, invitations, roles, absences, workload):
        app.register_blueprint(module.blueprint)
    for module in (accounts, api_tokens, second_factors, password_resets, open_id):
        app.register_blueprint(module.blueprint)
    for module in (workspaces, setups, calendars, calendar_events, histories, personal_data, trust):
        app.register_blueprint(module.blueprint)
    for module in (calendar, calendar_feeds, partners, posts):
        app.register_blueprint(module.blueprint)
    for module in (emergencies, inlets, incoming, automations):
        app.register_blueprint(module.blueprint)
    for module in (channels, deliveries, operations, metrics):
        app.register_blueprint(module.blueprint)
    for module in (templates, packs):
        app.register_blueprint(module.blueprint)
    for module in (briefs, entries):
        app.register_blueprint(module.blueprint)
