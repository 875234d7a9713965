"""The settings: read from the environment once, checked, and handed to the application as one dictionary."""

import hashlib
import ipaddress
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

CHECKOUT = Path(__file__).parents[1]
IMPATIENT = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": Retry(NoBackoff(), 0)}
LONGEST_SOCKET_PATH = 100  # macOS takes 104 bytes with the closing zero, Linux 108


class BadSetting(SystemExit):
    """Ends the program and names the variable: a wrong setting that is guessed away is found too late."""

    def __init__(self, variable: str, trouble: str) -> None:
        super().__init__(f"{variable} {trouble}")


@dataclass(frozen=True)
class Network:
    """Addresses inside to which messages may go out."""

    of: ipaddress.IPv4Network | ipaddress.IPv6Network

    def may_take(self, host: str, port: int) -> bool:
        return True  # what the name stands for is seen when it is looked up

    def takes(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, host: str, port: int) -> bool:
        return address in self.of


@dataclass(frozen=True)
class Place:
    """One program inside to which messages may go out, whatever its name stands for."""

    host: str
    port: int

    def may_take(self, host: str, port: int) -> bool:
        return (host, port) == (self.host, self.port)

    def takes(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, host: str, port: int) -> bool:
        return self.may_take(host, port)


def load(environment: Mapping[str, str], /, **overrides: Any) -> dict[str, Any]:
    """What the environment says, with the overrides (of tests) on top."""
    mode = environment.get("LINKSTAR_MODE") or "development"
    if mode not in ("development", "production"):
        raise BadSetting("LINKSTAR_MODE", "is either development or production.")
    production = mode == "production"
    if production and environment.get("FLASK_DEBUG", "0") not in ("", "0"):
        raise BadSetting("FLASK_DEBUG", "shows the program's inside; production does not start with it.")
    data = _data_folder(environment, production)
    port = _number(environment, "PORT", 8000, 1, 65535)
    public_url = _public_url(environment, production, port)
    redis_url = _redis_url(environment, data)
    mail_url = _url(environment, "MAIL_URL", f"file://{data / 'mail'}", "smtp", "smtps", "file").geturl()
    if production and leads_nowhere(public_url, mail_url):
        raise BadSetting("PUBLIC_URL", "names this machine, and mails with links to it go out to people elsewhere.")
    https = public_url.startswith("https://")
    return {
        "MODE": mode,
        "DATA": data,
        "PORT": port,
        "PUBLIC_URL": public_url,
        "TRUSTED_PROXIES": _number(environment, "TRUSTED_PROXIES", 0, 0, 10),
        "SECRET_KEY": _secret_key(environment, production, data),
        "SQLALCHEMY_DATABASE_URI": _database_url(environment, production, data),
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_pre_ping": True},
        "REDIS_URL": redis_url,
        "RATELIMIT_STORAGE_URI": redis_url.replace("unix://", "redis+unix://", 1),
        "RATELIMIT_STORAGE_OPTIONS": IMPATIENT,
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        "STORAGE_URL": _storage_url(environment, production, data),
        "STORAGE_QUOTA": _size(environment, "STORAGE_QUOTA", "20GB"),
        "MAIL_URL": mail_url,
        "MAIL_FROM": environment.get("MAIL_FROM") or "Linkstar <linkstar@localhost>",
        "METRICS_TOKEN": _metrics_token(environment),
        "OUTGOING_NETWORKS": _networks(environment.get("OUTGOING_NETWORKS") or ""),
        **_open_id(environment, production),
        "SESSION_COOKIE_NAME": "__Host-linkstar" if https else "linkstar",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_SSL_STRICT": False,  # pages with a secret in their address send no referrer
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a board stays open all day
        "MAX_CONTENT_LENGTH": 2_000_000,
        "MAX_FORM_MEMORY_SIZE": 1_000_000,
        "MAX_FORM_PARTS": 2000,
        **overrides,
    }


def _number(environment: Mapping[str, str], variable: str, default: int, low: int, high: int) -> int:
    text = environment.get(variable) or str(default)
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise BadSetting(variable, f"is a number from {low} to {high}, not {text!r}.")
    return int(text)


def _url(environment: Mapping[str, str], variable: str, default: str, *schemes: str) -> SplitResult:
    text = environment.get(variable) or default
    with suppress(ValueError):
        url = urlsplit(text)
        if url.scheme in schemes and (url.path if url.scheme in ("file", "unix") else url.hostname):
            return url
    raise BadSetting(variable, f"starts with {' or '.join(f'{scheme}://' for scheme in schemes)} and names a place.")


def _data_folder(environment: Mapping[str, str], production: bool) -> Path:
    data = Path(environment.get("LINKSTAR_DATA") or CHECKOUT / "data").absolute()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting("LINKSTAR_DATA", f"names {data}: {error.strerror}.") from error
    if production:
        _refuse_open("LINKSTAR_DATA", data)
    return data


def _refuse_open(variable: str, path: Path) -> None:
    if path.stat().st_mode & 0o007:
        raise BadSetting(variable, f"names {path}, which everyone here may read: chmod o-rwx it.")


def _public_url(environment: Mapping[str, str], production: bool, port: int) -> str:
    """Where people reach Linkstar; the links in mails begin with it, never with what a request claims."""
    if production and not environment.get("PUBLIC_URL"):
        raise BadSetting("PUBLIC_URL", "is needed in production, such as https://linkstar.example.com.")
    url = _url(environment, "PUBLIC_URL", f"http://127.0.0.1:{port}", "https", "http")
    if url.path.strip("/") or url.query or url.fragment:
        raise BadSetting("PUBLIC_URL", "is a scheme, a host and perhaps a port; no path follows.")
    return f"{url.scheme}://{url.netloc}"


def leads_nowhere(public_url: str, mail_url: str) -> bool:
    """Mails leave this machine, and the links in them lead to whatever machine they are read on."""
    if urlsplit(mail_url).scheme == "file":
        return False
    host = (urlsplit(public_url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        return address.is_loopback or address.is_unspecified
    return False


def _open_id(environment: Mapping[str, str], production: bool) -> dict[str, str]:
    """All of it or nothing: a house that signs people in for us, and the name that its button bears."""
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_NAME")
    values = {name: environment.get(name, "").strip() for name in names}
    if any(values.values()):
        for name in names:
            if not values[name]:
                raise BadSetting(name, f"is missing: {', '.join(names)} belong together.")
        issuer = _url(environment, "OIDC_ISSUER", "", "https", *(() if production else ("http",)))
        if issuer.query or issuer.fragment or len(values["OIDC_ISSUER"]) > 200:
            raise BadSetting("OIDC_ISSUER", "is the address that the provider calls its issuer: no ? and no # in it.")
    return values


def _metrics_token(environment: Mapping[str, str]) -> str:
    """What a program that collects numbers shows; '' where only programs on this machine may ask."""
    token = environment.get("METRICS_TOKEN") or ""
    if token and not re.fullmatch(r"[!-~]{16,}", token):
        raise BadSetting("METRICS_TOKEN", "is 16 characters or more, with no spaces and nothing beyond ASCII.")
    return token


def _networks(text: str) -> list[Network | Place]:
    """What lies inside and may be posted to all the same: 10.20.0.0/16, robot.corp.example:8443."""
    found: list[Network | Place] = []
    for each in filter(None, (part.strip() for part in text.split(","))):
        place = re.fullmatch(r"([a-z0-9.-]+|\[[0-9a-f:.]+\]):([0-9]{1,5})", each.lower())
        if place and 0 < int(place[2]) < 65536:
            found.append(Place(place[1].strip("[]"), int(place[2])))
            continue
        try:
            found.append(Network(ipaddress.ip_network(each)))
        except ValueError as error:
            raise BadSetting(
                "OUTGOING_NETWORKS", f"takes 10.20.0.0/16 or robot.corp.example:8443, not {each}."
            ) from error
    return found


def _secret_key(environment: Mapping[str, str], production: bool, data: Path) -> str:
    key = environment.get("SECRET_KEY")
    if not key:
        if production:
            raise BadSetting("SECRET_KEY", "is needed in production: 32 random characters or more.")
        return _kept_secret(data / "secret_key")
    if production and (len(key) < 32 or len(set(key)) < 10):
        raise BadSetting("SECRET_KEY", "is too easy to guess: take 32 random characters or more.")
    return key


def _kept_secret(path: Path) -> str:
    """Made once; of several processes that make it at the same time, one wins and all read the winner's."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


def _database_url(environment: Mapping[str, str], production: bool, data: Path) -> str:
    text = environment.get("DATABASE_URL") or f"sqlite:///{data / 'linkstar.db'}"
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise BadSetting("DATABASE_URL", "is no database address.") from error
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise BadSetting("DATABASE_URL", "starts with sqlite:/// or postgresql://.")
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        file = Path(url.database).absolute()
        url = url.set(database=str(file))
        try:
            if not file.exists():
                file.touch(mode=0o600)  # SQLite would make it readable for everyone
        except OSError as error:
            raise BadSetting("DATABASE_URL", f"names {file}: {error.strerror}.") from error
        if production:
            _refuse_open("DATABASE_URL", file)
    return url.render_as_string(hide_password=False)


def _storage_url(environment: Mapping[str, str], production: bool, data: Path) -> str:
    url = _url(environment, "STORAGE_URL", (data / "files").as_uri(), "file", "s3")
    if url.scheme == "s3":
        return _bucket_url(url)
    if url.netloc:
        raise BadSetting("STORAGE_URL", "is file:/// with a third slash and a whole path.")
    folder = Path(unquote(url.path))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting("STORAGE_URL", f"names {folder}: {error.strerror}.") from error
    if production:
        _refuse_open("STORAGE_URL", folder)
    return url.geturl()


def _bucket_url(url: SplitResult) -> str:
    if "@" in url.netloc:
        raise BadSetting("STORAGE_URL", "holds no credentials: they stand where other programs for AWS look for them.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", url.netloc):
        raise BadSetting("STORAGE_URL", "names no bucket after s3://.")
    for name, values in parse_qs(url.query, keep_blank_values=True).items():
        shape = {"region": r"[a-z0-9-]+", "endpoint": r"https?://[^/?#@\s]+(/[^?#@\s]*)?"}.get(name)
        if not shape or len(values) > 1 or not re.fullmatch(shape, values[0]):
            raise BadSetting("STORAGE_URL", "takes ?region=… and &endpoint=https://… after the bucket, each once.")
    if url.fragment:
        raise BadSetting("STORAGE_URL", "ends before the #.")
    return url.geturl()


def _size(environment: Mapping[str, str], variable: str, default: str) -> int:
    """In bytes; a kilobyte is 1000 of them, as on the label of a disk."""
    match = re.fullmatch(r"([1-9][0-9]{0,5}) ?([MGT])B", environment.get(variable) or default)
    if not match:
        raise BadSetting(variable, "is a number with its unit: MB, GB or TB, such as 20GB.")
    return int(match[1]) * {"M": 10**6, "G": 10**9, "T": 10**12}[match[2]]


def _redis_url(environment: Mapping[str, str], data: Path) -> str:
    if environment.get("REDIS_URL"):
        _url(environment, "REDIS_URL", "", "redis", "rediss", "unix")
        return environment["REDIS_URL"]  # geturl() would take the slashes off unix:///
    return f"unix://{_socket(data)}"


def _socket(data: Path) -> Path:
    """Where our own Valkey listens: in the data folder or, where that lies too deep, in a private one."""
    folder = data / "queue"
    if len(os.fsencode(folder / "valkey.sock")) > LONGEST_SOCKET_PATH:
        mark = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"linkstar-{os.geteuid()}-{mark}"
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.stat()
        if state.st_uid != os.geteuid() or state.st_mode & 0o077:
            raise BadSetting("LINKSTAR_DATA", f"needs {folder} for a socket, but others may use it.")
    return folder / "valkey.sock"
