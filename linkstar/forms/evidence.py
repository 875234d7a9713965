import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import Field, StringField

from linkstar import storage
from linkstar.forms import FIRST_DAY, LAST_DAY, Day, Form, Text, stripped
from linkstar.i18n import _, _l
from linkstar.models import Evidence

LARGEST_FILE = 20_000_000
LONGEST_NAME = 200


class _NotTaken(Exception):
    def __init__(self, field: Field, sentence: str) -> None:
        super().__init__(sentence)
        self.field, self.sentence = field, sentence


class EvidenceForm(Form):
    """What shows that an item is fulfilled, or the deliverable of a task: a file, or something written."""

    file = FileField(_l("File"))
    value = StringField(_l("Evidence"), [Text(4000)], filters=[stripped])
    valid_from = Day(_l("Valid from"))
    valid_until = Day(_l("Valid until"))

    def evidence(self, kind: str | None, workspace_id: int) -> Evidence | None:
        """What was given, its file stored already; None where it is not taken, and the fields say why. Without a
        `kind` it may be a file, a link or a text."""
        if not self.validate():
            return None
        is_file = kind in ("file", "photo") or (kind is None and self.file.data)
        try:
            self._refuse_crossed_days()
            found = self._stored(kind or "file") if is_file else self._written(kind)
        except _NotTaken as refusal:
            refusal.field.errors = [*refusal.field.errors, refusal.sentence]
            return None
        found.workspace_id = workspace_id
        found.valid_from, found.valid_until = self.valid_from.data, self.valid_until.data
        return found

    def _refuse_crossed_days(self) -> None:
        first, last = self.valid_from.data, self.valid_until.data
        if first and last and last < first:
            raise _NotTaken(self.valid_until, _("It ends before it begins."))

    def _stored(self, kind: str) -> Evidence:
        file: FileStorage | None = self.file.data
        if not file:
            raise _NotTaken(self.file, _("Choose a file first."))
        name = plain_name(file.filename or "")
        stream = file.stream
        if not stream.read(1):
            raise _NotTaken(self.file, _("This file is empty. Choose another one."))
        media_type = storage.kind_of(stream, name)
        if media_type is None:
            raise _NotTaken(
                self.file,
                _("“%(name)s” cannot be taken. Send a PDF, a photo, a film, an Office file, or plain text.", name=name),
            )
        if kind == "photo" and media_type not in storage.PHOTOS:
            raise _NotTaken(self.file, _("This asks for a photo: JPEG, PNG, WebP, GIF or HEIC."))
        try:
            stored = storage.put(stream, limit=LARGEST_FILE)
        except storage.TooLarge:
            raise _NotTaken(self.file, _("This file is too large; a file has at most 20 MB.")) from None
        return Evidence(
            kind=kind, file_key=stored.key, file_name=name, media_type=media_type, size=stored.size,
            sha256=stored.sha256,
        )  # fmt: skip

    def _written(self, kind: str | None) -> Evidence:
        text = self.value.data
        if not text:
            raise _NotTaken(self.value, _("Write something here."))
        if kind is None:
            kind = "url" if _is_address(text) else "text"
        if kind == "url" and not _is_address(text):
            raise _NotTaken(self.value, _("Write a whole address that begins with https:// or http://."))
        if kind == "number" and not _is_number(text):
            raise _NotTaken(self.value, _("Write a number, such as 0.35 or 2ABCD-LAMP01."))
        if kind == "date" and not _is_day(text):
            raise _NotTaken(self.value, _("Choose a day between 2000 and 2100."))
        return Evidence(kind=kind, value=text)


@contextmanager
def kept(evidence: Evidence) -> Iterator[None]:
    """Where what follows fails, the file that was stored for it goes again."""
    try:
        yield
    except BaseException:
        if evidence.file_key:
            storage.delete(evidence.file_key)
        raise


def plain_name(name: str) -> str:
    """The name without the folders that some browsers send, short enough, and with the ending that says its kind."""
    last = re.split(r"[/\\]", name)[-1]
    path = PurePosixPath("".join(letter for letter in last if letter.isprintable()).strip() or "file")
    suffix = path.suffix if len(path.suffix) < 20 else ""
    return path.name.removesuffix(suffix)[: LONGEST_NAME - len(suffix)] + suffix


def _is_address(text: str) -> bool:
    try:
        address = urlsplit(text)
        return (
            address.scheme in ("http", "https")
            and bool(address.hostname)
            and (address.port is None or address.port > 0)
            and not re.search(r"\s", text)
        )
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    """An amount, or a number that an authority gave: an FCC ID has letters as well."""
    return len(text) <= 80 and bool(re.fullmatch(r"[\w .,:+/#()%-]*\d[\w .,:+/#()%-]*", text))


def _is_day(text: str) -> bool:
    try:
        return FIRST_DAY <= date.fromisoformat(text) <= LAST_DAY
    except ValueError:
        return False
