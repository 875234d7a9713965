"""For those who watch over the program: /healthz (it lives) and /readyz (what it leans on)."""

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from linkstar import clock, queue
from linkstar.extensions import db
from linkstar.views.admission import public

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive() -> ResponseReturnValue:
    return {"alive": True}


@blueprint.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """Pages need the database alone, so the rest is told but makes no page unready."""
    database, waiting, worker = database_state(), *queue_state()
    answer = jsonify(database=database, queue=waiting, worker=worker)
    return answer, 200 if database == "ok" else 503


def database_state() -> str:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return "error"
    return "ok"


def queue_state() -> tuple[str, str]:
    try:
        beat = queue.last_beat(queue.connect(current_app.config["REDIS_URL"]))
    except RedisError:
        return "error", "late"
    return "ok", "ok" if beat and clock.now() - beat < queue.LATE else "late"
