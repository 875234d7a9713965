"""One's own account: the name, the zone, the password, where one is signed in; and the way back in without it."""

import re
import statistics
import time
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import func, select

from linkstar import clock, jobs
from linkstar.extensions import db
from linkstar.models import AuditEvent, Delivery, MailedLink, Partner, SignIn, User
from tests.conftest import PUBLIC_URL
from tests.pages import elements
from tests.world import NOW, PASSWORD

NEW = "lanterns on the ridge"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
WECHAT = (
    "Mozilla/5.0 (Linux; Android 14; V2238A) AppleWebKit/537.36 Chrome/116.0 Mobile Safari/537.36 MicroMessenger/8.0"
)


def mails(app, tmp_path):
    """Sends what is due and reads it all."""
    with app.app_context():
        jobs.deliver_due()
    return [
        message_from_bytes(file.read_bytes(), policy=policy.default) for file in Path(tmp_path, "mail").glob("*.eml")
    ]


def ask_for_link(browser, email="ops@example.com", **options):
    return browser.post("/password_resets", {"email": email}, **options)


def link_in(mail):
    text = mail.get_body(("plain",)).get_content()
    return re.search(rf"{PUBLIC_URL}(/password_resets/[0-9a-f]+)", text)[1]


def change_password(browser, present=PASSWORD, new=NEW):
    return browser.post("/account/password?_method=PUT", {"present": present, "password": new})


# about me


def test_a_person_writes_the_name_the_language_and_the_zone(app, browse, world):
    yu = browse("yu")
    page = yu.get("/account").text
    assert {"name", "language", "timezone"} <= {e.get("name") for e in elements(page)}
    assert elements(page, tag="option", value="Asia/Urumqi"), "all the world's zones"
    sent = {"name": "林小雨", "language": "en", "timezone": "America/Chicago"}
    assert yu.post("/account?_method=PUT", sent).status_code == 303
    page = yu.get("/account").text
    assert elements(page, tag="html")[0]["lang"] == "en"
    assert elements(page, name="name")[0]["value"] == "林小雨"
    assert [e["value"] for e in elements(page, "selected", tag="option")] == ["en", "America/Chicago"]
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert (event.action, event.changes) == ("account.edited", {}), "a name in the trail could not be forgotten"


@pytest.mark.parametrize(
    "sent",
    [
        {"name": " "}, {"name": "x" * 81}, {"name": "a\x00b"}, {"language": "fr"}, {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"}, {"timezone": ""}, {"language": ""},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_so(browse, sent):
    yu = browse("yu")
    sound = {"name": "林小雨", "language": "en", "timezone": "America/Chicago"}
    answer = yu.post("/account?_method=PUT", sound | sent)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert yu.get("/account").text.count("林晓雨") and "林小雨" not in yu.get("/account").text


def test_a_day_of_work_that_ends_when_it_begins_is_refused_for_people_and_partners(app, browse, world):
    yue = browse("yue")
    yue.get("/", {"lang": "en"})
    account = {"name": "周越", "timezone": "Asia/Shanghai"}
    partner = {"name": "BayLab", "timezone": "Asia/Shanghai", "answer_days": "1"}
    for address, values, hours in (
        ("/account?_method=PUT", account, {"works_from": "09:00", "works_until": "09:00"}),
        ("/account?_method=PUT", account, {"works_from": "18:00", "works_until": ""}),  # until 18:00 already
        ("/partners", partner, {"works_from": "09:00", "works_until": "09:00"}),
    ):
        refused = yue.post(address, values | hours | {"language": "en"})
        assert refused.status_code == 422 and "Work ends at the time at which it begins" in refused.text, address
    overnight = {"works_from": "22:00", "works_until": "06:00"}
    for address, values in (("/account?_method=PUT", account), ("/partners", partner)):
        assert yue.post(address, values | overnight | {"language": "zh"}).status_code == 303
    with app.app_context():
        lab = db.session.scalar(select(Partner.id))
    known = next(each["value"] for each in elements(yue.get(f"/partners/{lab}/edit").text, name="known"))
    same = partner | {"works_from": "06:00", "works_until": "06:00", "known": known}
    assert yue.post(f"/partners/{lab}?_method=PUT", same).status_code == 422


def test_the_name_may_be_anything_and_stays_text(browse):
    yu = browse("yu")
    name = "<img src=x onerror=alert(1)>{{7*7}}"
    assert yu.post("/account?_method=PUT", {"name": name, "language": "zh", "timezone": "UTC"}).status_code == 303
    page = yu.get("/").text
    assert "<img src=x" not in page and "{{7*7}}" in page


def test_nobody_takes_a_name_that_is_seen_as_another_one(app, browse, world):
    yu = browse("yu")
    for typed in ("\u202e林小雨", "林\u200b小\u2066雨\u2069", "林小雨\ufeff \u200f"):
        assert yu.post("/account?_method=PUT", {"name": typed, "language": "zh", "timezone": "UTC"}).status_code == 303
        assert world.yu.name == "林小雨"
    refused = yu.post("/account?_method=PUT", {"name": "\u200b\u2060", "language": "zh", "timezone": "UTC"})
    assert refused.status_code == 422


def test_a_creator_has_an_account_too_and_nothing_of_the_team_stands_on_it(browse):
    jess = browse("jess")
    for path in ("/account", "/account/second_factor"):
        page = jess.get(path)
        assert page.status_code == 200
        assert "/projects" not in page.text
    assert jess.post("/account?_method=PUT", {"name": "Jess", "language": "en", "timezone": "UTC"}).status_code == 303
    assert change_password(jess).status_code == 303
    assert browse().sign_in("creator1@example.com", NEW).status_code == 303


# the password


def test_a_new_password_asks_for_the_present_one_and_ends_all_other_sign_ins(browse):
    here, there = browse("yu"), browse("yu")
    assert change_password(here, present="wrong").status_code == 422
    assert there.get("/").status_code == 200
    assert change_password(here).status_code == 303
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 303
    assert browse().sign_in("ops@example.com", PASSWORD).status_code == 422
    assert browse().sign_in("ops@example.com", NEW).status_code == 303


@pytest.mark.parametrize(
    "new",
    ["", "short", "password12", "ops@example.com", "林晓雨林晓雨林晓雨林晓雨", "x" * 201, "lanterns \x00 on the ridge"],
)
def test_a_weak_password_is_refused_with_a_sentence(browse, new):
    yu = browse("yu")
    answer = change_password(yu, new=new)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert PASSWORD not in answer.text
    assert browse().sign_in("ops@example.com", PASSWORD).status_code == 303


def test_the_present_password_is_not_guessed_from_an_open_session(browse):
    yu = browse("yu")
    for _try in range(10):
        assert change_password(yu, present="wrong").status_code == 422
    assert change_password(yu).status_code == 429


# where I am signed in


def test_a_person_sees_every_sign_in_and_ends_one(browse):
    here, there = browse("yu"), browse()
    for browser, agent in ((there, FIREFOX), (browse(), WECHAT)):
        browser.post("/login", {"email": "ops@example.com", "password": PASSWORD}, headers={"User-Agent": agent})
    page = here.get("/account").text
    assert "Firefox" in page and "Windows" in page
    assert "WeChat" in page and "Android" in page
    ways = [e["action"] for e in elements(page, "action") if "/account/sessions/" in e["action"]]
    assert len(ways) == 2, "not this one"
    for way in ways:
        assert here.post(way).status_code == 303
    assert there.get("/").status_code == 303
    assert here.get("/").status_code == 200


def test_nobody_ends_the_sign_in_of_somebody_else(app, browse, world):
    yu, lei = browse("yu"), browse("lei")
    with app.app_context():
        others = db.session.scalar(select(SignIn.id).where(SignIn.user_id == world.lei.id))
    answer = yu.post(f"/account/sessions/{others}?_method=DELETE")
    assert answer.status_code == yu.post("/account/sessions/999999?_method=DELETE").status_code == 404
    assert lei.get("/").status_code == 200


def test_a_person_signs_out_everywhere_else_at_once(browse):
    here, there, lei = browse("yu"), browse("yu"), browse("lei")
    assert here.post("/account/other_sessions?_method=DELETE").status_code == 303
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 303
    assert lei.get("/").status_code == 200
    assert not elements(here.get("/account").text, action="/account/other_sessions?_method=DELETE")


# a forgotten password


def test_a_link_sent_by_mail_sets_a_new_password_once(app, browse, tmp_path):
    signed_in, stranger = browse("yu"), browse()
    for _mail in range(2):
        answer = ask_for_link(stranger)
        assert answer.status_code == 303
    assert elements(stranger.get(answer.location).text, role="status", class_="banner pass")
    first, second = sorted(mails(app, tmp_path), key=lambda mail: mail["Message-ID"])
    assert first["To"] == "林晓雨 <ops@example.com>"
    stranger.get(link_in(first))
    page = stranger.get(link_in(first))  # a scanner may have looked before
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    stranger.read_token(page)
    way = next(e["action"] for e in elements(page.text, tag="form") if "_method=PUT" in e["action"])
    assert stranger.post(way, {"password": "short"}).status_code == 422
    assert stranger.post(way, {"password": "ops@example.com"}).status_code == 422
    assert stranger.post(way, {"password": NEW}).status_code == 303
    assert signed_in.get("/").status_code == 303, "all sign-ins end"
    for link in (link_in(first), link_in(second)):
        assert stranger.get(link).status_code == 404, "used, and the other one with it"
        assert stranger.post(f"{link}?_method=PUT", {"password": NEW + "!"}).status_code == 404
    assert browse().sign_in("ops@example.com", NEW).status_code == 303
    assert browse().sign_in("ops@example.com", PASSWORD).status_code == 422


def test_a_link_runs_out_after_half_an_hour(app, browse, tmp_path):
    stranger = browse()
    ask_for_link(stranger)
    link = link_in(mails(app, tmp_path)[0])
    with clock.at(NOW + timedelta(minutes=29)):
        assert stranger.get(link).status_code == 200
    with clock.at(NOW + timedelta(minutes=31)):
        assert stranger.get(link).status_code == 404
        assert stranger.post(f"{link}?_method=PUT", {"password": NEW}).status_code == 404


def test_a_changed_password_ends_the_links_that_are_on_their_way(app, browse, tmp_path):
    stranger = browse()
    ask_for_link(stranger)
    link = link_in(mails(app, tmp_path)[0])
    assert change_password(browse("yu")).status_code == 303
    assert stranger.get(link).status_code == 404


def test_nobody_learns_who_has_an_account(app, browse, tmp_path, world):
    with app.app_context():
        world.lei.active = False
        db.session.commit()
    answers = {}
    for email in ("ops@example.com", "nobody@example.com", "legal@example.com"):
        stranger = browse()
        answer = ask_for_link(stranger, email)
        page = re.sub(r'content="[^"]*"|value="[^"]*"|Token": "[^"]*"', "", stranger.get(answer.location).text)
        answers[email] = (answer.status_code, answer.location, page)
    assert len(set(answers.values())) == 1
    assert [mail["To"] for mail in mails(app, tmp_path)] == ["林晓雨 <ops@example.com>"]


def test_the_question_takes_as_long_for_an_address_that_nobody_has(browse):
    stranger, took = browse(), {"ops": [], "nobody": []}
    for number in range(5):
        for name in took:
            options = {"environ_overrides": {"REMOTE_ADDR": f"203.0.113.{number}"}}
            began = time.perf_counter()
            ask_for_link(stranger, f"{name}@example.com", **options)
            took[name].append(time.perf_counter() - began)
    ratio = statistics.median(took["ops"]) / statistics.median(took["nobody"])
    assert 1 / 1.5 < ratio < 1.5


def test_nobodys_letter_box_is_filled(app, browse, tmp_path):
    for number in range(20):
        ask_for_link(browse(), environ_overrides={"REMOTE_ADDR": f"203.0.113.{number}"})
    assert len(mails(app, tmp_path)) == 5
    with clock.at(NOW + timedelta(hours=2)):
        ask_for_link(browse(), environ_overrides={"REMOTE_ADDR": "198.51.100.1"})
        assert len(mails(app, tmp_path)) == 6


def test_asking_is_slowed_down_for_an_address_and_an_account(browse):
    stranger = browse()
    for _try in range(10):
        assert ask_for_link(stranger, "nobody@example.com").status_code == 303
    assert ask_for_link(stranger, "nobody@example.com").status_code == 429
    assert ask_for_link(stranger).status_code == 303


def test_a_link_of_one_kind_opens_nothing_of_another(app, browse):
    with app.app_context():
        user = db.session.scalar(select(User).where(User.email == "ops@example.com"))
        link = MailedLink.send("entry", email=user.email, name=user.name, language="zh", user=user)
        db.session.commit()
        token = link.token
    assert browse().get(f"/password_resets/{token}").status_code == 404


def test_a_closed_account_gets_no_new_password(app, browse, tmp_path, world):
    stranger = browse()
    ask_for_link(stranger)
    link = link_in(mails(app, tmp_path)[0])
    with app.app_context():
        world.yu.active = False
        db.session.commit()
    assert stranger.get(link).status_code == 404
    assert stranger.post(f"{link}?_method=PUT", {"password": NEW}).status_code == 404
    with app.app_context():
        waiting = select(func.count()).select_from(Delivery).where(Delivery.state == "due")
        assert not db.session.scalar(waiting)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_each_city_stands_in_the_list_of_zones_once_and_its_other_names_are_taken(app, browse, world):
    def offered(page):
        options = re.findall(r'<option (?:selected )?value="([^"]+)">([^<]+)', page.text)
        return [(words.partition(" · ")[0], zone) for zone, words in options if "/" in zone]

    yu = browse("yu")
    for speech in ("en", "zh"):
        found = offered(yu.get(f"/account?lang={speech}"))
        cities = [city for city, _zone in found]
        assert len(cities) > 400 and sorted(cities) == sorted(set(cities)), speech
        assert {"Asia/Shanghai", "Asia/Kolkata", "Pacific/Honolulu"} <= {zone for _city, zone in found}
    sent = {"name": "于工", "language": "zh", "works_from": "09:00", "works_until": "18:00"}
    assert "Asia/Chongqing" not in {zone for _city, zone in found}
    for zone in ("Asia/Chongqing", "Asia/Calcutta", "Asia/Urumqi"):
        assert yu.post("/account?_method=PUT", sent | {"timezone": zone}).status_code == 303, zone
        assert re.search(rf"<option selected value=\"{zone}\">", yu.get("/account").text), zone
    assert yu.post("/account?_method=PUT", sent | {"timezone": "Asia/Nowhere"}).status_code == 422
