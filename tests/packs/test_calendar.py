import re
from collections.abc import Callable
from datetime import date

import pytest

from linkstar import packs
from linkstar.packs import files

CHINESE = re.compile(r"[\u4e00-\u9fff]")
OTHERS = {
    "pack.yaml": "{key: moon, version: '1', name_zh: 月球包, name_en: Moon}",
    "categories.yaml": "{categories: [], content_types: [], platforms: [], regions: [], stages: []}",
    "workflows.yaml": "{roles: [], sensitive_operations: []}",
    "checklists.yaml": "{checklists: []}",
    "templates.yaml": "{templates: []}",
    "recipes.yaml": "{recipes: []}",
}
CALENDAR = """
events:
- key: landing
  zh: 登月日
  en: Moon landing
  kind: social
  federal_holiday: false
  rule: {type: fixed, month: 7, day: 20}
  duration_days: 1
  impact: low
  lead_days: {stock: 30, ads: 7}
  sensitivity: {level: low, zh: 不涉政治, en: No politics}
  note_zh: 模型热卖
  note_en: Models sell
  confidence: high
- {key: harvest, zh: 丰收周, en: Harvest week, kind: commercial, federal_holiday: false, duration_days: 9, impact: low,
   rule: {type: window, start: {type: lunar, month: 8, day: 15},
          end: {type: relative, to: landing, offset_days: 80}},
   lead_days: {}, sensitivity: {level: none}, confidence: low}
- {key: sale, zh: 月末促销, en: Month-end sale, kind: platform, federal_holiday: false, duration_days: 2, impact: high,
   rule: {type: configurable, dates: {2026: ['2026-06-23', '2026-06-26'], 2027: '2027-06-22'},
          default: {start_month: 6, start_day: 22, days: 4}},
   lead_days: {}, sensitivity: {level: none}, confidence: low}
- {key: winter, zh: 冬季, en: Winter, kind: social, federal_holiday: false, duration_days: 37, impact: low,
   rule: {type: window, start: {type: fixed, month: 12, day: 26},
          end: {type: fixed, month: 1, day: 31, year_offset: 1}},
   lead_days: {}, sensitivity: {level: none}, confidence: low}
- {key: first_monday, zh: 首个周一, en: First Monday, kind: tax, federal_holiday: false, duration_days: 1, impact: low,
   rule: {type: nth_weekday, month: 9, weekday: mon, n: 1},
   lead_days: {}, sensitivity: {level: none}, confidence: low}
cutoff_rules:
- {key: rocket, zh: 火箭截载, en: Rocket closes, anchor: landing, rule: {cargo: -20}, unit: calendar_days,
   known: {2026: {cargo: '2026-07-01'}}, confidence: medium}
- {key: peak, zh: 旺季, en: Peak season, anchor: null, rule: {storage: 10-01 to 12-31}, unit: fixed, known: {},
   confidence: medium}
"""
FAULTS = [
    # what stands in the file, what is written instead, the key that is named, the fault
    ("to: landing", "to: launch", "harvest.rule.end", "unknown_event"),
    ("anchor: landing", "anchor: launch", "rocket", "unknown_event"),
    ("anchor: landing", "anchor: null", "rocket", "no_field"),
    ("to: landing", "to: harvest", "harvest", "day_of_itself"),
    ("type: fixed, month: 7, day: 20", "type: relative, to: harvest, offset_days: 1", "landing", "day_of_itself"),
    ("  en: Moon landing\n", "", "landing", "no_english"),
    ("  zh: 登月日", "  zh: ' '", "landing", "no_chinese"),
    (", en: No politics", "", "landing.sensitivity", "no_english"),
    ("  note_zh: 模型热卖\n", "", "landing", "no_chinese"),
    ("en: Rocket closes, ", "", "rocket", "no_english"),
    ("type: fixed, month: 7", "type: full_moon, month: 7", "landing.rule", "unknown_choice"),
    ("type: lunar, ", "", "harvest.rule.start", "no_field"),
    ("type: lunar, month: 8, day: 15", "type: monthly, day: 1", "harvest.rule.start", "unknown_choice"),
    ("rule: {type: fixed, month: 7, day: 20}", "rule: 20 July", "landing.rule", "not_a_mapping"),
    ("month: 7, day: 20", "month: 13, day: 20", "landing.rule", "not_between"),
    ("month: 7, day: 20", "month: 7, day: 0", "landing.rule", "not_between"),
    ("month: 7, day: 20", "month: 2, day: 29", "landing.rule", "no_such_day"),
    ("month: 7, day: 20", "month: july, day: 20", "landing.rule", "not_a_whole_number"),
    ("month: 7, day: 20", "month: 7, day: 20, to: sale", "landing.rule", "unknown_field"),
    ("month: 8, day: 15", "month: 8, day: 30", "harvest.rule.start", "not_between"),
    ("start_month: 6, start_day: 22", "start_month: 6, start_day: 31", "sale.rule.default", "no_such_day"),
    ("start_month: 6, ", "", "sale.rule.default", "no_field"),
    ("start_month: 6, start_day: 22", "start_rule: some Tuesday", "sale.rule.default", "unknown_field"),
    (", year_offset: 1", "", "winter.rule", "ends_before_start"),
    ("weekday: mon", "weekday: monday", "first_monday.rule", "unknown_choice"),
    ("n: 1}", "n: 6}", "first_monday.rule", "unknown_choice"),
    ("n: 1}", "n: true}", "first_monday.rule", "unknown_choice"),
    ("'2027-06-22'", "'2027-06-31'", "sale.rule.dates", "not_a_date"),
    ("'2026-06-26'", "'2026-06-22'", "sale.rule.dates", "not_days"),
    (", '2026-06-26'", "", "sale.rule.dates", "not_days"),
    ("2027: '", "soon: '", "sale.rule.dates", "not_a_whole_number"),
    ("2027: '", "20277: '", "sale.rule.dates", "not_between"),
    ("'2026-07-01'", "July", "rocket.known.2026", "not_a_date"),
    ("cargo: -20", "cargo: early", "rocket.rule", "not_a_whole_number"),
    ("unit: calendar_days", "unit: weeks", "rocket", "unknown_choice"),
    ("stock: 30", "stock: -30", "landing.lead_days", "negative"),
    ("stock: 30", "stocks: 30", "landing.lead_days", "unknown_field"),
    ("level: low", "level: extreme", "landing.sensitivity", "unknown_choice"),
    ("federal_holiday: false\n", "federal_holiday: 0\n", "landing", "not_yes_or_no"),
    ("duration_days: 1\n", "duration_days: 0\n", "landing", "not_between"),
    ("key: sale", "key: landing", "events", "duplicate_key"),
    ("key: peak", "key: rocket", "cutoff_rules", "duplicate_key"),
    ("events:\n", "event:\n", "moon/calendar.yaml", "no_field"),
    ("  impact: low\n", "  impact: low\n  impact: high\n", "moon/calendar.yaml", "field_twice"),
]  # fmt: skip


@pytest.fixture
def moon(tmp_path, monkeypatch) -> Callable[[str], packs.Pack]:
    """moon(text) ships a pack with that calendar and reads it."""
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    monkeypatch.setattr(files, "read", files.read.__wrapped__)
    (tmp_path / "moon").mkdir()
    for name, text in OTHERS.items():
        (tmp_path / "moon" / name).write_text(text, encoding="utf-8")

    def read(calendar: str) -> packs.Pack:
        (tmp_path / "moon" / "calendar.yaml").write_text(calendar, encoding="utf-8")
        return packs.pack.__wrapped__("moon")

    return read


def test_the_shipped_calendar_is_whole():
    calendar = packs.pack().calendar
    assert (len(calendar.events), len(calendar.cutoff_rules)) == (76, 12)
    thanksgiving, black_friday = (
        next(event for event in calendar.events if event.key == key) for key in ("thanksgiving", "black_friday")
    )
    assert (thanksgiving.zh, thanksgiving.counts_from, thanksgiving.lead_days.stock) == ("感恩节", [], 100)
    assert black_friday.counts_from == ["thanksgiving"]
    fba = calendar.cutoff_rules[0]
    assert (fba.key, fba.anchor, fba.rule["awd"]) == ("fba_bfcm", "black_friday", -44)
    assert fba.known[2026]["awd"] == date(2026, 10, 14)


@pytest.mark.parametrize("section", ["events", "cutoff_rules"])
def test_it_holds_what_its_file_says(section):
    told = [packs.document(part) for part in getattr(packs.pack().calendar, section)]
    raw = packs.read(packs.CALENDAR)[section]
    assert told == [{name: value for name, value in row.items() if value is not None} for row in raw]


def test_a_calendar_is_read(moon):
    calendar = moon(CALENDAR).calendar
    landing, harvest, sale, *_others = calendar.events
    assert (landing.rule.month, landing.rule.day, landing.lead_days.stock) == (7, 20, 30)
    assert harvest.counts_from == ["landing"]
    assert sale.rule.dates == {2026: (date(2026, 6, 23), date(2026, 6, 26)), 2027: date(2027, 6, 22)}
    assert [rule.unit for rule in calendar.cutoff_rules] == ["calendar_days", "fixed"]


@pytest.mark.parametrize("there, instead, key, code", FAULTS, ids=[f"{row[3]} {row[1][:30]!r}" for row in FAULTS])
def test_a_broken_calendar_is_refused_with_its_file_key_and_fault(moon, said, there, instead, key, code):
    assert there in CALENDAR
    with pytest.raises(packs.PackFault) as refused:
        moon(CALENDAR.replace(there, instead, 1))
    fault = refused.value
    assert (fault.file, fault.key, fault.fault) == ("moon/calendar.yaml", key, code)
    english, chinese = said(fault, "en"), said(fault, "zh")
    for sentence in (english, chinese):
        assert "moon/calendar.yaml" in sentence and key in sentence
        assert all(str(fact) in sentence for fact in fault.facts.values())
    assert english != chinese
    assert CHINESE.search(chinese)


def test_the_sentence_says_what_to_mend(moon, said):
    def refused(there: str, instead: str) -> Exception:
        with pytest.raises(packs.PackFault) as fault:
            moon(CALENDAR.replace(there, instead, 1))
        return fault.value

    with pytest.raises(packs.PackFault) as loop:
        moon(
            CALENDAR.replace("type: fixed, month: 7, day: 20", "type: relative, to: first_monday, offset_days: 1")
            .replace("type: nth_weekday, month: 9, weekday: mon, n: 1", "type: relative, to: harvest, offset_days: 1")
        )  # fmt: skip
    assert said(loop.value, "en") == (
        "moon/calendar.yaml: the day of landing is told from itself: landing → first_monday → harvest → landing."
    )
    weekday = refused("weekday: mon", "weekday: monday")
    assert said(weekday, "en") == (
        "moon/calendar.yaml: weekday of first_monday.rule is monday; it can be: mon, tue, wed, thu, fri, sat, sun."
    )
    kind = refused("type: fixed, month: 7", "type: full_moon, month: 7")
    assert said(kind, "en").startswith(
        "moon/calendar.yaml: type of landing.rule is full_moon; it can be: fixed, nth_weekday, "
    )
    assert said(refused("month: 7, day: 20", "month: 2, day: 30"), "zh") == (
        "moon/calendar.yaml：landing.rule 落在 02-30，不是每年都有这一天。"
    )
    assert said(refused("to: landing", "to: launch"), "zh") == (
        "moon/calendar.yaml：harvest.rule.end 用了未知的日历节点 launch。"
    )


def test_an_uploaded_pack_brings_no_calendar(walks):
    for upload in (f"{walks}\nevents: []\n", walks.replace('version: "1"', 'version: "1", events: []')):
        with pytest.raises(packs.PackFault) as refused:
            packs.parse(upload, "walks.yaml")
        assert (refused.value.fault, refused.value.facts) == ("unknown_field", {"field": "events"})
