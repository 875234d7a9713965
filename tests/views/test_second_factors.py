"""The second factor: set up on a phone, asked for at the door, replaced by recovery codes, asked for by a role."""

import json
import re
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import AuditEvent, IdempotentRequest, Membership, RecoveryCode, SignIn
from tests.pages import elements
from tests.world import NOW, PASSWORD

CODE = re.compile(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>")


def code_at(app_on_phone, moment=NOW):
    return app_on_phone.at(moment)


def proposal(browser):
    """The sealed secret on the page, and what the phone reads from it."""
    page = browser.get("/account/second_factor").text
    key = re.search(r'<code class="code copy">([A-Z2-7 ]+)</code>', page)[1].replace(" ", "")
    return elements(page, name="secret")[0]["value"], pyotp.TOTP(key)


def set_up(browser, moment=NOW):
    """What the phone holds afterwards, and the recovery codes."""
    secret, phone = proposal(browser)
    answer = browser.post("/account/second_factor", {"secret": secret, "code": code_at(phone, moment)})
    assert answer.status_code == 200
    return phone, CODE.findall(answer.text)


def with_password(browser, email="ops@example.com", query=""):
    browser.read_token(browser.get("/login"))
    answer = browser.post(f"/login{query}", {"email": email, "password": PASSWORD})
    if "second_factor" in answer.location:
        browser.read_token(browser.get(answer.location))
    return answer


def give(browser, code, query=""):
    return browser.post(f"/second_factor{query}", {"code": code})


@pytest.fixture
def later():
    """The code that set it up is used; half a minute later there is a new one."""
    moment = NOW + timedelta(seconds=30)
    with clock.at(moment):
        yield moment


# setting up


def test_recovery_codes_are_shown_once_however_often_the_request_comes(app, browse):
    yu = browse("yu")
    secret, phone = proposal(yu)
    sent = {"secret": secret, "code": code_at(phone, NOW)}
    key = {"Idempotency-Key": "twice"}
    codes = CODE.findall(yu.post("/account/second_factor", sent, headers=key).text)
    assert len(codes) == 10
    again = yu.post("/account/second_factor", sent, headers=key)
    assert not CODE.findall(again.text) and again.status_code in (303, 422)
    with app.app_context():
        kept = db.session.scalars(db.select(IdempotentRequest.body)).all()
    assert not any(code.encode() in (body or b"") for code in codes for body in kept)


def test_it_is_on_after_the_first_right_code_only(app, browse, world):
    yu = browse("yu")
    page = yu.get("/account/second_factor")
    assert elements(page.text, tag="img")[0]["src"].startswith("data:image/svg+xml")
    secret = elements(page.text, name="secret")[0]["value"]
    wrong = yu.post("/account/second_factor", {"secret": secret, "code": "000000"})
    assert wrong.status_code == 422
    assert elements(wrong.text, name="secret")[0]["value"] == secret, "the phone has read it already"
    assert world.yu.totp_secret is None
    phone, codes = set_up(yu)
    assert len(set(codes)) == 10
    assert phone.secret not in world.yu.totp_secret
    with app.app_context():
        kept = list(db.session.scalars(select(RecoveryCode.code_hash)))
        assert len(kept) == 10 and not set(kept) & {code.replace("-", "") for code in codes}
        trail = json.dumps([event.changes for event in db.session.scalars(select(AuditEvent))])
    assert phone.secret not in trail and not any(code in trail for code in codes)
    assert not CODE.findall(yu.get("/account/second_factor").text), "they were shown once"


def test_a_secret_that_was_made_for_somebody_else_or_long_ago_is_not_taken(browse, world):
    yu, lei = browse("yu"), browse("lei")
    theirs, phone = proposal(lei)
    assert yu.post("/account/second_factor", {"secret": theirs, "code": code_at(phone)}).status_code == 422
    with clock.at(NOW + timedelta(hours=2)):
        late = lei.post("/account/second_factor", {"secret": theirs, "code": code_at(phone, clock.now())})
    assert late.status_code == 422
    for nonsense in ("", "x", "gAAAA", "é", theirs[:-4] + "AAAA"):
        assert lei.post("/account/second_factor", {"secret": nonsense, "code": "123456"}).status_code == 422
    assert world.yu.totp_secret is None and world.lei.totp_secret is None


def test_setting_it_up_signs_out_everywhere_else(browse):
    here, there = browse("yu"), browse("yu")
    set_up(here)
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 303


def test_it_cannot_be_replaced_from_an_open_session_without_a_code(browse, world):
    yu = browse("yu")
    earlier, phone = proposal(yu)
    set_up(yu)
    kept = world.yu.totp_secret
    assert not elements(yu.get("/account/second_factor").text, name="secret")
    assert yu.post("/account/second_factor", {"secret": earlier, "code": code_at(phone)}).status_code == 422
    assert world.yu.totp_secret == kept


# at the door


def test_the_password_alone_opens_nothing(browse, world, later):
    phone, _codes = set_up(browse("yu"))
    stranger = browse()
    answer = with_password(stranger, query=f"?next=/tasks/{world.script.id}")
    assert answer.location == f"/second_factor?next=/tasks/{world.script.id}"
    assert stranger.get("/").status_code == 303
    assert stranger.get("/account/second_factor").status_code == 303
    page = stranger.get(answer.location)
    form = elements(page.text, tag="form", method="post")[0]
    answer = stranger.post(form["action"], {"code": f" {code_at(phone, later)[:3]} {code_at(phone, later)[3:]} "})
    assert (answer.status_code, answer.location) == (303, f"/tasks/{world.script.id}")
    assert stranger.get("/").status_code == 200


def test_nobody_is_led_away_by_the_page_of_the_code(browse, later):
    phone, _codes = set_up(browse("yu"), later)
    with clock.at(later + timedelta(seconds=30)):
        stranger = browse()
        with_password(stranger)
        assert give(stranger, code_at(phone, clock.now()), "?next=//evil.example.com").location == "/"


def test_a_code_is_used_once(browse, later):
    phone, _codes = set_up(browse("yu"))
    first, second = browse(), browse()
    for browser in (first, second):
        with_password(browser)
    assert give(first, code_at(phone)).status_code == 422, "it set the second factor up"
    assert give(first, code_at(phone, later)).status_code == 303
    assert give(second, code_at(phone, later)).status_code == 422
    with clock.at(later + timedelta(seconds=30)):
        assert give(second, code_at(phone, later + timedelta(seconds=60))).status_code == 303, "the clock may be fast"
        third = browse()
        with_password(third)
        assert give(third, code_at(phone, later + timedelta(seconds=30))).status_code == 422, "older than the last"


def test_the_device_that_is_remembered_stays_so(browse, later):
    phone, _codes = set_up(browse("yu"))
    stranger = browse()
    stranger.read_token(stranger.get("/login"))
    stranger.post("/login", {"email": "ops@example.com", "password": PASSWORD, "remember": "y"})
    stranger.read_token(stranger.get("/second_factor"))
    give(stranger, code_at(phone, later))
    with clock.at(NOW + timedelta(days=5)):
        assert stranger.get("/").status_code == 200


def test_five_wrong_codes_end_it(browse, later):
    phone, _codes = set_up(browse("yu"))
    stranger = browse()
    with_password(stranger)
    for _try in range(5):
        answer = give(stranger, "000000")
        assert answer.status_code == 422
        assert elements(answer.text, role="alert")
    answer = give(stranger, code_at(phone, later))
    assert (answer.status_code, answer.location) == (303, "/login")
    assert stranger.get("/").status_code == 303
    with_password(stranger)
    assert give(stranger, code_at(phone, later)).status_code == 303


def test_whoever_knows_the_password_guesses_slowly_and_keeps_the_owner_out_of_nothing(browse, later):
    phone, codes = set_up(browse("yu"))

    def guess(number, times):
        stranger, there = browse(), {"REMOTE_ADDR": f"203.0.113.{number}"}
        statuses = []
        for _round in range(times // 5):
            with_password(stranger)
            asked = [stranger.post("/second_factor", {"code": "000000"}, environ_overrides=there) for _ in range(5)]
            statuses += [answer.status_code for answer in asked]
        return statuses

    assert guess(0, 25) == [422] * 20 + [429] * 5
    owner = browse()
    with_password(owner)
    assert give(owner, code_at(phone, later)).status_code == 303
    assert [guess(number, 20) for number in range(1, 5)] == [[422] * 20] * 4
    assert guess(5, 5) == [429] * 5, "a hundred an hour, from wherever"
    owner = browse()
    with_password(owner)
    assert give(owner, codes[0]).status_code == 303


def test_a_code_that_does_not_come_in_ten_minutes_comes_too_late(browse):
    phone, _codes = set_up(browse("yu"))
    stranger = browse()
    with_password(stranger)
    with clock.at(NOW + timedelta(minutes=11)):
        assert stranger.get("/second_factor").location == "/login"
        assert give(stranger, code_at(phone, clock.now())).location == "/login"
        assert stranger.get("/").status_code == 303


@pytest.mark.parametrize("code", ["", "1", "12345", "1234567", "abcdef", "0" * 41, "\x00", "十二三四五六", "-" * 30])
def test_nonsense_is_not_a_code(browse, code):
    set_up(browse("yu"))
    stranger = browse()
    with_password(stranger)
    answer = give(stranger, code)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")


def test_wide_digits_of_an_input_method_are_digits(browse, later):
    phone, _codes = set_up(browse("yu"))
    stranger = browse()
    with_password(stranger)
    wide = code_at(phone, later).translate({ord(str(n)): chr(ord("０") + n) for n in range(10)})
    assert give(stranger, wide).status_code == 303


def test_the_cookie_of_a_half_sign_in_does_not_pass_for_a_whole_one(app, browse):
    set_up(browse("yu"))
    stranger = browse()
    with_password(stranger)
    with stranger.client.session_transaction() as session:
        session["_user_id"] = session["second_factor"]["token"]
    assert stranger.get("/").status_code == 303
    with app.app_context():
        assert len(list(db.session.scalars(select(SignIn.id).where(SignIn.awaits_code)))) == 1


def test_the_trail_tells_of_it(app, browse, world, later):
    _phone, codes = set_up(browse("yu"))
    stranger = browse()
    with_password(stranger)
    give(stranger, "000000")
    give(stranger, codes[0])
    with app.app_context():
        events = list(db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
        actions = [event.action for event in events[-5:]]
        assert actions == [
            "second_factor.added", "recovery_codes.made", "sign_in.refused", "recovery_code.used", "sign_in.began",
        ]  # fmt: skip
        assert events[-3].changes == {"user_id": [None, world.yu.id]}
        assert not list(db.session.scalars(select(SignIn.id).where(SignIn.awaits_code))), "the half one is gone"


# recovery codes


def test_a_recovery_code_stands_in_once(browse, later):
    _phone, codes = set_up(browse("yu"))
    for spelling, status in ((codes[0].upper(), 303), (codes[0], 422), (codes[1].replace("-", ""), 303)):
        stranger = browse()
        with_password(stranger)
        assert give(stranger, spelling).status_code == status
    lei = browse("lei")
    _phone, theirs = set_up(lei)
    stranger = browse()
    with_password(stranger)
    assert give(stranger, theirs[0]).status_code == 422, "they are hers"


def test_new_recovery_codes_take_the_place_of_the_old(browse, later):
    yu = browse("yu")
    phone, old = set_up(yu, NOW)
    sent = {"password": PASSWORD, "code": code_at(phone, later)}
    assert yu.post("/account/recovery_codes", sent | {"password": "wrong"}).status_code == 422
    assert yu.post("/account/recovery_codes", sent | {"code": "000000"}).status_code == 422
    answer = yu.post("/account/recovery_codes", sent)
    new = CODE.findall(answer.text)
    assert answer.status_code == 200 and len(new) == 10 and not set(new) & set(old)
    stranger = browse()
    with_password(stranger)
    assert give(stranger, old[0]).status_code == 422
    assert give(stranger, new[0]).status_code == 303


def test_it_is_turned_off_with_the_password_and_a_code(browse, world, later):
    yu = browse("yu")
    _phone, codes = set_up(yu, NOW)
    off = "/account/second_factor?_method=DELETE"
    for sent in ({}, {"password": PASSWORD}, {"code": codes[0]}, {"password": "wrong", "code": codes[0]}):
        assert yu.post(off, sent).status_code == 422
    assert world.yu.has_second_factor
    assert yu.post(off, {"password": PASSWORD, "code": codes[0]}).status_code == 303, "no code was used up by that"
    assert not world.yu.has_second_factor
    assert browse().sign_in("ops@example.com").location == "/"


# asked for by a role


@pytest.fixture
def asked(app, world):
    with app.app_context():
        world.shanlan.second_factor_roles = ["ops", "creator"]
        db.session.commit()


def test_a_role_that_asks_for_it_opens_nothing_before_it_is_set_up(browse, world, asked):
    yu = browse()
    yu.read_token(yu.get("/login"))
    assert yu.post("/login", {"email": "ops@example.com", "password": PASSWORD}).status_code == 303
    for path in ("/", "/inbox", f"/tasks/{world.script.id}", "/projects", "/account"):
        assert yu.get(path).location == "/account/second_factor", path
    answer = yu.get(f"/tasks/{world.script.id}", htmx=True)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/account/second_factor")
    page = yu.get("/account/second_factor")
    yu.read_token(page)
    assert page.status_code == 200
    assert "/projects" not in page.text and "/inbox" not in page.text
    for path in (f"/tasks/{world.script.id}/completion?_method=PUT", "/account/other_sessions?_method=DELETE"):
        assert yu.post(path).location == "/account/second_factor"
    assert yu.post("/preferences", {"language": "en"}).status_code == 303
    assert browse("lei").get("/").status_code == 200, "another role"
    set_up(yu)
    assert yu.get("/").status_code == 200


def test_whoever_must_set_it_up_may_go_away_instead(browse, asked):
    yu = browse()
    yu.read_token(yu.get("/login"))
    yu.post("/login", {"email": "ops@example.com", "password": PASSWORD})
    yu.read_token(yu.get("/account/second_factor"))
    assert yu.post("/logout").location == "/login"


def test_it_is_asked_for_from_the_next_request_on(app, browse, world):
    yu = browse("yu")
    assert yu.get("/").status_code == 200
    with app.app_context():
        world.shanlan.second_factor_roles = ["ops"]
        db.session.commit()
    assert yu.get("/").location == "/account/second_factor"


def test_a_creator_whose_role_asks_for_it_sets_it_up_too(browse, asked):
    jess = browse()
    jess.read_token(jess.get("/login"))
    jess.post("/login", {"email": "creator1@example.com", "password": PASSWORD})
    assert jess.get("/").location == "/account/second_factor"
    jess.read_token(jess.get("/account/second_factor"))
    set_up(jess)
    assert jess.get("/", follow_redirects=True).status_code == 200


# lost


def test_an_administrator_resets_what_somebody_has_lost(app, browse, world, later):
    yu, admin = browse("yu"), browse("admin")
    set_up(yu)
    with app.app_context():
        member = world.yu.membership_in(world.shanlan.id).id
        mine = world.admin.membership_in(world.shanlan.id).id
    address = f"/members/{member}/second_factor"
    assert browse("yue").delete(address).status_code == 403
    page = admin.get(f"/members/{member}/edit?lang=en").text
    assert f"{address}?_method=DELETE" in [form["action"] for form in elements(page, tag="form")]
    assert admin.delete(address).status_code == 303
    assert not world.yu.has_second_factor and yu.get("/").status_code == 303, "off, and signed out"
    with app.app_context():
        assert db.session.scalar(select(RecoveryCode.id)) is None
    assert "reset the second factor of" in admin.get("/history").text
    set_up(admin, later)
    assert admin.delete(f"/members/{mine}/second_factor").status_code == 403, "one's own goes off with a code only"


def test_who_belongs_to_another_workspace_too_is_reset_by_the_command(app, browse, world, monkeypatch):
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    with app.app_context():
        db.session.add(Membership(workspace_id=world.beiyuan.id, user_id=world.yu.id, role="ops"))
        db.session.commit()
        member = world.yu.membership_in(world.shanlan.id).id
    set_up(browse("yu"))
    admin, run = browse("admin"), app.test_cli_runner().invoke
    assert "user reset-second-factor" in admin.get(f"/members/{member}/edit?lang=en").text
    assert admin.delete(f"/members/{member}/second_factor").status_code == 403
    assert world.yu.has_second_factor
    done = run(args=["user", "reset-second-factor", world.yu.email])
    assert done.exit_code == 0 and not world.yu.has_second_factor, done.output
    again = run(args=["user", "reset-second-factor", world.yu.email])
    assert (again.exit_code, "has no second factor" in again.output) == (1, True)
