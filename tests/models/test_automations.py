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
    Channel,
    Delivery,
    Emergency,
    Inlet,
    Label,
    Notification,
    Post,
    StaleVersion,
    Task,
    Undo,
)
from linkstar.models.audit_event import new_change, one_act, record
from linkstar.planning.automating import circle_of
from linkstar.words import notice_words
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


def test_all_that_go_round_in_a_circle_are_stopped_and_each_owner_is_told_with_whom(app, world):
    def goes_on(from_, to, **more):
        return rule(world, when={"kind": "moved", "choice": from_}, then=[{"kind": "move", "choice": to}], **more)

    def told(of):
        here = db.select(Notification).where(Notification.kind == "automation_stopped", Notification.user_id == of.id)
        notices = list(db.session.scalars(here.order_by(Notification.id)))
        assert db.session.scalar(db.select(Delivery.id).where(Delivery.notification_id == notices[-1].id))
        return notices

    with app.app_context():
        goes_on("name:完成", "kind:done", name="不相干")
        two = [goes_on("name:待审核", "kind:active", name="回去"), goes_on("kind:active", "name:In review", name="过来",
               by="admin")]  # fmt: skip
        act(world.photos, world.in_review, world.designer)
        settle(12)
        done, (first, second) = runs(state="done"), runs(state="stopped")
        assert [(run.depth, run.automation_id) for run in done] == [(at, two[at % 2].id) for at in range(4)]
        assert (first.automation_id, first.trouble) == (two[0].id, {"why": "loop", "others": ["过来"]})
        assert (second.automation_id, second.trouble) == (two[1].id, {"why": "loop", "others": ["回去"]})
        assert [each.name for each in Automation.active_in(world.shanlan.id)] == ["不相干"]
        assert [told(each)[-1].fields for each in (world.yue, world.admin)] == [["回去", "过来"], ["过来", "回去"]]
        with app.test_request_context(headers={"Accept-Language": "en"}):
            assert "“过来” was switched off: it and “回去” set each other off" in notice_words(told(world.admin)[-1])

        for each, at in (("一", "kind:review"), ("二", "kind:active"), ("三", "kind:backlog")):
            to = {"kind:review": "kind:active", "kind:active": "kind:backlog", "kind:backlog": "kind:review"}[at]
            goes_on(at, to, name=each, by="admin" if each == "二" else "yue")
        act(world.photos, world.to_do, world.designer)
        settle(15)
        assert [each.name for each in Automation.active_in(world.shanlan.id)] == ["不相干"]
        assert {*told(world.admin)[-1].fields} == {"一", "二", "三"}
        assert [each.fields[0] for each in told(world.yue)] == ["回去", "一", "三"]


CHAINS = [  # who set each other going, who comes next, and who is stopped
    ([], 1, []),
    ([1], 1, []),
    ([1, 2, 1], 2, []),
    ([*range(1, 13)], 13, []),
    ([7, 1, 2, 3, 1, 2, 3], 1, [1, 2, 3]),
    ([1, 1], 1, [1]),
    ([1, 2, 1, 3], 1, [1, 2, 3]),
    ([*range(1, 14)], 14, [14]),
    ([*range(1, 14)], 5, [5, 6, 7, 8, 9, 10, 11, 12, 13]),
]


@pytest.mark.parametrize(("before", "last", "stopped"), CHAINS)
def test_a_long_chain_that_ends_is_no_circle(before, last, stopped):
    assert circle_of(before, last) == stopped


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
def test_where_hours_count_another_hour_is_another_deadline_but_the_same_day(app, world):
    with app.app_context():
        tell = [{"kind": "notify", "choice": "task_owner", "text": "看"}]
        late = rule(world, when={"kind": "late"}, then=tell)
        day = rule(world, when={"kind": "date", "choice": "due:before", "days": 0}, then=tell)
        world.lamp.unit = "hour"
        for hours in (1, 1, 3):
            world.fcc.due_on, world.fcc.due_at = october(13), NOW + timedelta(hours=hours)
            world.fcc.set_deadline()
            db.session.commit()
            with clock.at(NOW + timedelta(hours=hours, minutes=1)):
                jobs.automate()
        assert [run.task_id for run in runs(automation_id=late.id)] == [world.fcc.id] * 2
        assert [run.task_id for run in runs(automation_id=day.id)] == [world.fcc.id]
        with clock.at(NOW + timedelta(hours=4)):  # who writes another number waits for another day
            values = {"name": "后", "conditions": [], "actions": tell}
            after = {"kind": "date", "choice": "due:after", "days": 1}
            day.edit(values | {"trigger": after}, world.lamp, by=world.yue, version=1)
            db.session.commit()
            jobs.automate()
            assert [run.task_id for run in runs(automation_id=day.id)] == [world.fcc.id]
        with clock.at(NOW + timedelta(days=1)):
            jobs.automate()
        assert len(runs(automation_id=day.id)) == 2


def test_what_is_gone_leaves_its_numbers_to_nobody_and_no_post_is_lost(app, world):
    def channel():
        return Channel.open(world.shanlan.id, "webhook", by=world.yue, name="x", address="https://x.example", events=[])

    with app.app_context():
        told = channel()
        db.session.flush()
        post = [{"kind": "post", "choice": str(told.id)}]
        for stage in (world.in_review, world.doing):
            automation = rule(world, when={"kind": "moved", "choice": None}, then=post)
            act(world.photos, stage, world.designer)
            settle()
            (run,) = runs()
            posts = db.session.scalars(db.select(Post).filter_by(channel_id=told.id).order_by(Post.id)).all()
            assert (run.state, posts[-1].key) == ("done", f"run:{run.id}:0")
            if stage is world.in_review:
                automation.remove(by=world.yue)
                db.session.commit()
        assert len(posts) == 2
        told.post("automation.ran", f"run:{run.id + 1}:0", task=world.photos)
        act(world.photos, world.to_do, world.designer)
        settle()
        assert runs()[-1].state == "nothing", "it was told so already"
        last = db.session.scalar(db.select(db.func.max(Post.id)))
        automation.remove(by=world.yue)
        told.remove(by=world.yue)
        db.session.commit()
        assert channel().post("task.overdue", "x", task=world.photos) > last


def test_of_two_who_write_it_at_once_the_second_is_told_so(app, world):
    with app.app_context():
        number = rule(world, when=MOVED, then=[LISTING]).id
    together, saved = threading.Barrier(2), []

    def write(name, by):
        with app.app_context():
            automation = db.session.get_one(Automation, number)
            values = {"name": name, "trigger": MOVED, "conditions": [], "actions": [LISTING]}
            db.session.rollback()
            if not app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
                assert automation.version == 1
            together.wait()
            try:
                automation.edit(values, None, by=getattr(world, by), version=1)
                db.session.commit()
                saved.append(name)
            except StaleVersion:
                db.session.rollback()

    writers = [threading.Thread(target=write, args=args) for args in (("一", "yue"), ("二", "admin"))]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    with app.app_context():
        automation = db.session.get_one(Automation, number)
        assert [automation.name] == saved and automation.version == 2


def test_an_outsider_is_told_what_to_do_but_not_by_which_automation(app, world):
    with app.app_context():
        for choice in ("task_owner", f"person:{world.yu.id}"):
            rule(world, when={"kind": "moved", "choice": None}, name="内部名", then=[
                {"kind": "notify", "choice": choice, "text": "看"}])  # fmt: skip
        act(world.unboxing, world.in_review, world.yue)
        settle()
        told = db.session.scalars(db.select(Notification).filter_by(kind="automation")).all()
        with app.test_request_context(headers={"Accept-Language": "en"}):
            assert {each.user.name: notice_words(each) for each in told} == {
                "Jess Kim": "“Unboxing video”: 看", "林晓雨": "“内部名” on “Unboxing video”: 看",
            }  # fmt: skip


EMERGENCY = {"kind": "declare", "choice": "listing_removed", "severity": "s2"}


def test_a_rule_declares_one_emergency_at_a_time_and_none_about_its_own_playbook(app, world):
    def emergencies():
        return list(db.session.scalars(db.select(Emergency).order_by(Emergency.id)))

    def left(run):
        return run.state, run.trouble

    with app.app_context():
        photos = {"kind": "title", "text": "主图"}
        automation = rule(world, when={"kind": "moved", "choice": None}, then=[EMERGENCY], project=None, name="下架")
        other = rule(world, when=MOVED, then=[EMERGENCY, LISTING], given=[photos], name="另一条", project=None)
        world.lamp.owner = world.finance  # who may create nothing there
        db.session.commit()
        weak = rule(world, when=MOVED, then=[LISTING, EMERGENCY], by="finance", name="不许")
        act(world.photos, world.in_review, world.designer)
        act(world.script, world.doing, world.yue)
        settle(3)
        first, second = emergencies()
        assert (first.source, first.about_id, first.declared_by_id) == ("rule", world.lamp.id, world.yue.id)
        assert first.title == f"下架 · {world.photos.code}", "not every reader may see the task"
        assert [left(run) for run in runs(automation_id=automation.id)][:2] == [
            ("done", None), ("nothing", {"why": "declared"}),
        ]  # fmt: skip
        assert [left(run) for run in runs(automation_id=weak.id)] == [("refused", {"why": "NotAllowed"})]
        assert second.title.startswith("另一条")
        assert {task.via for task in AuditEvent.of_change(runs()[0].change)} == {"automation"}

        playbook = db.session.scalars(db.select(Task).where(Task.project_id == first.project_id)).all()
        for task in playbook[1:3]:
            record("task.moved", by=world.yue, task=task, changes={"stage_id": (None, task.stage_id)})
        db.session.commit()
        settle(3)
        assert len(emergencies()) == 2
        assert [left(run) for run in runs(automation_id=automation.id)][-1] == ("nothing", {"why": "playbook"})

        legal = world.admin.membership_in(world.shanlan.id)
        legal.role = "legal"
        first.close("资质图过期没有人看到，以后每月核对一次。", by=world.admin)
        db.session.commit()
        act(world.script, world.to_do, world.yue)
        settle(2)
        assert [each.title for each in emergencies()][2:] == [f"下架 · {world.script.code}"]
        assert automation.active and other.active


def test_a_rule_that_names_what_is_gone_or_was_changed_meanwhile_does_nothing(app, world):
    assign = {"kind": "assign", "choice": "person:{}"}
    with app.app_context():
        assign["choice"] = f"person:{world.jia.id}"
        gone = rule(world, when=MOVED, then=[assign], name="没人")
        changed = rule(world, when=MOVED, then=[assign | {"choice": "role:ads"}], name="改了")
        act(world.photos, world.in_review, world.designer)
        jobs._hear(world.shanlan.id)
        with clock.at(NOW + timedelta(seconds=1)):
            values = {"name": "改了", "trigger": {"kind": "gate"}, "conditions": [], "actions": changed.actions}
            changed.edit(values, None, by=world.yue, version=1)
            db.session.delete(world.jia.membership_in(world.shanlan.id))
            db.session.commit()
            settle()
        assert [run.trouble for run in runs()] == [{"why": "names_gone"}, {"why": "changed"}]
        assert (gone.active, changed.active) == (False, True)
        (notice,) = db.session.scalars(db.select(Notification).where(Notification.kind == "automation_paused"))
        assert (notice.user_id, notice.fields) == (world.yue.id, ["没人"])
        assert world.photos.owner_id == world.designer.id


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
        rule(world, when=MOVED, then=[{"kind": "due", "choice": "today:after", "days": 2}], by="finance")
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
    for said in ({"task": code, "id": "m1"}, {"task": code, "id": "m1"}, {"task": code}):
        answer = door.post(f"/in/{token}", json=said, headers={} if "id" in said else {"Idempotency-Key": "m1"})
        assert answer.status_code == 200
    door.post(f"/in/{token}", json={"task": "BIKE-1", "id": "m2"})
    with app.app_context():
        jobs.automate()
        assert [(run.state, run.task_id) for run in runs()] == [("done", packing), ("refused", None)]
        assert world.packing.due_on == october(15)
