"""The pages: blueprints nested like their addresses."""

from flask import Flask
from werkzeug.routing import IntegerConverter

from linkstar.extensions import LARGEST_ID
from linkstar.views import (
    admission,
    errors,
    health,
    idempotency,
    my_work,
    notifications,
    preferences,
    projects,
    saved_views,
    shell,
    sign_ins,
    tasks,
    undos,
    waking,
)


class RecordId(IntegerConverter):
    """An id that fits the database's integers; anything longer is an address that does not exist."""

    regex = "[0-9]+"

    def __init__(self, map: object) -> None:
        super().__init__(map, max=LARGEST_ID)  # type: ignore[arg-type]


def init_app(app: Flask) -> None:
    app.url_map.converters["id"] = RecordId
    for module in (admission, idempotency, waking, shell, errors):
        module.init_app(app)
    for module in (health, sign_ins, my_work, notifications, preferences, projects, tasks, saved_views, undos):
        app.register_blueprint(module.blueprint)
