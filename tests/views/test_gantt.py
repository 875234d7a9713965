"""The Gantt chart as the server draws it, and the baselines under it."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from linkstar.extensions import db
from linkstar.models import AuditEvent, Baseline, Dependency, Project, Task
from linkstar.reports.comparison import Comparison
from linkstar.reports.gantt import Axis, Gantt, GanttView, HourAxis
from tests.models.test_plan import launch, lock, named
from tests.pages import elements, ids
from tests.world import NOW, october


@pytest.fixture
def databases(sqlite):
    return sqlite


def chart_of(project, reader, **view):
    return Gantt(project, reader, GanttView(**view))


def drawn(html):
    return set(ids(html, "data-task-id"))


def lines(html):
    return sum(path["d"].count("M") for path in elements(html, tag="path", **{"class": "dep"})) + sum(
        path["d"].count("M") for path in elements(html, tag="path", **{"class": "dep c"})
    )


# where things stand


@pytest.mark.parametrize("unit", [28.0, 9.0, 3.0])
def test_a_day_is_as_wide_as_any_other_and_both_days_belong_to_a_bar(unit):
    """Also where clocks change in the US (1 November) and in Europe (25 October)."""
    axis = Axis(october(1), date(2026, 12, 31), unit)
    for days in range(91):
        day = october(1) + timedelta(days)
        assert axis.left(day) == days * unit
        assert axis.bar(Task(start_on=day, due_on=day + timedelta(2))) == (days * unit, (days + 3) * unit)
        assert axis.bar(Task(start_on=None, due_on=day)) == (days * unit, (days + 1) * unit)
    assert axis.width == 92 * unit
    heads = axis.heads()
    assert [left for left, _words in heads] == [0, 31 * unit, 61 * unit]
    mondays = {axis.left(october(5) + timedelta(7 * week)) for week in range(13)}
    assert {left for left, _words in axis.ticks()} <= (
        mondays if unit < 18 else {axis.left(day) for day in axis.days()}
    )


def test_in_a_plan_of_hours_a_day_begins_where_it_does_in_the_zone():
    axis = HourAxis(october(31), date(2026, 11, 3), 240.0, ZoneInfo("America/Los_Angeles"))
    at_nine = datetime(2026, 11, 1, 17, tzinfo=UTC)  # nine in the morning, after the clocks went back
    assert axis.left(date(2026, 11, 1)) == 240
    assert axis.left(date(2026, 11, 2)) == 240 + 250, "the first of November has 25 hours there"
    assert axis.at(at_nine) == 240 + 100
    assert axis.bar(Task(start_at=at_nine, due_at=at_nine + timedelta(hours=3), due_on=date(2026, 11, 1))) == (340, 370)


def test_the_chart_shows_what_is_critical_what_may_slip_and_what_is_off(app, world, browse):
    with app.app_context():
        project = launch(world)
        chart = chart_of(project, world.yue)
        plan = chart.plan
        assert {row.task.id for row in chart.rows if row.critical} == {task.id for task in plan.critical} != set()
        row = next(row for row in chart.rows if row.slack and not row.task.milestone)
        latest = plan.calendars[row.task.owner.country].shift(row.task.due_on, row.slack)
        assert row.slack_to == chart.axis.left(latest + timedelta(1)) > row.right
        milestone = next(row for row in chart.rows if row.task.milestone)
        assert (milestone.left + milestone.right) / 2 == chart.axis.middle(milestone.task.due_on)
        spring = range(*(round(chart.axis.left(date(2027, 2, day))) for day in (5, 12)))
        assert sum(band.width for band in chart.bands if band.country == "CN" and band.left in spring) >= 7 * 9
        critical, slack, address = len(plan.critical), row.slack, f"/projects/{project.id}/gantt"
    page = browse("yue").get(address, {"lang": "en"}).text
    assert page.count('class="b c"') == critical
    assert f"may slip by {slack} working day" in page
    assert "style=" not in page
    for country, name in (("cn", "Labor Day"), ("us", "Memorial Day")):
        assert elements(page, tag="rect", **{"class": f"off {country}"})
        assert name in page


def test_phases_fold_in_the_address_and_tasks_without_dates_stand_at_the_end(browse, world):
    yu, address = browse("yu"), f"/projects/{world.lamp.id}/gantt"
    page = yu.get(address, {"zoom": "month"}).text
    assert (
        world.packing.id not in drawn(page) and f'href="/tasks/{world.packing.id}"' in page.partition("</svg>\n  <p")[2]
    )
    fold = next(link for link in elements(page, tag="a", aria_expanded="true") or elements(page, "aria-expanded"))
    folded = yu.get(fold["href"]).text
    assert "zoom=month" in fold["href"]
    assert drawn(page) - drawn(folded) == {world.fcc.id, world.sample.id}
    assert lines(page) == 1 and lines(folded) == 0, "no line leads to what is not drawn"
    again = next(link for link in elements(folded, "aria-expanded") if link["aria-expanded"] == "false")
    assert drawn(yu.get(again["href"]).text) == drawn(page)


def test_what_a_reader_may_not_see_is_neither_drawn_nor_led_to(app, world, browse, monkeypatch):
    with app.app_context():
        tent = db.session.get_one(Project, world.tent.id)
        tent.parent_id = world.lamp.id
        db.session.add(Dependency(predecessor_id=world.poles.id, successor_id=world.script.id))
        lei = db.session.get_one(Task, world.photos.id)
        lei.trash(by=world.yue)
        db.session.commit()
    maya, address = browse("maya"), f"/projects/{world.lamp.id}/gantt?lang=zh"
    page = maya.get(address).text
    assert world.fcc.id in drawn(page) and lines(page) == 1
    assert not {world.poles.id, world.photos.id} & drawn(page)
    assert "碳杆打样" not in page and "主图拍摄" not in page
    assert not elements(page, "data-to"), "who may not edit drags nothing"
    assert maya.get(f"/projects/{world.tent.id}/gantt").status_code == 404

    seen_by, hidden = Task.seen_by.__func__, world.fcc.id
    monkeypatch.setattr(
        Task,
        "seen_by",
        classmethod(lambda cls, user, trash=False: seen_by(cls, user, trash=trash) & (cls.id != hidden)),
    )
    page = maya.get(address).text
    assert hidden not in drawn(page) and "FCC检测报告终稿" not in page and lines(page) == 0
    assert world.listing.id in drawn(page)


def test_a_plan_of_hours_is_drawn_in_hours(app, world, browse):
    with app.app_context():
        lamp, fcc = db.session.get_one(Project, world.lamp.id), db.session.get_one(Task, world.fcc.id)
        lamp.unit = "hour"
        fcc.start_at, fcc.due_at = datetime(2026, 10, 13, 1, tzinfo=UTC), datetime(2026, 10, 13, 7, tzinfo=UTC)
        db.session.commit()
        chart = chart_of(lamp, world.yue, zoom="day")
        row = next(row for row in chart.rows if row.task.id == fcc.id)
        assert row.right - row.left == 6 * 32
        assert row.left - chart.axis.left(october(13)) == 9 * 32, "one in the morning in UTC is nine in Shanghai"
    yue = browse("yue")
    bar = elements(yue.get(f"/projects/{world.lamp.id}/gantt").text, data_task_id=str(world.fcc.id)) or [
        element
        for element in elements(yue.get(f"/projects/{world.lamp.id}/gantt").text, "data-to")
        if element["data-task-id"] == str(world.fcc.id)
    ]
    assert bar[0]["data-from"] == "2026-10-13T01:00:00+00:00"
    dialog = yue.get(
        f"/tasks/{world.fcc.id}/dates/edit", {"start": "2026-10-13T03:00:00Z", "due": "2026-10-13T09:00:00Z"}
    ).text
    assert elements(dialog, name="start_at")[0]["value"] == "2026-10-13T11:00"
    assert elements(dialog, name="due_at")[0]["value"] == "2026-10-13T17:00"
    for start in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00", "2026-10-13T03:00:00", "soon"):
        dialog = yue.get(f"/tasks/{world.fcc.id}/dates/edit", {"start": start, "due": "2026-10-13T09:00:00Z"})
        assert dialog.status_code == 200, start
        assert elements(dialog.text, name="start_at")[0]["value"] == "2026-10-13T09:00", "no instant, no change"


# choosing dates on it


def test_the_dialog_opens_with_the_chosen_dates_and_what_they_push(app, world, browse):
    with app.app_context():
        project = launch(world)
        task, chart = named(project)["transit"], f"/projects/{project.id}/gantt?zoom=day"
        task_id, start, due = task.id, task.start_on, task.due_on + timedelta(7)
    yue, address = browse("yue"), f"/tasks/{task_id}/dates/edit"
    dialog = yue.get(address, {"start": start, "due": due}, htmx=True).text
    assert [elements(dialog, name=name)[0]["value"] for name in ("start_on", "due_on")] == [str(start), str(due)]
    assert elements(dialog, name="seen") and elements(dialog, tag="button", value="others")
    seen = elements(dialog, name="seen")[0]["value"]
    sent = {"start_on": start, "due_on": due, "answer": "others", "seen": seen}
    answer = yue.post(f"/tasks/{task_id}/dates", sent, current_url=chart)
    assert answer.headers["HX-Redirect"] == chart, "the chart is drawn anew as it was"
    for wrong in (
        {"due": "2026-02-30"},
        {"due": ""},
        {"start": "2027-01-02", "due": "2027-01-01"},
        {"due": "1999-01-01"},
    ):
        assert elements(yue.get(address, wrong).text, name="due_on")[0]["value"] == str(due), wrong


# baselines


def test_a_baseline_stays_as_it_was_taken_and_says_what_slipped(app, world, browse):
    with app.app_context():
        project = launch(world)
        tasks = {key: (task.id, task.start_on, task.due_on) for key, task in named(project).items()}
        address = f"/projects/{project.id}"
    yue = browse("yue")
    taken = yue.post(f"{address}/baselines", {"name": " 批准的计划 "})
    assert taken.status_code == 303
    chart = taken.location
    assert yue.post(f"{address}/baselines", {"name": "  "}).status_code == 422
    with app.app_context():
        project = db.session.get_one(Project, project_id := int(address.rpartition("/")[2]))
        here = named(project)
        lock(here["fba_receive"])
        here["transit"].edit({"due_on": here["transit"].due_on + timedelta(6)}, by=world.yue)
        here["sampling" if "sampling" in here else "landed_cost"].trash(by=world.yue)
        Task.create(
            project, by=world.yue, stage=project.stages[0], owner=world.yue, title_zh="加拍", due_on=october(20)
        )
        db.session.commit()
        rows = {row.task.key: row for row in chart_of(project, world.yue, baseline=1).rows}
        assert rows["transit"].slipped == 6
        assert rows["transit"].then.finish == tasks["transit"][2]
        assert chart_of(project, world.yue).baseline is None
    page = yue.get(f"{chart}&lang=en").text
    assert "6 days later than the baseline" in page
    assert len(elements(page, tag="rect", **{"class": "gh"})) == len(drawn(page)) - 1
    compared = yue.get(f"{address}/baselines/1").text
    assert "6 days later" in compared and "1 task later than then" in compared
    assert "加拍" in compared.partition("Added since")[2].partition("Removed since")[0]
    assert compared.partition("Removed since")[2].count("<li") == 1
    with app.app_context():
        actions = db.session.scalars(db.select(AuditEvent.action).where(AuditEvent.project_id == project_id)).all()
        assert actions.count("baseline.taken") == 1
    assert "批准的计划" in yue.get(f"{address}/history").text
    jia = browse("jia")
    assert jia.post(f"{address}/baselines/1/removal").status_code in (403, 404)
    assert yue.post(f"{address}/baselines/1/removal").status_code == 303
    assert yue.get(f"{address}/baselines/1").status_code == 404
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Baseline)) == 0
        event = db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "baseline.deleted")).one()
        assert event.changes == {"name": ["批准的计划", None]}


def test_the_comparison_begins_with_what_slipped_most(app, world):
    with app.app_context():
        project = launch(world)
        baseline = Baseline.take(project, "v1", by=world.yue)
        tasks = [task for task in named(project).values() if task.due_on and task.duration][:4]
        for task, days in zip(tasks, (2, -3, 9, 0), strict=True):
            task.due_on += timedelta(days)
        tasks[3].start_on = tasks[3].due_on = None
        db.session.flush()
        rows = Comparison(baseline, world.yue).rows
        assert [row.task for row in rows[:2]] == [tasks[2], tasks[0]]
        assert [row.task for row in rows[-2:]] == [tasks[1], tasks[3]]


def test_what_is_finished_is_not_dragged(app, world, browse):
    with app.app_context():
        project = launch(world)
        done = next(task for task in named(project).values() if task.due_on)
        done.completed_at = NOW
        address, done_id = f"/projects/{project.id}/gantt", done.id
        db.session.commit()
    bars = {
        each["data-task-id"]: each
        for each in elements(browse("yue").get(address).text, tag="a")
        if "data-task-id" in each
    }
    assert {each for each, bar in bars.items() if "data-to" not in bar} == {str(done_id)}
    assert bars[str(done_id)]["href"] == f"/tasks/{done_id}" and len(bars) > 9


def test_words_stay_within_the_chart(app, world):
    with app.app_context():
        project = launch(world)
        for zoom in ("sheet", "week"):
            chart = chart_of(project, world.yue, zoom=zoom)
            for row in chart.rows:
                for note in (
                    chart.note(row),
                    "比基线晚十二个工作日" * 3,
                    "later than the baseline " * 3,
                    "late " * 200,
                ):
                    at, anchored, words = chart.note_at(row, note)
                    length = len(words) * 7
                    if anchored == "start":
                        assert words == note and row.end < at and at + length <= chart.axis.width
                    else:
                        assert at <= row.left or row.right < at - length < at <= chart.axis.width
                        assert at - length >= 0 and (words == note or note.startswith(words.rstrip("…")))


@pytest.mark.parametrize("unit", [768.0, 240.0, 96.0])
def test_every_hour_has_its_day_in_sight(unit):
    """On the narrowest phone 160 units are in sight beside the names; the second of November begins twice at one."""
    axis = HourAxis(october(31), date(2026, 11, 3), unit, ZoneInfo("America/Los_Angeles"))
    heads, ticks = axis.heads(), axis.ticks()
    assert {words for _left, words in heads} == {"10-31 周六", "11-01 周日", "11-02 周一", "11-03 周二"}
    assert all(60 <= after[0] - before[0] <= 160 for before, after in pairwise(heads))
    assert all(
        words.endswith(":00") and after[0] - before[0] >= 40
        for before, after in pairwise(ticks)
        for words in before[1:]
    )


def test_outsiders_see_no_trash_beside_a_baseline(app, world, browse):
    with app.app_context():
        baseline = Baseline.take(db.session.get_one(Project, world.lamp.id), "v1", by=world.yue)
        db.session.get_one(Task, world.photos.id).trash(by=world.yue)
        db.session.commit()
        address = f"/projects/{world.lamp.id}/baselines/{baseline.id}"
    assert "主图拍摄" in browse("yu").get(address).text
    page = browse("maya").get(address)
    assert page.status_code == 200 and "主图拍摄" not in page.text and "拍摄脚本" in page.text


def test_a_baseline_is_found_through_its_own_project(app, world, browse):
    with app.app_context():
        baseline = Baseline.take(db.session.get_one(Project, world.tent.id), "v1", by=world.yue)
        db.session.commit()
        baseline_id = baseline.id
    yue = browse("yue")
    assert yue.get(f"/projects/{world.lamp.id}/baselines/{baseline_id}").status_code == 404
    assert yue.post(f"/projects/{world.lamp.id}/baselines/{baseline_id}/removal").status_code == 404
    assert browse("yu").get(f"/projects/{world.lamp.id}/gantt?baseline={baseline_id}").status_code == 200


# many


def fill(project, by, count):
    """Tasks in a chain, written at once."""
    stage, owners = project.stages[0], project.people()[: count // 40]
    rows = [
        {
            "workspace_id": project.workspace_id, "project_id": project.id, "number": 1000 + each, "stage_id": stage.id,
            "owner_id": owners[each % len(owners)].id, "author_id": by.id,
            "title_zh": f"第 {each} 项", "position": 10_000_000 + each * 1000,
            "start_on": october(13) + timedelta(each % 90), "due_on": october(15) + timedelta(each % 90),
            "duration": 2, "check_count": 4, "checked_count": each % 5,
            "phase_id": project.phases[each % len(project.phases)].id if project.phases else None,
        }
        for each in range(count)
    ]  # fmt: skip
    Baseline.take(project, "v1", by=by)
    db.session.execute(insert(Task), rows)
    made = db.session.scalars(db.select(Task.id).where(Task.number >= 1000, Task.project_id == project.id)).all()
    chain = [{"predecessor_id": one, "successor_id": other} for one, other in pairwise(made)]
    db.session.execute(insert(Dependency), chain)
    db.session.commit()


def test_four_hundred_tasks_ask_the_database_as_often_as_forty(app, world, browse, count_queries):
    asked = []
    with app.app_context():
        fill(db.session.get_one(Project, world.tent.id), world.yue, 40)
        fill(db.session.get_one(Project, world.lamp.id), world.yue, 400)
    yue = browse("yue")
    yue.get(f"/projects/{world.lamp.id}/gantt")
    for project, baseline in ((world.tent, 1), (world.lamp, 2)):
        for path in (f"gantt?baseline={baseline}", f"baselines/{baseline}"):
            with count_queries() as queries:
                assert yue.get(f"/projects/{project.id}/{path}").status_code == 200
            asked.append(len(queries))
    assert asked[2] <= asked[0] + 1 and asked[3] <= asked[1] + 1, asked


def test_what_is_late_is_told_apart_by_its_colour_and_its_words(app, world, browse):
    """Tuesday, 13 October in Shenzhen, where the owners live, and still Monday for the reader in Los Angeles."""
    with app.app_context():
        for task, due in ((world.script, 2), (world.photos, 12), (world.fcc, 13), (world.listing, 2)):
            task.start_on, task.due_on = october(1), october(due)
        world.listing.completed_at = NOW
        world.yue.timezone = "America/Los_Angeles"
        db.session.commit()
    page = browse("yue").get(f"/projects/{world.lamp.id}/gantt?lang=en").text
    bars = {int(bar["data-task-id"]): bar["class"].split() for bar in elements(page, "data-task-id")}
    late = {task.id for task in (world.script, world.photos)}
    assert {key for key, classes in bars.items() if "late" in classes} & {*late, world.fcc.id, world.listing.id} == late
    assert re.search(r"<title>拍摄脚本[^<]*11 days late", page) and page.count("1 day late") >= 2, "beside it as well"
    assert 'class="key late"' in page
