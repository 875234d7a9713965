"""A task that is late: what slips with it, and which of the year's cut-offs are missed for that."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from linkstar.models import Replan, Shift, Task, User
from linkstar.planning.schedule import Span
from linkstar.reports.market_days import MarketDay, market_days
from linkstar.reports.preview import Preview

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
KEYS = frozenset(key for keys in LEGS.values() for key in keys)
DEPARTURES = ("ocean_bfcm",)  # what counts is when the task begins


@dataclass(frozen=True)
class Missed:
    cutoff: MarketDay
    task: Task
    old: date
    new: date


class WhatIf(Preview):
    def __init__(self, replan: Replan, reader: User) -> None:
        super().__init__(replan, reader)
        shown = [replan.shifts[0], *self.shifts] if replan.shifts else []
        self.missed = list(_missed([shift for shift in shown if shift.task.key in KEYS]))


def _missed(shifts: list[Shift]) -> Iterator[Missed]:
    """By the workspace's own calendar: a cut-off that it moved counts on its new day, one that it hid not at all."""
    spans = [span for shift in shifts for span in (shift.old, shift.new) if span]
    if not spans:
        return
    first, last = min(span.start for span in spans), max(span.finish for span in spans)
    days = market_days(shifts[0].task.workspace_id, first, last, kinds=("cutoff",))
    for shift in shifts:
        for cutoff in days:
            rule, _colon, _leg = cutoff.key.partition(":")
            if shift.old and shift.task.key in LEGS.get(rule, ()):
                old, new = _day(shift.old, rule), _day(shift.new, rule)
                if old <= cutoff.first_on < new:
                    yield Missed(cutoff, shift.task, old, new)


def _day(span: Span, rule: str) -> date:
    return span.start if rule in DEPARTURES else span.finish
