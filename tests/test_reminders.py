"""What people are reminded of: at nine in their own morning, once, and only what is still true."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from linkstar import clock, jobs
from linkstar.extensions import db, write
from linkstar.models import (
    Absence,
    Approval,
    CalendarDay,
    CalendarEvent,
    Channel,
    Declaration,
    Delivery,
    Dependency,
    Emergency,
    Evidence,
    Notification,
    Occasions,
    Outline,
    Post,
    Project,
    Reminder,
    Task,
    TemplateDraft,
    User,
    Waiver,
)
from linkstar.models.operations import DeleteTask
from linkstar.reports.reminders import Upcoming
from tests.models.test_automations import rule
from tests.pages import elements
from tests.world import NOW, october

SHANGHAI, LOS_ANGELES = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Los_Angeles")


def shanghai(day: int, hour: int = 9, minute: int = 0, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


def tick(app, at):
    with app.app_context(), clock.at(at):
        jobs.plan_reminders()


def walk(app, first, last, hours=4):
    while first <= last:
        tick(app, first)
        first += timedelta(hours=hours)


@contextmanager
def changing(app, at=NOW) -> Iterator[None]:
    with app.app_context(), clock.at(at):
        yield
        db.session.commit()


def told(app, *kinds, subject=None):
    """(who, kind, subject, step, the moment where the person lives) of what was told, in order."""
    with app.app_context():
        rows = db.session.execute(
            select(User, Reminder)
            .join(Notification, Notification.user_id == User.id)
            .join(Reminder, Reminder.id == Notification.reminder_id)
            .where(Reminder.user_id == User.id, Reminder.kind == Notification.kind, Reminder.state == "told")
            .order_by(Reminder.due_at, User.email)
        )
        return [
            (user.email.split("@")[0], row.kind, row.step, f"{there(user, row.due_at):%m-%d %H:%M}")
            for user, row in rows
            if (not kinds or row.kind in kinds) and subject in (None, row.subject)
        ]


def there(user, at):
    return at.astimezone(ZoneInfo(user.timezone))


def rows(app, **where):
    with app.app_context():
        return [(row.state, row.version) for row in db.session.scalars(select(Reminder).filter_by(**where))]


def subject_of(task):
    return f"task:{task.id}"


def test_each_task_is_told_of_at_nine_of_its_owner_s_own_morning(app, world):
    with changing(app):
        CalendarDay.write(world.shanlan.id, "US", october(14), False, by=world.admin)
        Absence.write(world.shanlan.id, world.designer, october(14), october(15), by=world.designer)
    tick(app, NOW)
    with changing(app):
        world.yu.quiet_until = time(9, 30)  # after her reminder was written down
    walk(app, NOW, shanghai(20), hours=6)
    due = {name: told(app, "due", subject=subject_of(getattr(world, name))) for name in ("fcc", "unboxing", "photos")}
    assert due == {
        "fcc": [("legal", "due", 1, "10-15 09:00"), ("legal", "due", 0, "10-16 09:00")],  # made after the third day's
        "unboxing": [("creator1", "due", 3, "10-15 09:00"), ("creator1", "due", 0, "10-16 09:00")],  # due on a Sunday
        "photos": [],  # on leave from tomorrow; the last morning before was over when the task was made
    }
    assert told(app, "due", subject=subject_of(world.script)) == [("ops", "due", 0, "10-14 09:30")]
    assert told(app, "overdue", subject=subject_of(world.photos)) == [
        ("design", "overdue", 1, "10-16 09:00"), ("design", "overdue", 3, "10-19 09:00"),
    ]  # fmt: skip
    with app.app_context():
        hers = Notification.user_id == world.jess.id, Notification.reminder_id.is_not(None)
        mails = db.session.scalars(select(Delivery.medium).join(Delivery.notification).where(*hers)).all()
    assert set(mails) == {"mail"}, "a creator has no inbox, and is told by mail"
    everyone = told(app)
    assert not [each for each in everyone if each[0] == "creator1" and each[1] not in ("due", "overdue")]


def test_a_moved_task_is_told_of_its_new_day_and_what_changed_hands_or_ended_of_nothing(app, world):
    """The listing is due on Tuesday, the 20th; the 17th, three days before, is a Saturday: it is told on Friday."""
    mine = subject_of(world.listing)
    walk(app, NOW, shanghai(16, 10))
    assert told(app, "due", subject=mine) == [("ops", "due", 3, "10-16 09:00")]
    tick(app, shanghai(18, 13))
    with changing(app, shanghai(18, 14)):
        world.listing.edit({"due_on": october(27)}, by=world.yue)
    walk(app, shanghai(18, 15), shanghai(19, 12))
    assert told(app, "due", subject=mine)[1:] == [], "a day before the old day nothing is said"
    assert ("dropped", "2026-10-20") in rows(app, subject=mine, step=1)
    walk(app, shanghai(19, 20), shanghai(20, 12))
    tick(app, shanghai(22, 13))
    with changing(app, shanghai(22, 14)):
        world.listing.edit({"owner_id": world.jia.id}, by=world.yue)
    walk(app, shanghai(22, 15), shanghai(26, 12))
    assert ("dropped", "2026-10-27") in rows(app, subject=mine, step=3, user_id=world.yu.id)
    assert told(app, "due", subject=mine)[1:] == [
        ("ops", "due", 7, "10-20 09:00"), ("ads", "due", 3, "10-23 09:00"), ("ads", "due", 1, "10-26 09:00"),
    ], "the new owner is told what is still ahead"  # fmt: skip
    tick(app, shanghai(26, 20))
    with changing(app, shanghai(26, 21)):
        world.lamp.trash(by=world.yue)
    walk(app, shanghai(26, 22), shanghai(27, 12))
    assert told(app, "due", subject=mine)[4:] == []
    assert ("dropped", "2026-10-27") in rows(app, subject=mine, step=0)
    assert {state for state, _version in rows(app, project_id=world.lamp.id)} <= {"told", "dropped"}


@pytest.mark.one_database
def test_who_goes_away_is_told_after_it_and_what_comes_back_is_told_after_all(app, world):
    """The report is due on Friday, the 16th, and the listing on Tuesday, the 20th. When the rows of Monday's and of
    Wednesday's notices are there, both owners take days off; of the listing two notices fall on one morning then."""
    mine, listing = subject_of(world.fcc), subject_of(world.listing)
    tick(app, shanghai(18, 22))
    assert rows(app, subject=mine, kind="overdue") == [("due", "2026-10-16")]
    with changing(app, shanghai(18, 23)):
        Absence.write(world.shanlan.id, world.lei, october(19), october(21), by=world.lei)
    walk(app, shanghai(18, 23, 5), shanghai(20, 23, 5))
    assert rows(app, subject=listing, kind="overdue") == [("due", "2026-10-20")]
    with changing(app, shanghai(20, 23, 30)):
        Absence.write(world.shanlan.id, world.yu, october(21), october(23), by=world.yu)
    walk(app, shanghai(21, 0, 5), shanghai(26, 13))
    assert told(app, "overdue", subject=mine) == [
        ("legal", "overdue", 3, "10-22 09:00"), ("legal", "overdue", 7, "10-23 09:00"),
    ]  # fmt: skip
    assert told(app, "overdue", subject=listing) == [("ops", "overdue", 3, "10-26 09:00")]
    with changing(app, shanghai(26, 14)):
        world.listing.edit({"due_on": october(30)}, by=world.yue)
    tick(app, shanghai(26, 20))
    with changing(app, shanghai(27, 8)):
        world.listing.edit({"due_on": october(31)}, by=world.yue)
    tick(app, shanghai(27, 9))
    assert rows(app, subject=listing, step=3, version="2026-10-30") == [("dropped", "2026-10-30")]
    with changing(app, shanghai(27, 9, 10)):
        world.listing.edit({"due_on": october(30)}, by=world.yue)
    before = len(told(app, "due", subject=listing))
    for minute in (15, 20, 25):
        tick(app, shanghai(27, 9, minute))
    assert told(app, "due", subject=listing)[before:] == [("ops", "due", 3, "10-27 09:00")]


@pytest.mark.one_database
def test_who_is_given_a_task_in_the_afternoon_is_not_reminded_of_its_morning(app, world):
    with changing(app, shanghai(14, 14)):
        world.fcc.edit({"due_on": october(15)}, by=world.yue)
        world.script.edit({"due_on": october(15), "owner_id": world.jia.id}, by=world.yue)
    tick(app, shanghai(14, 15))
    assert told(app, "due", subject=subject_of(world.fcc)) == [("legal", "due", 1, "10-14 09:00")]
    assert told(app, "due", subject=subject_of(world.script)) == []


def test_late_tasks_go_to_their_owner_and_after_a_week_to_who_leads_the_project(app, world):
    """The budget was due on Friday, the 9th; PMO 周越 owns the project, and is told once."""
    with changing(app):
        channel = Channel(
            workspace_id=world.shanlan.id, owner=world.yue, kind="webhook", name="群", address="https://example.com/",
            events=["task.overdue"],
        )  # fmt: skip
        db.session.add(channel)
    walk(app, NOW, shanghai(18), hours=12)
    assert told(app, "overdue", "escalated", subject=subject_of(world.budget)) == [
        ("ads", "overdue", 7, "10-16 09:00"), ("pmo", "escalated", 7, "10-16 09:00"),
    ]  # fmt: skip
    assert {state for state, _version in rows(app, kind="escalated")} == {"told"}
    with app.app_context():
        posts = db.session.scalars(select(Post.task_id).where(Post.task_id == world.budget.id)).all()
    assert len(posts) == 1
    with changing(app, shanghai(18)):
        world.script.move_to(to={"stage": world.done}, by=world.yu)
    walk(app, shanghai(18), shanghai(22), hours=12)
    assert told(app, "escalated", subject=subject_of(world.script)) == []


def test_however_many_plan_and_tell_at_once_each_is_told_once(app, world):
    at = shanghai(15, 9, 1)
    barrier, troubles = threading.Barrier(4), []

    def run(job):
        try:
            with app.app_context():
                barrier.wait()
                job()
        except Exception as trouble:
            troubles.append(trouble)

    with clock.at(at):
        for job in (jobs.plan_reminders, jobs.remind):
            threads = [threading.Thread(target=run, args=(job,)) for _number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert not troubles
    with app.app_context():
        reminded = Notification.reminder_id.is_not(None)
        notices = db.session.scalars(select(Notification.reminder_id).where(reminded)).all()
        told_rows = db.session.scalars(select(Reminder.id).where(Reminder.state == "told")).all()
    assert len(told_rows) > 2
    assert sorted(notices) == sorted(told_rows)


def test_what_a_killed_worker_had_claimed_is_told_later_once(app, world, monkeypatch):
    at, mine = shanghai(15, 9, 1), subject_of(world.fcc)
    with app.app_context(), clock.at(at):
        Reminder.write(*Upcoming(world.shanlan.id).news())
        db.session.commit()
        write()
        jobs._remind(db.session.scalar(select(Reminder.id).where(Reminder.subject == mine, Reminder.step == 1)))
        db.session.flush()
        db.session.rollback()
    assert ("due", "2026-10-16") in rows(app, subject=mine, step=1)
    monkeypatch.setattr(Reminder, "tell", lambda self: 1 / 0)
    tick(app, at)
    monkeypatch.undo()
    assert told(app) == []
    walk(app, at, at + timedelta(hours=1), hours=1)
    assert told(app, "due", subject=mine) == [("legal", "due", 1, "10-15 09:00")]


def test_after_an_outage_only_what_says_most_is_told(app, world):
    tick(app, shanghai(14, 20))
    tick(app, shanghai(15, 20))
    with changing(app):
        db.session.execute(update(Reminder).values(state="due"))
        db.session.execute(db.delete(Notification).where(Notification.reminder_id.is_not(None)))
    tick(app, shanghai(16, 10))
    assert told(app, "due", subject=subject_of(world.fcc)) == [("legal", "due", 0, "10-16 09:00")]
    assert ("dropped", "2026-10-16") in rows(app, subject=subject_of(world.fcc), step=1)


def test_who_keeps_others_waiting_is_told_when_they_should_have_begun(app, world):
    """The listing waits for the FCC report, and is to begin on the 15th."""
    with changing(app):
        world.listing.edit({"start_on": october(15)}, by=world.yue)
        world.packing.edit({"start_on": october(14), "due_on": october(30)}, by=world.yue)
        world.night_hike.edit({"start_on": october(15)}, by=world.yue)  # a creator's
    walk(app, NOW, shanghai(20), hours=12)
    assert told(app, "gate") == [("legal", "gate", 0, "10-15 09:00"), ("legal", "gate", 3, "10-19 09:00")]
    assert told(app, "started") == [("intern", "started", 0, "10-14 09:00"), ("ops", "started", 0, "10-15 09:00")]
    with app.app_context():
        assert db.session.scalars(select(Reminder.facts).where(Reminder.kind == "gate")).all() == [{"waiting": 1}] * 2
    with changing(app, shanghai(20)):
        world.listing.edit({"start_on": october(22)}, by=world.yue)
    tick(app, shanghai(21, 10))
    with changing(app, shanghai(21, 11)):
        world.fcc.edit({"blocking": False}, by=world.yue)
    tick(app, shanghai(22, 10))
    assert len(told(app, "gate")) == 2
    assert rows(app, kind="gate", state="dropped") == [("dropped", "2026-10-22")]


def test_a_request_without_a_word_is_told_of_after_one_working_day_and_after_three(app, world):
    """Asked on Tuesday. 周越 of PMO signs the waiver on Wednesday at noon; 王蕾 of legal says nothing."""
    with changing(app):
        asked = Approval.ask(DeleteTask.of(world.script), by=world.yu)
        waiver = Waiver.ask(world.listing, "赶黑五", by=world.yu, blocker=world.fcc)
        names = {"approval": f"approval:{asked.id}", "waiver": f"waiver:{waiver.id}"}
        deciders = sorted(person.email.split("@")[0] for person in asked.approvers())
    walk(app, NOW, shanghai(14, 12), hours=3)
    assert [each[0] for each in told(app, "approval", subject=names["approval"])] == deciders
    assert [each[::3] for each in told(app, "approval", subject=names["waiver"])] == [
        ("legal", "10-14 09:00"), ("pmo", "10-14 09:00"),
    ]  # fmt: skip
    with changing(app, shanghai(14, 12)):
        db.session.scalars(select(Waiver)).one().vote(True, by=world.yue)
        db.session.scalars(select(Approval)).one().withdraw(by=world.yu)
    walk(app, shanghai(14, 15), shanghai(19, 12), hours=3)
    assert told(app, "approval", subject=names["waiver"])[2:] == [("legal", "approval", 3, "10-16 09:00")]
    assert len(told(app, "approval", subject=names["approval"])) == len(deciders)


@pytest.mark.one_database
def test_certificates_that_run_out_are_told_of_until_newer_ones_are_there(app, world):
    with changing(app):
        evidence = Evidence(
            workspace_id=world.shanlan.id, task=world.fcc, kind="text", value="FCC-1", given_by=world.lei,
            item=world.lab_report, valid_until=date(2026, 11, 13),
        )  # fmt: skip
        db.session.add(evidence)
    walk(app, shanghai(12, 10), shanghai(7, month=11), hours=24)
    assert told(app, "expiring") == [
        ("legal", "expiring", 30, "10-14 09:00"), ("pmo", "expiring", 30, "10-14 09:00"),
        ("legal", "expiring", 14, "10-30 09:00"), ("pmo", "expiring", 14, "10-30 09:00"),
        ("legal", "expiring", 7, "11-06 09:00"), ("pmo", "expiring", 7, "11-06 09:00"),
    ]  # fmt: skip
    with app.app_context():
        name = db.session.scalars(select(Reminder.facts).where(Reminder.kind == "expiring")).first()
    assert name == {"name": {"zh": "实验室报告原件", "en": "The lab's report"}}
    tick(app, shanghai(12, 8, month=11))
    with changing(app, shanghai(12, 8, 30, month=11)):
        db.session.scalars(select(Evidence).where(Evidence.value == "FCC-1")).one().replaced_at = clock.now()
    tick(app, shanghai(12, 10, month=11))
    assert len(told(app, "expiring")) == 6


@pytest.mark.one_database
def test_cut_offs_are_told_to_the_owners_of_projects_that_they_concern_once_each(app, world):
    """Amazon-optimized splits have to arrive by Wednesday, 28 October; 周越 owns two projects."""
    with changing(app):
        world.lamp.platforms, world.bike.platforms = ["amazon"], ["tiktok_shop"]
    cutoff = "cutoff:fba_bfcm:optimized_splits"
    walk(app, datetime(2026, 9, 27, 2, tzinfo=UTC), shanghai(29), hours=24)
    assert told(app, "cutoff", subject=cutoff) == [
        ("pmo", "cutoff", 30, "09-28 09:00"), ("pmo", "cutoff", 14, "10-14 09:00"), ("pmo", "cutoff", 7, "10-21 09:00"),
        ("pmo", "cutoff", 3, "10-23 09:00"), ("pmo", "cutoff", 1, "10-27 09:00"),
    ]  # fmt: skip
    with app.app_context():
        assert set(db.session.scalars(select(Reminder.project_id).where(Reminder.subject == cutoff))) == {world.lamp.id}
        named = db.session.scalars(select(Reminder).where(Reminder.subject == cutoff)).first()
        assert named.facts["leg"] == "optimized_splits"
        assert named.facts["name"]["en"] == "FBA arrival for BFCM"
    others = {each[0] for each in told(app, "cutoff")}
    assert others == {"pmo", "lead"}, "the other company is told of boats and of nothing of Amazon's"
    with app.app_context():
        theirs = select(Reminder.subject).where(Reminder.user_id == world.lead.id, Reminder.kind == "cutoff")
        assert not [each for each in db.session.scalars(theirs) if "fba" in each or "deals" in each]
    with changing(app, shanghai(29)):
        values = {"kind": "cutoff", "name_zh": "自有截止", "first_on": october(31), "last_on": october(31)}
        own = f"cutoff:own:{CalendarEvent.add(world.shanlan.id, values, by=world.yue).id}"
    tick(app, shanghai(29, 20))
    with changing(app, shanghai(29, 21)):
        world.lamp.trash(by=world.yue)
    tick(app, shanghai(30, 10))
    assert told(app, "cutoff", subject=own) == [("pmo", "cutoff", 1, "10-30 09:00")]
    with app.app_context():
        asked = select(Reminder.project_id).where(Reminder.subject == own)
        assert db.session.scalars(asked).all() == [world.tent.id], "it concerns the other project as well"


@pytest.mark.one_database
def test_a_project_in_which_nothing_happens_is_told_of_every_eight_days(app, world):
    with changing(app):
        ends = {task.id for task in db.session.scalars(select(Task).where(Task.project_id == world.bike.id))}
        db.session.execute(update(Task).where(Task.id.in_(ends)).values(due_on=None, late_from=None))
    tent = f"project:{world.tent.id}"
    walk(app, shanghai(20, 10), shanghai(22), hours=24)
    assert told(app, "idle", subject=tent) == [("pmo", "idle", 8, "10-21 09:00")]
    walk(app, shanghai(28, 10), shanghai(30), hours=24)
    assert told(app, "idle", subject=tent)[1:] == [("pmo", "idle", 16, "10-29 09:00")]
    with changing(app, shanghai(30)):
        world.poles.edit({"priority": "high"}, by=world.yue)
    walk(app, shanghai(5, 10, month=11), shanghai(10, month=11), hours=24)
    assert told(app, "idle", subject=tent)[2:] == [("pmo", "idle", 8, "11-09 09:00")]
    assert [each[0] for each in told(app, "idle", subject=f"project:{world.bike.id}")][:1] == ["lead"]


@pytest.mark.one_database
def test_where_hours_count_it_is_an_hour_before_and_at_the_hour_also_at_night(app, world):
    with changing(app):
        world.lamp.unit = "hour"
        world.fcc.due_on, world.fcc.due_at = october(16), shanghai(16, 3)
        world.fcc.set_deadline()
    mine = subject_of(world.fcc)
    walk(app, NOW, shanghai(16, 1, 50), hours=16)
    assert told(app, subject=mine) == []
    walk(app, shanghai(16, 2), shanghai(16, 6), hours=1)
    walk(app, shanghai(16, 12), shanghai(19), hours=24)
    assert told(app, subject=mine) == [
        ("legal", "due", 0, "10-16 02:00"), ("legal", "overdue", 0, "10-16 03:00"),
        ("pmo", "escalated", 0, "10-16 04:00"),
    ]  # fmt: skip


@pytest.mark.one_database
def test_drafts_drills_and_strangers_are_left_alone(app, world):
    with changing(app):
        world.tent.drill = True
        db.session.delete(world.lei.membership_in(world.shanlan.id))
        db.session.execute(update(Project).where(Project.id == world.bike.id).values(trashed_at=NOW))
    walk(app, NOW, shanghai(23), hours=24)
    assert not [each for each in told(app) if each[0] in ("legal", "lead")]
    with app.app_context():
        assert db.session.scalars(select(Reminder.id).where(Reminder.task_id == world.poles.id)).all() == []


def test_the_questions_to_the_database_do_not_grow_with_the_tasks(app, world, count_queries):
    def plan():
        with app.app_context(), clock.at(shanghai(20)), count_queries() as queries:
            fresh, _moved = Upcoming(world.shanlan.id).news()
            return len(queries), len(fresh)

    few, rows_before = plan()
    with changing(app):
        for number in range(60):
            due = october(20) + timedelta(days=number % 5)
            task = Task.create(
                world.lamp, by=world.yue, stage=world.to_do, owner=world.jia, title_zh=f"{number}", due_on=due,
                blocking=True, start_on=october(19),
            )  # fmt: skip
            db.session.add(Dependency(predecessor_id=task.id, successor_id=world.listing.id))
        world.listing.start_on = october(20)
    many, rows_after = plan()
    assert rows_after > rows_before + 60
    assert many == few


@pytest.mark.one_database
def test_how_early_is_chosen_for_a_project_a_task_and_a_template(app, browse, world):
    yue = browse("yue")
    settings, task = f"/projects/{world.lamp.id}", f"/tasks/{world.fcc.id}"

    def save(days):
        (version,) = elements(yue.get(f"{settings}/edit").text, "value", name="version")
        sent = {"version": version["value"], "currency": "USD", "name_zh": "露营灯", "remind_before": days}
        return yue.post(f"{settings}?lang=en", sent)

    def edit(days):
        seen = world.fcc
        sent = {"title_zh": seen.title_zh, "owner_id": seen.owner_id, "priority": "urgent", "source_language": "zh"}
        return yue.post(task, sent | {"version": seen.version, "due_on": seen.due_on, "remind_before": days})

    assert save("14，2 2、0").status_code == 303
    for wrong in ("61", "soon", "1 2 3 4 5 6 7"):
        refused = save(wrong)
        assert refused.status_code == 422
        assert elements(refused.text, name="remind_before", value=wrong)
    assert world.lamp.remind_before == [14, 2, 0]
    assert edit("1").status_code == 303
    assert "14, 2, 0" in yue.get(f"{task}/edit?lang=en").text
    assert world.fcc.remind_before == [1]
    assert "14, 2, 0" in yue.get(f"/projects/{world.lamp.id}/history?lang=en").text
    walk(app, shanghai(14, 10), shanghai(16, 10), hours=24)
    assert told(app, "due", subject=subject_of(world.listing)) == [("ops", "due", 2, "10-16 09:00")]
    assert told(app, "due", subject=subject_of(world.fcc))[0] == ("legal", "due", 1, "10-15 09:00")
    with changing(app):
        template = Outline(world.lamp).save_as_template(by=world.yue, name_zh="新品", name_en="Launch")
        draft = TemplateDraft(template).open(by=world.yue)
        assert draft.remind_before == [14, 2, 0]
        tasks = db.session.scalars(select(Task).filter_by(project=draft))
        early = {each.title_zh: each.remind_before for each in tasks}
        assert early["FCC检测报告终稿"] == [1]
        assert list(early.values()).count(None) == len(early) - 1
        document = TemplateDraft(template).document()
        assert document["remind_before"] == [14, 2, 0]
        assert [task["remind_before"] for task in document["phases"][0]["tasks"] if "remind_before" in task] == [[1]]
    assert edit("").status_code == 303
    assert world.fcc.remind_before is None


def test_one_tick_plans_and_tells_and_sends(app, world, tmp_path):
    result = app.test_cli_runner().invoke(args=["tick", "--at", "2026-10-15T09:00:00+0800"])
    assert result.exit_code == 0, result.output
    assert ("legal", "due", 1, "10-15 09:00") in told(app, "due", subject=subject_of(world.fcc))
    assert any("legal@example.com" in each.read_text() for each in (tmp_path / "mail").glob("*.eml"))


@pytest.mark.one_database
def test_what_was_over_with_its_emergency_is_reminded_of_no_more_and_what_comes_after_it_is(app, world):
    flow = {"trigger": "listing_removed", "severity": "s2"}
    with changing(app):
        rule(world, when={"kind": "late"}, then=[{"kind": "label", "choice": "晚了"}], project=None)
        made = [Declaration(workspace_id=world.shanlan.id, title=each, **flow).declare(by=world.yu) for each in "abc"]
        false, real, open_ = (each.id for each in made)
        known = {each.project_id: each.id for each in made}
    over, late = NOW + timedelta(minutes=110), {}
    with changing(app, NOW + timedelta(minutes=3)):
        db.session.get_one(Emergency, false).close("误报。", by=world.yu)
        db.session.get_one(Emergency, real).acknowledge(by=world.lei)
    for minutes in (60, 100, 111, *range(240, 3600, 360)):
        with changing(app, NOW + timedelta(minutes=minutes)):
            if minutes == 111:
                db.session.get_one(Emergency, real).close("以后每月核对。", by=world.lei)
            tasks = [row["task_id"] for _rule, row in Occasions(world.shanlan.id).of_days()]
            found = db.session.scalars(select(Task).where(Task.id.in_(tasks), Task.project_id.in_(known)))
            late[minutes] = {(known[task.project_id], task.due_at > over) for task in found}
        tick(app, NOW + timedelta(minutes=minutes))
    assert late[100] == {(real, False), (open_, False)}
    assert late[2400] == {(real, True), (open_, True), (open_, False)}
    with app.app_context():
        rows = db.session.execute(
            select(Task.project_id, Task.due_at, Reminder.kind, Reminder.told_at)
            .join(Reminder, Reminder.task_id == Task.id)
            .where(Reminder.state == "told", Task.project_id.in_(known))
        ).all()
    told = {number: [row for row in rows if known[row.project_id] == number] for number in known.values()}
    assert told[open_] and not told[false]
    after = [row for row in told[real] if row.told_at > over]
    assert {row.kind for row in after} >= {"due", "overdue"} and min(row.due_at for row in after) > over
