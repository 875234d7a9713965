"""When a post goes online: on its audience's clock, over both clock changes, and not cheerfully on a sad day."""

from datetime import UTC, date, datetime

import pytest

from linkstar.extensions import db
from linkstar.models import CalendarEvent
from tests.pages import elements

NOON = {"day": "2027-06-18", "time": "12:00", "audience_timezone": "America/Los_Angeles", "platform": "tiktok"}
CHEERFUL = {"cheerful": "y"}


@pytest.fixture(params=["sqlite"])
def databases(request):
    """What a clock shows does not hang on the database."""
    return request.getfixturevalue(request.param)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.fixture
def at(world):
    return f"/tasks/{world.unboxing.id}/publication"


@pytest.fixture
def put(world, at):
    """put(browser, values) sends the form as it stands open now."""

    def send(browser, values, **more):
        return browser.post(
            at if "lang" not in more else f"{at}?lang={more.pop('lang')}",
            {"version": world.unboxing.version} | values,
            **more,
        )

    return send


def value(page, name):
    return next(element["value"] for element in elements(page.text, name=name) if "value" in element)


def test_a_post_is_planned_on_the_audiences_clock_and_undone(browse, world, at, put):
    yue = browse("yue")
    begun = yue.get(f"{at}/edit")
    assert (value(begun, "day"), value(begun, "time")) == (str(world.unboxing.due_on), "09:00")
    answer = put(yue, NOON | CHEERFUL, htmx=True)
    assert answer.status_code == 200
    post = world.unboxing
    assert (post.publish_at, post.cheerful) == (utc(2027, 6, 18, 19), True)
    assert post.audience_timezone == "America/Los_Angeles"
    page = yue.get(f"/tasks/{post.id}?lang=en").text
    assert "Fri Jun 18, 2027 12:00 PM" in page and "Sat Jun 19, 2027 3:00 AM" in page
    brief = browse("jess").get(f"/briefs/{post.id}").text
    assert "Goes online Fri Jun 18, 2027 12:00 PM" in brief
    change = next(element["value"] for element in elements(answer.text, name="change"))
    assert yue.post("/undos", {"change": change}).status_code in (200, 303)
    assert world.unboxing.publish_at is None


def test_a_time_that_the_clocks_leave_out_is_refused(browse, world, put):
    yue = browse("yue")
    for zone, local, moment in (
        ("America/Los_Angeles", "2027-03-14T02:30", None),
        ("Europe/Zurich", "2027-03-28T02:30", None),
        ("Asia/Shanghai", "2027-03-14T02:30", utc(2027, 3, 13, 18, 30)),
        ("America/Los_Angeles", "2027-11-07T01:30", utc(2027, 11, 7, 8, 30)),  # the first of two
        ("Europe/Zurich", "2027-10-31T02:30", utc(2027, 10, 31, 0, 30)),
    ):
        day, time = local.split("T")
        answer = put(yue, NOON | {"audience_timezone": zone, "day": day, "time": time}, lang="en")
        assert answer.status_code == (303 if moment else 422), (zone, local)
        assert ("this time does not exist" in answer.text) == (moment is None)
        assert world.unboxing.publish_at == moment


def test_a_post_that_is_dropped_on_another_day_keeps_its_hour(app, browse, world, at):
    with app.app_context():
        world.unboxing.edit(
            {"publish_at": utc(2026, 11, 1, 0, 30), "audience_timezone": "America/Los_Angeles"}, by=world.yue
        )  # half past five on Saturday, which is Sunday in Beijing; on Sunday the clocks there are put back
        db.session.commit()
    yue = browse("yue")
    audience = yue.get(f"{at}/edit?day=2026-11-02")
    assert (value(audience, "day"), value(audience, "time")) == ("2026-11-02", "17:30")
    beijing = yue.get(f"{at}/edit?day=2026-11-04&zone=Asia/Shanghai&lang=en")
    assert (value(beijing, "day"), value(beijing, "time")) == ("2026-11-03", "17:30")
    assert "For the audience it is still Tue Nov 3." in beijing.text
    there = yue.get(f"{at}/edit?day=2026-11-02&zone=America/Los_Angeles")
    assert "For the audience" not in there.text
    sent = elements(there.text, id="publication-form")[0]["action"]
    refused = yue.post(sent, {"day": "2026-11-02", "time": "17:30", "platform": "fax"})
    assert refused.status_code == 422
    assert elements(refused.text, id="publication-form")[0]["action"] == sent and "America" in sent, "by the same days"
    assert elements(there.text, id="publication-end")[0]["action"] == f"{at}?_method=DELETE"
    for nonsense in ("day=soon", "day=0001-01-01", "day=9999-12-31", "day=2026-11-02&zone=Moon"):
        assert yue.get(f"{at}/edit?{nonsense}").status_code == 200


def test_a_cheerful_post_on_juneteenth_is_asked_about(browse, world, at, put):
    """It is the 19th in Los Angeles, and the 20th in Beijing already."""
    yue = browse("yue")
    juneteenth = NOON | {"day": "2027-06-19"}
    asked = put(yue, juneteenth | CHEERFUL, htmx=True, lang="en")
    assert (asked.status_code, asked.headers["HX-Reswap"]) == (422, "none")
    assert "Juneteenth" in asked.text and "End of slavery" in asked.text
    assert [element["value"] for element in elements(asked.text, tag="button", name="answer")] == ["another", "publish"]
    assert world.unboxing.publish_at is None
    typed = {name: value(asked, name) for name in (*NOON, "cheerful", "seen", "version")}
    assert {name: typed[name] for name in NOON} == juneteenth
    another = yue.post(at, typed | {"answer": "another"})
    assert another.status_code == 200
    assert "autofocus" in elements(another.text, name="day")[0]
    assert yue.post(at, typed | {"answer": "publish", "seen": "what was not shown"}).status_code == 409
    assert world.unboxing.publish_at is None
    assert yue.post(at, typed | {"answer": "publish"}).status_code == 303
    assert world.unboxing.publish_at == utc(2027, 6, 19, 19)
    page = yue.get(f"/tasks/{world.unboxing.id}").text
    assert "Sensitive day: Juneteenth" in page


def test_what_is_no_cheerful_post_there_is_saved_at_once(browse, world, put):
    yue = browse("yue")
    for instead in (
        {"day": "2027-06-18", "time": "23:30"},  # the day before, although it is the 19th in Beijing
        {"cheerful": ""},  # in another tone
        {"audience_timezone": "Europe/Zurich"},  # to people who keep other days
    ):
        sent = NOON | CHEERFUL | {"day": "2027-06-19"} | instead
        assert put(yue, {name: text for name, text in sent.items() if text}).status_code == 303, instead
        assert world.unboxing.cheerful == bool(sent["cheerful"])


def test_the_dialog_says_what_the_chosen_moment_means(app, browse, world, at):
    with app.app_context():
        party = {"kind": "own", "name_en": "Party", "first_on": date(2027, 6, 18), "last_on": date(2027, 6, 18)}
        CalendarEvent.add(world.shanlan.id, party, by=world.yue)
        db.session.commit()
    yue = browse("yue")
    part = yue.get(f"{at}/edit", NOON | CHEERFUL | {"lang": "en"}, htmx=True).text
    assert "<form" not in part
    assert "Sat Jun 19, 2027 3:00 AM" in part and "Party" in part
    assert "End of slavery" in yue.get(f"{at}/edit", NOON | CHEERFUL | {"day": "2027-06-19"}, htmx=True).text
    gap = NOON | {"day": "2027-03-14", "time": "02:30"}
    assert "this time does not exist" in yue.get(f"{at}/edit", gap, htmx=True).text
    for wrong in ({"day": ""}, {"time": "25:00"}, {"audience_timezone": "Moon"}, {"platform": "fax"}):
        assert yue.post(at, NOON | wrong).status_code == 422, wrong
        assert yue.get(f"{at}/edit", NOON | wrong, htmx=True).status_code == 200, wrong


def test_the_moment_is_taken_away_and_not_by_everybody(app, browse, world, at, put):
    yue = browse("yue")
    assert put(yue, NOON).status_code == 303
    assert browse("maya").delete(at).status_code in (403, 404)
    assert yue.delete(at).status_code == 303
    assert (world.unboxing.publish_at, world.unboxing.audience_timezone) == (None, None)


def test_who_saves_over_a_colleague_is_told(app, browse, world, at):
    """Also where the question of a sensitive day lies between."""
    yue, yu = browse("yue"), browse("yu")
    seen = value(yue.get(f"{at}/edit"), "version")
    with app.app_context():
        world.unboxing.edit({"publish_at": utc(2027, 6, 20, 19), "priority": "high"}, by=world.yu)
        db.session.commit()
    asked = yue.post(at, NOON | CHEERFUL | {"day": "2027-06-19", "version": seen})
    assert (asked.status_code, value(asked, "version")) == (422, seen)
    late = NOON | CHEERFUL | {"day": "2027-06-19", "version": seen, "answer": "publish", "seen": value(asked, "seen")}
    answer = yue.post(f"{at}?lang=en", late)
    assert answer.status_code == 409 and "Someone changed this task first" in answer.text
    assert world.unboxing.publish_at == utc(2027, 6, 20, 19)
    again = late | {"version": value(answer, "version")}
    assert yue.post(at, again).status_code == 303, "who has looked at it may"
    assert yu.post(at, NOON).status_code in (403, 409), "no version is none that anybody saw"


def test_the_dates_dialog_says_quietly_that_the_fourth_of_july_is_off(browse, world):
    """Its owner lives in China; the freight is handed over in America all the same."""
    yue, address = browse("yue"), f"/tasks/{world.listing.id}/dates"
    part = yue.get(f"{address}/edit?lang=en&start_on=&due_on=2028-07-04", htmx=True).text
    assert "a day off in the United States: Independence Day" in part
    assert "a day off in China" in yue.get(f"{address}/edit?due_on=2026-10-01", htmx=True).text
    assert "day off" not in yue.get(f"{address}/edit?due_on=2028-07-05", htmx=True).text
    assert yue.post(address, {"due_on": "2028-07-04"}).status_code == 303, "a quiet line is no question"
    assert "Independence Day" in yue.get(f"{address}/edit").text
    for day, weekend in (("2026-10-10", False), ("2026-10-11", True), ("2026-10-12", False), ("2026-10-03", False)):
        part = yue.get(f"{address}/edit?lang=en&due_on={day}", htmx=True).text  # the 10th makes up for the golden week
        assert ("is a weekend day where 林晓雨 lives" in part) == weekend, day


def test_a_post_that_would_go_online_before_its_work_is_done_is_said(app, browse, world):
    with app.app_context():
        world.listing.edit(
            {"publish_at": datetime(2026, 10, 21, 16, tzinfo=UTC), "audience_timezone": "America/Los_Angeles"},
            by=world.yue,
        )  # fmt: skip
        db.session.commit()
    yue, dates = browse("yue"), f"/tasks/{world.listing.id}/dates"
    asked = yue.post(f"{dates}?lang=en", {"due_on": "2026-10-23"})
    assert asked.status_code == 422 and "goes online before its work is done on Fri Oct 23" in asked.text
    seen = asked.text.partition('name="seen" value="')[2].partition('"')[0]
    assert yue.post(dates, {"due_on": "2026-10-23", "answer": "only", "seen": seen}).status_code == 303
    dialog = yue.get(f"/tasks/{world.listing.id}/publication/edit?lang=en").text
    assert "The work is due on Fri Oct 23, after it has gone online." in dialog
    assert yue.post(dates, {"due_on": "2026-10-21"}).status_code == 303, "back before it goes online nothing is asked"
