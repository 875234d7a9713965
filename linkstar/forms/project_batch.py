"""Many projects from a list: one line a product."""

import csv
import re
from dataclasses import dataclass, field
from datetime import date

from linkstar.forms import CONTROL, FIRST_DAY, LAST_DAY
from linkstar.i18n import _

MOST = 50
LONGEST = 20_000


@dataclass
class Product:
    """A line as it was written, and what is wrong with it."""

    number: int
    sku: str
    name_zh: str | None
    name_en: str | None
    anchor: date | None
    own_day: bool  # without one it takes that of the whole list
    troubles: list[str] = field(default_factory=list)

    @property
    def word(self) -> str:
        """What of the SKU can stand in a code: EARB of EARB-01-BK."""
        return re.sub("[^A-Z0-9]", "", re.sub("^[^A-Za-z]+", "", self.sku).upper().partition("-")[0])[:8]


def read_products(text: str, today: date) -> list[Product]:
    """`SKU, Chinese name, English name, day`, divided by commas or tabs; empty lines are skipped."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    products = [_read(number, line, today) for number, line in lines[: MOST + 1]]
    seen: set[str] = set()
    for product in products:
        if product.sku in seen:
            product.troubles.append(_("This SKU stands in the list twice."))
        seen.add(product.sku)
    return products


def _read(number: int, line: str, today: date) -> Product:
    divider = "\t" if "\t" in line else ","
    cells = [cell.strip() for cell in next(csv.reader([line.replace("，", ",")], delimiter=divider), [])]
    sku, name_zh, name_en, day, *more = [*cells, *[""] * (4 - len(cells))]
    product = Product(number, sku, name_zh or None, name_en or None, None, bool(day))
    tell = product.troubles.append
    if CONTROL.search(line):
        tell(_("There are invisible control characters in it. Type it again by hand."))
    if more:
        tell(_("There are more than four parts in this line."))
    if not sku or len(sku) > 60:
        tell(_("Write an SKU of at most 60 characters first."))
    elif not re.fullmatch("[A-Z][A-Z0-9]{1,7}", product.word):
        tell(_("The SKU has to begin with two letters or digits for the code, such as EARB-01."))
    if not name_zh and not name_en:
        tell(_("Write a name in one of the two languages."))
    if max(len(name_zh), len(name_en)) > 120:
        tell(_("A name has at most 120 characters."))
    if day:
        product.anchor = _day(day, today, product)
    return product


def _day(text: str, today: date, product: Product) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        product.troubles.append(_("There is no such day. Write it as 2026-10-16."))
        return None
    if not FIRST_DAY <= day <= LAST_DAY:
        product.troubles.append(_("Choose a day between 2000 and 2100."))
    elif day < today:
        product.troubles.append(_("That day is past. Choose today or a later one."))
    return day
