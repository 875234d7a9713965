"""Tasks that are too coarse to be followed, and how to split them."""

import re

from linkstar.packs.loading import pack
from linkstar.packs.parts import Recipe

LONG = 10  # working days
VAGUE = re.compile(r"(完成(?![率度])|做好|搞定)|(finish|complete|do)\s", re.IGNORECASE)


def recipe_for(title: str) -> Recipe | None:
    """The recipe whose longest word the title holds."""
    held = [
        (len(word), recipe)
        for recipe in pack().recipes
        for word in (*recipe.words_zh, *recipe.words_en)
        if re.search(rf"(?<![a-z]){re.escape(word)}", title, re.IGNORECASE)
    ]
    return max(held, key=lambda each: each[0])[1] if held else None


def coarse(duration_days: float | None, has_checklist: bool, title: str) -> list[str]:
    """Why a task is too coarse: "long", "vague_title"; nothing where it is not. Days are working days."""
    long = duration_days is not None and duration_days > LONG and not has_checklist
    return ["long"] * long + ["vague_title"] * bool(VAGUE.match(title.strip()))
