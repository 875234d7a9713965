"""How a delivery leaves the program: each medium composes a message in its reader's language, and sends it."""

from types import ModuleType

from linkstar.channels import mail, posts, push
from linkstar.channels.trouble import Gone, Later

__all__ = ["MEDIA", "Gone", "Later"]

MEDIA: dict[str, ModuleType] = {"mail": mail, "push": push, "channel": posts}
