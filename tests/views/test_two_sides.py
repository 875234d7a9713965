"""Two sides of an ocean: whose clock stands on a task, how the plan waits for answers, and what is handed over."""

from datetime import UTC, date, datetime, time

import pytest
from sqlalchemy import select

from linkstar import clock, jobs
from linkstar.extensions import db
from linkstar.models import AuditEvent, HandoverNote, Notification, Partner, Task
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
    choice = {"who": f"partner {lab}", "round_trips": "1"}
    asked = yue.post(address, choice)
    assert asked.status_code == 422 and "Publish the Amazon listing" in said(yue.post(f"{address}?lang=en", choice))
    assert dates(app, world.listing) == [october(20)], "nothing is saved before that is answered"
    seen = asked.text.partition('name="seen" value="')[2].partition('"')[0]
    assert yue.post(address, choice | {"answer": "others", "seen": seen}).status_code == 303
    assert dates(app, world.fcc, world.listing) == [october(16), october(21)]
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
    slower = LABORATORY | {"answer_days": "5"}
    asked = yue.post(address, slower)
    assert asked.status_code == 422 and 'value="5"' in asked.text
    seen = asked.text.partition('name="seen" value="')[2].partition('"')[0]
    assert yue.post(address, slower | {"answer": "others", "seen": "stale"}).status_code == 409
    assert yue.post(address, slower | {"answer": "others", "seen": seen}).status_code == 303
    assert dates(app, world.listing) == [october(23)]
    with app.app_context():
        assert db.session.get_one(Partner, lab).answer_days == 5


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
