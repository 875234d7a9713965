"""The timetable: what is enqueued when. One line a job."""

from rq.cron import CronScheduler

from linkstar import jobs, queue


def fill(scheduler: CronScheduler) -> None:
    scheduler.register(jobs.deliver_due, queue.NAME, interval=30, result_ttl=0, failure_ttl=86_400)
    scheduler.register(jobs.hear, queue.NAME, interval=30, result_ttl=0, failure_ttl=86_400)
    scheduler.register(jobs.automate, queue.NAME, interval=30, result_ttl=0, failure_ttl=86_400)
    scheduler.register(jobs.escalate, queue.NAME, interval=30, result_ttl=0, failure_ttl=86_400)
    scheduler.register(jobs.run_agreed, queue.NAME, interval=60, result_ttl=0, failure_ttl=86_400)
    scheduler.register(jobs.send_digests, queue.NAME, interval=300, result_ttl=0, failure_ttl=86_400)
    scheduler.register(jobs.deliver_notes, queue.NAME, interval=60, result_ttl=0, failure_ttl=86_400)
    scheduler.register(jobs.plan_reminders, queue.NAME, interval=300, result_ttl=0, failure_ttl=86_400)
    scheduler.register(jobs.remind, queue.NAME, interval=60, result_ttl=0, failure_ttl=86_400)
    scheduler.register(jobs.sweep, queue.NAME, interval=3600, result_ttl=0, failure_ttl=86_400)
