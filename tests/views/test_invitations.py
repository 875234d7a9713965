"""A mail lets somebody in: who is invited, and what the link in it opens."""

import re
from datetime import timedelta

import pytest

from linkstar import clock, jobs
from linkstar.extensions import db
from linkstar.models import Delivery, Handover, MailedLink, Membership, SignIn, User, send_reset
from tests.pages import elements
from tests.views.test_histories import said
from tests.world import NOW, PASSWORD

NEW = {
    "name": "Ann Lee",
    "language": "en",
    "timezone": "America/Chicago",
    "password": "seven lanterns over the pass",
    "again": "seven lanterns over the pass",
}


def invite(browser, addresses, role="ops", **more):
    return browser.post(
        "/invitations", {"addresses": addresses, "role": role, "language": "en", "project_id": "", **more}
    )


def invited(app, email="ann@example.com"):
    with app.app_context():
        query = db.select(MailedLink).where(MailedLink.email == email).order_by(MailedLink.id.desc())
        return db.session.scalars(query).first()


@pytest.fixture
def link(app, browse, world):
    assert invite(browse("admin"), "Ann Lee <Ann@example.com>").status_code == 303
    row = invited(app)
    with app.app_context():
        return f"/invitations/{row.token}"


def people_called(app, email):
    with app.app_context():
        return db.session.scalars(db.select(User).where(User.email == email)).one_or_none()


# inviting


def test_a_mail_with_a_link_goes_to_each_of_them(app, browse, world):
    admin = browse("admin")
    assert invite(admin, "Ann Lee <ann@example.com>\n\n bo@example.com \n").status_code == 303
    page = admin.get("/members?lang=en")
    assert "Open invitations 2" in said(page) and "Ann Lee · Operations" in said(page)
    assert "2 invited" in said(page)
    assert "ann@example.com" not in browse("yue").get("/members").text
    with app.app_context():
        jobs.deliver_due()
    mails = [path.read_text() for path in (app.config["DATA"] / "mail").glob("*.eml")]
    assert len(mails) == 2
    ann = next(mail for mail in mails if "ann@example.com" in mail)
    with app.app_context():
        assert f"https://hub.example.com/invitations/{invited(app).token}" in re.sub(r"=\r?\n", "", ann)


def test_one_faulty_line_and_nobody_is_invited(app, browse, world):
    typed = (
        "ann@example.com\nnonsense\nlegal@example.com\nBo <bo@example.com>\nANN@example.com\n@x\n"
        + "x" * 90
        + " <c@example.com>"
    )
    admin = browse("admin")
    admin.get("/?lang=en")
    answer = invite(admin, typed)
    assert answer.status_code == 422
    for line in (2, 3, 5, 6, 7):
        assert re.search(rf"Line {line}:", answer.text), line
    assert not re.search(r"Line [14]:", answer.text)
    assert "nonsense" in answer.text, "what was typed is kept"
    with app.app_context():
        assert not db.session.scalar(db.select(MailedLink.id))


@pytest.mark.parametrize(
    "wrong", [{"role": "emperor"}, {"language": "fr"}, {"project_id": "999999"}, {"addresses": ""}]
)
def test_what_is_not_offered_is_refused(app, browse, world, wrong):
    assert (
        browse("admin")
        .post("/invitations", {"addresses": "a@example.com", "role": "ops", "language": "en", **wrong})
        .status_code
        == 422
    )
    assert invited(app, "a@example.com") is None


def test_a_project_of_another_workspace_cannot_be_named(app, browse, world):
    admin = browse("admin")
    assert invite(admin, "ann@example.com", project_id=world.bike.id).status_code == 422
    assert invite(admin, "ann@example.com", "creator", project_id=world.lamp.id).status_code == 422
    assert invite(admin, "ann@example.com", project_id=world.tent.id).status_code == 303


def test_a_pmo_asks_and_others_do_not(app, browse, world):
    assert invite(browse("yue"), "ann@example.com", "creator", reason="For the tent.").status_code == 303
    assert invited(app) is None, "an administrator decides first"
    for name in ("yu", "intern", "maya"):
        assert invite(browse(name), "ann@example.com").status_code == 403
    assert invited(app) is None


# the link


def test_the_pages_behind_a_mailed_link_speak_as_the_mail_does(app, browse, world, link):
    def language(answer):
        return elements(answer.text, tag="html")[0]["lang"]

    with app.app_context():
        send_reset(world.jess.email)
        db.session.commit()
        reset = db.session.scalars(db.select(MailedLink).where(MailedLink.kind == "reset")).one().token
    chinese = {"headers": {"Accept-Language": "zh-CN"}}
    for address, form in ((link, f"{link}/acceptance"), (f"/password_resets/{reset}",) * 2):
        ann = browse()
        page = ann.get(address, **chinese)
        assert language(page) == "en"
        ann.read_token(page)
        refused = (ann.put if "reset" in form else ann.post)(form, {"password": "short"}, **chinese)
        assert (refused.status_code, language(refused)) == (422, "en")
        assert "Use at least" in refused.text or "at least 10" in refused.text
        assert language(ann.get(f"{address}?lang=zh")) == "zh-CN"


def test_somebody_new_looks_accepts_and_is_in(app, browse, world, link):
    ann = browse()
    page = ann.get(f"{link}?lang=en")
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "You are invited to Shanlan Outdoor" in said(
        page
    ) and "江宁 invites ann@example.com as: Operations." in said(page)
    ann.read_token(page)
    answer = ann.post(f"{link}/acceptance", NEW)
    assert answer.status_code == 303
    assert "Welcome to Shanlan Outdoor" in ann.get("/").text
    user = people_called(app, "ann@example.com")
    with app.app_context():
        user = db.session.get_one(User, user.id)
        assert (user.name, user.language, user.timezone, user.active) == ("Ann Lee", "en", "America/Chicago", True)
        assert [(each.workspace_id, each.role) for each in user.memberships] == [(world.shanlan.id, "ops")]
    assert browse().sign_in("ann@example.com", NEW["password"]).status_code == 303
    assert "Ann Lee" in browse("yu").get("/members").text


def test_the_invited_takes_part_in_the_project(app, browse, world):
    assert invite(browse("admin"), "ann@example.com", "intern", project_id=world.tent.id).status_code == 303
    with app.app_context():
        address = f"/invitations/{invited(app).token}"
    ann = browse()
    assert ann.post(f"{address}/acceptance", NEW).status_code == 303
    assert ann.get(f"/projects/{world.tent.id}/board").status_code == 200
    assert ann.get(f"/projects/{world.lamp.id}/board").status_code == 404


def test_looking_takes_nothing_up(app, browse, world, link):
    for _ in range(3):
        assert browse().get(link).status_code == 200
    assert people_called(app, "ann@example.com") is None
    assert not invited(app).used_at


def test_it_works_once(app, browse, world, link):
    assert browse().post(f"{link}/acceptance", NEW).status_code == 303
    for method, address in (("GET", link), ("POST", f"{link}/acceptance")):
        answer = browse().open(method, address, NEW if method == "POST" else None)
        assert answer.status_code == 404
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_of_two_who_passed_the_door_together_one_is_let_in(app, browse, world, link, monkeypatch):
    monkeypatch.setattr(MailedLink, "opens", True)
    assert browse().post(f"{link}/acceptance", NEW).status_code == 303
    with app.app_context():
        db.session.execute(db.update(User).where(User.email == "ann@example.com").values(email="moved@example.com"))
        db.session.commit()
    assert browse().post(f"{link}/acceptance", NEW).status_code == 404
    assert people_called(app, "ann@example.com") is None


def test_it_runs_out_after_seven_days(app, browse, world, link):
    stranger = browse()
    with clock.at(NOW + timedelta(days=6, hours=23)):
        assert stranger.get(link).status_code == 200
    with clock.at(NOW + timedelta(days=7, minutes=1)):
        assert stranger.get(link).status_code == 404
        assert stranger.post(f"{link}/acceptance", NEW).status_code == 404


def test_taken_back_it_opens_nothing_and_looks_like_one_that_never_was(app, browse, world, link):
    stranger, admin = browse(), browse("admin")
    row = invited(app)
    assert admin.delete(f"/invitations/{row.id}").status_code == 303
    answer, never = stranger.get(link), stranger.get(f"/invitations/{'0' * 64}")
    assert answer.status_code == never.status_code == 404
    assert said(answer) == said(never)
    assert stranger.post(f"{link}/acceptance", NEW).status_code == 404
    assert admin.delete(f"/invitations/{row.id}").status_code == 404


def test_sent_again_the_old_link_is_dead(app, browse, world, link):
    admin, row = browse("admin"), invited(app)
    assert admin.put(f"/invitations/{row.id}").status_code == 303
    stranger = browse()
    assert stranger.get(link).status_code == 404
    with app.app_context():
        newer = f"/invitations/{invited(app).token}"
    assert newer != link
    assert stranger.get(newer).status_code == 200
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count(Delivery.id)).where(Delivery.mailed_link_id.is_not(None))) == 2


def test_invitations_of_another_workspace_are_not_there(app, browse, world):
    with app.app_context():
        theirs = Membership.invite(world.beiyuan, "ann@example.com", "Ann", "ops", "en", by=world.lead).id
        db.session.commit()
    admin = browse("admin")
    assert admin.put(f"/invitations/{theirs}").status_code == 404
    assert admin.delete(f"/invitations/{theirs}").status_code == 404
    assert "ann@example.com" not in admin.get("/members").text
    with app.app_context():
        assert db.session.get_one(MailedLink, theirs).opens


def test_the_table_holds_no_secret(app, world, link):
    row = invited(app)
    token = link.rpartition("/")[2]
    columns = [str(getattr(row, column.key)) for column in MailedLink.__table__.columns]
    assert token not in columns and row.token_hash == MailedLink.digest(token)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"password": "short", "again": "short"}, {"password": "password123", "again": "password123"},
        {"again": "something else altogether"}, {"timezone": "Mars/Olympus"}, {"language": "fr"},
        {"password": "ann@example.com", "again": "ann@example.com"},
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_the_link_still_works(app, browse, world, link, wrong):
    ann = browse()
    answer = ann.post(f"{link}/acceptance", NEW | wrong)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert "seven lanterns" not in answer.text
    assert people_called(app, "ann@example.com") is None
    assert ann.post(f"{link}/acceptance", NEW).status_code == 303


# somebody who is known already


@pytest.fixture
def link_of_lead(app, world):
    """赵北 of the other company is invited to this one."""
    with app.app_context():
        row = Membership.invite(world.shanlan, "lead@other.example.com", "Zhao", "us_partner", "zh", by=world.admin)
        db.session.commit()
        return f"/invitations/{row.token}"


def test_who_has_an_account_signs_in_and_accepts(app, browse, world, link_of_lead):
    stranger = browse()
    page = stranger.get(link_of_lead)
    way = next(element["href"] for element in elements(page.text, "href") if element["href"].startswith("/login?next="))
    answer = stranger.post(way, {"email": "lead@other.example.com", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, link_of_lead)
    page = stranger.get(link_of_lead)
    stranger.read_token(page)
    assert not elements(page.text, name="password")
    assert stranger.post(f"{link_of_lead}/acceptance").status_code == 303
    with app.app_context():
        assert {each.workspace_id for each in world.lead.memberships} == {world.shanlan.id, world.beiyuan.id}


def test_an_account_is_not_taken_over_by_an_invitation(app, browse, world, link_of_lead):
    before = world.lead.password_hash
    answer = browse().post(f"{link_of_lead}/acceptance", NEW)
    assert answer.status_code == 422
    assert world.lead.password_hash == before and world.lead.name == "赵北"
    assert browse().get(link_of_lead).status_code == 200


def test_the_page_does_not_tell_whether_there_is_an_account(app, browse, world, link, link_of_lead):
    known, unknown = (browse().get(f"{address}?lang=en") for address in (link_of_lead, link))
    assert [(e["tag"], e.get("name")) for e in elements(known.text)] == [
        (e["tag"], e.get("name")) for e in elements(unknown.text)
    ]


def test_somebody_else_who_is_signed_in_is_told_so_and_refused(app, browse, world, link):
    yu = browse("yu")
    page = yu.get(f"{link}?lang=en")
    assert "You are signed in with another address" in said(page)
    assert not elements(page.text, action=f"{link}/acceptance")
    answer = yu.post(f"{link}/acceptance", NEW)
    assert answer.status_code == 403
    assert people_called(app, "ann@example.com") is None and not invited(app).used_at


def test_who_left_is_invited_again_and_comes_back(app, browse, world):
    with app.app_context():
        old = world.finance.id
        Handover(world.finance.membership_in(world.shanlan.id)).run(None, by=world.admin)
        db.session.commit()
    assert invite(browse("admin"), "finance@example.com", "finance").status_code == 303
    with app.app_context():
        address = f"/invitations/{invited(app, 'finance@example.com').token}"
    assert browse().post(f"{address}/acceptance", NEW).status_code == 303
    assert people_called(app, "finance@example.com").id == old
    again = browse()
    assert again.sign_in("finance@example.com", PASSWORD).status_code == 422
    assert again.sign_in("finance@example.com", NEW["password"]).status_code == 303
    assert again.get("/members").status_code == 200


def test_an_invitation_ends_when_the_address_leaves(app, browse, world, link):
    """Whoever was invited anew just before he was put out does not come back by that mail."""
    with app.app_context():
        Membership.invite(world.shanlan, "finance@example.com", "W", "admin", "zh", by=world.admin)
        Handover(world.finance.membership_in(world.shanlan.id)).run(None, by=world.admin)
        db.session.commit()
        open_still = [row.email for row in db.session.scalars(db.select(MailedLink)) if row.opens]
        assert open_still == ["ann@example.com"]
        assert not db.session.scalar(db.select(SignIn.id).where(SignIn.user_id == world.finance.id))
