"""What happens by itself: set going by the trail, by days and by other programs, carried out once, and never with more
rights than its owner has at that moment."""

import threading
from datetime import timedelta

import pytest

from linkstar import clock, jobs
from linkstar.extensions import db
from linkstar.models import (
    AuditEvent,
    Automation,
    AutomationRun,
    Delivery,
    Inlet,
    Label,
    Notification,
    Task,
    Undo,
)
from linkstar.models.audit_event import new_change, one_act, record
from tests.world import NOW, october

MOVED = {"kind": "moved", "choice": "kind:review"}


def rule(world, *, when, then, given=(), by="yue", project="lamp", on=True, name="一条"):
    where = getattr(world, project) if project else None
    values = {"name": name, "trigger": when, "conditions": list(given), "actions": list(then)}
    automation = Automation.create(world.shanlan.id, where, values, by=getattr(world, by))
    if on:
        automation.switch(True, by=getattr(world, by))
    db.session.commit()
    return automation


def runs(**where):
    query = db.select(AutomationRun).filter_by(**where).order_by(AutomationRun.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def act(task, stage, by):
    task.move_to(by=by, to={"stage": stage})
    db.session.commit()


def settle(times=1):
    for _number in range(times):
        jobs.hear()
    db.session.rollback()


LISTING = {"kind": "create", "text": "写详情页", "text_en": "Write the listing", "choice": "role:ops", "days": 3}


def pass_the_gate(world):
    world.lab_report.tick(by=world.lei)
    act(world.fcc, world.in_review, world.lei)


def test_a_passed_gate_adds_the_task_that_comes_next_once(app, world):
    with app.app_context():
        automation = rule(world, when={"kind": "gate"}, then=[LISTING])
        pass_the_gate(world)
        settle(3)
        (run,) = runs()
        assert (run.state, run.task_id, run.automation_id) == ("done", world.fcc.id, automation.id)
        task = db.session.scalars(db.select(Task).where(Task.title_en == "Write the listing")).one()
        assert (task.owner_id, task.author_id, task.due_on) == (world.yu.id, world.yue.id, october(16))
        (event,) = AuditEvent.of_change(run.change)
        assert (event.action, event.via, event.actor_id) == ("task.created", "automation", world.yue.id)
        Undo(run.change, by=world.yue).run()
        assert task.trashed_at


def test_two_workers_at_once_carry_it_out_once(app, world):
    with app.app_context():
        for number in range(6):
            rule(world, when={"kind": "gate"}, then=[LISTING | {"text": f"第 {number} 项"}])
        pass_the_gate(world)
    together = threading.Barrier(2)

    def work():
        with app.app_context():
            together.wait()
            for _number in range(3):
                jobs.hear()

    workers = [threading.Thread(target=work) for _number in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    with app.app_context():
        assert [run.state for run in runs()] == ["done"] * 6
        titles = db.session.scalars(db.select(Task.title_zh).where(Task.title_en == "Write the listing")).all()
        assert sorted(titles) == [f"第 {number} 项" for number in range(6)]


def test_two_that_set_each_other_going_are_stopped_and_the_owner_is_told(app, world):
    with app.app_context():
        there = {"kind": "moved", "choice": "name:待审核"}, [{"kind": "move", "choice": "kind:active"}]
        back = {"kind": "moved", "choice": "kind:active"}, [{"kind": "move", "choice": "name:In review"}]
        first = rule(world, when=there[0], then=there[1], name="回去")
        second = rule(world, when=back[0], then=back[1], name="过来")
        act(world.photos, world.in_review, world.designer)
        settle(12)
        assert [(run.state, run.depth) for run in runs()] == [("done", at) for at in range(4)] + [("stopped", 4)]
        (stopped,) = runs(state="stopped")
        assert (stopped.automation_id, stopped.trouble) == (first.id, {"why": "loop"})
        assert (first.active, second.active) == (False, True)
        (notice,) = db.session.scalars(db.select(Notification).where(Notification.kind == "automation_stopped"))
        assert (notice.user_id, notice.fields) == (world.yue.id, ["回去"])
        assert db.session.scalar(db.select(Delivery.id).where(Delivery.notification_id == notice.id))


def test_one_that_runs_without_end_is_stopped_but_not_because_somebody_does_much(app, world):
    def tick(count):
        for _number in range(count):
            item = {"zh": "一"}, {"zh": "一"}
            record("checklist_item.ticked", by=world.lei, task=world.fcc, changes={"item": item})
        db.session.flush()

    with app.app_context():
        automation = rule(world, when={"kind": "ticked", "text": None}, then=[{"kind": "move", "choice": "kind:done"}])
        tick(103)
        db.session.commit()
        settle()
        assert len(runs()) == 103
        assert automation.active
        runs()[0].change = change = new_change()
        with one_act(change, "automation"):
            tick(103)
        db.session.commit()
        settle()
        assert len(runs()) == 204
        assert [run.trouble for run in runs(state="stopped")][-1] == {"why": "often"}
        assert not automation.active
        with clock.at(NOW + timedelta(days=89)):
            jobs.sweep()
            assert len(runs()) == 204
        with clock.at(NOW + timedelta(days=91)):
            jobs.sweep()
            assert runs() == []


@pytest.mark.one_database
def test_where_hours_count_another_hour_of_the_day_is_another_deadline(app, world):
    with app.app_context():
        rule(world, when={"kind": "late"}, then=[{"kind": "notify", "choice": "task_owner", "text": "看"}])
        world.lamp.unit = "hour"
        for hours in (1, 1, 3):
            world.fcc.due_on, world.fcc.due_at = october(13), NOW + timedelta(hours=hours)
            world.fcc.set_deadline()
            db.session.commit()
            with clock.at(NOW + timedelta(hours=hours, minutes=1)):
                jobs.automate()
        assert [run.task_id for run in runs()] == [world.fcc.id] * 2


def leave(world):
    db.session.delete(world.yue.membership_in(world.shanlan.id))


def lose_the_role(world):
    world.yue.membership_in(world.shanlan.id).role = "ops"
    world.lamp.owner = world.lei


def see_less(world):
    world.photos.trash(by=world.lei)


@pytest.mark.parametrize(("what", "why"), [(leave, "rights_lost"), (lose_the_role, "rights_lost"), (see_less, "gone")])
def test_only_with_the_rights_that_its_owner_has_at_that_moment(app, world, what, why):
    with app.app_context():
        rule(world, when=MOVED, then=[{"kind": "assign", "choice": f"person:{world.jia.id}"}], project="lamp")
        act(world.photos, world.in_review, world.designer)
        what(world)
        db.session.commit()
        settle()
        if what is see_less:
            assert runs() == []
        else:
            assert [(run.state, run.trouble) for run in runs()] == [("refused", {"why": why})]
        assert world.photos.owner_id == world.designer.id


def test_a_project_owner_without_the_permission_does_nothing_by_an_automation(app, world):
    with app.app_context():
        world.lamp.owner = world.finance  # who edits own tasks only
        db.session.commit()
        rule(world, when=MOVED, then=[{"kind": "checklist", "choice": "x"}], by="finance")
        act(world.photos, world.in_review, world.designer)
        settle()
        assert runs()[0].trouble == {"why": "NotAllowed"}


def test_a_held_task_is_not_moved_and_nothing_of_the_rest_is_done(app, world):
    with app.app_context():
        tell = {"kind": "notify", "choice": "task_owner", "text": "去吧"}
        assign = {"kind": "assign", "choice": "role:legal"}
        then = [assign, LISTING, tell, {"kind": "move", "choice": "kind:active"}]
        rule(world, when={"kind": "ticked", "text": "SUPPLIER"}, then=then)
        item = world.poles_item  # of another project: nothing to do with it
        item.tick(by=world.jia)
        record("checklist_item.ticked", by=world.lei, task=world.listing,
               changes={"item": ({"zh": "一", "en": "Tell the supplier"},) * 2})  # fmt: skip
        db.session.commit()
        told = db.session.scalar(db.select(db.func.count(Notification.id)))
        settle()
        (run,) = runs()
        assert (run.state, run.change, run.trouble["why"]) == ("refused", None, "MoveRefused")
        assert run.trouble["blockers"] == [world.fcc.id]
        assert (world.listing.owner_id, world.listing.stage_id) == (world.yu.id, world.to_do.id)
        assert db.session.scalar(db.select(Task.id).where(Task.title_en == "Write the listing")) is None
        assert db.session.scalar(db.select(db.func.count(Notification.id))) == told
        assert not db.session.scalars(db.select(AuditEvent).where(AuditEvent.via == "automation")).all()


CONDITIONS = [  # what is asked, and whether it is so of the photos
    ({"kind": "phase", "choice": "name:内容制作"}, True),
    ({"kind": "phase", "choice": "name:Compliance"}, False),
    ({"kind": "role", "choice": "design"}, True),
    ({"kind": "role", "choice": "ops"}, False),
    ({"kind": "platform", "choice": "tiktok"}, False),
    ({"kind": "priority", "choice": "medium"}, True),
    ({"kind": "label", "choice": "图"}, True),
    ({"kind": "label", "choice": "别的"}, False),
    ({"kind": "blocking"}, False),
    ({"kind": "milestone"}, False),
    ({"kind": "title", "text": "主图"}, True),
    ({"kind": "title", "text": "视频"}, False),
    ({"kind": "owner", "choice": "{designer}"}, True),
    ({"kind": "owner", "choice": "{yu}"}, False),
    ({"kind": "project", "choice": "{lamp}"}, True),
    ({"kind": "project", "choice": "{tent}"}, False),
]


def test_all_that_is_asked_has_to_be_so_and_hearing_costs_the_same_for_many(app, world, count_queries):
    with app.app_context():
        photos = world.photos
        photos.labels.append(Label(workspace_id=world.shanlan.id, name="图"))
        db.session.commit()
        ids = {name: getattr(world, name).id for name in ("designer", "yu", "lamp", "tent")}
        tell = [{"kind": "notify", "choice": "task_owner", "text": "看"}]

        def heard(conditions):
            wanted = []
            for number, (condition, so) in enumerate(conditions):
                given = condition | ({"choice": condition["choice"].format(**ids)} if "choice" in condition else {})
                automation = rule(world, when=MOVED, then=tell, given=[given], project=None, name=str(number))
                wanted += [automation.id] if so else []
            act(world.photos, world.doing, world.designer)
            settle()
            act(world.photos, world.in_review, world.designer)
            with count_queries() as queries:
                jobs._hear(world.shanlan.id)
            return wanted, len(queries)

        _wanted, few = heard(CONDITIONS[:1])
        settle()
        wanted, many = heard(CONDITIONS)
        settle()
        done = [run.automation_id for run in runs(state="done")]
        assert sorted(done) == sorted([done[0], done[0], *wanted])
        assert many <= few


def test_days_that_are_reached_are_told_of_once_and_only_from_now_on(app, world):
    with app.app_context():
        tell = [{"kind": "notify", "choice": "task_owner", "text": "看"}]
        late = rule(world, when={"kind": "late"}, then=tell, name="晚")  # the budget is late already
        before = {"kind": "date", "choice": "due:before", "days": 2}
        near = rule(world, when=before, then=tell, name="近")
        launch = {"kind": "date", "choice": "anchor:before", "days": 30}
        anchor = rule(world, when=launch, then=[LISTING], name="上市")
        seen = {}
        for days in range(9):
            with clock.at(NOW + timedelta(days=days)):
                for _twice in range(2):
                    jobs.automate()
            for run in runs():
                seen.setdefault((run.automation_id, run.task_id), days)
        db.session.rollback()
        assert {key: day for key, day in seen.items() if key[0] == late.id} == {
            (late.id, world.script.id): 2, (late.id, world.photos.id): 3, (late.id, world.fcc.id): 4,
            (late.id, world.unboxing.id): 7, (late.id, world.listing.id): 8,
        }  # fmt: skip
        assert seen[near.id, world.photos.id] == 0  # the 15th: it is the 13th in Shanghai
        assert seen[near.id, world.unboxing.id] == 4  # the 16th has come in Los Angeles when it is the 17th here
        assert (near.id, world.budget.id) not in seen
        assert seen[anchor.id, None] == 8
        assert {run.state for run in runs()} == {"done"}
        assert db.session.scalars(db.select(Task.title_zh).where(Task.title_en == "Write the listing")).all() == [
            "写详情页"
        ]


def test_a_message_of_another_program_counts_once(app, world, browse):
    with app.app_context():
        inlet = Inlet.create(world.shanlan.id, "监控", "automation", by=world.yue)
        when = {"kind": "webhook", "choice": str(inlet.id)}
        due = {"kind": "due", "choice": "today:after", "days": 2}
        rule(world, when=when, then=[due], project=None)
        code, token, packing = world.packing.code, inlet.token, world.packing.id
        db.session.commit()
    door = app.test_client()
    for _twice in range(2):
        answer = door.post(f"/in/{token}", json={"task": code, "id": "m1"})
        assert answer.status_code == 200
    door.post(f"/in/{token}", json={"task": "BIKE-1", "id": "m2"})
    with app.app_context():
        jobs.automate()
        assert [(run.state, run.task_id) for run in runs()] == [("done", packing), ("refused", None)]
        assert world.packing.due_on == october(15)
