"""The landing page: what somebody has to do, what holds it up, who waits for it, and whose word is wanted."""

from datetime import UTC, date, datetime, time

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import Approval, CalendarDay, DeleteTask, HandoverNote, Partner, Task
from linkstar.models.waiver import Waiver
from tests.views.test_histories import said
from tests.world import october

HEADINGS = ("Late and today", "Next 7 days", "Without a date", "Blocked by others", "Waiting for the other side",
            "Others wait for me",
            "For me to approve", "Mentions", "My projects")  # fmt: skip


def panels(browser) -> dict[str, str]:
    """Heading → the words under it."""
    words = said(browser.get("/?lang=en"))
    found = {}
    places = sorted((words.index(each), each) for each in HEADINGS if each in words)
    for (start, heading), (end, _next) in zip(places, [*places[1:], (len(words), "")], strict=True):
        found[heading] = words[start + len(heading) : end]
    return found


def test_who_waits_for_whom_stands_on_both_pages(app, browse, world):
    yu, lei = panels(browse("yu")), panels(browse("lei"))
    assert "Publish the Amazon listing" in yu["Blocked by others"]
    assert "Waits for Final FCC test report · 王蕾 · Fri Oct 16" in yu["Blocked by others"]
    assert "Final FCC test report" in lei["Others wait for me"] and "1 task waits for it" in lei["Others wait for me"]
    assert "Others wait for me" not in yu and "Blocked by others" not in lei


def test_my_own_tasks_that_wait_for_mine_are_nobody_elses(app, browse, world):
    with app.app_context():
        world.script.wait_for(world.listing, by=world.yu)
        db.session.commit()
    assert "Others wait for me" not in panels(browse("yu"))


def test_what_waits_and_is_not_seen_is_not_counted(app, browse, world):
    """碳杆打样 of the tent waits for the script of 林晓雨, who does not see it."""
    with app.app_context():
        world.tent.parent_id = world.lamp.id
        db.session.flush()
        world.poles.wait_for(world.script, by=world.yue)
        world.photos.wait_for(world.script, by=world.yue)
        db.session.commit()
    assert "1 task waits for it" in panels(browse("yu"))["Others wait for me"]


def test_what_the_other_side_was_asked_stands_there_until_it_answers(app, browse, world, count_queries):
    """A company is asked when the task is begun, a person by a handover note. It is Monday evening in Los Angeles."""
    with app.app_context():
        values = {"timezone": "America/Los_Angeles", "works_from": time(9), "works_until": time(19), "answer_days": 3}
        lab = Partner.create(world.shanlan.id, {"name": "BayLab"} | values, by=world.yue)
        for task in (world.script, world.listing):  # the second is not begun
            task.edit({"partner_id": lab.id}, by=world.yue)
        world.photos.edit({"counterpart_id": world.maya.id}, by=world.yue)
        world.photos.owner_id = world.yu.id
        db.session.commit()
    yu, waiting = browse("yu"), "Waiting for the other side"
    asked = panels(yu)[waiting]
    assert "拍摄脚本" in asked and "BayLab · Los Angeles Mon 6:40 PM, off work" in asked, "it is Columbus Day"
    assert "Publish the Amazon listing" not in asked and "主图拍摄" not in asked

    def hand_over(by, to):
        with app.app_context():
            people = {"by": getattr(world, by), "recipient": getattr(world, to)}
            HandoverNote.write(world.photos, **people, done=None, needed="Which lamp?", decide=None)
            db.session.commit()

    hand_over("yu", "maya")
    assert "Maya Brooks · Los Angeles" in panels(yu)[waiting]
    hand_over("maya", "yu")
    assert "主图拍摄" not in panels(yu)[waiting]
    with count_queries() as few:
        yu.get("/")
    with app.app_context():
        for number in range(5):
            partner = Partner.create(world.shanlan.id, {"name": f"Lab {number}"} | values, by=world.yue)
            values_of = {"title_zh": f"送检 {number}", "partner_id": partner.id, "due_on": october(14)}
            Task.create(world.lamp, by=world.yue, stage=world.doing, owner=world.yu, **values_of)
        world.script.owner_id = world.maya.id
        db.session.commit()
    with count_queries() as many:
        assert "Lab 4" in panels(yu)[waiting]
    assert len(many) <= len(few)
    assert waiting not in panels(browse("maya")), "outsiders are not told whom a task waits for"


def test_the_next_hours_that_both_coasts_work_are_said(app, browse, world):
    """At nine in Beijing it is six in the evening in Los Angeles, and from Sunday, 1 November on five."""
    said_now = "Next hours that you share with Los Angeles: Tue Nov 3 9:00 AM–10:00 AM."
    assert said_now in said(browse("yu").get("/?lang=en"))
    with app.app_context():
        for country, day in (("CN", 2), ("CN", 3), ("US", 3)):
            CalendarDay.write(world.shanlan.id, country, date(2026, 11, day), False, by=world.yue)
        db.session.commit()
    assert "Los Angeles: Thu Nov 5 9:00 AM–10:00 AM." in said(browse("yu").get("/?lang=en"))
    assert "share with Beijing: Wed Nov 4 5:00 PM–6:00 PM." in said(browse("maya").get("/?lang=en"))


def test_the_clocks_heed_the_workspaces_own_days(app, browse, world, count_queries):
    """Tuesday, 09:40 in Beijing; at 10 in the morning there it is Monday evening over there."""

    def at_work(browser):
        page = browser.get("/calendar_feeds?lang=en").text
        strip = page.split('class="clocks"')[1].split("</div>")[0]
        return ["working hours" in clock for clock in strip.split("<b>")[1:]]

    yue = browse("yue")
    with count_queries() as before:
        assert at_work(yue) == [True, False, False]
    with app.app_context():
        CalendarDay.write(world.shanlan.id, "CN", october(13), False, by=world.yue)
        CalendarDay.write(world.shanlan.id, "US", october(12), True, by=world.yue)  # Columbus Day
        CalendarDay.write(world.beiyuan.id, "US", october(12), False, by=world.lead)
        db.session.commit()
    with count_queries() as after:
        assert at_work(yue) == [False, False, False]
    assert len(after) == len(before)
    with clock.at(datetime(2026, 10, 12, 20, tzinfo=UTC)):  # 16:00 in New York, Tuesday in Beijing
        assert at_work(yue) == [False, True, True]


def test_whose_word_is_wanted_leads_to_it(app, browse, world):
    with app.app_context():
        Approval.ask(DeleteTask.of(world.script), by=world.yu, reason="doppelt")
        Waiver.ask(world.listing, "Kunde wartet", by=world.yu, blocker=world.fcc)
        db.session.commit()
    yue, jia = panels(browse("yue")), panels(browse("jia"))
    assert "拍摄脚本" in yue["For me to approve"]
    assert "Waiver: Final FCC test report" in yue["For me to approve"]
    assert "For me to approve" not in jia


def test_today_is_the_day_where_the_person_lives(app, browse, world):
    """Half past nine in the evening of the 12th in Los Angeles is noon of the 13th in Beijing."""
    with app.app_context():
        db.session.add(world.maya)
        for task in (world.script, world.photos):
            task.owner_id = world.maya.id
        world.script.due_on, world.photos.due_on = october(12), october(13)
        db.session.commit()
    with clock.at(datetime(2026, 10, 13, 4, 30, tzinfo=UTC)):
        maya = panels(browse("maya"))
        assert "拍摄脚本" in maya["Late and today"] and "主图拍摄" not in maya["Late and today"]
        assert "Today" in maya["Late and today"] and "主图拍摄" in maya["Next 7 days"]


def test_the_page_costs_the_same_for_many_tasks(app, browse, world, count_queries):
    yu = browse("yu")
    yu.get("/")
    with count_queries() as few:
        yu.get("/")
    with app.app_context():
        for number in range(20):
            values = {"title_zh": f"跟进 {number}", "due_on": october(14)}
            task = Task.create(world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, **values)
            task.wait_for(world.fcc, by=world.yue)
        db.session.commit()
    with count_queries() as many:
        yu.get("/")
    assert len(many) <= len(few)
