"""A task that is late: what slips with it, and which of the year's cut-offs are missed for that."""

from dataclasses import dataclass
from datetime import date
from functools import cache

from linkstar import packs
from linkstar.i18n import in_language
from linkstar.models import Replan, Shift, Task, User
from linkstar.planning.calendar_rules import Cutoff, cutoffs
from linkstar.reports.preview import Preview
from linkstar.words import LEG_NAMES

# cut-off → the tasks of the shipped templates that must be finished by then
LEGS = {
    "fba_bfcm": ("fba_receive", "bf_ship", "bf_fba_min_deadline", "bf_fba_opt_deadline"),
    "fba_xmas": ("fba_receive",),
    "fba_prime_day": ("fba_receive",),
    "fba_pbdd": ("fba_receive",),
    "walmart_holiday": ("wm_wfs",),
    "ocean_bfcm": ("transit", "bf_ship", "wm_freight", "tt_freight"),
    "production_bfcm": ("po", "bf_po"),
    "deals_bfcm": ("bf_deals_prep", "bf_deals_deadline"),
    "deals_pbdd": ("bf_deals_prep",),
}
DEPARTURES = ("ocean_bfcm",)  # what counts is when the task begins


@dataclass(frozen=True)
class Missed:
    cutoff: Cutoff
    task: Task
    old: date
    new: date

    @property
    def name(self) -> str:
        return in_language(self.cutoff.zh, self.cutoff.en)

    @property
    def leg(self) -> str:
        return str(LEG_NAMES.get(self.cutoff.leg, ""))


class WhatIf(Preview):
    def __init__(self, replan: Replan, reader: User) -> None:
        super().__init__(replan, reader)
        shown = [replan.shifts[0], *self.shifts] if replan.shifts else []
        self.missed = [missed for shift in shown for missed in _missed(shift)]


def _missed(shift: Shift) -> list[Missed]:
    if shift.old is None:
        return []
    found = []
    for cutoff in _cutoffs(shift.new.finish.year):
        departs = cutoff.key in DEPARTURES
        old, new = (span.start if departs else span.finish for span in (shift.old, shift.new))
        if shift.task.key in LEGS[cutoff.key] and old <= cutoff.day < new:
            found.append(Missed(cutoff, shift.task, old, new))
    return found


@cache
def _cutoffs(year: int) -> tuple[Cutoff, ...]:
    """The cut-offs that this and the last year's late finishes may cross."""
    calendar = packs.pack().calendar
    events = dict.fromkeys(rule.anchor for rule in calendar.cutoff_rules if rule.anchor and rule.key in LEGS)
    return tuple(
        cutoff
        for each in (year - 1, year)
        for event in events
        for cutoff in _of_event(calendar, event, each)
        if cutoff.key in LEGS
    )


def _of_event(calendar: packs.Calendar, event: str, year: int) -> list[Cutoff]:
    try:
        return cutoffs(calendar, event, year)
    except (LookupError, ValueError):  # no day of that event is known for the year
        return []
