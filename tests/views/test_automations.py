"""The builder as it works without JavaScript, what it refuses, what it would have done, and who reads what."""

import re

import pytest

from linkstar import clock, jobs
from linkstar.extensions import db
from linkstar.models import (
    AuditEvent,
    Automation,
    AutomationRun,
    Emergency,
    Inlet,
    InstalledPack,
    Label,
    Notification,
    Task,
)
from linkstar.models.audit_event import record
from tests.models.test_automations import EMERGENCY, MOVED, act, rule, runs, settle

LISTING = {"kind": "create", "text": "写详情页", "text_en": None, "choice": "role:ops", "days": None}


@pytest.fixture
def databases(sqlite):
    return sqlite


def typed(**more):
    return {
        "name": "过关之后", "project_id": "", "trigger-kind": "moved", "trigger-choice": "kind:review",
        "actions-0-kind": "notify", "actions-0-choice": "project_owner", "actions-0-text": "看一下",
    } | more  # fmt: skip


def said(answer):
    return re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])


@pytest.mark.both_databases  # it locks
def test_rows_come_and_go_without_javascript_and_what_was_typed_stays(browse, world, app):
    yue = browse("yue")
    answer = yue.post("/automations", typed(do="add:conditions"))
    assert answer.status_code == 200
    assert 'name="conditions-0-kind"' in answer.text
    answer = yue.post("/automations", typed(do="redraw", **{"conditions-0-kind": "title"}))
    assert 'name="conditions-0-text"' in answer.text
    assert 'value="看一下"' in answer.text
    rows = {"conditions-0-kind": "blocking", "conditions-3-kind": "title", "conditions-3-text": "FCC"}
    answer = yue.post("/automations", typed(do="remove:conditions:0", **rows))
    assert 'name="conditions-0-kind"' not in answer.text
    assert 'value="FCC"' in answer.text
    answer = yue.post("/automations", typed(**rows))
    assert answer.status_code == 303
    with app.app_context():
        (automation,) = db.session.scalars(db.select(Automation))
        assert automation.conditions == [{"kind": "blocking"}, {"kind": "title", "text": "FCC"}]
        assert (automation.active, automation.owner_id) == (False, world.yue.id)
    address = f"/automations/{automation.id}"
    changed = typed(version="1", name="改过", **rows)
    assert browse("admin").put(address, changed).status_code == 303
    mine = yue.put(address, changed | {"name": "我的字"})
    assert mine.status_code == 409
    assert 'value="我的字"' in mine.text and 'value="2"' in mine.text and "「改过」" in said(mine)
    assert yue.put(address, changed | {"version": "1"}).status_code == 409
    assert yue.put(f"{address}/activity").status_code == 303
    assert browse("yu").get(address, {"before": "9" * 20}).status_code == 200
    assert f'selected value="{world.lamp.id}"' in yue.get("/automations/new", {"project_id": world.lamp.id}).text
    assert f"/automations/new?project_id={world.lamp.id}" in yue.get(f"/automations?project_id={world.lamp.id}").text
    assert browse("yu").put(f"{address}/activity").status_code == 403
    assert yue.delete(address).status_code == 303
    with app.app_context():
        here = db.select(AuditEvent.action).where(AuditEvent.action.startswith("automation.")).order_by(AuditEvent.id)
        assert db.session.scalars(here).all() == [
            f"automation.{each}" for each in ("added", "edited", "switched", "removed")
        ]


WRONG = [
    ({"name": ""}, "name"),
    ({"trigger-kind": "zzz"}, "trigger-kind"),
    ({"actions-0-kind": "moved"}, "actions-0-kind"),
    ({"trigger-choice": "name:没有这个"}, "trigger-choice"),
    ({"actions-0-choice": "person:{lead}"}, "actions-0-choice"),
    ({"actions-0-text": ""}, "actions-0-text"),
    ({"project_id": "{bike}"}, "project_id"),
    ({"conditions-0-kind": "project", "conditions-0-choice": "{bike}"}, "conditions-0-choice"),
    ({"conditions-0-kind": "owner", "conditions-0-choice": "{lead}"}, "conditions-0-choice"),
    ({"actions-0-kind": "due", "actions-0-choice": "today:after", "actions-0-days": "366"}, "actions-0-days"),
    ({"actions-0-kind": "due", "actions-0-choice": "today:after", "actions-0-days": ""}, "actions-0-days"),
    ({"actions-0-kind": "post", "actions-0-choice": "1"}, None),
    ({"trigger-kind": "date", "trigger-choice": "anchor:before", "trigger-days": "3", "actions-0-kind": "assign",
      "actions-0-choice": "project_owner"}, None),
    ({"trigger-kind": "date", "trigger-choice": "anchor:before", "trigger-days": "3",
      "conditions-0-kind": "milestone"}, None),
]  # fmt: skip


def test_what_does_not_fit_is_refused_at_its_field_and_nothing_is_kept(browse, world, app):
    yue = browse("yue")
    with app.app_context():
        ids = {"lead": world.lead.id, "bike": world.bike.id}
    for wrong, name in WRONG:
        answer = yue.post("/automations", typed(**{key: value.format(**ids) for key, value in wrong.items()}))
        assert answer.status_code == 422, wrong
        assert 'role="alert"' in answer.text, wrong
        if name:
            assert re.search(
                rf'aria-invalid="true"[^>]*name="{name}"|name="{name}"[^>]*aria-invalid="true"', answer.text
            ), wrong
    answer = yue.post("/automations", {"name": "无", "trigger-kind": "gate"})
    assert answer.status_code == 422
    with app.app_context():
        assert db.session.scalar(db.select(Automation.id)) is None


def test_a_project_s_owner_keeps_those_of_the_project_alone(browse, world, app):
    with app.app_context():
        world.lamp.owner = world.yu
        db.session.commit()
        tent, lamp = world.tent.id, world.lamp.id
    yu = browse("yu")
    assert yu.post("/automations", typed()).status_code == 422
    assert yu.post("/automations", typed(project_id=tent)).status_code == 422
    assert yu.post("/automations", typed(project_id=lamp)).status_code == 303
    with app.app_context():
        rule(world, when=MOVED, then=[LISTING], project="tent", name="帐篷的")
        named = {"kind": "project", "choice": str(tent)}
        rule(world, when=MOVED, then=[LISTING], given=[named], project=None, name="只管帐篷")
        rule(world, when=MOVED, then=[LISTING], project=None, name="处处")
    page = said(yu.get("/automations"))
    assert "过关之后" in page
    assert "处处" in page
    assert "帐篷" not in page
    with app.app_context():
        tents = db.session.scalars(db.select(Automation.id).where(Automation.name.contains("帐篷"))).all()
    assert {yu.get(f"/automations/{each}").status_code for each in tents} == {404}


def test_a_dry_run_tells_what_would_be_refused_writes_nothing_and_costs_the_same_for_many(
    browse, world, app, count_queries
):
    def move(*names):
        for name in names:
            task = getattr(world, name)
            task.move_to(by=world.yue, to={"stage": world.to_do})
            task.move_to(by=world.yue, to={"stage": world.to_do if name == "listing" else world.doing})
            db.session.commit()

    with app.app_context():
        due = {"kind": "due", "choice": "today:after", "days": 2}
        moves = [{"kind": "move", "choice": "kind:review"}, due]
        rule(world, when={"kind": "moved", "choice": None}, then=moves, project=None, on=False)
        move("photos", "fcc")
        address = f"/automations/{db.session.scalar(db.select(Automation.id))}/rehearsal"
    yue = browse("yue")
    yue.get(address)
    with count_queries() as few:
        answer = yue.get(address)
    words = said(answer)
    assert "主图拍摄" in words
    assert words.count("FCC检测报告终稿") >= 1
    held = re.findall(r"<li>.*?</li>", answer.text, re.S)
    assert {"FCC" in each for each in held if "chip stop" in each} == {True}, "its report is not ticked"
    with app.app_context():
        before = db.session.scalar(db.select(db.func.max(AuditEvent.id)))
        move("budget", "unboxing", "script", "sample")
        after = db.session.scalar(db.select(db.func.max(AuditEvent.id)))
    with count_queries() as many:
        assert yue.get(address).status_code == 200
    assert after > before
    assert len(many) <= len(few)
    assert not [query for query in many if query.startswith(("INSERT", "UPDATE", "DELETE"))]
    with app.app_context():
        assert db.session.scalar(db.select(AutomationRun.id)) is None
        assert db.session.scalar(db.select(db.func.max(AuditEvent.id))) == after


def test_the_log_names_what_held_as_far_as_its_reader_sees_it_and_costs_the_same_for_many(
    browse, world, app, count_queries
):
    with app.app_context():
        world.tent.parent_id = world.lamp.id
        db.session.flush()
        world.listing.wait_for(world.poles, by=world.yue)
        world.poles.blocking = True
        db.session.commit()
        when = {"kind": "moved", "choice": None}
        then = [{"kind": "move", "choice": "kind:done"}]
        automation = rule(world, when=when, then=then, given=[{"kind": "title", "text": "详情页"}], project=None)
        back = world.to_do
        world.script.edit({"title_zh": "详情页文案"}, by=world.yue)
        act(world.script, world.doing, world.yue)
        record("task.moved", by=world.yu, task=world.listing, changes={"stage_id": (back.id, back.id)})
        db.session.commit()
        settle()
        assert [run.state for run in runs()] == ["done", "refused"]
        address = f"/automations/{automation.id}"
    yu = browse("yu")
    with count_queries() as few:
        page = yu.get(address)
    assert "FCC检测报告终稿" in page.text
    assert "碳杆打样" not in page.text, "a task of another project"
    assert "碳杆打样" in browse("yue").get(address).text
    with app.app_context():
        for _number in range(4):
            record("task.moved", by=world.yu, task=world.listing, changes={"stage_id": (back.id, back.id)})
        db.session.commit()
        jobs.hear()
    with count_queries() as many:
        assert yu.get(address).text.count("data-run=") == 7  # its own move set it going once more, for nothing
    assert len(many) <= len(few)


def test_each_kind_of_action_is_done(world, app):
    with app.app_context():
        pack = db.session.scalar(db.select(InstalledPack))
        then = [
            {"kind": "assign", "choice": "role:ads"},
            {"kind": "due", "choice": "anchor:before", "days": 5},
            {"kind": "notify", "choice": "project_owner", "text": "看一下"},
            LISTING | {"days": 1},
        ]
        rule(world, when=MOVED, then=then)
        act(world.photos, world.in_review, world.designer)
        settle()
        (run,) = runs()
        assert (run.state, run.trouble) == ("done", None)
        photos = world.photos
        assert (photos.owner_id, photos.due_on.isoformat()) == (world.jia.id, "2026-11-13")
        (notice,) = db.session.scalars(db.select(Notification).where(Notification.kind == "automation"))
        assert (notice.user_id, notice.fields) == (world.yue.id, ["一条", "看一下"])
        changes = {event.action for event in AuditEvent.of_change(run.change)}
        assert changes == {"task.edited", "task.created"}
        assert pack is None
        assert db.session.scalars(db.select(Task.title_zh).where(Task.title_zh == "写详情页")).all() == ["写详情页"]


def test_what_is_gone_is_said_and_chosen_anew_and_an_emergency_is_declared_by_a_rule_but_not_by_a_dry_run(
    browse, world, app
):
    """Nothing else takes unseen the place of what is not there any more."""
    declare = {"actions-0-kind": "declare", "actions-0-choice": "listing_removed"}
    yue = browse("yue")
    assert yue.post("/automations", typed(**declare)).status_code == 422, "nobody's default is the worst"
    answer = yue.post("/automations", typed(do="rehearse", **declare, **{"actions-0-severity": "s2"}))
    assert answer.status_code == 200
    assert "商品被下架" in said(answer)
    with app.app_context():
        record("task.moved", by=world.yu, task=world.photos, changes={"stage_id": (None, world.in_review.id)})
        label = Label(workspace_id=world.shanlan.id, name="<b>图</b>")
        inlet = Inlet.create(world.shanlan.id, "监控", "automation", by=world.yue)
        db.session.add(label)
        db.session.commit()
        tell = [{"kind": "notify", "choice": "project_owner", "text": "<i>看</i>"}]
        emergency = EMERGENCY | {"severity": "s9"}
        parts = [
            ({"kind": "moved", "choice": "name:没有"}, tell, []),
            ({"kind": "gate"}, [{"kind": "move", "choice": "name:没有"}], []),
            ({"kind": "gate"}, [{"kind": "post", "choice": "99"}], []),
            ({"kind": "gate"}, [{"kind": "checklist", "choice": "none"}], []),
            ({"kind": "gate"}, [{"kind": "assign", "choice": "person:99"}], []),
            ({"kind": "gate"}, tell, [{"kind": "label", "choice": "<b>图</b>"}]),
            ({"kind": "gate"}, tell, [{"kind": "phase", "choice": "name:没有"}]),
            ({"kind": "gate"}, tell, [{"kind": "project", "choice": str(world.tent.id)}]),
            ({"kind": "webhook", "choice": str(inlet.id)}, tell, []),
            ({"kind": "gate"}, [emergency], []),
        ]
        rules = [rule(world, when=when, then=then, given=given, project=None, name="<b>名</b>").id
                 for when, then, given in parts]  # fmt: skip
        whole = rule(world, when=MOVED, then=[EMERGENCY], project=None, name="下架", on=False).id
        db.session.delete(label)
        inlet.revoke(by=world.yue)
        world.tent.trashed_at = clock.now()
        db.session.commit()
        Inlet.create(world.shanlan.id, "另一个", "automation", by=world.yue)  # takes nobody's number
        db.session.commit()
    for each in rules:
        page = yue.get(f"/automations/{each}")
        assert "chip stop" in page.text, each
        assert not re.search("<b>[名图]|<i>看", page.text), each
        form = yue.get(f"/automations/{each}/edit").text
        assert f'selected value="{"" if each == rules[-1] else "gone"}"' in form, each
    assert yue.get("/automations").text.count("chip stop") == len(rules)
    assert yue.put(f"/automations/{rules[0]}", typed(version="1", **{"trigger-choice": "gone"})).status_code == 422
    assert yue.delete(f"/automations/{rules[0]}/activity").status_code == 303
    assert yue.put(f"/automations/{rules[0]}/activity").status_code == 303
    assert "主图拍摄" in said(yue.get(f"/automations/{whole}/rehearsal"))
    with app.app_context():
        assert not db.session.get_one(Automation, rules[0]).active
        assert db.session.scalar(db.select(Emergency.id)) is None
        db.session.get_one(Automation, whole).switch(True, by=world.yue)
        act(world.photos, world.in_review, world.designer)
        settle()
        emergency_id = db.session.scalars(db.select(Emergency.id)).one()
    page = yue.get(f"/automations/{whole}")
    assert f'href="/emergencies/{emergency_id}"' in page.text
    assert page.text.count('<p class="sm">') == 1, "what came of it stands on its own page"
