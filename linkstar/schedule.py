"""The timetable: what is enqueued when. One line a job."""

from rq.cron import CronScheduler

from linkstar import jobs, queue

LINES = (  # the job, and how many seconds lie between two turns of it
    (jobs.deliver_due, 30),
    (jobs.deliver_channels, 30),
    (jobs.hear, 30),
    (jobs.automate, 30),
    (jobs.escalate, 30),
    (jobs.run_agreed, 60),
    (jobs.send_digests, 300),
    (jobs.deliver_notes, 60),
    (jobs.plan_reminders, 300),
    (jobs.remind, 60),
    (jobs.sweep, 3600),
)


def fill(scheduler: CronScheduler) -> None:
    for job, seconds in LINES:
        scheduler.register(job, queue.place_of(job.__name__), interval=seconds)
