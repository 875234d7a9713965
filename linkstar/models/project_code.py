"""The workspace's naming rule for project codes, such as US-AMZ-26Q4-EARB-003."""

import re
from collections.abc import Collection
from datetime import date
from itertools import count

from sqlalchemy import select

from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.project import Project
from linkstar.models.refusal import CodesUsedUp
from linkstar.models.user import User
from linkstar.models.workspace import Workspace

PLATFORM_CODES = {
    "amazon": "AMZ", "walmart": "WMT", "tiktok_shop": "TTS", "tiktok": "TT", "shopify": "DTC", "instagram": "IG",
    "youtube": "YT", "facebook": "FB", "pinterest": "PIN", "meta": "META",
}  # fmt: skip
PARTS = {
    "{platform}": "[A-Z]{2,4}",
    "{quarter}": "[0-9]{2}Q[1-4]",
    "{word}": "[A-Z][A-Z0-9]{1,7}",
    "{number}": "[0-9]{3,4}",
}
WORD = re.compile(PARTS["{word}"])
KEY_LENGTH = 8
LAST_NUMBER = 9999
CODE = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*")


def set_rule(workspace: Workspace, rule: str, *, by: User) -> None:
    """From now on; the codes that there are stay what they are."""
    if not is_rule(rule):
        raise ValueError(f"no rule for codes: {rule}")
    if rule != workspace.code_rule:
        changes = {"code_rule": (workspace.code_rule, rule)}
        workspace.code_rule = rule
        record("workspace.edited", by=by, workspace_id=workspace.id, changes=changes)


def is_rule(rule: str) -> bool:
    """A rule counts its codes once, says nothing twice, and its longest code fits into a project."""
    parts = re.findall(r"\{\w+\}", rule)
    fixed = re.sub(r"\{\w+\}", "", rule)
    return (
        len(rule) <= 80
        and set(parts) <= set(PARTS)
        and len(set(parts)) == len(parts)
        and "{number}" in parts
        and re.fullmatch("[A-Z0-9-]*", fixed) is not None
        and CODE.fullmatch(example(rule)) is not None
        and len(_filled(rule, "META", "26Q4", "EARBUDS8", 9999)) <= 40
    )


def follows_rule(code: str, rule: str) -> bool:
    pattern = "".join(PARTS.get(part, re.escape(part)) for part in re.split(r"(\{\w+\})", rule))
    return re.fullmatch(pattern, code) is not None


def example(rule: str) -> str:
    return _filled(rule, "AMZ", "26Q4", "EARB", 3)


def next_code(workspace_id: int, *, platforms: Collection[str], anchor: date | None, word: str) -> str:
    """The next free code of the rule, which nobody else gets."""
    return free_code(_locked(workspace_id), platforms=platforms, anchor=anchor, word=word)


def free_key(workspace_id: int, word: str) -> str:
    """EARB; EARB2, EARB3 … where other projects have it: so EARB-8 is one task in the workspace."""
    workspace = _locked(workspace_id)
    taken = set(db.session.scalars(select(Project.key).where(Project.workspace_id == workspace.id)))
    keys = (word if number == 1 else numbered(word, number) for number in count(1))
    return next(key for key in keys if key not in taken)


def numbered(word: str, number: int) -> str:
    """The word with the number behind it, cut to what a key holds."""
    return f"{word[: KEY_LENGTH - len(str(number))]}{number}"


def _locked(workspace_id: int) -> Workspace:
    """Until the end of the transaction, so that two people never get the same."""
    here = select(Workspace).where(Workspace.id == workspace_id)
    return db.session.scalars(here.with_for_update(key_share=True)).one()


def free_code(workspace: Workspace, *, platforms: Collection[str], anchor: date | None, word: str) -> str:
    """The code that would be the next one, or CodesUsedUp; somebody else may take it until a project has it."""
    platform = next((PLATFORM_CODES[key] for key in platforms if key in PLATFORM_CODES), "GEN")
    quarter = f"{anchor.year % 100:02}Q{(anchor.month + 2) // 3}" if anchor else "00Q1"
    front, _, back = workspace.code_rule.partition("{number}")
    front, back = (_filled(part, platform, quarter, word, 0) for part in (front, back))
    codes = db.session.scalars(
        select(Project.code).where(
            Project.workspace_id == workspace.id, Project.code.startswith(front, autoescape=True)
        )
    )
    pattern = re.compile(f"{re.escape(front)}([0-9]{{3,4}}){re.escape(back)}")
    taken = [int(found[1]) for code in codes if (found := pattern.fullmatch(code))]
    number = max(taken, default=0) + 1
    if number > LAST_NUMBER:
        raise CodesUsedUp
    return f"{front}{number:03}{back}"


def _filled(rule: str, platform: str, quarter: str, word: str, number: int) -> str:
    return (
        rule.replace("{platform}", platform)
        .replace("{quarter}", quarter)
        .replace("{word}", word)
        .replace("{number}", f"{number:03}")
    )
