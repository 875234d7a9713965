"""The Chinese catalogue: which sentences the program says, and which of them it cannot say in Chinese yet."""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from linkstar.config import CHECKOUT

PO = Path(__file__).parent / "translations" / "zh_Hans" / "LC_MESSAGES" / "messages.po"
PLACES = ((CHECKOUT / "linkstar", [("**.py", "python")]), (CHECKOUT / "templates", [("**.html", "jinja2")]))
KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}


def spoken() -> Catalog:
    """All sentences that stand in the code and the templates, without line numbers, which would change daily."""
    catalog = Catalog(project="Linkstar", charset="utf-8")
    for folder, methods in PLACES:
        for name, _line, message, _comments, _context in extract_from_dir(folder, methods, keywords=KEYWORDS):
            catalog.add(message, locations=[(f"{folder.name}/{name}", 0)])
    return catalog


def written() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def update() -> list[str]:
    """Brings the catalogue up to what is spoken and returns what is missing in it."""
    catalog = written()
    catalog.update(spoken(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    with PO.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, include_lineno=False, omit_header=False)
    return missing()


def missing() -> list[str]:
    """Sentences that are spoken but have no Chinese, or one that is only a guess."""
    chinese = written()
    return sorted(str(message.id) for message in spoken() if message.id and not _is_said(chinese, message.id))


def _is_said(catalog: Catalog, message_id: object) -> bool:
    message = catalog.get(message_id)  # type: ignore[arg-type]
    if message is None or message.fuzzy:
        return False
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)
