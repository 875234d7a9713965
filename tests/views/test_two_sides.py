"""Two sides of an ocean: whose clock stands on a task, how the plan waits for answers, and what is handed over."""

import re
from datetime import UTC, date, datetime, time
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from sqlalchemy import select

from linkstar import clock, config, jobs, packs
from linkstar.extensions import db
from linkstar.models import (
    Absence,
    AuditEvent,
    Dependency,
    HandoverNote,
    InstalledPack,
    Launch,
    Notification,
    Outline,
    Partner,
    Plan,
    Task,
    TemplateDraft,
)
from linkstar.planning.schedule import Span
from linkstar.reports.other_side import OtherSideNow
from tests.pages import elements
from tests.views.test_histories import said
from tests.world import NOW, october

LABORATORY = {
    "name": "BayLab", "timezone": "America/Los_Angeles", "works_from": "09:00", "works_until": "18:00",
    "answer_days": "3",
}  # fmt: skip


@pytest.fixture
def lab(app, world):
    with app.app_context():
        partner = Partner.create(
            world.shanlan.id,
            {**LABORATORY, "works_from": time(9), "works_until": time(18), "answer_days": 3}, by=world.yue,
        )  # fmt: skip
        db.session.commit()
        return partner.id


def dates(app, *tasks):
    with app.app_context():
        return [db.session.get_one(Task, task.id).due_on for task in tasks]


def hidden(page, name):
    return page.text.partition(f'name="{name}" value="')[2].partition('"')[0]


def known(browser, partner_id):
    return hidden(browser.get(f"/partners/{partner_id}/edit"), "known")


def test_the_clock_of_the_other_side_stands_on_the_task(app, browse, world, lab):
    """09:40 on Tuesday in Beijing is 18:40 on Monday in San José, on Columbus Day."""
    with app.app_context():
        world.fcc.edit({"partner_id": lab}, by=world.yue)
        world.yu.works_from = time(8, 30)
        db.session.commit()
    page = said(browse("yu").get(f"/tasks/{world.fcc.id}?lang=en"))
    assert "BayLab Los Angeles" in page
    assert "There it is Mon 6:40 PM, off work; back Wed Oct 14 12:00 AM" in page
    assert "Both at work next Wed Oct 14 8:30 AM–9:00 AM" in page
    assert "the usual answer is there on Fri Oct 16" in page, "its Tuesday is the first day it works"
    with clock.at(datetime(2026, 10, 14, 0, 40, tzinfo=UTC)):
        page = said(browse("yu").get(f"/tasks/{world.fcc.id}?lang=en"))
    assert "There it is Tue 5:40 PM, at work" in page and "Both at work next Wed Oct 14 8:40 AM–9:00 AM" in page


def test_where_answers_take_days_what_follows_begins_later(app, browse, world, lab):
    yue, address = browse("yue"), f"/tasks/{world.fcc.id}/counterpart"
    choice = {"who": f"partner {lab}", "round_trips": "1", "version": str(world.fcc.version)}
    asked = yue.post(address, choice)
    assert asked.status_code == 422 and "Publish the Amazon listing" in said(yue.post(f"{address}?lang=en", choice))
    assert dates(app, world.listing) == [october(20)], "nothing is saved before that is answered"
    seen = asked.text.partition('name="seen" value="')[2].partition('"')[0]
    assert yue.post(address, choice | {"answer": "others", "seen": seen}).status_code == 303
    assert dates(app, world.fcc, world.listing) == [october(16), october(22)], "19 to 21 are kept free"
    with app.app_context():
        changes = db.session.scalars(select(AuditEvent.change).order_by(AuditEvent.id.desc()).limit(2)).all()
        assert len(set(changes)) == 1, "one change, taken back as one"
    change = changes[0]
    assert yue.post("/undos", {"change": change}).status_code == 303
    assert dates(app, world.listing) == [october(20)]


def test_a_partner_that_becomes_slower_moves_what_waits_for_it(app, browse, world, lab):
    with app.app_context():
        world.fcc.edit({"partner_id": lab}, by=world.yue)
        db.session.commit()
    yue, address = browse("yue"), f"/partners/{lab}?_method=PUT"
    slower = LABORATORY | {"answer_days": "5", "known": known(yue, lab)}
    asked = yue.post(address, slower)
    assert asked.status_code == 422 and 'value="5"' in asked.text
    assert hidden(asked, "known") == slower["known"]
    seen = asked.text.partition('name="seen" value="')[2].partition('"')[0]
    assert yue.post(address, slower | {"answer": "others", "seen": "stale"}).status_code == 409
    assert yue.post(address, slower | {"answer": "others", "seen": seen}).status_code == 303
    assert dates(app, world.listing) == [october(26)]
    with app.app_context():
        assert db.session.get_one(Partner, lab).answer_days == 5
        change = db.session.scalars(select(AuditEvent.change).where(AuditEvent.action == "partner.edited")).one()
    assert hidden(yue.get("/partners"), "change") == change
    assert yue.post("/undos", {"change": change}).status_code == 303
    assert dates(app, world.listing) == [october(20)]
    with app.app_context():
        assert db.session.get_one(Partner, lab).answer_days == 3, "the dates and what moved them"


def test_a_partner_that_is_no_slower_asks_nothing_and_offers_no_undo(app, browse, world, lab):
    with app.app_context():
        world.fcc.edit({"partner_id": lab}, by=world.yue)
        db.session.commit()
    yue = browse("yue")
    for better in ({"name": "Bay Laboratory"}, {"works_until": "17:00"}, {"answer_days": "2"}):
        answer = yue.post(f"/partners/{lab}?_method=PUT", LABORATORY | better | {"known": known(yue, lab)})
        assert answer.status_code == 303
        assert 'name="change"' not in yue.get("/partners").text


def test_nobody_writes_over_what_another_has_just_changed(app, browse, world, lab):
    yue, seen, version = browse("yue"), known(browse("yue"), lab), world.fcc.version
    with app.app_context():
        values = {**LABORATORY, "works_from": time(9), "works_until": time(18), "answer_days": 1, "name": "Lab Seven"}
        db.session.get_one(Partner, lab).edit(values, by=world.jia)
        world.fcc.edit({"round_trips": 4}, by=world.jia)
        db.session.commit()
    typed = LABORATORY | {"answer_days": "9", "known": seen}
    answer = yue.put(f"/partners/{lab}?lang=en", typed)
    assert answer.status_code == 409 and 'value="9"' in answer.text and "Name: Lab Seven" in said(answer)
    again = yue.post(f"/partners/{lab}?_method=PUT", typed | {"known": hidden(answer, "known")})
    assert again.status_code == 303, "knowing of it, one may"
    address = f"/tasks/{world.fcc.id}/counterpart"
    answer = yue.post(address, {"who": f"partner {lab}", "round_trips": "2", "version": str(version)})
    assert answer.status_code == 409 and 'value="2"' in answer.text
    assert hidden(answer, "version") == str(world.fcc.version)
    with app.app_context():
        assert (world.fcc.round_trips, world.fcc.partner_id) == (4, None)


def test_along_a_chain_of_answers_nothing_begins_before_what_it_waits_for(app, world, lab):
    """Both the report and the packing go to the laboratory; the listing waits for either."""
    with app.app_context():
        fcc, packing, listing = world.fcc, world.packing, world.listing
        packing.edit({"start_on": october(17), "due_on": october(19), "partner_id": lab}, by=world.yue)
        fcc.edit({"partner_id": lab}, by=world.yue)
        db.session.add(Dependency(predecessor_id=fcc.id, successor_id=packing.id))
        db.session.add(Dependency(predecessor_id=packing.id, successor_id=listing.id))
        db.session.flush()
        moved = {shift.task: shift.new for shift in Plan(world.lamp).with_answers([fcc, packing]).shifts}
        assert moved == {
            packing: Span(october(22), october(22)),  # the weekend before it was no work
            listing: Span(october(28), october(28)),
        }
        listing.edit({"locked": True}, by=world.yue)
        stuck = Plan(world.lamp).with_answers([fcc, packing])
        told = {(clash.predecessor, clash.days) for clash in stuck.clashes}
        assert [shift.task for shift in stuck.shifts] == [packing] and told == {(fcc, 2), (packing, 8)}


def test_answers_take_the_working_days_of_who_gives_them(app, world, lab):
    """The day after this Wednesday is Thanksgiving there, and a Thursday in Shenzhen."""
    with app.app_context():
        db.session.get_one(Partner, lab).answer_days = 1
        world.fcc.edit({"due_on": date(2026, 11, 25), "partner_id": lab}, by=world.yue)
        world.listing.edit({"due_on": date(2026, 11, 26)}, by=world.yue)
        [shift] = Plan(world.lamp).with_answers([world.fcc]).shifts
        assert shift.new.start == date(2026, 11, 30)
        [clash] = Plan(world.lamp).clashes
        assert clash.days == 4
        world.listing.edit({"due_on": shift.new.start}, by=world.yue)
        assert not Plan(world.lamp).clashes


def test_what_cannot_wait_for_the_answer_is_told_before_it_is_saved(app, browse, world, lab):
    with app.app_context():
        world.listing.edit({"locked": True}, by=world.yue)
        db.session.commit()
    yue, address = browse("yue"), f"/tasks/{world.fcc.id}/counterpart"
    choice = {"who": f"partner {lab}", "round_trips": "1", "version": str(world.fcc.version)}
    asked = yue.post(f"{address}?lang=en", choice)
    assert asked.status_code == 422 and "1 clash" in said(asked) and "Move these too" not in said(asked)
    assert yue.post(address, choice | {"answer": "only", "seen": hidden(asked, "seen")}).status_code == 303
    with app.app_context():
        assert world.fcc.partner_id == lab
    slower = LABORATORY | {"answer_days": "4", "known": known(yue, lab)}
    assert "1 clash" in said(yue.put(f"/partners/{lab}?lang=en", slower))


def test_answers_that_come_after_the_last_day_there_is_are_refused(app, browse, world, lab):
    with app.app_context():
        world.fcc.edit({"due_on": date(2100, 12, 20)}, by=world.yue)
        world.listing.edit({"due_on": date(2100, 12, 27)}, by=world.yue)
        db.session.commit()
    yue, address = browse("yue"), f"/tasks/{world.fcc.id}/counterpart"
    choice = {"who": f"partner {lab}", "round_trips": "20", "version": str(world.fcc.version)}
    answer = yue.post(f"{address}?lang=en", choice)
    assert answer.status_code == 422 and "after 2100" in said(answer) and 'value="20"' in answer.text
    with app.app_context():
        world.fcc.edit({"partner_id": lab}, by=world.yue)
        db.session.commit()
    answer = yue.put(f"/partners/{lab}?lang=en", LABORATORY | {"answer_days": "60", "known": known(yue, lab)})
    assert answer.status_code == 422 and "after 2100" in said(answer) and 'value="60"' in answer.text
    with app.app_context():
        assert db.session.get_one(Partner, lab).answer_days == 3


def test_the_picture_keeps_the_hours_when_clocks_change(app, world, lab):
    """On 1 November 2026 the day in Los Angeles has 25 hours; noon there is noon in the picture."""
    noon = datetime(2026, 11, 1, 20, tzinfo=UTC)
    with app.test_request_context(), clock.at(noon):
        world.fcc.edit({"counterpart_timezone": "Asia/Shanghai"}, by=world.yue)
        page = OtherSideNow(world.fcc.other_side, world.shanlan.id, world.maya)
        assert (page.minute, page.hours_there) == (720, [(17 * 60, 420)]), "nine in Beijing is five in the evening"
        assert page.ask_before
        world.fcc.edit({"counterpart_timezone": None, "partner_id": lab}, by=world.yue)
        db.session.expire(world.fcc)
        assert OtherSideNow(world.fcc.other_side, world.shanlan.id, world.maya).ask_before is None, "it takes days"


def test_a_template_says_where_the_other_side_of_a_task_is(app, world):
    template = packs.template("amazon_us_launch_electronics")
    with app.app_context():
        project = Launch(
            template=template, workspace_id=world.shanlan.id, owner=world.yue, anchor=date(2027, 5, 12),
            values={"name_zh": "耳机", "code": "US-AMZ-27Q2-EARB-001", "key": "EARB", "platforms": ["amazon"]},
        ).create(by=world.yue)  # fmt: skip
        tasks = {task.key: task for task in db.session.scalars(select(Task).where(Task.project_id == project.id))}
        asked = {key: task.counterpart_tz for key, task in template.tasks.items() if task.counterpart_tz}
        assert {key: task.counterpart_timezone for key, task in tasks.items() if task.counterpart_timezone} == asked
        key = next(iter(asked))
        tasks[key].counterpart_timezone = None
        tasks["anchor" if "anchor" in tasks else project.anchor_key].counterpart_timezone = "Europe/London"
        told = [task for phase in Outline(project).document(key="own", name_zh="耳机", name_en=None)["phases"]
                for task in phase["tasks"]]  # fmt: skip
        zones = {task["key"]: task["counterpart_tz"] for task in told if "counterpart_tz" in task}
        assert zones == {other: zone for other, zone in asked.items() if other != key} | {
            project.anchor_key: "Europe/London"
        }


def test_partners_are_the_companys_own(app, browse, world, lab):
    yue = browse("yue")
    assert yue.post("/partners", LABORATORY).status_code == 422, "the name is taken"
    for wrong in ({"name": ""}, {"timezone": "Mars/Olympus"}, {"works_from": "25:00"}, {"answer_days": "-1"}):
        assert yue.post("/partners", LABORATORY | {"name": "Other"} | wrong).status_code == 422
    lead = browse("lead")
    assert lead.get(f"/partners/{lab}/edit").status_code == 404
    assert "BayLab" not in lead.get("/partners").text
    assert (
        lead.post(f"/tasks/{world.frame.id}/counterpart", {"who": f"partner {lab}", "round_trips": "1"}).status_code
        == 422
    )
    assert browse("maya").get("/partners").status_code == 403
    assert browse("jess").get("/partners").status_code == 404


def test_outsiders_are_not_told_whom_a_task_waits_for(app, browse, world, lab):
    with app.app_context():
        world.photos.edit({"partner_id": lab}, by=world.yue)
        db.session.commit()
    assert "BayLab" not in browse("maya").get(f"/tasks/{world.photos.id}").text
    assert "BayLab" in browse("yu").get(f"/tasks/{world.photos.id}").text


def test_the_partner_over_there_has_the_other_side_of_what_the_partner_owns_or_answers(app, browse, world, lab):
    """Maya is asked in one task, asks in another, and only watches the third."""
    with app.app_context():
        world.photos.edit({"counterpart_id": world.maya.id}, by=world.yue)
        world.script.edit({"owner_id": world.maya.id, "counterpart_id": world.jia.id}, by=world.yue)
        world.budget.edit({"counterpart_id": world.yu.id}, by=world.yue)
        db.session.commit()
    maya = browse("maya")

    def card(task):
        page = said(maya.get(f"/tasks/{task.id}?lang=en"))
        return page.partition("Both at work next")[0][-160:] if "Both at work next" in page else None

    assert "陈思远 Beijing" in card(world.photos), "who asks her, and not herself"
    assert "何佳 Beijing" in card(world.script), "whom she asks"
    assert card(world.budget) is None, "nor is she told whom that one waits for"
    with app.app_context():
        world.script.edit({"counterpart_id": None, "partner_id": lab}, by=world.yue)
        db.session.commit()
    assert card(world.script) is None, "nor of a company"
    assert "Change the other side" not in maya.get(f"/tasks/{world.photos.id}?lang=en").text
    assert maya.get(f"/tasks/{world.photos.id}/counterpart/edit").status_code == 403


def test_the_partner_over_there_hands_over_to_those_whom_a_task_names(app, browse, world):
    maya, address = browse("maya"), f"/tasks/{world.photos.id}/handover_notes"
    assert f"{address}/new" in maya.get(f"/tasks/{world.photos.id}").text

    def offered():
        return {choice["value"] for choice in elements(maya.get(f"{address}/new").text, tag="option")}

    assert offered() == {str(world.designer.id), str(world.yue.id)}, "its owner and the project's"
    assert maya.post(address, {"recipient_id": world.jia.id, "done": "x"}).status_code == 422
    browse("jia").post(address, {"recipient_id": world.maya.id, "done": "fertig"})
    with app.app_context():
        for _number in range(6):
            HandoverNote.write(world.photos, world.designer, by=world.maya, done="x", needed=None, decide=None)
        db.session.commit()
    assert str(world.jia.id) in offered(), "who wrote to her has an answer, also after notes of her own"
    assert maya.post(address, {"recipient_id": world.designer.id, "needed": "竖版"}).status_code == 303
    assert "竖版" in browse("designer").get(f"/tasks/{world.photos.id}").text
    assert "竖版" in maya.get(f"/tasks/{world.photos.id}").text
    for there in (world.poles, world.frame):
        assert maya.post(f"/tasks/{there.id}/handover_notes", {"done": "x"}).status_code == 404
    assert browse("jess").get(f"/tasks/{world.unboxing.id}/handover_notes/new").status_code == 404
    with app.app_context():
        world.lamp.narrow(world.maya, "view", by=world.yue)
        db.session.commit()
    assert maya.get(f"{address}/new").status_code == 403, "who only reads there says nothing"
    assert f"{address}/new" not in maya.get(f"/tasks/{world.photos.id}").text


def test_what_was_laid_before_there_were_two_sides_says_where_they_are(app, world):
    """As the migration leaves drafts and projects that only their template told."""
    spec = spec_from_file_location("time", config.CHECKOUT / "migrations" / "versions" / "0004_time.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    template = packs.template("amazon_us_launch_electronics")
    asked = {key: task.counterpart_tz for key, task in template.tasks.items() if task.counterpart_tz}
    with app.app_context():
        installed = db.session.scalars(select(InstalledPack)).first() or InstalledPack.install(
            world.shanlan, packs.pack(), by=world.yue
        )
        kept = next(each for each in installed.templates if each.key == template.key)
        draft = TemplateDraft(kept).open(by=world.yue)
        here = select(Task).where(Task.project_id == draft.id)
        for task in db.session.scalars(here):
            task.counterpart_timezone = None
        db.session.flush()
        module.tell_other_sides(db.session.connection())
        db.session.expire_all()
        assert {task.key: task.counterpart_timezone for task in db.session.scalars(here) if task.other_side} == asked
        told = TemplateDraft(kept).document(kept.name_zh, kept.name_en)
        zones = {task["key"]: task.get("counterpart_tz") for phase in told["phases"] for task in phase["tasks"]}
        assert {key: zone for key, zone in zones.items() if zone} == asked, "a new version loses none of it"


def test_a_note_arrives_when_the_other_side_begins_its_day(app, browse, world):
    """Maya has gone home on Monday evening; her Tuesday begins at midnight in Beijing."""
    yu = browse("yu")
    answer = yu.post(
        f"/tasks/{world.photos.id}/handover_notes",
        {"recipient_id": world.maya.id, "done": "六张已修", "needed": "选一张做主图", "decide": ""},
    )
    assert answer.status_code == 303
    begins = datetime(2026, 10, 13, 16, 0, tzinfo=UTC)
    with app.app_context():
        assert db.session.scalars(select(HandoverNote)).one().deliver_at == begins

    def notices():
        return db.session.scalars(select(Notification).where(Notification.kind == "handed_over")).all()

    with app.app_context(), clock.at(begins.replace(hour=15, minute=59)):
        jobs.deliver_notes()
        assert not notices()
    with app.app_context(), clock.at(begins):
        jobs.deliver_notes()
        jobs.deliver_notes()
        [notice] = notices()
        assert (notice.user_id, notice.handover_note.needed) == (world.maya.id, "选一张做主图")
        assert notice.deliveries
    assert "选一张做主图" in browse("maya").get(f"/tasks/{world.photos.id}").text


def test_a_note_reaches_nobody_who_does_not_see_the_task_any_more(app, browse, world):
    yu = browse("yu")
    yu.post(f"/tasks/{world.photos.id}/handover_notes", {"recipient_id": world.maya.id, "done": "fertig"})
    with app.app_context(), clock.at(NOW.replace(day=14)):
        world.lamp.remove_member(next(m for m in world.lamp.members if m.user_id == world.maya.id), by=world.yue)
        db.session.commit()
        jobs.deliver_notes()
        assert not db.session.scalars(select(Notification).where(Notification.kind == "handed_over")).all()


def test_a_note_waits_until_its_reader_is_back(app, world):
    with app.app_context():
        Absence.write(world.shanlan.id, world.maya, october(13), october(16), by=world.yue)
        note = HandoverNote.write(world.photos, world.maya, by=world.yu, done="x", needed=None, decide=None)
        assert note.deliver_at == datetime(2026, 10, 19, 16, tzinfo=UTC), "the Monday after, at nine there"


def test_a_note_that_fails_holds_up_no_other(app, world, monkeypatch):
    with app.app_context():
        notes = [
            HandoverNote.write(world.photos, world.maya, by=world.yu, done=done, needed=None, decide=None)
            for done in ("a", "b")
        ]
        db.session.commit()
        first, deliver = notes[0].id, HandoverNote.deliver

        def fails(note):
            deliver(note)
            if note.id == first:
                raise RuntimeError

        monkeypatch.setattr(HandoverNote, "deliver", fails)
    with app.app_context(), clock.at(NOW.replace(day=15)):
        jobs.deliver_notes()
        assert db.session.scalars(select(HandoverNote.id).where(HandoverNote.delivered_at.is_(None))).all() == [first]


def test_notes_of_others_do_not_hide_ones_own(app, world):
    with app.app_context():
        own = HandoverNote.write(world.photos, world.maya, by=world.yu, done="x", needed=None, decide=None)
        for _number in range(6):
            HandoverNote.write(world.photos, world.jia, by=world.yu, done="y", needed=None, decide=None)
        assert HandoverNote.of(world.photos, world.maya) == [own]
        assert len(HandoverNote.of(world.photos)) == 5


def test_a_note_is_meant_for_the_other_side_of_its_task(app, browse, world):
    """Whom the task asks, or who asks there, also in the next room; where it asks nobody, who is an ocean away."""
    address = f"/tasks/{world.photos.id}/handover_notes/new"
    for counterpart, writer, meant in ((None, "yu", "maya"), ("jia", "yu", "jia"), ("jia", "jia", "designer")):
        with app.app_context():
            other = getattr(world, counterpart).id if counterpart else None
            world.photos.edit({"counterpart_id": other}, by=world.yue)
            db.session.commit()
        [chosen] = elements(browse(writer).get(address).text, "selected", tag="option")
        assert chosen["value"] == str(getattr(world, meant).id), (counterpart, writer)


def test_a_note_says_something_and_goes_to_somebody_on_the_task(browse, world):
    yu, address = browse("yu"), f"/tasks/{world.photos.id}/handover_notes"
    assert yu.post(address, {"recipient_id": world.maya.id, "done": " "}).status_code == 422
    for stranger in (world.lead, world.yu, world.jess):
        assert yu.post(address, {"recipient_id": stranger.id, "done": "x"}).status_code == 422


def test_who_moves_to_another_clock_takes_the_ends_of_days_along(app, browse, world):
    yu = browse("yu")
    fields = {"name": "林晓雨", "language": "zh", "works_from": "09:00", "works_until": "18:00"}
    yu.post("/account?_method=PUT", fields | {"timezone": "America/Los_Angeles"})
    with app.app_context():
        assert world.script.late_from == datetime(2026, 10, 15, 7, tzinfo=UTC)
        assert world.script.due_on == date(2026, 10, 14)
        revision = world.lamp.revision
        assert world.script.revision == revision, "open boards draw it again"
    yu.post("/account?_method=PUT", fields | {"timezone": "America/Los_Angeles", "name": "晓雨"})
    assert world.lamp.revision == revision, "a name moves nothing"


def test_a_number_longer_than_numbers_are_is_no_number(browse, world, lab):
    yue, long = browse("yue"), "9" * 400
    assert yue.post("/partners", LABORATORY | {"name": "Other", "answer_days": long}).status_code == 422
    address = f"/tasks/{world.fcc.id}/counterpart"
    assert yue.post(address, {"who": f"partner {lab}", "round_trips": long}).status_code == 422
    assert yue.post(f"/tasks/{world.fcc.id}/delay", {"days": long}).status_code == 422


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_leave_of_either_is_no_time_to_ask(app, browse, world, count_queries):
    """Tuesday, 09:40 in Beijing: what both work next, on the task and on the landing page, and until when to ask."""
    address = f"/tasks/{world.fcc.id}?lang=en"
    with app.app_context():
        world.fcc.edit({"counterpart_id": world.maya.id}, by=world.yue)
        world.fcc.owner_id = world.yu.id
        world.yu.works_from = world.maya.works_from = time(8, 30)
        world.yu.works_until = world.maya.works_until = time(21)
        db.session.commit()
    with app.app_context():
        HandoverNote.write(world.fcc, world.maya, by=world.yu, done=None, needed="Which lamp?", decide=None)
        db.session.commit()
    browser = browse("yu")

    def told():
        """Of the task: when they are back, what both work next, until when to ask; and what both coasts share."""
        found = []
        for page in (address, "/?lang=en"):
            with count_queries() as queries:
                found.append(said(browser.get(page)))
            assert len([each for each in queries if "FROM absence" in each]) == 1
        task = re.search(r"back (.*) Both at work next (.*?–.*?M) .* ask before (.*?M)", found[0])
        return *task.groups(), re.search(r"share with Los Angeles: (.*?)–", found[1])[1]

    def leave(person, workspace, first, last):
        with app.app_context():
            place, away = getattr(world, workspace), getattr(world, person)
            Absence.write(place.id, away, october(first), october(last), by=world.yue)
            db.session.commit()

    usual = ("Tue Oct 13 11:30 PM", "Wed Oct 14 8:30 AM–12:00 PM", "Wed Oct 14 11:00 AM", "Wed Oct 14 8:30 AM")
    assert told() == usual
    leave("maya", "beiyuan", 12, 30)
    assert told() == usual, "the leave is another company's"
    leave("maya", "shanlan", 13, 16)
    back = "Mon Oct 19 11:30 PM"
    assert told() == (back, "Tue Oct 20 8:30 AM–12:00 PM", "Tue Oct 20 11:00 AM", usual[-1])
    leave("yu", "shanlan", 20, 21)
    assert told() == (back, "Thu Oct 22 8:30 AM–12:00 PM", "Thu Oct 22 11:00 AM", usual[-1])
    leave("yu", "shanlan", 14, 15)
    assert told()[-1] == "Fri Oct 16 8:30 AM"
    with clock.at(datetime(2026, 10, 14, 0, 40, tzinfo=UTC)):
        assert "Maya Brooks · Los Angeles Tue 5:40 PM, off work" in said(browse("yu").get("/?lang=en"))
    with app.app_context():
        assert HandoverNote.write(
            world.fcc, world.maya, by=world.yu, done="All", needed=None, decide=None
        ).deliver_at == datetime(2026, 10, 19, 15, 30, tzinfo=UTC)
