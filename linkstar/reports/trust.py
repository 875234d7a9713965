"""Where the data lie and what leaves: said from the configuration that is running, and never with a secret of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import make_url

from linkstar.i18n import _

HERE = ("", "localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Place:
    """Something that Linkstar leans on: what for, of which kind, where, and what it is sent if that is elsewhere."""

    use: str
    kind: str
    where: str
    sent: str | None = None


class Trust:
    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    @property
    def places(self) -> list[Place]:
        return [self._database(), self._storage(), self._queue(), self._mail()]

    @property
    def receivers(self) -> list[tuple[str, str]]:
        """(who gets something from this server, what): only what is switched on."""
        told = [(place.where, place.sent) for place in self.places if place.sent]
        if self._config["OIDC_ISSUER"]:
            name = self._config["OIDC_NAME"]
            issuer = urlsplit(self._config["OIDC_ISSUER"]).hostname or ""
            told.append((issuer, _("Sign-in through %(name)s: who signs in, and when.", name=name)))
        return told

    def _database(self) -> Place:
        url = make_url(self._config["SQLALCHEMY_DATABASE_URI"])
        if url.drivername == "sqlite":
            return Place(_("Database"), "SQLite", _("a file on this server"))
        return _at(_("Database"), "PostgreSQL", url.host, _("Everything but files."))

    def _storage(self) -> Place:
        url = urlsplit(self._config["STORAGE_URL"])
        if url.scheme == "file":
            return Place(_("Files"), _("Folder"), _("a folder on this server"))
        asked = parse_qs(url.query)
        endpoint = urlsplit(asked.get("endpoint", ["https://s3.amazonaws.com"])[0]).hostname
        where = ", ".join(part for part in (url.hostname, *asked.get("region", ()), endpoint) if part)
        sent = None if endpoint in HERE else _("The files that people send, and their previews.")
        return Place(_("Files"), "S3", where, sent)

    def _queue(self) -> Place:
        url = urlsplit(self._config["REDIS_URL"])
        sent = _("That there is something to do; for a short while addresses that try to sign in.")
        return _at(_("Queue"), "Redis", url.hostname, sent)

    def _mail(self) -> Place:
        url = urlsplit(self._config["MAIL_URL"])
        if url.scheme == "file":
            return Place(_("Mail"), _("Folder"), _("a folder on this server; nothing is sent"))
        sent = _("Names and addresses of people who are mailed, titles of tasks, comments that call somebody.")
        return _at(_("Mail"), "SMTP", url.hostname, sent)


def _at(use: str, kind: str, host: str | None, sent: str) -> Place:
    if (host or "") in HERE:
        return Place(use, kind, _("this server itself"))
    return Place(use, kind, host or "", sent)
