"""The calendar: what stands on which day for whom, how it turns, and the day that something is put on."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import (
    CalendarDay,
    CalendarEvent,
    Checklist,
    Evidence,
    InstalledPack,
    Participant,
    Project,
    Task,
    Template,
    TemplateDraft,
)
from linkstar.reports.calendar_items import calendar_items
from tests.models.test_templates import medical
from tests.pages import elements
from tests.world import october

BEIJING, LOS_ANGELES = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Los_Angeles")


@pytest.fixture
def databases(sqlite):
    return sqlite


@pytest.fixture
def change(app):
    """Changes a record of the world as nobody in particular."""

    def write(record, **values):
        with app.app_context():
            row = db.session.merge(record)
            for name, value in values.items():
                setattr(row, name, value)
            db.session.commit()

    return write


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on(page, day):
    """What the page shows of a day, in the calendar or in the list."""
    return page.text.split(f'data-day="{day}"')[1].split("data-day=")[0]


@pytest.mark.both_databases
class TestDays:
    @pytest.fixture(params=["sqlite", "postgresql"])
    def databases(self, request):
        return request.getfixturevalue(request.param)

    def test_a_post_has_its_day_on_both_sides_of_the_ocean_and_a_due_day_is_the_same_everywhere(self, world, session):
        """In the nights in which American clocks change, and at both midnights."""
        listing, yue = world.listing, world.yue

        def days_of(kind, zone, around):
            """Asked for day by day, so that nothing stands on two or on none."""
            days = [around + timedelta(number) for number in range(-2, 3)]
            return [
                day
                for day in days
                for item in calendar_items(yue, yue.memberships[0].workspace_id, day, day, zone=zone)
                if item.task == listing and item.kind == kind
            ]

        for moment, in_beijing, in_los_angeles in (
            ("2026-03-08 07:59", "2026-03-08", "2026-03-07"),
            ("2026-03-08 08:00", "2026-03-08", "2026-03-08"),
            ("2026-03-09 06:59", "2026-03-09", "2026-03-08"),  # a day of 23 hours
            ("2026-03-09 07:00", "2026-03-09", "2026-03-09"),
            ("2026-11-01 06:59", "2026-11-01", "2026-10-31"),
            ("2026-11-01 07:00", "2026-11-01", "2026-11-01"),
            ("2026-11-02 07:59", "2026-11-02", "2026-11-01"),  # a day of 25 hours
            ("2026-11-02 08:00", "2026-11-02", "2026-11-02"),
            ("2026-11-01 15:59", "2026-11-01", "2026-11-01"),
            ("2026-11-01 16:00", "2026-11-02", "2026-11-01"),
        ):
            listing.publish_at = at(moment)
            listing.due_on = date.fromisoformat(in_beijing) + timedelta(days=1)
            session.flush()
            for zone, day in ((BEIJING, in_beijing), (LOS_ANGELES, in_los_angeles)):
                expected = date.fromisoformat(day)
                assert days_of("post", zone, expected) == [expected], (moment, zone)
                assert days_of("task", zone, listing.due_on) == [listing.due_on], (moment, zone)

    def test_what_is_due_by_the_hour_has_the_day_of_the_zone(self, world, session):
        poles, yue = world.poles, world.yue
        poles.due_at, poles.due_on = at("2026-11-02 07:59"), date(2026, 11, 2)
        session.flush()
        for zone, day in ((BEIJING, date(2026, 11, 2)), (LOS_ANGELES, date(2026, 11, 1))):
            found = calendar_items(yue, poles.workspace_id, date(2026, 10, 30), date(2026, 11, 5), zone=zone)
            assert [item.day for item in found if item.task == poles] == [day]

    def test_a_certificate_stands_on_the_last_day_that_it_counts(self, world, session):
        """One of a task's list for who sees the task, one of a stage's for who sees the project."""
        item, stage = world.lab_report, world.in_review
        given = {
            "kind": "file",
            "file_name": "FCC.pdf",
            "workspace_id": stage.project.workspace_id,
            "given_by": world.lei,
        }
        item.evidence = [
            Evidence(valid_until=october(21), replaced_at=clock.now(), **given),
            Evidence(valid_until=october(22), **given),
        ]
        stage.checklists.append(Checklist(title_zh="上市关"))
        stage.checklists[0].add("认证证书", "Certificate").evidence = [Evidence(valid_until=october(23), **given)]
        session.flush()

        def seen_by(person):
            found = calendar_items(
                person, stage.project.workspace_id, october(21), october(23), zone=BEIJING, kinds=["checklist"]
            )
            return {item.day.day: item.title for item in found if item.certificate}

        assert list(seen_by(world.yue)) == [22, 23]
        assert "实验室报告原件" in seen_by(world.yue)[22]
        assert list(seen_by(world.lei)) == [22, 23]
        assert seen_by(world.theo) == {}


# who sees what


def test_the_calendar_shows_what_the_reader_sees_and_nothing_else(browse, world, app, change):
    with app.app_context():
        event = CalendarEvent(
            workspace_id=world.shanlan.id, kind="own", name_zh="秘密新品会", first_on=october(19), last_on=october(19)
        )
        InstalledPack.install(world.shanlan, medical(), by=world.yue)
        draft = TemplateDraft(db.session.scalars(db.select(Template)).one()).open(by=world.yue)
        db.session.add(event)
        db.session.flush()
        Task.create(
            draft, by=world.yue, stage=draft.stages[0], owner=world.yue, title_zh="草稿里的", due_on=october(15)
        )
        db.session.commit()
    change(world.script, trashed_at=clock.now())
    lamp, tent, other = "FCC检测报告终稿", "碳杆打样", "车架强度报告"
    pages = {name: browse(name).get("/calendar?day=2026-10-13").text for name in ("yue", "maya", "lead")}
    for name, shown, hidden in (
        ("yue", (lamp, tent, "秘密新品会"), (other, "拍摄脚本", "草稿里的")),
        ("maya", ("Final FCC test report", "主图拍摄"), (tent, other, "秘密新品会", "草稿里的")),
        ("lead", (other,), (lamp, tent, "秘密新品会")),
    ):
        for words in shown:
            assert words in pages[name], (name, words)
        for words in hidden:
            assert words not in pages[name], (name, words)
    assert browse("jess").get("/calendar").status_code == 404
    assert browse("maya").get(f"/projects/{world.tent.id}/calendar").status_code == 404


def test_outsiders_read_the_packs_words_and_no_name_of_a_project_that_they_do_not_know(browse, world, app):
    """A task of the tent was shared with Maya, and nothing else of it; Halloween is sensitive here."""
    with app.app_context():
        here, title = world.shanlan.id, {"zh": "x", "en": "x"}
        for key, day, values in (
            ("halloween", october(30), {"sensitive": True, "name_en": "Burn stock", "note_en": "Ask for 300 dollars"}),
            ("columbus_day", october(12), {"hidden": True}),
        ):
            values = {"kind": "social", "first_on": day, "last_on": day} | values
            CalendarEvent.overlay(here, key, 2026, values, title=title, by=world.yue)
        for country in ("CN", "US"):
            CalendarDay.write(here, country, october(21), False, by=world.yue, name_zh="裁员日", name_en="Lay-offs")
        db.session.add(Participant(task_id=world.poles.id, user_id=world.maya.id, kind="collaborator"))
        db.session.commit()
    inside, outside = browse("yue"), browse("maya")
    calendar, gantt = "/calendar?view=agenda&day=2026-10-01&lang=en", f"/projects/{world.lamp.id}/gantt?lang=en"
    for address, own in (
        (calendar, ("Burn stock", "Ask for 300", "Lay-offs", "Light tent")),
        (gantt, ("Lay-offs",)),
    ):
        told, kept = inside.get(address).text, outside.get(address).text
        for words in own:
            assert words in told and words not in kept, (address, words)
    agenda, chart = outside.get(calendar), outside.get(gantt).text
    assert "Halloween" in on(agenda, october(30)) and "No cheerful posts" in on(agenda, october(30))
    assert "碳杆打样" in on(agenda, october(21)) and "Day off" in on(agenda, october(21))
    assert "Day off, " in chart


def test_only_who_may_edit_can_put_a_thing_on_another_day(browse, world, change):
    change(world.photos, completed_at=clock.now())

    def movable(name):
        page = browse(name).get(f"/projects/{world.lamp.id}/calendar?view=month&day=2026-10-13")
        return {element["id"].removeprefix("day-task-") for element in elements(page.text, "data-moves")}

    assert str(world.listing.id) in movable("yue")
    assert str(world.photos.id) not in movable("yue")  # what is done stays where it is
    assert movable("finance") == set()
    assert movable("intern") == {str(world.packing.id)} & movable("intern")


# how it turns


def test_without_a_choice_the_desk_has_the_month_and_the_phone_the_list(browse, world):
    yue = browse("yue")
    both = yue.get("/calendar").text
    assert 'class="cal month only-desk"' in both
    assert '<section class="only-phone"' in both
    assert "FCC检测报告终稿" in on(yue.get("/calendar?view=agenda"), october(16))
    for view, there, missing in (
        ("month", 'class="cal month"', 'class="agenda"'),
        ("week", 'class="cal week"', 'class="agenda"'),
        ("agenda", 'class="agenda"', 'class="cal'),
    ):
        page = yue.get(f"/calendar?view={view}").text
        assert there in page, view
        assert missing not in page, view
    part = yue.get("/calendar?view=week", htmx=True, headers={"HX-Target": "div#calendar"}).text
    assert part.strip().startswith('<div id="calendar"')
    assert "<html" not in part


def test_months_and_weeks_turn_to_the_edge_of_time_and_nonsense_is_left_out(browse):
    yue = browse("yue")

    def leads(query):
        page = yue.get(f"/calendar?{query}")
        assert page.status_code == 200, query
        return [
            e["href"].partition("day=")[2].partition("&")[0]
            for e in elements(page.text, "aria-label", class_="icon-btn", tag="a")
            if "day=" in e.get("href", "") and "hx-get" in e
        ]

    assert leads("view=month&day=2026-10-13") == ["2026-09-01", "2026-11-01"]
    assert leads("view=week&day=2026-10-13") == ["2026-10-06", "2026-10-20"]
    assert leads("view=month&day=2000-01-31") == ["2000-02-01"]
    assert leads("view=week&day=2000-01-01") == ["2000-01-08"]
    assert leads("view=month&day=2100-12-01") == ["2100-11-01"]
    for nonsense in (
        "day=2026-02-30",
        "day=99999-01-01",
        "view=year&zone=mars&layers=,&owner=x&platform=x",
        "owner=99999999999",
    ):
        assert "2026" in yue.get(f"/calendar?{nonsense}").text


def test_a_full_day_leads_to_its_list(browse, world, app):
    with app.app_context():
        for number in range(6):
            Task.create(
                db.session.get_one(Project, world.lamp.id), by=world.yue, stage=world.to_do, owner=world.yue,
                title_zh=f"第 {number} 项", due_on=october(28),
            )  # fmt: skip
        db.session.commit()
    yue = browse("yue")
    shown = on(yue.get(f"/projects/{world.lamp.id}/calendar?view=month&layers=tasks"), october(28))
    assert shown.count('class="ev') == 3
    more = elements(shown, "hx-get", class_="more xs")[0]["href"]
    assert on(yue.get(more), october(28)).count('class="ev') == 6


def test_filters_stand_in_the_address_and_each_keeps_the_others(browse, world, change):
    change(world.listing, publish_at=at("2026-10-20 02:00"), audience_timezone="America/Los_Angeles")
    change(world.script, milestone=True)
    yue = browse("yue")
    fcc, post, task = "FCC检测报告终稿", "亚马逊详情页上线", "主图拍摄"

    def shown(query):
        page = yue.get(f"/projects/{world.lamp.id}/calendar?view=agenda&day=2026-10-01&{query}").text
        return {
            words
            for words in (fcc, post, task, "拍摄脚本", "万圣节")
            if f">{words}" in page or f"</time> {words}" in page
        }

    for query, expected in (
        ("", {fcc, post, task, "拍摄脚本", "万圣节"}),
        ("layers=content", {post}),
        ("layers=", set()),
        ("layers=none", set()),
        ("layers=marketing", {"万圣节"}),
        ("layers=compliance", {fcc}),
        ("layers=tasks", {fcc, post, task, "拍摄脚本"}),
        ("platform=amazon", {post, "万圣节"}),
        (f"owner={world.lei.id}", {fcc, "万圣节"}),
        (f"layers=tasks&owner={world.yu.id}", {post, "拍摄脚本"}),
        ("layers=marketing&market=federal", set()),
        ("mine=1&layers=tasks", set()),
    ):
        assert shown(query) == expected, query
    page = yue.get("/calendar?zone=los_angeles&platform=amazon&view=month&layers=content,tasks").text
    pressed = [element for element in elements(page, "aria-pressed", class_="filter")]
    assert [element["aria-pressed"] for element in pressed] == ["true", "false", "false", "true", "false"]
    for element in pressed[:4]:
        assert (
            "zone=los_angeles" in element["href"]
            and "platform=amazon" in element["href"]
            and "view=month" in element["href"]
        )
    assert "layers=tasks" in pressed[0]["href"]
    assert "layers=content,marketing,tasks" in pressed[1]["href"]


def test_a_post_tells_the_time_on_both_sides(browse, world, change):
    change(world.listing, publish_at=at("2026-11-02 01:30"), audience_timezone="America/New_York")
    yue = browse("yue")
    here = on(yue.get("/calendar?view=week&day=2026-11-02&zone=beijing"), date(2026, 11, 2))
    assert "北京 09:30 · 纽约 周日 20:30" in here
    there = on(yue.get("/calendar?view=week&day=2026-11-01&zone=los_angeles"), date(2026, 11, 1))
    assert "洛杉矶 17:30 · 纽约 20:30" in there


def test_days_carry_the_marks_of_both_countries_and_the_notes_of_the_market(browse, world, app):
    with app.app_context():
        CalendarDay.write(world.shanlan.id, "CN", october(26), False, by=world.yue, name_zh="厂庆")
        db.session.commit()
    page = browse("yue").get("/calendar?view=month&day=2026-10-01&zone=beijing")
    classes = {e["data-day"]: e["class"].split() for e in elements(page.text, "data-day", tag="li")}
    for day, words, off in ((1, "国庆节", True), (7, "chip pass", True), (10, "chip stop", False), (26, "厂庆", True)):
        assert words in on(page, october(day)), day
        assert ("off" in classes[str(october(day))]) == off, day
    assert "US 哥伦布日" in on(page, october(12))
    assert "today" in classes["2026-10-13"]
    los_angeles = browse("yue").get("/calendar?view=month&day=2026-10-01&zone=los_angeles")
    classes = {e["data-day"]: e["class"].split() for e in elements(los_angeles.text, "data-day", tag="li")}
    assert "off" not in classes["2026-10-01"]
    assert "off" in classes["2026-10-12"]
    assert "today" in classes["2026-10-12"]
    memorial = on(browse("yue").get("/calendar?view=agenda&day=2026-05-25"), date(2026, 5, 25))
    assert "阵亡将士纪念日" in memorial
    assert 'class="ev mind"' in memorial


def test_a_programme_shows_its_projects_too(browse, world, change):
    address = f"/projects/{world.lamp.id}/calendar?view=month"
    assert "碳杆打样" not in browse("yue").get(address).text
    change(world.tent, parent_id=world.lamp.id)
    assert "碳杆打样" in browse("yue").get(address).text
    assert "碳杆打样" not in browse("maya").get(address).text


def test_more_rows_cost_no_more_queries(browse, world, app, count_queries):
    yue = browse("yue")

    def cost():
        with count_queries() as queries:
            assert yue.get("/calendar").status_code == 200
        return len(queries)

    def fill(number):
        with app.app_context():
            lamp, people = db.session.get_one(Project, world.lamp.id), [world.yu, world.jia, world.lei, world.intern]
            for each in range(number):
                task = Task.create(
                    lamp, by=lamp.owner, stage=lamp.stages[0], phase=lamp.phases[each % 3], title_zh="任务",
                    owner=people[each % 4] if number > 4 else world.yu, due_on=october(1 + each % 28),
                )  # fmt: skip
                task.publish_at = at("2026-10-20 02:00") if each % 2 else None
            db.session.commit()

    fill(4)
    cost()
    few = cost()
    fill(40)
    assert cost() == few


# put on another day


def test_the_dialog_says_at_once_what_the_new_day_pushes(browse, world, app, change):
    change(world.fcc, start_on=october(14))
    yue = browse("yue")
    plain = yue.get(f"/tasks/{world.photos.id}/dates/edit?day=2026-10-29").text
    assert elements(plain, name="due_on")[0]["value"] == "2026-10-29"
    assert not elements(plain, name="seen")
    page = yue.get(f"/tasks/{world.fcc.id}/dates/edit?day=2026-10-23", htmx=True).text
    assert elements(page, name="due_on")[0]["value"] == "2026-10-23"
    assert elements(page, name="start_on")[0]["value"] == "2026-10-21"
    assert "亚马逊详情页上线" in page
    assert world.fcc.due_on == october(16)
    sent = {
        "start_on": "2026-10-21", "due_on": "2026-10-23", "answer": "others",
        "seen": elements(page, name="seen")[0]["value"],
    }  # fmt: skip
    assert yue.post(f"/tasks/{world.fcc.id}/dates", sent, htmx=True, current_url="/calendar").status_code == 200
    assert world.fcc.due_on == october(23)
    for nonsense in ("day=2101-01-01", "day=x"):
        untouched = yue.get(f"/tasks/{world.photos.id}/dates/edit?{nonsense}").text
        assert elements(untouched, name="due_on")[0]["value"] == "2026-10-15"


def test_what_is_put_on_another_day_keeps_its_working_days(browse, world, change):
    """Three working days, but for what runs through weekends; in China the first week of October is off."""
    yue = browse("yue")
    for start, due, elapsed, day, expected in (
        ("2026-11-16", "2026-11-18", None, "2026-11-23", "2026-11-19"),
        ("2026-11-16", "2026-11-18", 2, "2026-11-23", "2026-11-21"),
        ("2026-11-19", "2026-11-23", None, "2026-11-18", "2026-11-16"),
        ("2026-11-16", "2026-11-18", None, "2026-11-22", "2026-11-18"),  # a Sunday
        ("2026-11-21", "2026-11-22", None, "2026-11-29", "2026-11-28"),  # no working day at all
        ("2026-11-16", "2026-11-18", None, "2026-10-08", "2026-09-29"),
    ):
        dates = {"start_on": date.fromisoformat(start), "due_on": date.fromisoformat(due)}
        change(world.photos, elapsed_days=elapsed, **dates)
        form = yue.get(f"/tasks/{world.photos.id}/dates/edit?day={day}").text
        assert elements(form, name="start_on")[0]["value"] == expected, (start, due, elapsed, day)


def test_what_counts_hours_keeps_its_hour_where_the_calendar_counts_its_days(browse, world, app, change):
    """Due at 23:59 on 1 November in Los Angeles; put on 2 November there, after the clocks were set back."""
    change(world.lamp, unit="hour")
    change(world.photos, start_at=at("2026-10-31 06:59"), due_at=at("2026-11-01 06:59"), due_on=date(2026, 11, 1))
    form = browse("yue").get(f"/tasks/{world.photos.id}/dates/edit?day=2026-11-02&zone=America/Los_Angeles").text
    assert elements(form, name="due_at")[0]["value"] == "2026-11-03T15:59"  # in Beijing, where 周越 is
    assert elements(form, name="start_at")[0]["value"] == "2026-11-02T15:59"
