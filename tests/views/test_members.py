"""Who is in the workspace: the list, another role, and how somebody leaves."""

from datetime import timedelta

import pytest

from linkstar.extensions import db
from linkstar.models import (
    ApiToken,
    Approval,
    AuditEvent,
    Departure,
    Handover,
    MailedLink,
    Membership,
    Participant,
    Project,
    ProjectMember,
    SignIn,
    Task,
    Template,
    User,
)
from tests.pages import elements
from tests.views.test_histories import said
from tests.world import NOW, october

CONTACT = "WeChat jess_kim, Portland 97201"


def member_id(world, name, workspace="shanlan"):
    user, place = getattr(world, name), getattr(world, workspace)
    query = db.select(Membership.id).where(Membership.user_id == user.id, Membership.workspace_id == place.id)
    return db.session.scalar(query)


@pytest.fixture
def ids(app, world):
    """A person's name → the id of the membership."""
    with app.app_context():
        found = {
            name: member_id(world, name) for name in ("yu", "yue", "lei", "admin", "intern", "jess", "jia", "maya")
        }
        world.jess.membership_in(world.shanlan.id).contact = CONTACT
        db.session.commit()
        return found | {"lead": member_id(world, "lead", "beiyuan")}


# the list


def test_the_members_stand_there_with_role_and_seats(browse, world):
    page = browse("yu").get("/members?lang=en")
    words = said(page)
    assert "林晓雨 Operations" in words.replace("  ", " ")
    assert "Internal seats 8" in words and "External seats 2" in words and "Read-only seats 1" in words
    assert "lead@other.example.com" not in page.text
    assert 'href="/members"' in browse("yu").get("/workspace").text
    assert 'href="/members"' not in browse("yu").get("/").text


def test_a_creators_address_and_contact_are_nowhere_for_who_may_not_know_them(browse, world, ids):
    for name in ("yu", "intern", "finance"):
        page = browse(name).get("/members").text
        assert "Jess Kim" in page
        assert "creator1@example.com" not in page and CONTACT not in page
        assert "legal@example.com" in page, "that of a colleague is no secret"
    page = browse("admin").get("/members").text
    assert "creator1@example.com" in page and CONTACT in page


def test_who_sees_contacts_in_own_projects_sees_those_of_creators_who_work_there(app, browse, world, ids):
    page = browse("yue").get("/members").text
    assert "creator1@example.com" in page and CONTACT in page
    lei = browse("lei")
    assert CONTACT not in lei.get("/members").text, "she takes part in no project"
    with app.app_context():
        world.tent.add_member(world.lei, by=world.yue)
        db.session.commit()
    assert CONTACT not in lei.get("/members").text, "nobody works for that project as a creator"
    with app.app_context():
        world.lamp.add_member(world.lei, by=world.yue)
        db.session.commit()
    assert CONTACT in lei.get("/members").text
    with app.app_context():
        world.lamp.narrow(world.lei, "view", by=world.yue)
        db.session.commit()
    assert CONTACT not in lei.get("/members").text


def test_outsiders_do_not_see_who_there_is(browse, world, ids):
    assert browse("maya").get("/members").status_code == 403
    assert browse("jess").get("/members").status_code in (403, 404)


def test_the_administrator_writes_a_contact_and_the_trail_does_not_repeat_it(app, browse, world, ids):
    address = f"/members/{ids['jess']}"
    admin = browse("admin")
    assert admin.get(f"{address}/edit").status_code == 200
    assert admin.put(address, {"contact": "Signal 555-0100"}).status_code == 303
    assert "Signal 555-0100" in admin.get("/members").text
    assert browse("yu").put(address, {"contact": "x"}).status_code == 403
    with app.app_context():
        told = db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "member.edited")).one()
        assert "555" not in str(told.changes)


def test_people_of_another_workspace_are_not_there(app, browse, world, ids):
    admin = browse("admin")
    theirs = f"/members/{ids['lead']}"
    for method, address in (
        ("GET", f"{theirs}/edit"), ("PUT", theirs), ("GET", f"{theirs}/role"), ("PUT", f"{theirs}/role"),
        ("GET", f"{theirs}/departure/new"), ("POST", f"{theirs}/departure"),
    ):  # fmt: skip
        assert (
            admin.open(method, address, {"contact": "x", "role": "intern"} if method != "GET" else None).status_code
            == 404
        )
    assert "lead@other.example.com" not in admin.get("/members").text


# another role


def change_role(browser, member, role, **more):
    page = browser.get(f"/members/{member}/role", {"role": role})
    form = {element["name"]: element.get("value", "") for element in elements(page.text, "name", type="hidden")}
    return browser.put(f"/members/{member}/role", {**form, **more})


def test_another_role_shows_first_what_is_gained_and_lost(browse, world, ids):
    page = browse("admin").get(f"/members/{ids['lei']}/role", {"role": "intern", "lang": "en"})
    gained, _, lost = said(page).partition("Lost")
    assert "Gained nothing" in gained
    for words in (
        "See Everything → Own projects",
        "Approve Everything → Not at all",
        "See suppliers Own projects → Not at all",
    ):
        assert words in lost
    assert "Projects that the person sees 2 → 0" in lost
    assert "1 open task · 0 projects" in lost
    page = browse("admin").get(f"/members/{ids['intern']}/role", {"role": "admin", "lang": "en"})
    assert "Manage people and roles Not at all → Everything" in said(page).partition("Lost")[0]


def test_nothing_changes_before_it_was_shown(app, browse, world, ids):
    answer = browse("admin").put(f"/members/{ids['lei']}/role", {"role": "intern"})
    assert answer.status_code == 422
    assert elements(answer.text, name="confirmed", value="intern")
    with app.app_context():
        assert world.lei.membership_in(world.shanlan.id).role == "legal"


def test_a_new_role_holds_at_the_next_request_and_keeps_what_is_owned(app, browse, world, ids):
    lei = browse("lei")
    assert lei.get(f"/tasks/{world.poles.id}").status_code == 200
    assert change_role(browse("admin"), ids["lei"], "intern").status_code == 303
    assert lei.get(f"/tasks/{world.poles.id}").status_code == 404
    assert lei.get(f"/tasks/{world.fcc.id}").status_code == 200, "her own task stays hers"
    assert world.fcc.owner_id == world.lei.id


def test_a_role_that_was_changed_meanwhile_is_a_conflict(app, browse, world, ids):
    admin = browse("admin")
    page = admin.get(f"/members/{ids['lei']}/role", {"role": "intern"})
    form = {element["name"]: element.get("value", "") for element in elements(page.text, "name", type="hidden")}
    with app.app_context():
        world.lei.membership_in(world.shanlan.id).change_role("finance", by=world.admin)
        db.session.commit()
    answer = admin.put(f"/members/{ids['lei']}/role", form)
    assert answer.status_code == 409
    assert elements(answer.text, name="seen", value="finance")


def test_the_last_administrator_stays_one(app, browse, world, ids):
    admin = browse("admin")
    answer = change_role(admin, ids["admin"], "pmo")
    assert answer.status_code == 422
    assert "administrator" in admin.get("/members?lang=en").text.lower()
    assert admin.post(f"/members/{ids['admin']}/departure", {"successor_id": world.yue.id}).status_code == 422
    assert change_role(admin, ids["yue"], "admin").status_code == 303
    assert change_role(admin, ids["admin"], "pmo").status_code == 303
    assert admin.get(f"/members/{ids['yu']}/departure/new").status_code == 403, "and is none at once"


def test_who_becomes_a_creator_takes_part_in_no_project_any_more(app, browse, world, ids):
    with app.app_context():
        world.poles.edit({"owner_id": world.yue.id}, by=world.yue)
        world.budget.move_to(by=world.yue, to={"stage": world.done})
        db.session.commit()
    assert change_role(browse("admin"), ids["jia"], "creator").status_code == 303
    with app.app_context():
        assert world.jia not in world.lamp.people() and world.jia not in world.tent.people()
        assert world.budget.owner_id == world.jia.id
        assert world.jia not in [each for each in world.lamp.people_for(world.yu)]


def test_who_was_a_creator_is_not_signed_in_by_a_mail_any_more(app, browse, world, ids):
    with app.app_context():
        link = MailedLink.send(
            "entry", email="creator1@example.com", name="Jess", language="en", workspace_id=world.shanlan.id,
            user_id=world.jess.id, task_id=world.unboxing.id,
        )  # fmt: skip
        db.session.commit()
        link_id = link.id
    assert change_role(browse("admin"), ids["jess"], "ops").status_code == 303
    with app.app_context():
        assert not db.session.get_one(MailedLink, link_id).opens


def test_a_pmo_asks_and_does_not_change_a_role(app, browse, world, ids):
    yue = browse("yue")
    answer = change_role(yue, ids["intern"], "ops", reason="She runs the listings now.")
    assert answer.status_code == 303
    with app.app_context():
        assert world.intern.membership_in(world.shanlan.id).role == "intern"
        asked = db.session.scalars(db.select(Approval)).one()
        assert (asked.operation, asked.state, asked.asked_by_id) == ("role_change", "asked", world.yue.id)
        asked.vote(True, by=world.admin)
        asked.run() if asked.state == "agreed" else None
        db.session.commit()
    assert world.intern.memberships[0].role == "ops"


# leaving


@pytest.fixture
def busy_yu(app, world):
    """林晓雨 owns fourteen open tasks, a project and a template; she helps with one task and has a key."""
    with app.app_context():
        for number in range(12):
            Task.create(world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, title_zh=f"第{number}件")
        done = Task.create(
            world.lamp, by=world.yue, stage=world.done, owner=world.yu, title_zh="做完的", due_on=october(9)
        )
        world.photos.add_participant(world.yu, "collaborator", by=world.yue)
        _row, token = ApiToken.create(
            world.yu, world.shanlan.id, "script", ["work:read"], NOW + timedelta(days=9), by=world.yu
        )
        template = Template(workspace_id=world.shanlan.id, key="own", owner=world.yu, name_zh="模板", name_en="Own")
        db.session.add(template)
        own = Project.create(by=world.yu, workspace_id=world.shanlan.id, code="US-X-1", key="OWN", name_zh="她的")
        link = MailedLink.send("reset", email=world.yu.email, name="Yu", language="zh", user_id=world.yu.id)
        db.session.commit()
        return {"done": done.id, "token": token, "template": template.id, "project": own.id, "link": link.id}


def test_fourteen_open_tasks_need_a_successor(app, browse, world, ids, busy_yu):
    admin = browse("admin")
    address = f"/members/{ids['yu']}/departure"
    page = admin.get(f"{address}/new?lang=en")
    assert "Open tasks 14" in said(page) and "Projects 1" in said(page) and "Templates 1" in said(page)
    for nobody in ("", "99999", "x"):
        assert admin.post(address, {"successor_id": nobody}).status_code == 422
    offered = {int(option["value"]) for option in elements(page.text, tag="option") if option.get("value")}
    assert offered == {world.yue.id, world.lei.id, world.admin.id, world.finance.id}
    for wrong in (world.maya, world.jess, world.intern, world.lead, world.yu):
        assert admin.post(address, {"successor_id": wrong.id}).status_code == 422
    with app.app_context():
        assert world.yu.membership_in(world.shanlan.id)
        assert not db.session.scalar(db.select(Departure.id))


def test_a_departure_hands_everything_over_and_ends_everything(app, browse, world, ids, busy_yu):
    yu, phone = browse("yu"), browse("yu")
    with app.app_context():
        assert ApiToken.bearing(busy_yu["token"]).user_id == world.yu.id
    answer = browse("admin").post(f"/members/{ids['yu']}/departure", {"successor_id": world.yue.id})
    assert answer.status_code == 303
    for browser in (yu, phone):
        assert browser.get("/").status_code == 303, "signed out at the next request"
    with app.app_context():
        user = world.yu
        assert user.memberships == [] and not user.active
        here = db.select(db.func.count(Task.id)).where(Task.completed_at.is_(None))
        assert db.session.scalar(here.where(Task.owner_id == user.id)) == 0
        assert db.session.scalar(here.where(Task.owner_id == world.yue.id)) == 14
        assert db.session.get_one(Task, busy_yu["done"]).owner_id == user.id, "what is done stays who did it"
        assert db.session.get_one(Project, busy_yu["project"]).owner_id == world.yue.id
        assert db.session.get_one(Template, busy_yu["template"]).owner_id == world.yue.id
        for model in (SignIn, ApiToken, ProjectMember, Participant):
            assert db.session.scalar(db.select(db.func.count()).where(model.user_id == user.id)) == 0, model
        assert ApiToken.bearing(busy_yu["token"]) is None
        assert not db.session.get_one(MailedLink, busy_yu["link"]).opens
        departure = db.session.scalars(db.select(Departure)).one()
        assert (departure.user_id, departure.successor_id, departure.role) == (user.id, world.yue.id, "ops")
        edits = list(db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "task.edited")))
        handed = [event for event in edits if event.changes.get("owner_id") == [user.id, world.yue.id]]
        assert len(handed) == 14 and len({event.change for event in handed}) == 1
        assert user not in world.lamp.people()
        assert user not in db.session.get_one(Task, busy_yu["done"]).readers(), "nobody calls who is not there"
    assert browse().post("/login", {"email": "ops@example.com", "password": "from-the-first-sample"}).status_code == 422


def test_no_outsider_takes_over_a_template(app, browse, world, ids):
    with app.app_context():
        template = Template(
            workspace_id=world.shanlan.id, key="own", owner=world.finance, name_zh="模板", name_en="Own"
        )
        db.session.add(template)
        db.session.commit()
        address, template_id = f"/members/{member_id(world, 'finance')}/departure", template.id
    admin = browse("admin")
    assert admin.post(address, {"successor_id": world.maya.id}).status_code == 422
    assert admin.post(address, {"successor_id": world.yu.id}).status_code == 303
    with app.app_context():
        assert db.session.get_one(Template, template_id).owner_id == world.yu.id


def test_somebody_who_stays_elsewhere_keeps_that(app, browse, world, ids):
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=world.intern, role="intern"))
        _row, kept = ApiToken.create(
            world.intern, world.beiyuan.id, "script", ["work:read"], NOW + timedelta(days=9), by=world.intern
        )
        db.session.commit()
    intern = browse("intern")
    answer = browse("admin").post(f"/members/{ids['intern']}/departure", {"successor_id": world.yue.id})
    assert answer.status_code == 303
    assert intern.get("/").status_code == 303
    with app.app_context():
        assert world.intern.active
        assert ApiToken.bearing(kept)
    again = browse("intern")
    assert again.get(f"/tasks/{world.packing.id}").status_code == 404


def test_who_owns_nothing_leaves_without_a_successor(app, browse, world, ids):
    finance = browse("finance")
    with app.app_context():
        finance_id = member_id(world, "finance")
    assert browse("admin").post(f"/members/{finance_id}/departure", {"successor_id": ""}).status_code == 303
    assert finance.get("/").status_code == 303


def test_only_the_administrator_takes_people_out(browse, world, ids):
    for name in ("yue", "yu", "lei"):
        assert browse(name).get(f"/members/{ids['intern']}/departure/new").status_code == 403
        assert (
            browse(name).post(f"/members/{ids['intern']}/departure", {"successor_id": world.yue.id}).status_code == 403
        )


# how far somebody reaches in a project


def test_a_narrowed_pmo_neither_edits_nor_deletes(app, browse, world):
    with app.app_context():
        other = User(name="郑航", email="pmo2@example.com", password_hash=world.yue.password_hash)
        db.session.add(Membership(workspace=world.shanlan, user=other, role="pmo"))
        db.session.flush()
        world.lamp.add_member(other, by=world.yue)
        db.session.commit()
        other_id = other.id
    second = browse()
    assert second.sign_in("pmo2@example.com").status_code == 303
    assert second.get(f"/tasks/{world.packing.id}/edit").status_code == 200
    people = f"/projects/{world.lamp.id}/members"
    yue = browse("yue")
    assert yue.put(f"{people}/{other_id}", {"reach": "view"}).status_code == 303
    assert "Read only" in said(yue.get(f"{people}?lang=en"))
    task, project = f"/tasks/{world.packing.id}", f"/projects/{world.lamp.id}"
    page = second.get(task)
    assert page.status_code == 200
    assert "composer-" not in page.text
    assert second.post(f"{task}/comments", {"body": "看到了"}).status_code == 403, "reading is not speaking"
    for view in ("list", "table"):
        assert not elements(second.get(f"{project}/{view}").text, name="task_id")
        assert elements(yue.get(f"{project}/{view}").text, name="task_id")
    assert second.post(f"{project}/bulk-edits", {"task_id": world.packing.id}).status_code == 403
    assert second.get(f"{task}/edit").status_code == 403
    assert second.post(task, {"title_zh": "x"}).status_code == 403
    assert second.post(f"{task}/trashing").status_code == 403
    assert second.put(f"{people}/{other_id}", {"reach": "role"}).status_code == 403, "nor widens himself"
    assert second.get(f"/tasks/{world.poles.id}/edit").status_code == 200, "elsewhere nothing changed"
    assert yue.put(f"{people}/{other_id}", {"reach": "own"}).status_code == 303
    with app.app_context():
        world.packing.edit({"owner_id": other_id}, by=world.yue)
        db.session.commit()
    assert second.get(f"{task}/edit").status_code == 200
    assert second.get(f"/tasks/{world.script.id}/edit").status_code == 403
    assert yue.put(f"{people}/{other_id}", {"reach": "role"}).status_code == 303
    assert second.get(f"/tasks/{world.script.id}/edit").status_code == 200


def test_owners_and_administrators_are_never_narrowed(app, browse, world):
    with app.app_context():
        world.lamp.add_member(world.admin, by=world.yue)
        world.lamp.narrowed = {str(world.yue.id): "view", str(world.admin.id): "view"}
        db.session.commit()
    yue = browse("yue")
    for name in ("yue", "admin"):
        person = getattr(world, name)
        assert yue.put(f"/projects/{world.lamp.id}/members/{person.id}", {"reach": "view"}).status_code == 422
        assert browse(name).get(f"/tasks/{world.packing.id}/edit").status_code == 200
    assert yue.put(f"/projects/{world.lamp.id}/members/{world.yu.id}", {"reach": "everything"}).status_code == 422
    assert yue.put(f"/projects/{world.lamp.id}/members/{world.lead.id}", {"reach": "view"}).status_code == 404


def test_outsiders_are_in_no_picker_of_a_project_that_is_not_theirs(app, browse, world):
    jia = browse("jia")
    page = jia.get(f"/tasks/{world.poles.id}/edit").text
    assert "Maya Brooks" not in page and "Jess Kim" not in page
    with app.app_context():
        assert not [person for person in world.tent.people() if person.external]


@pytest.mark.one_database
@pytest.mark.parametrize("way", ["leaves", "loses the role"])
def test_an_administrators_invitations_end_with_the_administrator(app, browse, world, way):
    with app.app_context():
        world.yue.membership_in(world.shanlan.id).role = "admin"
        mine = Membership.invite(world.shanlan, "me@private.example", "Me", "admin", "zh", by=world.admin)
        other = Membership.invite(world.shanlan, "new@example.com", "New", "ops", "zh", by=world.yue)
        db.session.commit()
        membership = world.admin.membership_in(world.shanlan.id)
        if way == "leaves":
            Handover(membership).run(world.yue, by=world.yue)
        else:
            membership.change_role("intern", by=world.yue)
        db.session.commit()
        assert (bool(mine.revoked_at), bool(other.revoked_at)) == (True, False)
        told = db.select(AuditEvent.changes).where(AuditEvent.action == "invitation.revoked")
        assert db.session.scalars(told).all() == [{"invitation_id": [mine.id, None]}]


@pytest.mark.one_database
def test_who_owns_projects_or_tasks_becomes_no_creator(app, browse, world, ids):
    for name in ("yue", "yu"):
        page = browse("admin").put(
            f"/members/{ids[name]}/role?lang=en",
            {"role": "creator", "confirmed": "creator", "seen": getattr(world, name).memberships[0].role},
        )
        assert page.status_code == 422
        assert "hands over projects and open tasks first" in said(page)
    with app.app_context():
        assert {world.yue.memberships[0].role, world.yu.memberships[0].role} == {"pmo", "ops"}


@pytest.mark.one_database
def test_to_leave_a_project_and_to_come_back_widens_nobody(app, browse, world):
    """Neither who takes part, nor who sees every project by the role."""
    yu = browse("yu")
    with app.app_context():
        lamp = db.session.get_one(Project, world.lamp.id)
        lamp.add_member(world.finance, by=world.yue)
        for name in ("designer", "finance"):
            lamp.narrow(getattr(world, name), "view", by=world.yue)
        db.session.commit()
    for name in ("designer", "finance"):
        person = getattr(world, name)
        assert yu.post(f"/projects/{world.lamp.id}/members/{person.id}/removal").status_code == 303
        with app.app_context():
            assert world.lamp.reach(person) == "view"
        page = yu.get(f"/projects/{world.lamp.id}/members?lang=en")
        assert "Only reads" in said(page).partition(person.name)[2] or "view" in page.text
        assert yu.post(f"/projects/{world.lamp.id}/members", {"user_id": person.id}).status_code == 303
        with app.app_context():
            assert world.lamp.reach(person) == "view"
