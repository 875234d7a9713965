"""The landing page: what somebody has to do, what holds it up, who waits for it, and whose word is wanted."""

from datetime import UTC, datetime

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import Approval, DeleteTask, Task
from linkstar.models.waiver import Waiver
from tests.views.test_histories import said
from tests.world import october

HEADINGS = ("Late and today", "Next 7 days", "Without a date", "Blocked by others", "Others wait for me",
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
