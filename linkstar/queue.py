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
from rq.cron_scheduler_registry import get_registry_key
from rq.job import Job

from linkstar.config import IMPATIENT
from linkstar.extensions import db
from linkstar.supervisor import die_with_parent

log = logging.getLogger("linkstar")

NAME = "default"
LATE = timedelta(seconds=60)  # a worker beats every 15 seconds, or 10 while it works
TIMETABLE_LATE = timedelta(seconds=90)  # it beats each time that it enqueues, twice a minute
AN_HOUR = 3600


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


def last_turn(connection: Redis) -> datetime | None:
    """When a timetable was last heard of."""
    turns: Any = connection.zrange(get_registry_key(), -1, -1, withscores=True)
    return datetime.fromtimestamp(turns[0][1], UTC) if turns else None


def depth(connection: Redis) -> int:
    """How many jobs wait for a worker."""
    return int(rq.Queue(NAME, connection=connection).count)


def is_news(trouble: str) -> bool:
    """Has nobody said the same within the last hour? Yes, where nobody knows."""
    try:
        connection = connect(current_app.config["REDIS_URL"])
        return bool(connection.set(f"linkstar:said:{trouble}", 1, nx=True, ex=AN_HOUR))
    except RedisError:
        return True


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
