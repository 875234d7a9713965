"""Whoever types an address of the inside gets nothing from there, however the address is spelled and whatever the
other side does."""

import socket
import ssl
import threading
import time
from contextlib import contextmanager

import pytest

from linkstar.channels import door
from linkstar.config import BadSetting, load

REAL = socket.getaddrinfo


@pytest.fixture(params=["sqlite"])
def databases(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """However busy this machine is; where patience is to end, a test says so."""
    monkeypatch.setattr(door, "PATIENCE", 60.0)


@contextmanager
def listener(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", *, drip=0.0, wrap=None):
    """A server that notes what reaches it and answers as it is told."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    heard, open_ = [], [True]

    def serve():
        while open_[0]:
            try:
                client, _place = server.accept()
            except TimeoutError:
                continue
            try:
                client.settimeout(60)
                client = wrap(client) if wrap else client
                heard.append(_all_of(client))
                for part in [answer] if not drip else [answer[n : n + 1] for n in range(len(answer))]:
                    client.sendall(part)
                    time.sleep(drip)
            except OSError:
                pass
            finally:
                client.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], heard
    finally:
        open_[0] = False
        thread.join()
        server.close()


def _all_of(client):
    """The head and the body, which come apart: whoever answers and closes before the second cuts his own answer off."""
    said = b""
    while not said.endswith(b"{}") and (part := client.recv(65_536)):
        said += part
    return said


def await_(happened):
    """A listener that the machine forgets for a while says later what it has heard."""
    end = time.monotonic() + 10
    while not happened() and time.monotonic() < end:
        time.sleep(0.01)


def say_names(monkeypatch, names):
    """A name server: each look-up of a name takes the next of its answers, and the last one for ever."""
    asked = []

    def answer(host, port, *args, **kwargs):
        asked.append(host)
        if host not in names:
            return REAL(host, port, *args, **kwargs)
        addresses = names[host]
        address = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        return REAL(address, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def code(address):
    with pytest.raises(door.Closed) as closed:
        door.post(address, content=b"{}", headers={}, inside=True)
    return closed.value.code


def allow(app, text):
    app.config["OUTGOING_NETWORKS"] = load({"OUTGOING_NETWORKS": text, "LINKSTAR_DATA": str(app.config["DATA"])})[
        "OUTGOING_NETWORKS"
    ]


INSIDE = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "0", "0.0.0.0", "10.1.2.3", "172.16.0.1",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a00:1::1]",
    "localhost", "localhost.", "robot.localhost", "127.0.0.1.", "2130706433.",
    "[2001:0:0:0:0:0:80ff:fffe]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "[2001:4860:4860::8888]", "[64:ff9b::8.8.8.8]", "[::ffff:8.8.8.8]", "[2002:808:808::1]")


def test_no_spelling_of_an_inner_address_gets_through(app, monkeypatch):
    tried = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, place: tried.append(place) or self.close())
    with app.app_context():
        for host in INSIDE:
            assert code(f"https://{host}/hook") == "address", host
            with pytest.raises(door.Closed, match="address"):
                door.checked(f"https://{host}/hook")
            if "localhost" in host or host.endswith("."):
                continue  # no name server says so
            say_names(monkeypatch, {"robot.example.com": [host.strip("[]")]})
            assert code("https://robot.example.com/hook") == "address", f"a name for {host}"
            with pytest.raises(door.Closed, match="address"):
                door.looked_up(door.checked("https://robot.example.com/hook"))
        say_names(monkeypatch, {})
        assert tried == []
        for host in PUBLIC:
            code(f"https://{host}/hook")
        assert len(tried) == len(PUBLIC), "what is public is tried"
        one_of_two = REAL("8.8.8.8", 443, type=socket.SOCK_STREAM) + REAL("10.0.0.1", 443, type=socket.SOCK_STREAM)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: one_of_two)
        assert code("https://both.example.com/") == "address"


def test_an_address_that_is_none_is_refused_before_anything_is_looked_up(app, monkeypatch):
    asked = say_names(monkeypatch, {})
    with app.app_context():
        for address, why in {
            "http://hooks.example.com/x": "scheme", "ftp://hooks.example.com/": "scheme",
            "file:///etc/passwd": "scheme",
            "gopher://hooks.example.com:70/": "scheme", "hooks.example.com/x": "scheme", "https://": "scheme",
            "https://hooks.example.com\\@10.0.0.1/": "scheme", "https://hooks.example.com/\r\nX: y": "scheme",
            "https://hooks.example.com:99999/": "scheme", "https://[::1": "scheme",
            "https://飞书.example.com/": "scheme", "https://127%2e0.0.1/": "scheme", "https://①.example.com/": "scheme",
            "https://user:pass@hooks.example.com/": "credentials", "https://hooks.example.com@10.0.0.1/": "credentials",
            "https://hooks.example.com:25/": "port", "https://hooks.example.com:0/": "port",
            "https://hooks.example.com:22/": "port",
        }.items():  # fmt: skip
            assert code(address) == why, address
    assert asked == []


def test_a_name_that_changes_its_mind_is_asked_once(app, monkeypatch):
    """Rebinding: the first answer is public, the next one inside. The connection goes to what was looked at."""
    tried = []

    def connect(self, place):
        tried.append(place)
        raise ConnectionRefusedError

    with app.app_context(), listener() as (port, heard):
        monkeypatch.setattr(socket.socket, "connect", connect)
        asked = say_names(monkeypatch, {"flip.example.com": ["8.8.8.8", "127.0.0.1"]})
        assert code(f"https://flip.example.com:{port}/") == "unreachable"
    assert (asked, tried, heard) == (["flip.example.com"], [("8.8.8.8", port)], [])


def test_whatever_the_other_side_does_it_ends(app, monkeypatch):
    """Dripping would take eleven seconds and more; whoever is patient for one only leaves long before that."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000
    with listener() as (inner, heard_inside):
        moved = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inner}/\r\nContent-Length: 0\r\n\r\n".encode()
        for answer, drip, wanted in (
            (moved, 0, "redirect"),
            (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200, 0.05, "slow"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"y" * 200, 0.05, "slow"),
            (b"SSH-2.0-OpenSSH\r\n\r\n", 0, "answer"),
            (b"", 0, "unreachable"),
        ):
            with listener(answer, drip=drip) as (port, heard), app.app_context():
                allow(app, f"127.0.0.1:{port}")
                with monkeypatch.context() as patch:
                    if drip:
                        patch.setattr(door, "PATIENCE", 1.0)
                    begun = time.monotonic()
                    assert code(f"http://127.0.0.1:{port}/hook?a=b") == wanted, answer[:40]
                    assert time.monotonic() - begun < 9
                await_(lambda heard=heard: heard)
                assert heard[0].startswith(b"POST /hook?a=b HTTP/1.1\r\n") and b"\r\nHost: 127.0.0.1:" in heard[0]
        with listener(endless) as (port, _heard), app.app_context():
            allow(app, "127.0.0.0/8")
            answer = door.post(f"http://127.0.0.1:{port}/", content=b"{}", headers={}, inside=True)
            assert (answer.status, len(answer.text)) == (200, 65_536)
        monkeypatch.setattr(door, "PATIENCE", 1.0)
        monkeypatch.setattr(door, "A_GLANCE", 0.1)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(8))
        with app.app_context():
            assert code("https://sleepy.example.com/") == "slow"
            with pytest.raises(door.Closed, match="slow"):
                door.looked_up(door.checked("https://sleepy.example.com/"))
    assert heard_inside == [], "nobody was led there"


def test_only_what_the_settings_name_is_reached_inside_and_by_its_certificate(app, monkeypatch, tmp_path):
    certificate(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    wrap = lambda sock: server_side.wrap_socket(sock, server_side=True)  # noqa: E731
    with listener(wrap=wrap) as (port, heard), app.app_context():
        say_names(monkeypatch, {"robot.corp.example": ["127.0.0.1"], "other.corp.example": ["127.0.0.1"]})
        allow(app, f"robot.corp.example:{port}")
        assert code(f"https://robot.corp.example:{port}/") == "certificate", "nobody vouches for it"
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert door.post(f"https://robot.corp.example:{port}/", content=b"{}", headers={}, inside=True).text == "ok"
        with pytest.raises(door.Closed, match="address"):  # named by somebody who keeps no workspace
            door.post(f"https://robot.corp.example:{port}/", content=b"{}", headers={})
        assert code(f"https://other.corp.example:{port}/") == "address", "another name for the same place"
        assert code(f"http://robot.corp.example:{port + 1}/") == "scheme"
        allow(app, "127.0.0.0/8")
        assert code(f"https://other.corp.example:{port}/") == "certificate", "its certificate is another host's"
        assert len([each for each in heard if each]) == 1
    for wrong in ("10.0.0.1/8", "everything", "robot.corp.example:0", "http://robot/"):
        with pytest.raises(BadSetting, match="OUTGOING_NETWORKS"):
            allow(app, wrong)


def certificate(folder):
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("robot.corp.example")]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)
