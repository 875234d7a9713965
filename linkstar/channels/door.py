"""The only way out to addresses that people typed: what lies inside is not reached through us, whatever a name
resolves to and whatever the other side answers."""

import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask import current_app

from linkstar.channels.trouble import NotTaken
from linkstar.config import Network, Place

PATIENCE = 10.0  # seconds for all of it: the name, the connection, the answer to its last byte
A_GLANCE = 2.0  # seconds for a name whose owner waits for a page
LARGEST_ANSWER = 65_536
CLOSED_PORTS = (0, 21, 22, 23, 25, 53, 110, 119, 135, 139, 143, 389, 445, 465, 514, 587, 636, 993, 995)  # no web
HOST = re.compile(r"[a-z0-9_.-]{1,253}|[0-9a-f:.]+(%[a-z0-9]+)?")
FOR_GOOD = ("scheme", "credentials", "port", "address", "redirect")  # codes: the next try would end as this one did
NOT_PUBLIC = [  # although not every Python says so; the first is the inside of a cloud
    ipaddress.ip_network(each)
    for each in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20")
]
PUBLIC_V6 = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")
COMPATIBLE = ipaddress.ip_network("::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Closed(NotTaken):
    """Nothing was sent, or nothing came back that could be read. `code`: scheme, credentials, port, address (it is not
    a public one), unknown (the name), unreachable, certificate, slow, redirect, answer."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]  # by their names in small letters
    text: str


@dataclass
class _Call:
    """One call, in a thread of its own: whoever waits for it can go, however long a name or a byte takes."""

    url: SplitResult
    content: bytes
    headers: dict[str, str]
    allowed: Sequence[Network | Place]
    line: socket.socket | None = None
    response: Response | None = None
    error: Exception | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    given_up: bool = False

    def run(self) -> None:
        try:
            self.response = self._talk()
        except Exception as error:
            self.error = error
        finally:
            if self.line:
                self.line.close()

    def give_up(self) -> None:
        with self.lock:
            self.given_up = True
            if self.line:
                with suppress(OSError):
                    socket.socket.shutdown(self.line, socket.SHUT_RDWR)  # past what TLS would like to say first

    def _hold(self, sock: socket.socket) -> socket.socket:
        with self.lock:
            self.line = sock
            if self.given_up:
                raise TimeoutError
        return sock

    def _talk(self) -> Response:
        host, port = self.url.hostname or "", _port(self.url)
        sock = _connected(self.url, self.allowed, self._hold)
        if self.url.scheme == "https":
            context = ssl.create_default_context()
            secured = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            self._hold(secured)
            secured.do_handshake()
            sock = secured
        connection = http.client.HTTPConnection(host, port)
        connection.sock = sock
        path = f"{self.url.path or '/'}{'?' + self.url.query if self.url.query else ''}"
        headers = {"Host": self.url.netloc, "Connection": "close", **self.headers}
        connection.request("POST", path, body=self.content, headers=headers)
        answer = connection.getresponse()
        text = answer.read(LARGEST_ANSWER).decode(errors="replace")
        answer.close()
        return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)


def post(address: str, *, content: bytes, headers: dict[str, str], inside: bool = False) -> Response:
    """Sends it and reads what is answered; raises Closed. No redirect is followed, and no proxy of the environment
    asked. Only where OUTGOING_NETWORKS says so, and whoever named the address may, does it go `inside` or without
    TLS."""
    allowed = current_app.config["OUTGOING_NETWORKS"] if inside else ()
    call = _Call(checked(address, allowed), content, headers, allowed)
    thread = threading.Thread(target=call.run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        call.give_up()
        raise Closed("slow")
    if call.error:
        raise _said(call.error) from call.error
    assert call.response
    if 300 <= call.response.status < 400:
        raise Closed("redirect", str(call.response.status))
    return call.response


def checked(address: str, allowed: Sequence[Network | Place] = ()) -> SplitResult:
    """The parts of an address that one may try at all; raises Closed. No name is looked up."""
    try:
        url = urlsplit(address)
        port = _port(url)
    except ValueError as error:
        raise Closed("scheme") from error
    spelled = all(33 <= ord(each) <= 126 and each != "\\" for each in address)
    if not spelled or url.scheme not in ("https", "http") or not url.hostname:
        raise Closed("scheme")
    if "@" in url.netloc:
        raise Closed("credentials")
    if not HOST.fullmatch(url.hostname):
        raise Closed("scheme")
    if port in CLOSED_PORTS:
        raise Closed("port")
    if literal := _literal(url.hostname):
        _refuse(literal, url, allowed)
    if url.scheme == "http" and not any(each.may_take(url.hostname, port) for each in allowed):
        raise Closed("scheme")
    return url


def looked_up(url: SplitResult, allowed: Sequence[Network | Place] = ()) -> None:
    """What the name stands for at this moment, while somebody waits; raises Closed: address where it lies inside,
    unknown or slow where nobody can say. Whoever sends looks again."""
    found: list[Address] = []
    trouble: list[Exception] = []

    def look() -> None:
        try:
            found.extend(_addresses(socket.getaddrinfo(url.hostname, _port(url), type=socket.SOCK_STREAM)))
        except Exception as error:
            trouble.append(error)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(A_GLANCE)
    if thread.is_alive():
        raise Closed("slow")
    if trouble:
        raise _said(trouble[0]) from trouble[0]
    for address in found:
        _refuse(address, url, allowed)


def _addresses(found: Sequence[tuple[Any, ...]]) -> list[Address]:
    return [ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_kind, place in found]


def _port(url: SplitResult) -> int:
    if url.port is None:
        return 443 if url.scheme == "https" else 80
    return url.port


def _literal(host: str) -> Address | None:
    """The address that a name is by its spelling alone: also 2130706433, 0x7f.1 and 127.0.0.1. with its dot."""
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return ipaddress.IPv4Address("127.0.0.1")
    with suppress(ValueError):
        return ipaddress.ip_address(name)
    with suppress(OSError):
        return ipaddress.IPv4Address(socket.inet_aton(name))
    return None


def _connected(
    url: SplitResult, allowed: Sequence[Network | Place], hold: Callable[[socket.socket], socket.socket]
) -> socket.socket:
    """A connection to one of the very addresses that were looked at: nobody asks for the name a second time. One
    address that is not public is enough to refuse the name."""
    found = socket.getaddrinfo(url.hostname, _port(url), type=socket.SOCK_STREAM)
    for address in _addresses(found):
        _refuse(address, url, allowed)
    trouble = OSError("no address")
    for family, kind, protocol, _name, place in found:
        sock = hold(socket.socket(family, kind, protocol))
        sock.settimeout(PATIENCE)
        try:
            sock.connect(place)
            return sock
        except OSError as error:
            sock.close()
            trouble = error
    raise trouble


def _refuse(address: Address, url: SplitResult, allowed: Sequence[Network | Place]) -> None:
    inner = _unwrapped(address)
    if any(each.takes(inner, url.hostname or "", _port(url)) for each in allowed):
        return
    if not _is_public(inner):
        raise Closed("address")
    if url.scheme != "https":
        raise Closed("scheme")


def _unwrapped(address: Address) -> Address:
    """The address of the old kind that one of the new kind stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64 or (address in COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address


def _is_public(address: Address) -> bool:
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if any(address in network for network in NOT_PUBLIC):
        return False
    return isinstance(address, ipaddress.IPv4Address) or address in PUBLIC_V6


def _said(error: Exception) -> Closed:
    if isinstance(error, Closed):
        return error
    if isinstance(error, ssl.SSLError):
        return Closed("certificate")
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return Closed("unknown")
    if isinstance(error, TimeoutError):
        return Closed("slow")
    if isinstance(error, OSError):
        return Closed("unreachable")
    return Closed("answer")
