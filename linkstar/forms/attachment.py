from flask_wtf.file import MultipleFileField
from werkzeug.datastructures import FileStorage
from wtforms import BooleanField

from linkstar import storage
from linkstar.forms import Form
from linkstar.forms.evidence import LARGEST_FILE, plain_name
from linkstar.i18n import _, _l
from linkstar.models import FileRefused, ReceivedFile, StorageUse, User
from linkstar.models.attachment import kept
from linkstar.words import size_words


class AttachmentForm(Form):
    """Files as a plain form sends them, each in one piece."""

    file = MultipleFileField(_l("Files"))
    shared = BooleanField(_l("Visible to people outside the team"))

    def received(self, workspace_id: int, *, by: User) -> list[ReceivedFile]:
        """What was sent, stored and judged; nothing where any of it is not taken, and the field says why."""
        files = [file for file in self.file.data or [] if isinstance(file, FileStorage) and file.filename]
        if not files:
            self.file.errors = [_("Choose a file first.")]
        received: list[ReceivedFile] = []
        try:
            with kept(received):
                for file in files:
                    received.append(_received(file, workspace_id, by))
        except FileRefused as refusal:
            self.file.errors = [refusal_words(refusal)]
            return []
        return received


def _received(file: FileStorage, workspace_id: int, by: User) -> ReceivedFile:
    name = plain_name(file.filename or "")
    size = file.stream.seek(0, 2)
    file.stream.seek(0)
    StorageUse(workspace_id).refuse(name, size, by=by)
    try:
        return ReceivedFile.judge(storage.put(file.stream, limit=LARGEST_FILE), name)
    except storage.TooLarge:
        raise FileRefused("large", name, LARGEST_FILE) from None


def refusal_words(refusal: FileRefused) -> str:
    name = refusal.name
    if refusal.reason == "empty":
        return _("“%(name)s” is empty. Choose another file.", name=name)
    if refusal.reason == "large":
        return _("“%(name)s” is too large: at most %(size)s.", name=name, size=size_words(refusal.limit))
    if refusal.reason == "full":
        return _(
            "There is no room for “%(name)s”: the files of the workspace have %(size)s in all. Ask an administrator.",
            name=name, size=size_words(refusal.limit),
        )  # fmt: skip
    return _("“%(name)s” cannot be taken. Send a PDF, a photo, a film, an Office file, or plain text.", name=name)
