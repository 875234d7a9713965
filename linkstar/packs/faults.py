"""What can be wrong with a pack, said in the reader's language."""

from typing import Any

from linkstar.i18n import _l

SENTENCES = {
    "alias": _l("%(file)s uses YAML anchors or aliases in line %(line)s. Write the values out."),
    "cycle": _l("%(file)s: in %(key)s these wait for each other in a circle: %(loop)s."),
    "day_of_itself": _l("%(file)s: the day of %(key)s is told from itself: %(loop)s."),
    "duplicate_key": _l("%(file)s: %(key)s has %(value)s twice."),
    "ends_before_start": _l("%(file)s: %(key)s ends before it starts."),
    "field_twice": _l("%(file)s has the field %(field)s a second time in line %(line)s."),
    "fixed_without_offset": _l("%(file)s: %(key)s has a fixed start but no offset."),
    "negative": _l("%(file)s: %(field)s of %(key)s must not be negative."),
    "no_anchor": _l("%(file)s: the anchor of %(key)s is the task %(value)s, which is not there."),
    "no_chinese": _l("%(file)s: %(key)s has no Chinese text in %(field)s."),
    "no_english": _l("%(file)s: %(key)s has no English text in %(field)s."),
    "no_field": _l("%(file)s: %(key)s has no %(field)s."),
    "no_such_day": _l("%(file)s: %(key)s falls on %(value)s, a day that not every year has."),
    "not_a_date": _l("%(file)s: %(field)s of %(key)s must be a date like 2026-11-21."),
    "not_a_key": _l("%(file)s: %(field)s of %(key)s must be a key of letters, digits, hyphens and underscores."),
    "not_a_list": _l("%(file)s: %(field)s of %(key)s must be a list."),
    "not_a_mapping": _l("%(file)s: %(key)s must be made of fields with values."),
    "not_a_number": _l("%(file)s: %(field)s of %(key)s must be a number."),
    "not_a_range": _l("%(file)s: %(field)s of %(key)s must be two numbers, the smaller one first."),
    "not_a_whole_number": _l("%(file)s: %(field)s of %(key)s must be a whole number."),
    "not_between": _l("%(file)s: %(field)s of %(key)s must be from %(low)s to %(high)s."),
    "not_days": _l("%(file)s: %(field)s of %(key)s must be one day, or the first day and the last one."),
    "not_quarters": _l("%(file)s: %(field)s of %(key)s must be a multiple of 0.25."),
    "not_text": _l("%(file)s: %(field)s of %(key)s must be text."),
    "not_there": _l("%(file)s: %(key)s is not there."),
    "not_yaml": _l("%(file)s cannot be read as YAML; the trouble begins in line %(line)s."),
    "not_yes_or_no": _l("%(file)s: %(field)s of %(key)s must be true or false."),
    "too_big": _l("%(file)s is bigger than %(limit)s MB."),
    "too_deep": _l("%(file)s is nested too deeply in line %(line)s."),
    "too_large": _l("%(file)s: %(field)s of %(key)s is larger than %(limit)s."),
    "too_long": _l("%(file)s: %(field)s of %(key)s is longer than %(limit)s characters."),
    "unknown_category": _l("%(file)s: %(key)s names the category %(value)s, which is unknown."),
    "unknown_checklist": _l("%(file)s: %(key)s names the checklist %(value)s, which is unknown."),
    "unknown_choice": _l("%(file)s: %(field)s of %(key)s is %(value)s; it can be: %(choices)s."),
    "unknown_content_type": _l("%(file)s: %(key)s names the content type %(value)s, which is unknown."),
    "unknown_event": _l("%(file)s: %(key)s names the event %(value)s, which is unknown."),
    "unknown_field": _l("%(file)s: %(key)s has a field %(field)s, which is unknown."),
    "unknown_phase": _l("%(file)s: %(key)s waits for the phase %(value)s, which is not there."),
    "unknown_platform": _l("%(file)s: %(key)s names the platform %(value)s, which is unknown."),
    "unknown_predecessor": _l("%(file)s: %(key)s comes after the task %(value)s, which is not there."),
    "unknown_region": _l("%(file)s: %(key)s names the region %(value)s, which is unknown."),
    "unknown_role": _l("%(file)s: %(key)s names the role %(value)s, which is unknown."),
    "unknown_stage": _l("%(file)s: %(key)s names the stage %(value)s, which is unknown."),
    "unknown_template": _l("%(file)s: %(key)s makes a sub-project from the template %(value)s, which is unknown."),
    "unknown_time_zone": _l("%(file)s: %(key)s names the time zone %(value)s, which is unknown."),
}
LONGEST = 200  # characters of somebody's file in a sentence


class Contradiction(ValueError):
    """A part whose values do not go together; who reads the part knows where it stands."""

    def __init__(self, fault: str, **facts: Any) -> None:
        super().__init__(fault, facts)
        self.fault, self.facts = fault, facts


class PackFault(Exception):
    """`key` is the way to the faulty row, outer keys first (template.phase.task); `fault` is a key of SENTENCES."""

    def __init__(self, file: str, key: str, fault: str, **facts: Any) -> None:
        super().__init__(file, key, fault, facts)
        self.file, self.key, self.fault, self.facts = file, key, fault, facts

    def __str__(self) -> str:
        told = {"file": self.file, "key": self.key, **self.facts}
        return str(SENTENCES[self.fault]) % {name: str(value)[:LONGEST] for name, value in told.items()}
