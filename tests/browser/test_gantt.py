"""The Gantt chart under a mouse, under a finger and under the keys."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import expect

from linkstar.extensions import db
from linkstar.models import Project
from tests.models.test_plan import launch, named
from tests.world import october


@pytest.fixture
def plan(app, world):
    """A launch laid by the engine; read by a function of its tasks."""
    with app.app_context():
        project = launch(world).id

    def read(what):
        with app.app_context():
            return what(named(db.session.get_one(Project, project)))

    read.address = f"/projects/{project}/gantt?zoom=day"
    return read


def dates(tasks):
    return {key: (task.start_on, task.due_on) for key, task in tasks.items()}


def bar_of(reader, task):
    return reader.page.locator(f".plot [data-task-id='{task.id}']")


def pull(reader, bar, days, finger):
    """The bar's middle, so many days to the right: with the mouse at once, with a finger after a long press."""
    bar.focus()
    reader.page.locator("[data-gantt]").evaluate("chart => (chart.scrollLeft += 40)")  # far from the edges
    box = bar.locator("rect").first.bounding_box()
    plot = reader.page.locator(".plot").bounding_box()
    drawn = float(reader.page.locator(".plot").get_attribute("viewBox").split()[2])
    by = days * 28 * plot["width"] / drawn
    if reader.setting.screen == "phone":
        hand = finger(reader)
        x, y = hand_on(reader, box)
        hand.at = (x, y)
        hand._feel("touchStart")
        reader.page.wait_for_timeout(450)
        hand.slide(x + by, y)
        hand.lift()
        return
    x, y = hand_on(reader, box)
    reader.page.mouse.move(x, y)
    reader.page.mouse.down()
    reader.page.mouse.move(x + by / 2, y, steps=4)
    reader.page.mouse.move(x + by, y, steps=4)
    reader.page.mouse.up()


def hand_on(reader, box):
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_bar_is_dragged_the_others_follow_as_told_and_undo_brings_all_back(arrive, plan, finger):
    yue = arrive("yue")
    before, task = plan(dates), plan(lambda tasks: tasks["landed_cost"])
    yue.go(plan.address)
    bar = bar_of(yue, task)
    at = bar.locator("rect").first.get_attribute("x")

    pull(yue, bar, 2, finger)
    expect(yue.dialog.locator("[name=due_on]")).to_have_value(str(task.due_on + timedelta(2)))
    told = yue.dialog.locator("[role=status] li").count()
    assert told
    yue.page.keyboard.press("Escape")
    expect(yue.dialog).to_have_count(0)
    expect(bar.locator("rect").first).to_have_attribute("transform", "translate(0 0)")
    assert plan(dates) == before

    pull(yue, bar, 2, finger)
    with yue.page.expect_navigation():
        yue.dialog.locator("[value=others]").click()
    after = plan(dates)
    assert after["landed_cost"][1] == task.due_on + timedelta(2)
    assert sum(after[key] != before[key] for key in before) > 1
    assert float(bar.locator("rect").first.get_attribute("x")) > float(at)

    yue.check()
    with yue.page.expect_navigation():
        yue.toast.locator("[data-undo]").click()
    assert plan(dates) == before


def test_the_same_by_keys_alone(arrive, plan):
    yue = arrive("yue")
    before, task = plan(dates), plan(lambda tasks: tasks["landed_cost"])
    yue.go(plan.address)
    yue.page.locator(".plot [tabindex='0']").focus()
    for _row in range(60):
        if yue.focused.get_attribute("data-task-id") == str(task.id):
            break
        yue.page.keyboard.press("ArrowDown")
    assert "→" in yue.focused.locator("title").text_content()
    for key in ("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft"):
        yue.page.keyboard.press(key)
    assert "Alt" in yue.page.locator(f"#{yue.focused.get_attribute('aria-describedby')}").text_content()
    yue.page.keyboard.press("Alt+ArrowLeft")
    yue.page.keyboard.press("Enter")
    expect(yue.dialog.locator("[name=start_on]")).to_have_value(str(task.start_on))
    expect(yue.dialog.locator("[name=due_on]")).to_have_value(str(task.due_on + timedelta(2)))
    yue.page.keyboard.press("Escape")
    for key in ("ArrowRight", "Shift+ArrowRight"):
        yue.page.keyboard.press(key)
    yue.page.keyboard.press("Enter")
    expect(yue.dialog.locator("[name=start_on]")).to_have_value(str(task.start_on + timedelta(1)))
    expect(yue.dialog.locator("[name=due_on]")).to_have_value(str(task.due_on + timedelta(2)))
    yue.dialog.locator("[value=others]").focus()
    with yue.page.expect_navigation():
        yue.page.keyboard.press("Enter")
    assert plan(dates)["landed_cost"] == (task.start_on + timedelta(1), task.due_on + timedelta(2))
    expect(yue.focused).to_have_attribute("data-task-id", str(task.id))
    with yue.page.expect_navigation():
        yue.page.keyboard.press("z")
    assert plan(dates) == before


def test_days_are_counted_in_the_calendar(arrive, world, app):
    """Over the end of February and of the year, and where clocks change, a day is a day."""
    with app.app_context():
        db.session.get(type(world.photos), world.photos.id).due_on = date(2026, 10, 31)
        db.session.commit()
    yue = arrive("yue")
    yue.go(f"/projects/{world.lamp.id}/gantt")
    bar = bar_of(yue, world.photos)
    for days, expected in ((1, "2026-11-01"), (1, "2026-11-02"), (60, "2027-01-01"), (59, "2027-03-01")):
        bar.focus()
        for _day in range(days):
            yue.page.keyboard.press("ArrowRight")
        expect(yue.page.locator("[data-gantt-said]")).to_contain_text(expected[5:])
    yue.page.keyboard.press("Enter")
    expect(yue.dialog.locator("[name=due_on]")).to_have_value("2027-03-01")
    yue.page.keyboard.press("Escape")
    assert world.photos.due_on == october(31)


def test_in_a_plan_of_hours_the_tip_tells_the_readers_time_and_a_lost_mouse_ends_the_drag(arrive, world, app):
    with app.app_context():
        lamp, fcc = db.session.get(Project, world.lamp.id), db.session.get(type(world.fcc), world.fcc.id)
        lamp.unit = "hour"
        fcc.start_at, fcc.due_at = datetime(2026, 10, 13, 15, tzinfo=UTC), datetime(2026, 10, 13, 17, tzinfo=UTC)
        db.session.commit()
    yue = arrive("yue")
    yue.go(f"/projects/{world.lamp.id}/gantt?zoom=day")
    bar = bar_of(yue, world.fcc)
    bar.focus()
    yue.page.keyboard.press("ArrowRight")
    expect(yue.page.locator("[data-gantt-said]")).to_have_text("10-14 00:00 → 10-14 02:00")
    yue.page.keyboard.press("Escape")
    if yue.setting.screen == "phone":
        return
    x, y = hand_on(yue, bar.locator("rect").first.bounding_box())
    yue.page.mouse.move(x, y)
    yue.page.mouse.down()
    yue.page.mouse.move(x + 90, y, steps=4)
    expect(bar).to_have_class(re.compile("moved"))
    bar.dispatch_event("pointermove", {"pointerId": 1, "buttons": 0, "clientX": x + 120, "bubbles": True})
    expect(bar).not_to_have_class(re.compile("moved"))
    yue.page.mouse.up()
    expect(yue.dialog).to_have_count(0)
