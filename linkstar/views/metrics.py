"""/metrics: numbers for Prometheus, of the whole program and of nobody in particular."""

from hmac import compare_digest
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import Notification, SignIn
from linkstar.models.backlog import backlogs, delivery_states
from linkstar.queue import Pulse
from linkstar.views.admission import public

blueprint = Blueprint("metrics", __name__)

PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")  # by one of these a proxy is known


@blueprint.get("/metrics")
@public
def show() -> Response:
    if not _may_ask():
        abort(404)
    return Response(generate_latest(_numbers()), content_type=CONTENT_TYPE_LATEST)


def _may_ask() -> bool:
    """With the token; without one in the settings, whoever asks from this machine and not for somebody else."""
    if token := current_app.config["METRICS_TOKEN"]:
        kind, _space, shown = request.headers.get("Authorization", "").partition(" ")
        return kind.lower() == "bearer" and compare_digest(shown.encode(), token.encode())
    asked_for_another = any(name in request.headers for name in PASSED_ON)
    host = urlsplit(f"//{request.host}").hostname or ""
    return _is_here(request.remote_addr or "") and _is_here(host) and not asked_for_another


def _is_here(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _numbers() -> CollectorRegistry:
    registry = CollectorRegistry()

    def gauge(name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"linkstar_{name}", about, labels, registry=registry)

    pulse = Pulse.feel(current_app.config)
    gauge("queue_up", "Whether the server of the queue answers.").set(pulse is not None)
    if pulse:
        gauge("queue_depth", "Jobs that wait for a worker.").set(pulse.depth)
        for name, beat in (("worker", pulse.worker), ("timetable", pulse.timetable)):
            if beat:
                gauge(f"{name}_last_beat_timestamp_seconds", f"When a {name} was last heard of.").set(beat.timestamp())
    due = gauge("due", "Rows that wait although their moment has come.", "of")
    oldest = gauge("oldest_due_seconds", "For how long the oldest of them has been waiting.", "of")
    for name, backlog in backlogs().items():
        due.labels(name).set(backlog.number)
        oldest.labels(name).set((clock.now() - backlog.since).total_seconds() if backlog.since else 0)
    deliveries = gauge("deliveries", "Messages by medium and state; failed ones were given up.", "medium", "state")
    for medium, state, count in delivery_states():
        deliveries.labels(medium, state).set(count)
    gauge("notices", "Rows in all inboxes.").set(db.session.scalar(select(func.count(Notification.id))) or 0)
    signed_in = SignIn.expires_at > clock.now(), ~SignIn.awaits_code
    gauge("sign_ins", "Devices that are signed in.").set(
        db.session.scalar(select(func.count(SignIn.id)).where(*signed_in)) or 0
    )
    return registry
