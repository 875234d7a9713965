"""The creators' way in: a link from a mail, a button, and on a second device a code."""

import re
import time
from datetime import timedelta

import pytest

from linkstar import clock
from linkstar.channels import mail
from linkstar.extensions import db
from linkstar.jobs import deliver_due
from linkstar.models import Delivery, Handover, MailedLink, Membership, SignIn, User, invitations_to
from tests.pages import elements
from tests.world import NOW


@pytest.fixture
def link(app, world):
    """The link to the unboxing, as it stands in Jess's mail."""
    with app.app_context():
        world.unboxing.send_entry(world.jess, by=world.yu)
        db.session.commit()
        return f"/entries/{newest(world).token}"


def newest(world, kind="entry"):
    query = db.select(MailedLink).where(MailedLink.kind == kind).order_by(MailedLink.id.desc())
    return db.session.scalars(query).first()


def code_in_mail(app, world):
    with app.app_context():
        delivery = db.session.scalars(db.select(Delivery).order_by(Delivery.id.desc())).first()
        text = mail.compose(delivery).get_body(("plain",)).get_content()
    return re.search(r"\b\d{6}\b", text)[0]


def open_it(browser, link):
    page = browser.get(link)
    assert page.status_code == 200
    browser.read_token(page)
    answer = browser.post(f"{link}/openings")
    if answer.status_code == 303:
        browser.read_token(browser.get(answer.location))
    return answer


def test_looking_changes_nothing_and_the_button_lets_her_in(app, browse, world, link, count_queries):
    phone = browse()
    with count_queries() as queries:
        page = phone.get(link)
    assert not [query for query in queries if query.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert "Open as Jess Kim" in page.text
    assert elements(page.text, tag="html")[0]["lang"] == "en", "in her language, not the browser's"
    assert phone.get("/briefs").status_code == 303, "looking lets nobody in"
    answer = open_it(phone, link)
    assert (answer.status_code, answer.location) == (303, f"/briefs/{world.unboxing.id}")
    assert "Unboxing video" in phone.get("/briefs").text
    with app.app_context():
        sign_in = db.session.scalars(db.select(SignIn).order_by(SignIn.id.desc())).first()
        assert sign_in.mailed_link_id == newest(world).id
        assert sign_in.expires_at > clock.now() + timedelta(days=29)


def test_the_mail_says_who_shared_what_and_nothing_from_inside(app, world, link):
    with app.app_context():
        delivery = db.session.scalars(db.select(Delivery).order_by(Delivery.id.desc())).first()
        message = mail.compose(delivery)
        text, page = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert message["Subject"] == "Your briefs from Shanlan Outdoor"
    for body in (text, page):
        assert "林晓雨 of Shanlan Outdoor shared a brief with you." in body
        assert "Unboxing video" in body
        assert f"https://hub.example.com{link}" in body
        assert "LAMP" not in body and "露营灯" not in body


def test_the_first_device_comes_back_and_another_one_needs_the_code(app, browse, world, link):
    phone, tablet = browse(), browse()
    open_it(phone, link)
    phone.post("/logout")
    assert open_it(phone, link).location == f"/briefs/{world.unboxing.id}", "the same device may come again"
    answer = open_it(tablet, link)
    assert answer.location == f"{link}/code"
    assert tablet.get("/briefs").status_code == 303
    code = code_in_mail(app, world)
    wrong = tablet.post(f"{link}/code", {"code": f"{(int(code) + 1) % 1_000_000:06}"})
    assert wrong.status_code == 422
    assert "This is not the code." in wrong.text
    right = tablet.post(f"{link}/code", {"code": f" {code[:3]} {code[3:]} "})
    assert (right.status_code, right.location) == (303, f"/briefs/{world.unboxing.id}")
    assert tablet.get("/briefs").status_code == 200


def test_a_code_counts_for_the_browser_that_asked_for_it(app, browse, world, link):
    open_it(browse(), link)
    thief, tablet = browse(), browse()
    open_it(thief, link)
    open_it(tablet, link)
    code = code_in_mail(app, world)
    for _ in range(5):
        assert thief.post(f"{link}/code", {"code": code}).status_code == 422
    assert tablet.post(f"{link}/code", {"code": code}).status_code == 303, "nobody used up her tries"


def test_a_code_works_once(app, browse, world, link):
    open_it(browse(), link)
    tablet, twin = browse(), browse()
    open_it(tablet, link)
    cookie = tablet.client.get_cookie("linkstar")
    twin.client.set_cookie(cookie.key, cookie.value)
    twin.read_token(twin.get(f"{link}/code"))
    code = code_in_mail(app, world)
    assert tablet.post(f"{link}/code", {"code": code}).status_code == 303
    assert twin.post(f"{link}/code", {"code": code}).status_code == 422
    assert twin.get("/briefs").status_code == 303


def test_ones_own_code_does_not_open_another_creators_link(app, browse, world, link):
    open_it(browse(), link)
    with app.app_context():
        world.night_hike.send_entry(world.theo, by=world.yue)
        db.session.commit()
        his = f"/entries/{newest(world).token}"
    open_it(browse(), his)
    tablet = browse()
    open_it(tablet, link)
    answer = tablet.post(f"{his}/code", {"code": code_in_mail(app, world)})
    assert (answer.status_code, answer.location) == (303, his)
    assert tablet.get("/briefs").status_code == 303


def test_five_tries_and_ten_minutes_and_five_codes(app, browse, world, link):
    open_it(browse(), link)
    tablet = browse()
    open_it(tablet, link)
    code = code_in_mail(app, world)
    with clock.at(NOW + timedelta(minutes=11)):
        late = tablet.post(f"{link}/code", {"code": code})
    assert late.status_code == 422
    assert "run out" in late.text
    for _ in range(5):
        assert tablet.post(f"{link}/code", {"code": "x"}).status_code == 422
    assert tablet.post(f"{link}/code", {"code": code}).status_code == 422, "after five tries the right one is late"
    for _ in range(4):
        assert tablet.post(f"{link}/openings").status_code == 303
    with app.app_context():
        assert newest(world, "code").id
    assert tablet.post(f"{link}/openings").status_code == 429


def test_run_out_taken_back_and_unknown_look_the_same(app, browse, world, link):
    phone = browse()
    unknown = phone.get("/entries/" + "0" * 64)
    assert unknown.status_code == 404
    with clock.at(NOW + timedelta(days=31)):
        old = phone.get(link)
    with app.app_context():
        world.unboxing.revoke_entry(newest(world), by=world.yu)
        db.session.commit()
    back = phone.get(link)
    without_token = re.compile(r'name="csrf_token" value="[^"]+"')
    pages = {without_token.sub("", page.text.partition("<main")[2]) for page in (unknown, old, back)}
    assert len(pages) == 1
    for method, address in (("POST", "/openings"), ("GET", "/code"), ("POST", "/code")):
        assert phone.open(method, link + address).status_code == 404
    assert "发送链接" in back.text


def test_taking_a_link_back_signs_out_at_once(app, browse, world, link):
    phone = browse()
    open_it(phone, link)
    assert phone.get("/briefs").status_code == 200
    yue = browse("yue")
    page = yue.get(f"/tasks/{world.unboxing.id}").text
    address = re.search(rf"/tasks/{world.unboxing.id}/entries/\d+/revocation", page)[0]
    assert yue.post(address).status_code == 303
    assert phone.get("/briefs").status_code == 303
    assert phone.post(f"/briefs/{world.unboxing.id}/comments", {"body": "x"}).status_code == 303
    assert address not in yue.get(f"/tasks/{world.unboxing.id}").text


def test_a_link_that_she_asked_for_herself_is_taken_back_from_her_page_or_from_her_task(app, browse, world):
    anybody, admin, yu = browse(), browse("admin"), browse("yu")
    anybody.read_token(anybody.get("/entries"))
    with app.app_context():
        member = world.jess.membership_in(world.shanlan.id).id
    for browser, page, address in (
        (admin, f"/members/{member}/edit", f"/members/{member}/entries/{{}}?_method=DELETE"),
        (yu, f"/tasks/{world.unboxing.id}", f"/tasks/{world.unboxing.id}/entries/{{}}/revocation"),
    ):
        anybody.post("/entries", {"email": world.jess.email})
        with app.app_context():
            asked, token = newest(world).id, newest(world).token
        phone = browse()
        open_it(phone, f"/entries/{token}")
        assert phone.get("/briefs").status_code == 200
        path = address.format(asked)
        assert path in [form["action"] for form in elements(browser.get(page).text, tag="form")]
        assert browser.post(path).status_code == 303
        assert (phone.get("/briefs").status_code, browser.post(path).status_code) == (303, 404)
        assert path not in browser.get(page).text
    assert "took back a link of Jess Kim" in admin.get("/history?lang=en").text


def test_no_link_lets_anybody_in_who_is_more_than_a_creator(app, browse, world, link):
    phone = browse()
    open_it(phone, link)
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=world.jess, role="pmo"))
        db.session.commit()
    assert phone.get("/").location.startswith("/login"), "what a mail has opened ends where there is more to see"
    assert browse().get(link).status_code == 404


def test_whoever_left_the_brand_has_no_way_in(app, browse, world, link):
    with app.app_context():
        db.session.delete(world.jess.membership_in(world.shanlan.id))
        db.session.commit()
    assert browse().get(link).status_code == 404


def test_a_new_link_is_asked_for_by_address_and_nobody_learns_who_is_known(app, browse, world):
    took = {}
    for email in ("creator1@example.com", " CREATOR2@example.com", "nobody@example.com", "ops@example.com"):
        stranger = browse()
        began = time.monotonic()
        answer = stranger.post("/entries", {"email": email})
        took[email] = time.monotonic() - began
        assert (answer.status_code, answer.location) == (303, "/entries?sent=1")
    assert min(took.values()) >= 0.25
    with app.app_context():
        sent = set(db.session.scalars(db.select(MailedLink.email).where(MailedLink.kind == "entry")))
    assert sent == {"creator1@example.com", "creator2@example.com"}, "creators only, by mail only"
    for _ in range(2):
        browse().post("/entries", {"email": "nobody@example.com"})
    assert browse().post("/entries", {"email": "nobody@example.com"}).status_code == 429


def test_who_has_nothing_to_do_gets_no_link(app, browse, world):
    with app.app_context():
        world.unboxing.trash(by=world.yue)
        db.session.commit()
    browse().post("/entries", {"email": "creator1@example.com"})
    with app.app_context():
        assert newest(world) is None


def test_the_secret_goes_nowhere(app, browse, world, link, caplog):
    phone = browse()
    for answer in (phone.get(link), phone.post(f"{link}/openings"), phone.get("/entries/x")):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
    assert browse("yu").get("/inbox").headers["Referrer-Policy"] == "same-origin"
    token = link.rpartition("/")[2]
    app.view_functions["entries.show"] = lambda token: 1 / 0
    app.view_functions["entries.show"].public = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert phone.get(link).status_code == 500
    assert token not in caplog.text
    with app.app_context():
        assert token not in {getattr(newest(world), name) for name in ("key", "token_hash", "device_hash")}


def test_over_tls_the_button_needs_no_referrer(app, browse, link):
    phone = browse()
    page = phone.client.get(link, base_url="https://localhost")
    phone.read_token(page)
    answer = phone.client.post(
        f"{link}/openings", base_url="https://localhost", headers={"X-CSRFToken": phone.token, "Origin": "null"}
    )
    assert answer.status_code == 303


def test_without_a_token_of_the_page_the_button_does_nothing(app, browse, link):
    phone = browse()
    assert phone.client.post(f"{link}/openings").status_code == 400


# who shares with whom


def share(browser, task, **sent):
    return browser.post(f"/tasks/{task.id}/outsiders", sent, htmx=True)


def test_a_task_is_shared_with_a_creator_who_gets_one_mail(app, browse, world):
    yu = browse("yu")
    dialog = yu.get(f"/tasks/{world.script.id}/outsiders/new", htmx=True).text
    assert "Jess Kim" in dialog and "Theo Ramirez" in dialog
    assert "creator1@example.com" not in dialog, "operations do not know how to reach creators"
    answer = share(yu, world.script, user_id=world.theo.id, part="collaborator")
    assert answer.status_code == 200
    assert "Theo Ramirez" in answer.text
    assert world.script.owner_id == world.yu.id
    with app.app_context():
        due = list(db.session.scalars(db.select(Delivery).where(Delivery.state == "due")))
        assert [(each.mailed_link.user_id, each.mailed_link.task_id) for each in due] == [
            (world.theo.id, world.script.id)
        ]
    phone = browse()
    with app.app_context():
        link = f"/entries/{newest(world).token}"
    assert open_it(phone, link).location == f"/briefs/{world.script.id}"


def test_the_creator_can_be_given_the_task(app, browse, world):
    share(browse("yu"), world.script, user_id=world.jess.id, part="owner")
    assert world.script.owner_id == world.jess.id
    with app.app_context():
        due = list(db.session.scalars(db.select(Delivery).where(Delivery.state == "due")))
        assert [each.mailed_link_id is None for each in due] == [False], "one mail, with the way in"


def test_a_helper_is_taken_off_again_with_the_link(app, browse, world):
    yu = browse("yu")
    share(yu, world.script, user_id=world.theo.id, part="collaborator")
    with app.app_context():
        link = f"/entries/{newest(world).token}"
    assert yu.post(f"/tasks/{world.script.id}/outsiders/{world.theo.id}/removal", htmx=True).status_code == 200
    assert browse().get(link).status_code == 404
    assert browse("theo").get(f"/briefs/{world.script.id}").status_code == 404
    assert browse("yue").post(f"/tasks/{world.unboxing.id}/outsiders/{world.jess.id}/removal").status_code == 403


def test_only_who_edits_the_task_shares_it(app, browse, world):
    assert share(browse("jia"), world.script, user_id=world.theo.id, part="owner").status_code == 403
    assert share(browse("maya"), world.script, user_id=world.theo.id, part="owner").status_code == 403
    assert share(browse("jess"), world.unboxing, user_id=world.theo.id, part="owner").status_code == 404
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=world.jess, role="pmo"))
        db.session.commit()
    assert share(browse("jess"), world.unboxing, user_id=world.theo.id, part="owner").status_code == 404
    for person in (world.lei.id, world.lead.id, 0, "x"):
        assert share(browse("yu"), world.script, user_id=person, part="owner").status_code == 422
    assert world.script.owner_id == world.yu.id


def new_creator(**more):
    return {
        "user_id": "0", "part": "owner", "name": "Ada Li", "email": "Ada@Example.com", "language": "en",
        "timezone": "America/Chicago", **more,
    }  # fmt: skip


def test_an_administrator_lets_a_new_creator_in(app, browse, world):
    answer = share(browse("admin"), world.script, **new_creator())
    assert answer.status_code == 200
    with app.app_context():
        ada = db.session.scalars(db.select(User).where(User.email == "ada@example.com")).one()
        assert (ada.name, ada.timezone, ada.password_hash) == ("Ada Li", "America/Chicago", None)
        assert [each.role for each in ada.memberships] == ["creator"]
        link = f"/entries/{newest(world).token}"
    phone = browse()
    assert open_it(phone, link).location == f"/briefs/{world.script.id}"
    assert share(browse("yue"), world.photos, **new_creator(email="bo@example.com")).status_code == 422


def test_a_colleague_does_not_become_a_creator(app, browse, world):
    answer = share(browse("admin"), world.script, **new_creator(email="legal@example.com"))
    assert answer.status_code == 422
    assert [each.role for each in world.lei.memberships] == ["legal"]
    for wrong in ({"email": "nowhere"}, {"name": ""}, {"timezone": "Mars/Base"}, {"part": "boss"}):
        assert share(browse("admin"), world.script, **new_creator(**wrong)).status_code == 422, wrong


def test_an_address_reaches_no_account_of_another_company(app, browse, world):
    """Nobody is made a member unasked, told who it is, or made active again by somebody who knows the address."""
    with app.app_context():
        Handover(world.finance.membership_in(world.shanlan.id)).run(None, by=world.admin)
        db.session.commit()
    for email, name in (("lead@other.example.com", "赵北"), ("finance@example.com", "吴敏")):
        answer = share(browse("admin"), world.script, **new_creator(email=email))
        assert answer.status_code == 200
        assert email in answer.text and name not in answer.text
    assert not world.finance.active
    with app.app_context():
        assert world.lead.membership_in(world.shanlan.id) is None
        invited = db.session.scalars(invitations_to(world.shanlan.id)).all()
        assert {(each.email, each.role) for each in invited} == {
            ("lead@other.example.com", "creator"), ("finance@example.com", "creator"),
        }  # fmt: skip


def test_a_creator_works_for_several_brands_and_comes_back(app, browse, world):
    with app.app_context():
        ada = User(email="ada@example.com", name="Ada Wong", language="en", timezone="America/Chicago")
        db.session.add(Membership(workspace=world.beiyuan, user=ada, role="creator"))
        Handover(world.theo.membership_in(world.shanlan.id)).run(world.yue, by=world.admin)
        db.session.commit()
        assert not world.theo.active
    for email in ("ada@example.com", "creator2@example.com"):
        answer = share(browse("admin"), world.script, **new_creator(email=email, part="collaborator"))
        assert answer.status_code == 200, email
    with app.app_context():
        ada = db.session.scalar(db.select(User).where(User.email == "ada@example.com"))
        assert all(person.active and person.membership_in(world.shanlan.id) for person in (ada, world.theo))


def test_creators_stand_in_no_list_of_people_where_they_were_not_asked(browse, world):
    yue = browse("yue")
    for page in (
        f"/tasks/{world.script.id}/edit", f"/tasks/{world.script.id}/moves/new", f"/projects/{world.tent.id}/board",
        f"/projects/{world.tent.id}/members", f"/projects/{world.tent.id}/list", f"/tasks/{world.poles.id}",
        f"/projects/{world.lamp.id}/tasks/new",
    ):  # fmt: skip
        text = yue.get(page).text
        assert "Jess Kim" not in text, page
        assert "Theo Ramirez" not in text, page


def test_the_mail_arrives_where_mail_goes(app, browse, world, tmp_path):
    share(browse("yu"), world.script, user_id=world.jess.id, part="collaborator")
    with app.app_context():
        deliver_due()
    (letter,) = (tmp_path / "mail").glob("*.eml")
    assert "creator1@example.com" in letter.read_text()
