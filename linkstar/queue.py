"""The queue: how a page reaches it without waiting for it, and the worker that empties it."""

import logging
import signal
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import rq
from flask import Flask, current_app
from redis import Redis
from redis.exceptions import RedisError
from rq.job import Job

from linkstar.config import IMPATIENT
from linkstar.extensions import db
from linkstar.supervisor import die_with_parent

log = logging.getLogger("linkstar")

NAME = "default"
LATE = timedelta(seconds=60)  # a worker beats every 15 seconds, or 10 while it works


@cache
def connect(url: str) -> Redis:
    return Redis.from_url(url, **IMPATIENT)


def wake() -> None:
    """Tells a worker that something is due. Where the queue is away, the timetable finds it later."""
    try:
        queue = rq.Queue(NAME, connection=connect(current_app.config["REDIS_URL"]))
        for job in ("hear", "deliver_due"):
            queue.enqueue(f"linkstar.jobs.{job}", result_ttl=0, failure_ttl=86_400)
    except RedisError as error:
        log.warning("the queue did not answer: %r", error)


def last_beat(connection: Redis) -> datetime | None:
    """When a worker was last heard of."""
    beats = (worker.last_heartbeat for worker in rq.Worker.all(connection))
    return max((beat.replace(tzinfo=UTC) for beat in beats if beat), default=None)


class Worker(rq.Worker):
    """Runs each job in a fork of this process, which has the application imported already."""

    max_connection_wait_time = 5.0  # seconds between two tries while the server is away

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__([NAME], worker_ttl=30, job_monitoring_interval=10, maintenance_interval=30, **options)
        self.app = app

    def main_work_horse(self, job: Job, queue: rq.Queue) -> None:
        die_with_parent(signal.SIGKILL)
        with self.app.app_context():
            db.engine.dispose(close=False)  # these connections are the parent's
            super().main_work_horse(job, queue)
