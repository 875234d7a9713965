"""The market's calendar: the pack's days by their rules, and what the workspace says of them."""

from datetime import date

import pytest

from linkstar import packs
from linkstar.extensions import db
from linkstar.models import CalendarEvent
from linkstar.models.audit_event import AuditEvent
from linkstar.reports.market_days import days_for_audience, days_without_rule, market_days, pack_days
from tests.pages import elements

TEST_DATES = packs.read(packs.CALENDAR)["test_dates"]
NEW_YEAR = date(2027, 1, 1), date(2027, 1, 1)


@pytest.fixture
def here(app, world):
    """here(first, last, **how) are the market days that 山岚 has, by key."""

    def days(first, last, **how):
        return {day.key: day for day in market_days(world.shanlan.id, first, last, **how)}

    with app.test_request_context():
        yield days


def test_all_76_events_stand_on_the_days_of_the_packs_own_table():
    there = {}
    for year in range(2025, 2033):
        for day in pack_days(year):
            if not day.cutoff:
                there.setdefault(day.key.partition(":")[0], {})[year] = day
    found = {key: {year: str(day.first_on) for year, day in days.items()} for key, days in there.items()}
    assert {key: {year: found[key].get(year) for year in told} for key, told in TEST_DATES.items()} == TEST_DATES
    assert set(found) == {event.key for event in packs.pack().calendar.events}
    assert len(found) == 76
    lasts = {key: str(there[key][2026].last_on) for key in ("hanukkah", "cn_spring_festival", "prime_day", "kwanzaa")}
    assert lasts == {
        "hanukkah": "2026-12-11", "cn_spring_festival": "2026-02-24", "prime_day": "2026-06-26",
        "kwanzaa": "2027-01-01",
    }  # fmt: skip


def test_a_day_is_sensitive_and_a_month_is_not():
    sensitive = {day.key for day in pack_days(2029) if day.sensitive}
    assert sensitive == {
        "mlk_day", "memorial_day", "juneteenth", "columbus_day", "veterans_day", "inauguration_day", "good_friday",
        "cinco_de_mayo", "patriot_day", "halloween", "election_day", "kwanzaa",
    }  # fmt: skip


def test_windows_over_new_year_and_cutoffs_of_the_next_year_are_found(here):
    assert {day.year for day in here(*NEW_YEAR).values() if day.key in ("boxing_returns", "kwanzaa")} == {2026}
    assert "new_year" in here(*NEW_YEAR)
    december = here(date(2026, 12, 13), date(2026, 12, 13))
    assert (december["cny_order:last_order"].year, december["cny_order:last_order"].cutoff) == (2027, True)
    assert here(date(2026, 12, 13), date(2026, 12, 13), kinds=["religious"]) == {}
    assert set(here(date(2026, 10, 28), date(2026, 10, 28), kinds=["cutoff"])) == {"fba_bfcm:optimized_splits"}
    assert [day.key for day in days_without_rule(2026)] == ["inauguration_day"]


def overlay(world, key, year, first, last=None, **values):
    values = {"kind": "platform", "first_on": first, "last_on": last or first, "sensitive": False} | values
    title = {"zh": key, "en": key}
    CalendarEvent.overlay(world.shanlan.id, key, year, values, title=title, by=world.yue)
    db.session.flush()


def test_the_workspace_has_the_last_word_for_one_year(here, world):
    overlay(world, "prime_day", 2027, date(2027, 7, 13), date(2027, 7, 16), note_en="Announced")
    overlay(world, "prime_day", 2027, date(2027, 7, 6), date(2027, 7, 9), note_en="Announced")
    overlay(world, "halloween", 2027, date(2027, 10, 31), hidden=True)
    overlay(world, "diwali", 2033, date(2033, 10, 22), kind="religious")
    overlay(world, "fba_pbdd:awd", 2027, date(2027, 8, 20), kind="cutoff")
    overlay(world, "super_bowl", 2027, date(2028, 1, 2), name_en="Moved over New Year")
    assert "prime_day" not in here(date(2027, 6, 22), date(2027, 6, 25))
    prime = here(date(2027, 7, 9), date(2027, 7, 9))["prime_day"]
    assert (prime.first_on, prime.note_en, prime.note_zh, prime.name_en) == (
        date(2027, 7, 6), "Announced", packs_note("prime_day"), "Amazon Prime Day (configurable)"
    )  # fmt: skip
    assert here(date(2028, 6, 22), date(2028, 6, 25))["prime_day"].own is None
    cutoffs = here(date(2027, 6, 1), date(2027, 6, 30), kinds=["cutoff"])
    assert cutoffs["fba_prime_day:minimal_splits"].first_on == date(2027, 6, 9), "27 days before where it is now"
    assert "fba_pbdd:awd" in here(date(2027, 8, 20), date(2027, 8, 20))
    assert "halloween" not in here(date(2027, 10, 31), date(2027, 10, 31))
    assert "diwali" in here(date(2033, 10, 22), date(2033, 10, 22))
    assert here(date(2028, 1, 2), date(2028, 1, 2))["super_bowl"].name_en == "Moved over New Year"
    assert {day.key for day in market_days(world.beiyuan.id, date(2027, 10, 31), date(2027, 10, 31))} >= {"halloween"}


def packs_note(key):
    return next(event.note_zh for event in packs.pack().calendar.events if event.key == key)


def test_each_audience_has_the_days_of_its_country(here, world):
    def keys(day, zone):
        return {each.key for each in days_for_audience(world.shanlan.id, day, zone)}

    party = {"kind": "own", "name_en": "Party", "first_on": date(2026, 10, 1), "last_on": date(2026, 10, 1)}
    own = CalendarEvent.add(world.shanlan.id, party, by=world.yue)
    october = date(2026, 10, 1)
    assert {"breast_cancer_month", f"own:{own.id}"} <= keys(october, "America/Los_Angeles")
    assert keys(october, "US/Pacific") == keys(october, "America/Los_Angeles")
    assert keys(october, "Asia/Shanghai") == {"cn_national_day", f"own:{own.id}"}
    assert keys(october, "Europe/Zurich") == {f"own:{own.id}"}
    assert keys(date(2027, 1, 31), "America/New_York") == {"boxing_returns"}, "nobody keeps the day of a tax form"


def test_a_keeper_changes_a_day_for_a_year_and_takes_it_back(browse, app, world):
    yue, address = browse("yue"), "/calendar_events/new?event=prime_day&year=2027"
    form = yue.get(address)
    assert elements(form.text, name="first_on")[0]["value"] == "2027-06-22"
    sent = {"event": "prime_day", "year": 2027, "first_on": "2027-07-06", "last_on": "2027-07-09", "note_en": "Told"}
    sent["name_en"] = elements(form.text, name="name_en")[0]["value"]
    assert yue.post("/calendar_events", sent).status_code == 303
    page = yue.get("/calendar_events?year=2027&lang=en").text
    assert "Tue Jul 6, 2027 – Fri Jul 9, 2027" in page
    assert "Changed by this workspace" in page
    assert yue.get(address).status_code == 303, "there is one already: it is edited"
    with app.app_context():
        row = db.session.scalars(db.select(CalendarEvent)).one()
        assert (row.name_en, row.note_en) == (None, "Told"), "words that are the pack's stay the pack's"
    edit = f"/calendar_events/{row.id}"
    open_now = yue.get(f"{edit}/edit").text
    assert elements(open_now, name="last_on")[0]["value"] == "2027-07-09"
    moved = {"first_on": "2027-07-06", "hidden": "y", "seen": elements(open_now, name="seen")[0]["value"]}
    assert yue.put(edit, moved).status_code == 303
    for stale in (yue.put(edit, moved | {"hidden": ""}), yue.post("/calendar_events", sent)):
        assert stale.status_code == 409, "somebody else wrote it meanwhile"
        assert "checked" in elements(stale.text, name="hidden")[0] and elements(stale.text, role="alert")
    page = yue.get("/calendar_events?year=2027&kind=platform&lang=en").text
    assert "Hidden" in page and "Memorial Day" not in page
    assert yue.delete(edit).location.endswith("year=2027")
    assert "Tue Jun 22, 2027 – Fri Jun 25, 2027" in yue.get("/calendar_events?year=2027&lang=en").text
    with app.app_context():
        told = db.session.scalars(db.select(AuditEvent.action).where(AuditEvent.action.startswith("calendar_event")))
        assert list(told) == ["calendar_event.edited", "calendar_event.edited", "calendar_event.reset"]


def test_a_super_bowl_party_is_added_and_what_cannot_be_is_refused(browse, app, world):
    yue = browse("yue")
    party = {"kind": "own", "name_en": "Super Bowl party", "first_on": "2027-02-14", "sensitive": "y"}
    for wrong in (
        {"name_en": ""}, {"first_on": ""}, {"last_on": "2027-02-13"}, {"kind": "gossip"}, {"note_zh": "x" * 401},
        {"event": "prime_day", "year": 2024},
    ):  # fmt: skip
        answer = yue.post("/calendar_events", party | wrong)
        assert answer.status_code == 422, wrong
        assert elements(answer.text, role="alert")
    for nowhere in ({"event": "prime_day", "year": 1999}, {"event": "moon_day", "year": 2027}):
        assert yue.post("/calendar_events", party | nowhere).status_code == 404
    assert yue.post("/calendar_events", party).status_code == 303
    assert "Super Bowl party" in browse("yu").get("/calendar_events?year=2027").text
    assert "Super Bowl party" not in browse("lead").get("/calendar_events?year=2027").text
    with app.app_context():
        row = db.session.scalars(db.select(CalendarEvent)).one()
    assert browse("yu").get(f"/calendar_events/{row.id}/edit").status_code == 403
    assert browse("lead").delete(f"/calendar_events/{row.id}").status_code == 404
    assert browse("maya").get("/calendar_events").status_code == 403
    assert yue.get("/calendar_events?year=1999").status_code == 404


def test_a_year_costs_the_same_however_much_is_written(browse, app, world, count_queries):
    yu, costs = browse("yu"), []
    for number in (0, 30):
        with app.app_context():
            for day in pack_days(2026)[:number]:
                overlay(world, day.key, 2026, day.first_on, kind=day.kind)
            db.session.commit()
        with count_queries() as queries:
            assert yu.get("/calendar_events?year=2026").status_code == 200
        costs.append(len(queries))
    assert costs[0] == costs[1]
