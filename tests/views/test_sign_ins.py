"""The door: who comes in, from where, in which language, and what each answer carries."""

from datetime import timedelta

import pytest

from linkstar import clock
from tests.pages import elements
from tests.world import NOW, PASSWORD


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
        assert stranger.post("/login", {"email": "ops@example.com", "password": "wrong"}).status_code == 422
    assert stranger.post("/login", {"email": "ops@example.com", "password": PASSWORD}).status_code == 429
    assert stranger.post("/login", {"email": "legal@example.com", "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example.com",
        "/\\evil.example.com",
        "https://evil.example.com",
        "javascript:alert(1)",
        "\t//evil",
        "/\t/evil",
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


def test_a_sign_in_ends_by_itself(browse):
    yu = browse("yu")
    with clock.at(NOW + timedelta(hours=11)):
        assert yu.get("/").status_code == 200
    with clock.at(NOW + timedelta(hours=13)):
        assert yu.get("/").status_code == 303


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


@pytest.mark.parametrize("path", ["/", "/inbox", "/projects", "/login"])
def test_no_page_needs_what_the_policy_forbids(browse, path):
    page = browse("yu" if path != "/login" else None).get(path).text
    assert not elements(page, "style")
    assert all("src" in script for script in elements(page, tag="script"))
    assert not [e for e in elements(page) if any(name.startswith("on") for name in e)]


def test_the_cookie_is_for_this_program_only(browse):
    stranger = browse()
    answer = stranger.post("/login", {"email": "ops@example.com", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
