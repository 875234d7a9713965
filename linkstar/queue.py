"""The queue: how a page reaches it without waiting for it, and the worker that empties it."""

import logging
import secrets
import signal
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import rq
from flask import Flask, current_app
from redis import Redis
from redis.exceptions import RedisError
from rq.cron import CronJob, CronScheduler
from rq.cron_scheduler_registry import get_registry_key
from rq.job import Job
from rq.worker import RoundRobinWorker

from linkstar.config import IMPATIENT
from linkstar.extensions import db
from linkstar.supervisor import die_with_parent

log = logging.getLogger("linkstar")

NAME = "default"
SHORT = "short"
SHORT_JOBS = ("deliver_due", "remind", "escalate", "run_agreed", "deliver_notes")
LATE = timedelta(seconds=60)  # a worker beats every 15 seconds, or 10 while it works
TIMETABLE_LATE = timedelta(seconds=90)  # it beats each time that it enqueues, twice a minute
AN_HOUR = 3600


@cache
def connect(url: str) -> Redis:
    return Redis.from_url(url, **IMPATIENT)


def wake() -> None:
    """Tells a worker that something is due. Where the queue is away, the timetable finds it later."""
    put("deliver_due", "hear", "deliver_channels")


def put(*names: str) -> None:
    try:
        for name in names:
            _put(connect(current_app.config["REDIS_URL"]), name)
    except RedisError as error:
        log.warning("the queue did not answer: %r", error)


def place_of(name: str) -> str:
    return SHORT if name in SHORT_JOBS else NAME


def _put(connection: Redis, name: str) -> None:
    """Lets no second one wait while one waits: it will do all that is due. One that runs already may have gone past
    what is new."""
    queue = rq.Queue(place_of(name), connection=connection)
    if any(job_id.startswith(f"{name}-") for job_id in queue.job_ids):
        return
    job_id = f"{name}-{secrets.token_urlsafe(8)}"
    queue.enqueue(f"linkstar.jobs.{name}", job_id=job_id, result_ttl=0, failure_ttl=86_400)


class Timetable(CronScheduler):
    """Lets the jobs wait for a worker, each once."""

    def enqueue_jobs(self) -> list[CronJob]:
        now = datetime.now(UTC)
        come = [job for job in self.get_jobs() if job.should_run()]
        for job in come:
            _put(self.connection, job.func_name.rpartition(".")[2])
            job.set_enqueue_time(now)
        return come


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
    return sum(int(rq.Queue(name, connection=connection).count) for name in (SHORT, NAME))


class Pulse(NamedTuple):
    """What its server says."""

    depth: int
    worker: datetime | None
    timetable: datetime | None

    @classmethod
    def feel(cls, config: Mapping[str, Any]) -> "Pulse | None":
        """None where it does not answer, which is waited for once."""
        connection = connect(config["REDIS_URL"])
        try:
            return cls(depth(connection), last_beat(connection), last_turn(connection))
        except RedisError as error:
            log.warning("the queue did not answer: %r", error)
            return None


def is_news(trouble: str) -> bool:
    """Has nobody said the same within the last hour? Yes, where nobody knows."""
    try:
        connection = connect(current_app.config["REDIS_URL"])
        return bool(connection.set(f"linkstar:said:{trouble}", 1, nx=True, ex=AN_HOUR))
    except RedisError:
        return True


class Worker(RoundRobinWorker):
    """Runs each job in a fork of this process, which has the application imported already. It takes from both queues in
    turn, so that a short job waits for one long one at most."""

    max_connection_wait_time = 5.0  # seconds between two tries while the server is away

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__([SHORT, NAME], worker_ttl=30, job_monitoring_interval=10, maintenance_interval=30, **options)
        self.app = app

    def main_work_horse(self, job: Job, queue: rq.Queue) -> None:
        die_with_parent(signal.SIGKILL)
        with self.app.app_context():
            db.engine.dispose(close=False)  # these connections are the parent's
            super().main_work_horse(job, queue)
