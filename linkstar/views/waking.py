"""Whoever put something into an outbox wakes the worker; without it, the timetable comes round."""

from flask import Flask, Response

from linkstar import queue
from linkstar.extensions import db


def init_app(app: Flask) -> None:
    app.after_request(_wake)


def _wake(response: Response) -> Response:
    if db.session.info.pop("notified", False) and response.status_code < 400:
        queue.wake()
    return response
