"""Sign-in by another house: a small provider that speaks OpenID Connect, honest and otherwise."""

import base64
import json
import socket
import threading
import time
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from sqlalchemy import func, select

from linkstar import clock, open_id
from linkstar.extensions import db
from linkstar.models import AuditEvent, Identity, SecondFactor, User
from tests.conftest import PUBLIC_URL, Browser, make_app
from tests.pages import elements
from tests.world import PASSWORD

pytestmark = pytest.mark.one_database

CLIENT, SECRET = "linkstar", "between us two"
BACK = f"{PUBLIC_URL}/open_id"


class Provider(ThreadingHTTPServer):
    """Signs whoever the test says. `lies` is put over what it claims."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.codes, self.description, self.answer, self.asked = {}, {}, None, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def sign_in(self, address, email="ops@example.com", subject="s-1", lies=None, key=None, algorithm="RS256"):
        """What the person does over there: the query with which the browser is sent back."""
        question = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert question["response_type"] == "code"
        assert question["redirect_uri"] == BACK
        assert question["code_challenge_method"] == "S256"
        assert "openid" in question["scope"]
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": subject, "nonce": question["nonce"], "email": email,
            "email_verified": True, "iat": int(time.time()), "exp": int(time.time()) + 300,
        }  # fmt: skip
        claims = {name: value for name, value in (claims | (lies or {})).items() if value is not None}
        key = key or self.key
        token = jwt.encode({"alg": algorithm, "kid": "one"}, claims, key, algorithms=[algorithm])
        code = f"code-{len(self.codes)}"
        self.codes[code] = (question["code_challenge"], token)
        return {"code": code, "state": question["state"]}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.server.answer:
            return self.server.answer(self)
        if self.path == "/.well-known/openid-configuration":
            house = self.server.issuer
            return self.reply(
                {
                    "issuer": house, "authorization_endpoint": f"{house}/authorize", "token_endpoint": f"{house}/token",
                    "jwks_uri": f"{house}/keys",
                }
                | self.server.description
            )  # fmt: skip
        return self.reply(KeySet([self.server.key]).as_dict(private=False))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = {name: values[0] for name, values in parse_qs(body).items()}
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge, token = self.server.codes.pop(sent.get("code"), (None, None))
        verifier = base64.urlsafe_b64encode(sha256(sent["code_verifier"].encode()).digest()).decode().rstrip("=")
        sound = self.headers["Authorization"] == f"Basic {known}" and sent["redirect_uri"] == BACK
        if not sound or challenge != verifier:
            return self.reply({"error": "invalid_grant"}, 400)
        return self.reply({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def reply(self, found, status=200):
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        self.server.asked.append(self.path)


@pytest.fixture
def provider():
    server = Provider()
    yield server
    server.shutdown()
    server.server_close()


def settings(issuer):
    return {
        "OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": SECRET, "OIDC_NAME": "Feishu <山岚>",
    }  # fmt: skip


@pytest.fixture
def app(database, tmp_path, provider):
    app = make_app(database, tmp_path, **settings(provider.issuer))
    yield app
    with app.app_context():
        db.engine.dispose()


def go(browser, query=None):
    """To the other house: its address, as the browser is told it."""
    answer = browser.get("/open_id/new", query)
    assert answer.status_code == 303
    return answer.location


def come(browser, provider, query=None, **claims):
    return browser.get("/open_id", provider.sign_in(go(browser, query), **claims))


def is_in(browser):
    return browser.get("/").status_code == 200


def test_the_door_offers_the_other_house_and_asks_it_nothing_before(browse, provider):
    page = browse().get("/login?next=/inbox").text
    assert elements(page, href="/open_id/new?next=/inbox")
    assert "Feishu &lt;山岚&gt;" in page
    assert provider.asked == []


def test_a_person_whom_the_house_vouches_for_is_let_in_and_led_on(browse, provider, world, app):
    stranger = browse()
    answer = come(stranger, provider, {"next": f"/tasks/{world.script.id}"}, email="OPS@example.com")
    assert (answer.status_code, answer.location) == (303, f"/tasks/{world.script.id}")
    assert is_in(stranger)
    with app.app_context():
        identity = db.session.scalars(select(Identity)).one()
        assert (identity.user_id, identity.issuer, identity.subject) == (world.yu.id, provider.issuer, "s-1")
        assert [e.action for e in db.session.scalars(select(AuditEvent).order_by(AuditEvent.id))][-2:] == [
            "identity.linked", "sign_in.began",
        ]  # fmt: skip


def test_later_the_house_may_call_the_person_by_another_address(browse, provider):
    come(browse(), provider)
    stranger = browse()
    assert come(stranger, provider, email="lin@example.com").status_code == 303
    assert is_in(stranger)


def test_an_address_that_passed_to_somebody_else_over_there_does_not_open_the_account(browse, provider):
    come(browse(), provider)
    stranger = browse()
    assert come(stranger, provider, subject="s-2").status_code == 422
    assert not is_in(stranger)


@pytest.mark.parametrize("email", ["nobody@example.com", "legal@example.com", "", None])
def test_nobody_is_made_and_nobody_who_left_comes_back(browse, provider, world, app, email):
    with app.app_context():
        world.lei.active = False
        db.session.commit()
        before = db.session.scalar(select(func.count()).select_from(User))
    stranger = browse()
    answer = come(stranger, provider, email=email)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert") and elements(answer.text, name="password")
    assert not is_in(stranger)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(User)) == before
        event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert (event.action, event.changes) == ("sign_in.refused", {})


def test_whoever_leaves_afterwards_is_not_let_in_by_the_other_house(browse, provider, world, app):
    come(browse(), provider)
    with app.app_context():
        world.yu.active = False
        db.session.commit()
    stranger = browse()
    assert come(stranger, provider).status_code == 422
    assert not is_in(stranger)


@pytest.mark.parametrize("proved", [False, None, "true", 1, "yes"])
def test_an_address_that_was_not_proved_opens_nothing(browse, provider, proved):
    stranger = browse()
    assert come(stranger, provider, lies={"email_verified": proved}).status_code == 422
    assert not is_in(stranger)


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": "another-client", "azp": CLIENT},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
        {"iss": "https://evil.example.com"},
        {"iss": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"at_hash": "AAAA"},
    ],
    ids=str,
)
def test_a_token_that_is_not_meant_so_opens_nothing(browse, provider, lies):
    stranger = browse()
    answer = come(stranger, provider, lies=lies)
    assert answer.status_code == 503
    assert elements(answer.text, role="alert") and elements(answer.text, name="password")
    assert not is_in(stranger)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSAKey.generate_key(2048, {"kid": "one"}), "RS256"),
        (OctKey.import_key(SECRET, {"kid": "one"}), "HS256"),
        (OctKey.generate_key(256, {"kid": "one"}), "none"),
    ],
    ids=["another key", "the secret", "no key"],
)
def test_what_somebody_else_signed_opens_nothing(browse, provider, key, algorithm):
    provider.description = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS256"]}
    stranger = browse()
    assert come(stranger, provider, key=key, algorithm=algorithm).status_code == 503
    assert not is_in(stranger)


def test_keys_may_change_over_there(browse, provider):
    come(browse(), provider)
    provider.key = RSAKey.generate_key(2048, {"kid": "one"})
    stranger = browse()
    assert come(stranger, provider).status_code == 303


def test_an_answer_counts_once_and_in_the_browser_that_asked(browse, provider):
    asker, other = browse(), browse()
    back = provider.sign_in(go(asker))
    assert other.get("/open_id", back).status_code == 422, "it never asked"
    go(other)
    assert other.get("/open_id", back).status_code == 422, "it asked something else"
    assert not is_in(other)
    assert asker.get("/open_id", back).status_code == 303
    asker.post("/logout")
    asker.client.delete_cookie("linkstar")
    assert asker.get("/open_id", back).status_code == 422
    assert not is_in(asker)


@pytest.mark.parametrize(
    "change", [{"state": ""}, {"state": "é"}, {"state": "x" * 5000}, {"code": ""}, {"code": "forged"}]
)
def test_an_answer_that_was_tampered_with_opens_nothing(browse, provider, change):
    stranger = browse()
    back = provider.sign_in(go(stranger))
    assert stranger.get("/open_id", back | change).status_code in (422, 503)
    assert stranger.get("/open_id", back).status_code == 422, "the question is used up"
    assert not is_in(stranger)


def test_a_person_who_thinks_better_of_it_over_there_is_told_so(browse, provider):
    stranger = browse()
    state = provider.sign_in(go(stranger))["state"]
    answer = stranger.get("/open_id", {"error": "access_denied", "error_description": "<b>evil</b>", "state": state})
    assert answer.status_code == 422
    assert elements(answer.text, role="alert") and "evil" not in answer.text


def test_nobody_is_led_to_a_strangers_site_afterwards(browse, provider):
    assert come(browse(), provider, {"next": "//evil.example.com"}).location == "/"


def test_the_second_factor_is_asked_for_all_the_same(browse, provider, world, app):
    with app.app_context():
        factor = SecondFactor(world.yu)
        sealed = factor.propose()
        assert factor.begin(sealed, "000000") is False
        world.yu.totp_secret = sealed
        secret = factor.proposed(sealed).secret
        db.session.commit()
    stranger = browse()
    answer = come(stranger, provider, {"next": "/inbox"})
    assert answer.location == "/second_factor?next=/inbox"
    assert not is_in(stranger)
    stranger.read_token(stranger.get(answer.location))
    answer = stranger.post(answer.location, {"code": pyotp.TOTP(secret).at(clock.now())})
    assert answer.location == "/inbox"
    assert is_in(stranger)


# a house that is not well


def hang(seconds):
    def answer(handler):
        time.sleep(seconds)

    return answer


def junk(body, status=200):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


ILL = {
    "silent": hang(6), "not JSON": junk(b"<html>"), "a list": junk(b"[]"), "broken": junk(b"", 500),
    "nothing": junk(b"{}"), "elsewhere": junk(b'{"issuer": "https://evil.example.com"}'),
}  # fmt: skip


@pytest.mark.parametrize("illness", ILL)
def test_while_the_house_is_ill_the_password_opens(browse, provider, monkeypatch, illness):
    monkeypatch.setattr(open_id, "PATIENCE", 0.3)
    provider.answer = ILL[illness]
    stranger = browse()
    began = time.monotonic()
    answer = stranger.get("/open_id/new")
    assert time.monotonic() - began < 2
    assert answer.status_code == 503
    assert elements(answer.text, role="alert") and elements(answer.text, name="password")
    assert stranger.sign_in("ops@example.com", PASSWORD).status_code == 303
    provider.answer = None
    assert come(browse(), provider).status_code == 303, "well again"


def test_our_own_patience_is_short():
    assert open_id.PATIENCE <= 5


def test_a_house_that_falls_ill_in_the_middle_is_said_so(browse, provider):
    stranger = browse()
    back = provider.sign_in(go(stranger))
    provider.answer = junk(b"", 500)
    assert stranger.get("/open_id", back).status_code == 503
    assert not is_in(stranger)


def test_a_house_that_is_gone_keeps_nobody_from_starting(database, tmp_path):
    with free_port() as port:
        stranger = Browser(make_app(database, tmp_path, **settings(f"http://127.0.0.1:{port}")))
        stranger.read_token(stranger.get("/login"))
        assert stranger.get("/open_id/new").status_code == 503
        assert stranger.sign_in("ops@example.com", PASSWORD).status_code == 303


@contextmanager
def free_port():
    """One on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_description_that_leads_to_plain_http_is_not_followed():
    house = open_id.OpenId("https://sso.example.com", CLIENT, SECRET)
    house._described = time.monotonic(), {"token_endpoint": "http://sso.example.com/token"}
    with pytest.raises(open_id.OpenIdFailed):
        house._place("token_endpoint")


def test_without_another_house_there_is_no_such_door(database, tmp_path):
    stranger = Browser(make_app(database, tmp_path))
    assert "open_id" not in stranger.get("/login").text
    assert stranger.get("/open_id/new").location == stranger.get("/open_id?code=x&state=y").location == "/login"
