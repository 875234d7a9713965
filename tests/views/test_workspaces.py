"""How a workspace begins, how its projects are called, and which days it works."""

import re
from datetime import date

import pytest

from linkstar.extensions import db
from linkstar.models import AuditEvent, CalendarDay, InstalledPack, Template, Workspace, calendars_of
from tests.pages import elements
from tests.views.test_histories import said

# the first run


def test_the_first_run_offers_the_pack_and_lists_what_it_installed(app, browse, world):
    yue = browse("yue")
    for page in ("/", "/projects", "/workspace"):
        assert 'href="/setup"' in yue.get(page).text
    offer = said(yue.get("/setup?lang=en"))
    assert "12" in offer
    assert "55 lists, 365 items" in offer
    assert "US-AMZ-26Q4-EARB-003" in offer
    assert "not legal advice" in offer
    answer = yue.post("/setup", {"choice": "us"})
    assert (answer.status_code, answer.location) == (303, "/setup")
    done = yue.get("/setup?lang=en")
    with app.app_context():
        templates = list(db.session.scalars(db.select(Template)))
        assert len(templates) == 12
        assert all(f'href="/templates/{template.id}"' in done.text for template in templates)
        assert all(template.name_en in done.text.replace("&amp;", "&") for template in templates)
    for page in ("/", "/projects", "/workspace"):
        assert 'href="/setup"' not in yue.get(page).text


def test_a_second_start_installs_nothing_again(app, browse, world):
    yue = browse("yue")
    for _ in range(2):
        assert yue.post("/setup", {"choice": "us"}).status_code == 303
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count(InstalledPack.id))) == 1
        done = db.select(db.func.count()).where(AuditEvent.action == "pack.installed")
        assert db.session.scalar(done) == 1


def test_a_workspace_can_begin_blank(app, browse, world):
    yue = browse("yue")
    assert yue.post("/setup", {"choice": "nothing"}).status_code == 422
    assert yue.post("/setup", {"choice": "blank"}).status_code == 303
    assert "began blank" in said(yue.get("/setup?lang=en"))
    with app.app_context():
        assert db.session.scalar(db.select(Template.id)) is None
        assert db.session.get(Workspace, world.beiyuan.id).set_up_at is None


def test_only_who_keeps_the_workspace_is_asked_to_set_it_up(browse, world, count_queries):
    yu = browse("yu")
    assert 'href="/setup"' not in yu.get("/").text
    assert yu.get("/setup").status_code == 403
    assert yu.post("/setup", {"choice": "us"}).status_code == 403
    assert browse("maya").get("/workspace").status_code == 403


def test_the_banner_asks_the_database_nothing(app, browse, world, count_queries):
    yue = browse("yue")
    costs = []
    for set_up in (None, date(2026, 10, 1)):
        with app.app_context():
            if set_up:
                db.session.get_one(Workspace, world.shanlan.id).set_up_at = db.session.scalar(
                    db.select(AuditEvent.created_at).limit(1)
                )
            db.session.commit()
        with count_queries() as queries:
            yue.get("/projects")
        costs.append(len(queries))
    assert costs[0] == costs[1]


# the naming rule


def test_the_naming_rule_changes_the_codes_that_follow(app, browse, world):
    yue = browse("yue")
    answer = yue.put("/workspace", {"code_rule": "SL-{quarter}-{number}"})
    assert answer.status_code == 303
    assert "SL-26Q4-003" in said(yue.get("/workspace"))
    assert "Naming rule" in said(yue.get("/history?kind=project&lang=en"))
    with app.app_context():
        assert world.shanlan.code_rule == "SL-{quarter}-{number}"
        assert world.beiyuan.code_rule != "SL-{quarter}-{number}"
        assert world.lamp.code == "US-AMZ-26Q4-LAMP-003"


@pytest.mark.parametrize(
    "rule",
    [
        "", "US-{word}", "{number}-{number}", "us-{number}", "US-{year}-{number}", "US--{number}", "美-{number}",
        "US-{number}\x07", "{number", f"{'A' * 78}{{number}}",
        f"{'A' * 20}-{{platform}}-{{quarter}}-{{word}}-{{number}}",
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_codes_is_refused_with_an_example(app, browse, world, rule):
    yue = browse("yue")
    answer = yue.put("/workspace?lang=en", {"code_rule": rule})
    assert answer.status_code == 422
    alerts = elements(answer.text, role="alert")
    assert alerts
    assert not rule.isprintable() or rule == "" or len(rule) > 80 or "such as US-{platform}-{quarter}" in said(answer)
    with app.app_context():
        assert world.shanlan.code_rule == "US-{platform}-{quarter}-{word}-{number}"


def test_others_read_the_rule_and_change_nothing(browse, world):
    yu = browse("yu")
    page = yu.get("/workspace")
    assert "US-{platform}-{quarter}-{word}-{number}" in page.text
    assert not elements(page.text, name="code_rule")
    assert yu.put("/workspace", {"code_rule": "{number}"}).status_code == 403


# calendars


def rows(page) -> dict[str, str]:
    """ISO-like head of a row → what it says."""
    found = re.findall(r'<li><div class="grow"><b class="num nowrap">([^<]+)</b>(.*?)</li>', page.text, re.DOTALL)
    return {day: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", rest)).strip() for day, rest in found}


def test_the_calendars_of_both_countries_are_there_to_be_read(browse, world):
    yu = browse("yu")
    china = rows(yu.get("/calendars/CN?year=2026&lang=zh"))
    assert "国庆" in china["10-01 周四"]
    america = rows(yu.get("/calendars/US?year=2026&lang=en"))
    assert "Thanksgiving" in america["Thu Nov 26"]
    assert not elements(yu.get("/calendars/US?year=2026").text, name="works")
    for address in ("/calendars/DE", "/calendars/CN?year=1999", "/calendars/CN?year=2101"):
        assert yu.get(address).status_code == 404


def test_a_year_without_an_official_notice_is_marked_as_an_estimate(browse, world):
    yu = browse("yu")
    assert "Estimate" not in said(yu.get("/calendars/CN?year=2025&lang=en"))
    assert "Estimate: the official notice was not out" in said(yu.get("/calendars/CN?year=2030&lang=en"))


def test_the_workspace_adds_a_day_changes_it_and_takes_it_back(app, browse, world):
    yue = browse("yue")
    form = {"day": "2026-11-11", "works": "off", "name_zh": "双十一", "name_en": "Singles' Day"}
    answer = yue.post("/calendars/CN/days", form)
    assert (answer.status_code, answer.location) == (303, "/calendars/CN?year=2026")
    page = yue.get("/calendars/CN?year=2026&lang=en")
    assert "Running projects keep their dates until their plan is moved." in page.text
    assert "Day off" in rows(page)["Wed Nov 11"]
    assert "Changed by this workspace" in rows(page)["Wed Nov 11"]
    with app.app_context():
        assert not calendars_of(world.shanlan.id)["CN"].works(date(2026, 11, 11))
        assert calendars_of(world.shanlan.id)["US"].works(date(2026, 11, 11)) is False  # Veterans Day
        assert calendars_of(world.beiyuan.id)["CN"].works(date(2026, 11, 11))

    assert yue.post("/calendars/CN/days", form | {"works": "worked"}).status_code == 303
    with app.app_context():
        assert [row.works for row in db.session.scalars(db.select(CalendarDay))] == [True]

    assert yue.delete("/calendars/CN/days/2026-11-11").status_code == 303
    assert "Wed Nov 11" not in rows(yue.get("/calendars/CN?year=2026&lang=en"))
    told = said(yue.get("/history?kind=calendar&lang=en"))
    assert "周越 made Wed Nov 11 a day off in the calendar of China" in told
    assert "周越 made Wed Nov 11 a working day in the calendar of China" in told
    assert "周越 took back the change of Wed Nov 11 in the calendar of China" in told


@pytest.mark.parametrize(
    "wrong",
    [
        {"day": ""}, {"day": "2026-02-30"}, {"day": "1999-12-31"}, {"day": "2101-01-01"}, {"works": "maybe"},
        {"name_zh": "长" * 61}, {"name_en": "a\x00b"},
    ],
)  # fmt: skip
def test_a_day_that_makes_no_sense_is_refused_with_what_was_typed(app, browse, world, wrong):
    yue = browse("yue")
    answer = yue.post("/calendars/CN/days", {"day": "2026-11-11", "works": "off", "name_zh": "双十一"} | wrong)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert "name_zh" in wrong or "双十一" in answer.text
    with app.app_context():
        assert db.session.scalar(db.select(CalendarDay.day)) is None


def test_others_change_no_calendar(app, browse, world):
    for person, status in (("yu", 403), ("lei", 403), ("maya", 403)):
        someone = browse(person)
        form = {"day": "2026-11-11", "works": "off"}
        assert someone.post("/calendars/CN/days", form).status_code == status
        assert someone.delete("/calendars/CN/days/2026-11-11").status_code == status
    assert browse("yue").post("/calendars/DE/days", {"day": "2026-11-11", "works": "off"}).status_code == 404
    assert browse("yue").delete("/calendars/CN/days/soon").status_code == 404
