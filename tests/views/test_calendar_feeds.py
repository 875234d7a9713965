"""Calendars that other programs read: days stay days in every zone, moments carry theirs, and nobody reads more than
the person who made the address."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import vobject
from icalendar import Calendar
from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import CalendarFeed, Handover, Membership, User
from tests.world import NOW, october


def make(browser, what="personal") -> str:
    """The path that a calendar program is given."""
    assert browser.post("/calendar_feeds", {"what": what}).status_code == 303
    page = browser.get("/calendar_feeds").text
    return re.findall(r'value="https://hub\.example\.com(/calendar_feeds/[0-9a-f]{64}\.ics)"', page)[-1]


def events(answer) -> dict:
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    return {str(event["UID"]): event for event in Calendar.from_ical(answer.data).walk("VEVENT")}


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Los_Angeles", "Europe/Zurich"])
def test_days_and_moments_survive_the_way_through_other_parsers(app, browse, world, zone):
    """A post at nine in the morning in Los Angeles on the Sunday on which the clocks go back."""
    with app.app_context():
        world.yu.timezone = zone
        world.listing.publish_at = datetime(2026, 11, 1, 17, 0, tzinfo=UTC)
        world.listing.audience_timezone = "America/Los_Angeles"
        world.script.due_on = october(31)
        db.session.commit()
    answer = browse().get(make(browse("yu")))
    found = events(answer)
    task, post = found[f"task-{world.script.id}@shanlan.linkstar"], found[f"post-{world.listing.id}@shanlan.linkstar"]
    assert task.decoded("DTSTART") == october(31) and task.decoded("DTEND") == date(2026, 11, 1)
    assert post.decoded("DTSTART") == datetime(2026, 11, 1, 9, 0, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert b"DTSTART;VALUE=DATE:20261031" in answer.data
    assert b"DTSTART;TZID=America/Los_Angeles:20261101T090000" in answer.data
    assert b"BEGIN:VTIMEZONE\r\nTZID:America/Los_Angeles" in answer.data
    other = {event.uid.value: event for event in vobject.readOne(answer.data.decode()).vevent_list}
    assert other[task["UID"]].dtstart.value == october(31)
    assert other[post["UID"]].dtstart.value.astimezone(UTC) == datetime(2026, 11, 1, 17, 0, tzinfo=UTC)
    assert other[task["UID"]].summary.value == "拍摄脚本"


def test_the_marketing_calendar_has_the_days_of_the_market_and_the_posts(app, browse, world):
    with app.app_context():
        world.unboxing.publish_at, world.unboxing.audience_timezone = NOW + timedelta(days=9), "America/New_York"
        db.session.commit()
    found = events(browse().get(make(browse("yu"), "marketing")))
    titles = {str(event["SUMMARY"]): event for event in found.values()}
    assert "开箱短视频" in titles and "FCC检测报告终稿" not in titles
    friday = next(event for uid, event in found.items() if uid.startswith("black_friday-2026@"))
    assert friday.decoded("DTSTART") == date(2026, 11, 27)
    stock = next(event for uid, event in found.items() if uid.startswith("fba_bfcm-minimal_splits-2026@"))
    assert stock.decoded("DTSTART") == date(2026, 10, 21)


def test_an_address_reads_what_its_owner_sees_and_not_more(app, browse, world):
    yu = browse("yu")
    tent = f"project {world.tent.id}"
    assert yu.post("/calendar_feeds", {"what": tent}).status_code == 422, "no member there"
    whole = events(browse().get(make(yu, f"project {world.lamp.id}")))
    assert {str(each["SUMMARY"]) for each in whole.values()} >= {"FCC检测报告终稿", "主图拍摄"}
    maya = events(browse().get(make(browse("maya"), "marketing")))
    assert not any(uid.startswith("task") for uid in maya)
    path = make(yu, f"project {world.lamp.id}")
    with app.app_context():
        world.lamp.remove_member(next(each for each in world.lamp.members if each.user_id == world.yu.id), by=world.yue)
        db.session.commit()
    assert browse().get(path).status_code == 404


def test_it_ends_with_the_address_with_the_membership_and_with_the_second_factor(app, browse, world):
    yu = browse("yu")
    path = make(yu)
    assert browse().get(path).status_code == 200
    with app.app_context():
        feed = db.session.scalars(select(CalendarFeed)).one()
        assert feed.token in path and feed.read_at == NOW
    jia = browse("jia")
    assert jia.delete(f"/calendar_feeds/{feed.id}").status_code == 404
    assert yu.delete(f"/calendar_feeds/{feed.id}").status_code == 303
    assert browse().get(path).status_code == 404

    path = make(yu, "marketing")
    with app.app_context():
        world.shanlan.second_factor_roles = ["ops"]
        db.session.commit()
    assert browse().get(path).status_code == 404
    with app.app_context():
        world.shanlan.second_factor_roles = []
        db.session.commit()
        mine = world.yu.membership_in(world.shanlan.id)
        Handover(mine).run(world.yue, by=world.admin)
        db.session.commit()
    assert browse().get(path).status_code == 404
    with app.app_context():
        user = db.session.get_one(User, world.yu.id)
        user.active = True
        db.session.add(Membership(workspace_id=world.shanlan.id, user=user, role="ops", created_at=NOW + timedelta(1)))
        db.session.commit()
    assert browse().get(path).status_code == 404, "who comes back left the old ones behind"


def test_what_opens_nothing_any_more_is_listed_without_a_name(app, browse, world):
    yu = browse("yu")
    path = make(yu, f"project {world.lamp.id}")
    with app.app_context():
        world.lamp.remove_member(next(each for each in world.lamp.members if each.user_id == world.yu.id), by=world.yue)
        db.session.commit()
    page = yu.get("/calendar_feeds?lang=en").text
    assert "opens nothing any more" in page and "Camp lantern" not in page and path not in page
    assert "Revoke the address of" in page


def test_who_has_read_it_already_is_told_so(app, browse, world):
    """Also an hour later; another day, and after a change, it is read again."""
    path = make(browse("yu"))
    first = browse().get(path)
    same = {"If-None-Match": first.headers["ETag"]}
    with clock.at(NOW + timedelta(hours=1)):
        again = browse().get(path, headers=same)
        assert (again.status_code, again.data) == (304, b"")
        with app.app_context():
            world.script.edit({"title_zh": "新脚本"}, by=world.yu)
            db.session.commit()
        assert "新脚本" in browse().get(path, headers=same).data.decode()


def test_creators_have_none(browse, world):
    jess = browse("jess")
    assert jess.get("/calendar_feeds").status_code == 404
    assert jess.post("/calendar_feeds", {"what": "personal"}).status_code == 404
