"""What happened, as the people read it: of a task, of a project, of the workspace."""

import csv
import io
import re
from datetime import time

import pytest
from flask import get_template_attribute
from flask_babel import force_locale
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from linkstar.extensions import db
from linkstar.models import AuditEvent, CalendarFeed, Partner, Task
from linkstar.models.audit_event import ACTIONS, new_change, record
from linkstar.models.task.editable import FIELDS
from linkstar.reports.history import KINDS, PAGE, Names
from linkstar.words import FIELD_NAMES
from tests.conftest import Browser
from tests.world import october

TAG = re.compile(r"<[^>]+>")


def said(page) -> str:
    return re.sub(r"\s+", " ", TAG.sub(" ", page.text.partition("<main")[2]))


@pytest.fixture
def busy(app, world):
    """林晓雨 edits the listing, hands it to 何佳 and lets it no longer wait; 王蕾 ticks."""
    with app.app_context():
        world.listing.edit({"due_on": october(22)}, by=world.yu)
        world.listing.edit({"owner_id": world.jia.id, "title_zh": '"due_on": 上线'}, by=world.yu)
        world.fcc.blocking = False
        world.listing.stop_waiting_for(world.fcc, by=world.yu)
        world.supplier_mail.tick(by=world.lei)
        world.packing.trash(by=world.yue)
        db.session.commit()


def test_a_task_tells_who_changed_what_from_what_to_what(browse, world, busy):
    page = said(browse("yu").get(f"/tasks/{world.listing.id}/history?lang=en"))
    assert "林晓雨 changed Due date from “Tue Oct 20” to “Thu Oct 22”" in page
    assert "林晓雨 let the task no longer wait for “Final FCC test report”" in page
    assert "Owner 林晓雨 → 何佳" in page
    assert "in the browser" in page or "by the program" in page
    assert "通知供应商" not in page
    chinese = said(browse("yu").get(f"/tasks/{world.listing.id}/history?lang=zh"))
    assert "林晓雨 changed" not in chinese


def test_a_project_tells_of_its_tasks_also_of_those_in_the_trash(browse, world, busy):
    page = browse("yu").get(f"/projects/{world.lamp.id}/history?lang=en")
    assert "moved the task to the trash" in said(page)
    assert f'href="/tasks/{world.listing.id}"' in page.text
    assert f'href="/tasks/{world.packing.id}"' not in page.text
    assert "poles" not in said(page)


def test_only_who_sees_all_of_the_workspace_reads_its_history(browse, world, busy):
    assert "LAMP-" in said(browse("finance").get("/history"))
    assert browse("yu").get("/history").status_code == 403
    assert "LAMP-" not in said(browse("lead").get("/history"))


def test_outsiders_read_no_history(browse, world):
    maya, jess = browse("maya"), browse("jess")
    assert maya.get(f"/projects/{world.lamp.id}/history").status_code == 403
    assert maya.get(f"/tasks/{world.fcc.id}/history").status_code == 403
    assert jess.get(f"/tasks/{world.unboxing.id}/history").status_code == 404
    assert jess.get(f"/tasks/{world.fcc.id}/history").status_code == 404


def test_a_task_that_the_reader_does_not_see_is_not_named(app, browse, world):
    """何佳 is in both projects of a programme, 林晓雨 in one."""
    with app.app_context():
        world.tent.parent_id = world.lamp.id
        db.session.flush()
        world.listing.wait_for(world.poles, by=world.yue)
        db.session.commit()
        name = world.poles.title_zh
    assert name in said(browse("jia").get(f"/tasks/{world.listing.id}/history"))
    page = said(browse("yu").get(f"/tasks/{world.listing.id}/history?lang=en"))
    assert "let the task wait for “a restricted task”" in page
    assert name not in page
    assert name not in said(browse("yu").get(f"/tasks/{world.listing.id}"))


def test_the_filters_find_by_kind_person_day_and_task(browse, world, busy):
    yue = browse("yue")

    def found(**query) -> str:
        return said(yue.get("/history", query | {"lang": "en"}))

    assert "changed Due date" in found(kind="date")
    assert "Owner" not in found(kind="date").partition("Nobody can edit")[2].partition("Show all")[2]
    assert "何佳" in found(kind="owner").partition("Show all")[2]
    assert "changed Due date" not in found(kind="owner")
    assert "ticked" in found(kind="checklist")
    assert "no longer wait" in found(kind="dependency")
    assert "Nothing happened here" in found(kind="waiver")
    assert "ticked" in found(person=world.lei.id)
    assert "no longer wait" not in found(person=world.lei.id)
    with_code = found(q=f"lamp-{world.listing.number}")
    assert "no longer wait" in with_code
    assert "ticked" not in with_code
    assert "ticked" in found(q="检测报告")
    assert "ticked" in found(since="2026-10-13", until="2026-10-13")
    assert "Nothing happened here" in found(until="2026-10-12")
    assert "Nothing happened here" in found(since="2026-10-14")
    for nonsense in ({"since": "soon"}, {"kind": "gossip"}, {"person": "9" * 20}, {"before": "x"}, {"q": "\x00%"}):
        assert yue.get("/history", nonsense).status_code == 200


def test_the_other_side_of_the_ocean_has_its_names(app, browse, world):
    with app.app_context():
        hours = {"works_from": time(9), "works_until": time(18)}
        lab = {"name": "BayLab", "timezone": "America/Los_Angeles", "answer_days": 2} | hours
        partner = Partner.create(world.shanlan.id, lab, by=world.yue)
        partner.edit(lab | {"timezone": "America/New_York", "works_from": time(8), "answer_days": 3}, by=world.yue)
        world.fcc.edit({"counterpart_id": world.maya.id, "counterpart_timezone": "America/Denver"}, by=world.yue)
        world.fcc.edit({"counterpart_id": None, "partner_id": partner.id}, by=world.yue)
        CalendarFeed.create("personal", world.shanlan.id, by=world.yue)
        record("handover_note.written", by=world.yue, task=world.fcc, changes={"user_id": (None, world.maya.id)})
        db.session.commit()
    yue = browse("yue")
    page = said(yue.get("/history?lang=en"))
    for words in (
        "Partner → BayLab", "Maya Brooks →", "Time zone Los Angeles → New York", "Works from 09:00 → 08:00",
        "Working days until they answer 2 → 3", "Denver", "Kind → My tasks and posts",
    ):  # fmt: skip
        assert words in page, words
    for raw in ("_id", "America/", "works_", "answer_", "personal"):
        assert raw not in page, raw
    assert "wrote a handover note" in said(yue.get("/history?kind=task&lang=en"))
    assert "subscribe to a calendar" in said(yue.get("/history?kind=calendar&lang=en"))


def test_the_day_begins_where_the_reader_lives(app, browse, world):
    """09:40 of the 13th in Shanghai is still the 12th in Los Angeles."""
    with app.app_context():
        world.yue.timezone = "America/Los_Angeles"
        db.session.commit()
    yue = browse("yue")
    assert "Nothing happened here" in said(yue.get("/history?since=2026-10-13&lang=en"))
    assert "Nothing happened here" not in said(yue.get("/history?until=2026-10-12"))


def many(world, number: int) -> None:
    rows = [
        {
            "action": "task.moved", "change": new_change(), "workspace_id": world.shanlan.id,
            "project_id": world.lamp.id, "task_id": task, "actor_id": actor,
            "changes": {"stage_id": [world.to_do.id, world.doing.id], "owner_id": [actor, world.jia.id]},
        }
        for task, actor in [(world.fcc.id, world.yu.id), (world.photos.id, world.lei.id)] * (number // 2)
    ]  # fmt: skip
    db.session.execute(insert(AuditEvent), rows)
    db.session.commit()


def test_a_page_costs_the_same_however_much_has_happened(app, browse, world, count_queries):
    yue = browse("yue")
    costs = []
    for number in (10, 400):
        with app.app_context():
            many(world, number)
        with count_queries() as queries:
            page = yue.get("/history")
        costs.append(len(queries))
    assert costs[0] == costs[1] < 16
    assert page.text.count('class="sys"') == PAGE


def test_one_page_leads_to_the_next_and_none_is_told_twice(app, browse, world):
    with app.app_context():
        many(world, 120)
        newest = db.session.scalar(db.select(db.func.max(AuditEvent.id)))
    yue, address, seen = browse("yue"), f"/projects/{world.lamp.id}/history?kind=task", 0
    while address:
        page = yue.get(address)
        seen += page.text.count('class="sys"')
        found = re.search(r'href="([^"]+before=(\d+)[^"]*)"', page.text)
        address = found[1].replace("&amp;", "&") if found else None
    with app.app_context():
        kinds = [AuditEvent.action.startswith(start) for start in KINDS["task"]]
        there = db.select(db.func.count()).where(AuditEvent.project_id == world.lamp.id, db.or_(*kinds))
        assert seen == db.session.scalar(there.where(AuditEvent.id <= newest))


def test_who_may_export_takes_it_along_for_a_spreadsheet(app, browse, world, busy):
    with app.app_context():
        world.listing.edit({"title_en": "=HYPERLINK(1)"}, by=world.yu)
        db.session.commit()
    assert browse("yue").get("/history?file=csv").status_code == 403  # PMO asks for leave first
    answer = browse("admin").get("/history?file=csv&lang=en")
    assert answer.mimetype == "text/csv"
    assert answer.text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    (owner,) = [row for row in rows if row["Field"] == "Owner"]
    assert (owner["Person"], owner["Before"], owner["After"]) == ("林晓雨", "林晓雨", "何佳")
    assert owner["Code"] == f"LAMP-{world.listing.number}"
    assert "'=HYPERLINK(1)" in {row["After"] for row in rows}
    assert "download" not in browse("yue").get("/history").text.partition("<main")[2]


# words


def changes_for(world) -> dict[str, dict[str, list[object]]]:
    """What each kind of event says of itself, where it says anything."""
    name = {"zh": "清单甲", "en": "List A"}
    day = {"country": ["CN", "CN"], "day": ["2026-10-05", "2026-10-05"]}
    return {
        "task.edited": {"due_on": ["2026-10-05", "2026-10-06"]},
        "task.moved": {"stage_id": [world.to_do.id, world.doing.id]},
        "checklist.added": {"checklist": [None, name]},
        "checklist.removed": {"checklist": [name, None]},
        "dependency.added": {"predecessor_id": [None, world.fcc.id], "lag": [None, 1.0]},
        "dependency.removed": {"predecessor_id": [world.fcc.id, None], "lag": [1.0, None]},
        "waiver.asked": {"blocker_id": [world.fcc.id, world.fcc.id], "reason": [None, "too late"]},
        "project.anchor_moved": {"anchor": ["2026-11-20", "2026-11-27T01:00:00+00:00"]},
        "calendar_day.written": day | {"works": [None, True]},
        "calendar_day.forgotten": day | {"works": [True, None]},
        "attachment.version": {"file": ["a.pdf", "a.pdf"], "number": [1, 2]},
        "participant.added": {"watcher": [None, world.jess.id]},
        "participant.removed": {"collaborator": [world.jess.id, None]},
        "entry.sent": {"user_id": [None, world.jess.id]},
        "entry.revoked": {"user_id": [world.jess.id, None]},
        "member.admitted": {"user_id": [None, world.jess.id]},
        "project_member.added": {"user_id": [None, world.jia.id]},
        "emergency.escalated": {"user_id": [None, world.yu.id], "emergency": ["B0C1", "B0C1"]},
        "emergency.abandoned": {"user_id": [world.yu.id, None], "emergency": ["B0C1", "B0C1"]},
        "emergency.reopened": {"emergency": ["B0C1", "B0C1"], "why": [None, "again"]},
        "project_member.removed": {"user_id": [world.jia.id, None]},
        "phase_gate.changed": {"phase": [name, name], "waits_for": [[], [name]]},
        "workspace.edited": {"code_rule": ["US-{number}", "{number}"]},
    } | {
        action: {what: [name, name], "version": [1, 2]}
        for what in ("template", "pack", "item")
        for action in ACTIONS
        if action.startswith((what, f"checklist_{what}")) or (what == "item" and action == "evidence.given")
    }


def test_every_action_has_its_sentence_in_both_languages(app, world):
    with app.test_request_context(), app.app_context():
        changes = changes_for(world)
        sentence = get_template_attribute("audit_events/_sentence.html", "sentence")
        told = {}
        for action in ACTIONS:
            event = AuditEvent(action=action, actor=world.yu, changes=changes.get(action, {}))
            names = Names([event], world.yue)
            for language in ("en", "zh_Hans"):
                with force_locale(language):
                    told[action, language] = str(sentence(event, names)).strip()
        db.session.rollback()
    silent = {key for key, words in told.items() if "林晓雨" not in words or words == "林晓雨" or "None" in words}
    assert not silent
    assert len({words for (action, language), words in told.items() if language == "en"}) == len(ACTIONS)
    untranslated = {action for action in ACTIONS if told[action, "en"] == told[action, "zh_Hans"]}
    assert not untranslated


def test_every_field_of_a_task_has_a_name_and_its_values_words(app, world):
    assert set(FIELDS) <= set(FIELD_NAMES)
    values = {
        "start_at": "2026-10-05T01:00:00+00:00", "start_rule": "by_hand", "role": "legal", "duration": 2.5,
        "locked": True, "owner_id": world.jia.id, "deliverable_zh": "报告",
        "waits_for": [{"zh": "打样", "en": "Sampling"}, {"zh": "合规", "en": None}], "kind": "review",
    }  # fmt: skip
    with app.test_request_context(), app.app_context(), force_locale("en"):
        event = AuditEvent(action="task.edited", changes={field: [None, value] for field, value in values.items()})
        words = {name: new for name, _, new in Names([event], world.yue).changes_of(event)}
    assert list(words.values()) == [
        "Mon Oct 5 1:00 AM",
        "By hand",
        "Legal & compliance",
        "2.5",
        "yes",
        "何佳",
        "报告",
        "Sampling, 合规",
        "In review",
    ]


# for good


def test_no_address_takes_a_change_of_an_event(app, browse, world):
    rules = [rule for rule in app.url_map.iter_rules() if "history" in rule.rule]
    assert rules
    assert all(rule.methods <= {"GET", "HEAD", "OPTIONS"} for rule in rules)
    admin: Browser = browse("admin")
    for method in ("POST", "PUT", "DELETE"):
        assert admin.open(method, "/history").status_code == 405


@pytest.mark.parametrize("change", ["UPDATE audit_event SET action = 'task.edited'", "DELETE FROM audit_event"])
def test_the_database_itself_keeps_every_event(session, world, change):
    before = session.scalar(text("SELECT count(*) FROM audit_event"))
    with pytest.raises(DBAPIError, match="only ever added"):
        session.execute(text(change))
    session.rollback()
    assert session.scalar(text("SELECT count(*) FROM audit_event")) == before > 0


def test_what_the_program_does_by_itself_is_told_as_such(app, browse, session, world):
    record("task.edited", by=None, task=session.get_one(Task, world.fcc.id))
    session.flush()
    assert session.scalar(db.select(AuditEvent.via).order_by(AuditEvent.id.desc()).limit(1)) == "program"


@pytest.mark.one_database
def test_who_takes_the_history_out_stands_in_it(browse, world):
    admin = browse("admin")
    taken = ("/history", f"/projects/{world.lamp.id}/history", f"/tasks/{world.fcc.id}/history")
    for page in taken:
        assert admin.get(page, {"file": "csv"}).status_code == 200
    assert admin.get("/history/archive").status_code == 200
    told = "江宁 took the history out as a file"
    assert [said(admin.get(page, {"lang": "en"})).count(told) for page in taken] == [4, 2, 1]
