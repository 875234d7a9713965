"""The door: who comes in, from where, in which language, and what each answer carries."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import AuditEvent, SignIn
from tests.conftest import Browser, make_app
from tests.pages import elements
from tests.world import NOW, PASSWORD

pytestmark = pytest.mark.one_database

ELSEWHERE = {"REMOTE_ADDR": "198.51.100.7"}


def wrong_try(browser, email="ops@example.com", **options):
    return browser.post("/login", {"email": email, "password": "wrong"}, **options)


def right_try(browser, email="ops@example.com", **options):
    return browser.post("/login", {"email": email, "password": PASSWORD}, **options)


def test_the_right_password_opens_and_leads_back(browse, world):
    stranger = browse()
    answer = stranger.get(f"/tasks/{world.script.id}")
    assert answer.status_code == 303
    stranger.read_token(stranger.get(answer.location))
    answer = stranger.post(answer.location, {"email": " OPS@example.com ", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, f"/tasks/{world.script.id}")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ops@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("", ""),
        ("ops@example.com", ""),
        ("\x00", "\x00"),
    ],
)
def test_wrong_and_unknown_look_alike(browse, email, password):
    stranger = browse()
    answer = stranger.post("/login", {"email": email, "password": password})
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert stranger.get("/").status_code == 303
    assert "wrong" not in {element.get("value") for element in elements(answer.text)}


def test_the_eleventh_wrong_try_waits_and_another_account_does_not(browse):
    stranger = browse()
    for _ in range(10):
        assert wrong_try(stranger).status_code == 422
    assert right_try(stranger).status_code == 429
    assert right_try(stranger, "legal@example.com").status_code == 303


def test_nobody_is_locked_out_by_somebody_elses_wrong_tries(browse):
    stranger = browse()
    for number in range(30):
        wrong_try(stranger, environ_overrides={"REMOTE_ADDR": f"203.0.113.{number}"})
    assert right_try(browse(), environ_overrides=ELSEWHERE).status_code == 303


def test_an_address_that_tries_many_accounts_waits_for_all_of_them(browse):
    stranger = browse()
    for number in range(100):
        sent = {"email": f"somebody{number}@example.com", "password": ""}  # refused before anything is hashed
        assert stranger.post("/login", sent).status_code == 422
    assert right_try(stranger).status_code == 429
    assert right_try(browse(), environ_overrides=ELSEWHERE).status_code == 303


def test_another_address_is_not_had_by_saying_so(browse):
    stranger = browse()
    answers = [wrong_try(stranger, headers={"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(11)]
    assert answers[-1].status_code == 429


def test_behind_a_proxy_the_visitors_own_address_counts(database, tmp_path):
    stranger = Browser(make_app(database, tmp_path, TRUSTED_PROXIES=1))
    stranger.read_token(stranger.get("/login"))
    for number in range(11):
        said = {"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.9"}  # only the last word is the proxy's
        answer = wrong_try(stranger, headers=said)
    assert answer.status_code == 429
    assert right_try(stranger, headers={"X-Forwarded-For": "198.51.100.7"}).status_code == 303


def test_a_house_with_many_ipv6_addresses_counts_once(browse):
    stranger = browse()
    answers = [wrong_try(stranger, environ_overrides={"REMOTE_ADDR": f"2001:db8::{n:x}"}) for n in range(11)]
    assert answers[-1].status_code == 429
    assert right_try(stranger, environ_overrides={"REMOTE_ADDR": "2001:db8:0:1::1"}).status_code == 303


@pytest.mark.parametrize(("email", "whose"), [("ops@example.com", "yu"), ("nobody@example.com", None)])
def test_a_refused_sign_in_is_told_to_the_trail_without_what_was_typed(app, browse, world, email, whose):
    wrong_try(browse(), email)
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert (event.action, event.actor_id) == ("sign_in.refused", None)
        assert event.changes == ({"user_id": [None, world.yu.id]} if whose else {})
        assert "@" not in json.dumps(event.changes)


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example.com",
        "/\\evil.example.com",
        "https://evil.example.com",
        "javascript:alert(1)",
        "\t//evil",
        "/\t/evil",
        "/\r\n/evil",
        " //evil.example.com",
        "///evil.example.com",
        "/\\/evil.example.com",
        "\\\\evil.example.com",
        "http:evil.example.com",
        "http://localhost@evil.example.com/",
        "http://localhost.evil.example.com/",
        "http://localhost\\@evil.example.com/",
        "http://localhost//evil.example.com/",
        "@evil.example.com",
        "evil.example.com",
        "%2F%2Fevil.example.com",
        "/\x00/evil",
        "",
    ],
)
def test_nobody_is_led_to_a_strangers_site(browse, place):
    stranger = browse()
    answer = stranger.open(
        "POST", "/login", {"email": "ops@example.com", "password": PASSWORD}, query_string={"next": place}
    )
    assert (answer.status_code, answer.location) == (303, "/")


def test_signing_out_ends_it_on_the_server(browse):
    yu = browse("yu")
    cookie = yu.client.get_cookie("linkstar") or yu.client.get_cookie("__Host-linkstar")
    assert yu.post("/logout").status_code == 303
    assert yu.get("/").status_code == 303
    yu.client.set_cookie(cookie.key, cookie.value)
    assert yu.get("/").status_code == 303, "an old cookie opens nothing"


@pytest.mark.parametrize("place", ["/%2f%2fevil.example.com", "/inbox?a=//evil", "/../..//evil", "/项目", "/\ud800"])
def test_what_looks_strange_stays_on_our_site(browse, place):
    stranger = browse()
    answer = stranger.open(
        "POST", "/login", {"email": "ops@example.com", "password": PASSWORD},
        query_string={"next": place.encode("utf-8", "surrogatepass")},
    )  # fmt: skip
    assert answer.status_code == 303
    assert answer.location.startswith("/") and not answer.location.startswith(("//", "/\\"))


def test_a_sign_in_ends_by_itself_however_busy_it_is(browse):
    yu = browse("yu")
    for hours in (3, 6, 9, 11):
        with clock.at(NOW + timedelta(hours=hours)):
            assert yu.get("/").status_code == 200
    with clock.at(NOW + timedelta(hours=13)):
        assert yu.get("/").status_code == 303


def test_a_sign_in_that_lies_unused_ends_earlier(browse):
    yu = browse("yu")
    with clock.at(NOW + timedelta(hours=3, minutes=59)):
        assert yu.get("/").status_code == 200
    with clock.at(NOW + timedelta(hours=8)):
        assert yu.get("/").status_code == 303
    with clock.at(NOW + timedelta(hours=8, minutes=1)):
        assert yu.get("/").status_code == 303, "and does not come to life again"
    left = browse("yu")
    for hours in (1, 2, 3):
        with clock.at(NOW + timedelta(hours=hours)):
            assert left.get("/unread_count", htmx=True).status_code == 200
    with clock.at(NOW + timedelta(hours=5)):
        assert left.get("/").status_code == 303, "a page that was left open asks by itself; that is nobody's use"


def test_one_that_is_remembered_ends_after_a_week_unused_and_after_a_month(browse):
    yu = browse()
    yu.post("/login", {"email": "ops@example.com", "password": PASSWORD, "remember": "y"})
    for days in (6, 12, 18, 24, 29):
        with clock.at(NOW + timedelta(days=days)):
            assert yu.get("/").status_code == 200
    with clock.at(NOW + timedelta(days=31)):
        assert yu.get("/").status_code == 303
    idle = browse()
    idle.post("/login", {"email": "ops@example.com", "password": PASSWORD, "remember": "y"})
    with clock.at(NOW + timedelta(days=8)):
        assert idle.get("/").status_code == 303


def test_nothing_of_the_session_before_is_left_after_sign_in(app, browse):
    stranger = browse()
    planted = stranger.token
    with stranger.client.session_transaction() as session:
        session["workspace_id"], session["theme"] = 1, "dark"
    right_try(stranger)
    with stranger.client.session_transaction() as session:
        assert "workspace_id" not in session
        assert session["theme"] == "dark"
        first = session["_user_id"]
    stranger.token = planted
    assert stranger.post("/preferences", {"theme": "dark"}).status_code == 400, "the old CSRF token went with it"
    second = browse("yu")
    with second.client.session_transaction() as session:
        assert session["_user_id"] != first
    with app.app_context():
        assert first not in set(db.session.scalars(select(SignIn.token_hash))), "the table holds hashes"


@pytest.mark.parametrize(
    "host", ["evil.example.com", "hub.example.com.evil.org", "hub.example.com@evil.org", "evil.org:8000", "a b", "[::1"]
)
def test_a_host_that_is_not_ours_is_refused(browse, host):
    stranger = browse()
    answer = stranger.get("/login", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.text
    assert stranger.get("/healthz", headers={"Host": "10.0.0.7:8000"}).status_code == 200


@pytest.mark.parametrize(
    "host", ["hub.example.com", "HUB.example.com:443", "localhost:8000", "127.0.0.1", "[::1]:8000"]
)
def test_our_own_host_is_answered(browse, host):
    assert browse().get("/login", headers={"Host": host}).status_code == 200


def test_production_answers_to_one_name_only(database, tmp_path):
    stranger = Browser(make_app(database, tmp_path, MODE="production"))
    assert stranger.get("/login", headers={"Host": "hub.example.com"}).status_code == 200
    for host in ("localhost", "127.0.0.1:8000", "192.168.1.4", "evil.example.com"):
        assert stranger.get("/login", headers={"Host": host}).status_code == 400
        assert stranger.get("/healthz", headers={"Host": host}).status_code == 200


def test_an_htmx_request_leaves_the_page_for_the_form(browse, world):
    answer = browse().get(f"/tasks/{world.script.id}", current_url=f"/projects/{world.lamp.id}/board")
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/login?next=")
    assert "board" in answer.headers["HX-Redirect"]
    assert not answer.text


def test_the_language_is_ones_own_until_it_is_chosen(browse):
    stranger = browse()
    assert elements(stranger.get("/login").text, tag="html")[0]["lang"] == "zh-CN"
    assert elements(stranger.get("/login", headers={"Accept-Language": "en-US"}).text, tag="html")[0]["lang"] == "en"
    stranger.get("/login?lang=en")
    assert elements(stranger.get("/login").text, tag="html")[0]["lang"] == "en"
    maya = browse("maya")
    assert elements(maya.get("/").text, tag="html")[0]["lang"] == "en"
    assert maya.post("/preferences", {"language": "zh"}).status_code == 303
    assert elements(maya.get("/").text, tag="html")[0]["lang"] == "zh-CN"
    assert elements(browse("maya").get("/").text, tag="html")[0]["lang"] == "zh-CN", "and on the next device"


@pytest.mark.parametrize("sent", [{"language": "fr"}])
def test_a_preference_that_there_is_not_is_400(browse, sent):
    assert browse("yu").post("/preferences", sent).status_code == 400


@pytest.mark.parametrize("path", ["/login", "/", "/nowhere", "/healthz"])
def test_every_answer_carries_its_guards(browse, path):
    headers = browse("yu").get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "HX-Request" in headers["Vary"]


@pytest.mark.parametrize(
    "path",
    ["/", "/inbox", "/projects", "/account", "/account/second_factor", "/login", "/password_resets/new"],
)
def test_no_page_needs_what_the_policy_forbids(browse, path):
    page = browse("yu" if path not in ("/login", "/password_resets/new") else None).get(path).text
    assert "<h1" in page
    assert not elements(page, "style")
    assert all("src" in script for script in elements(page, tag="script"))
    assert not [e for e in elements(page) if any(name.startswith("on") for name in e)]


def test_the_cookie_is_for_this_program_only(browse):
    stranger = browse()
    answer = stranger.post("/login", {"email": "ops@example.com", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_behind_tls_the_cookie_goes_nowhere_else(database, tmp_path, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "https://hub.example.com")
    answer = make_app(database, tmp_path).test_client().get("/login?lang=en", base_url="https://hub.example.com")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-linkstar=")
    assert "; Secure" in cookie and "; Path=/" in cookie and "Domain" not in cookie
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
