"""What the page of roles promises is kept: a workspace that takes something away, a project that narrows somebody, and
a person who is one thing here and another elsewhere."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import (
    Approval,
    BulkEdit,
    ChangeBudget,
    ChangeMany,
    DeleteTask,
    MailedLink,
    Membership,
    NotAllowed,
    Project,
    Task,
    User,
    Waiver,
)
from linkstar.models.user import SignIn
from linkstar.reports.approvals import Queue, waiting_count
from linkstar.reports.panel import Panel
from linkstar.reports.waivers import Waivers
from tests.views.test_histories import said
from tests.world import NOW, october

pytestmark = pytest.mark.one_database


@pytest.fixture
def policy(app, world):
    """policy(pmo={"approve": "none"}) is what a workspace changed on the page of roles."""

    def write(**roles):
        with app.app_context():
            world.shanlan.policy = roles
            db.session.commit()

    return write


@pytest.fixture
def narrow(app, world):
    def write(reach, *names):
        with app.app_context():
            project = db.session.get_one(Project, world.lamp.id)
            project.narrowed = {str(getattr(world, name).id): reach for name in names}
            db.session.commit()

    return write


# who decides


@pytest.mark.parametrize(
    ("own", "reach", "decides"),
    [
        ({}, None, ["sample"]),  # as it is shipped: in the projects that one belongs to
        ({"approve": "all"}, None, ["sample", "poles"]),
        ({"approve": "none"}, None, []),
        ({"approve": "all"}, "own", ["poles"]),
    ],
)
def test_the_pack_and_the_workspace_both_let_somebody_decide(session, world, own, reach, decides):
    """The vote, the queue and the badge say the same. The administrator, who has no say in the business, decides what
    the pack names."""
    world.yu.membership_in(world.shanlan.id).role = "pmo"
    asked = {
        name: Approval.ask(DeleteTask.of(getattr(world, name)), by=getattr(world, by))
        for name, by in (("sample", "intern"), ("poles", "jia"))
    }
    world.shanlan.policy = {"pmo": own}
    if reach:
        world.lamp.narrowed = {str(world.yu.id): reach}
    session.commit()
    right = [asked[name] for name in decides]
    for person, expected in ((world.yu, right), (world.admin, list(asked.values()))):
        assert [each for each in asked.values() if each.may_be_decided_by(person)] == expected
        assert [line.approval for line in Queue(person).waiting] == expected
        assert session.scalar(select(waiting_count(person))) == len(expected)
        assert all((person in each.approvers()) == (each in expected) for each in asked.values())


def test_a_request_that_one_may_not_decide_on_waits_for_somebody_else(session, world):
    """Whoever does not keep the gates takes away nothing that holds another task."""
    approval = Approval.ask(DeleteTask.of(world.fcc), by=world.yu)
    session.commit()
    for person, number in ((world.admin, 0), (world.yue, 1)):
        assert approval.may_be_decided_by(person) == bool(number)
        assert len(Queue(person).waiting) == session.scalar(select(waiting_count(person))) == number


@pytest.mark.parametrize(("own", "reach"), [({"approve": "none"}, None), ({"approve": "member"}, None), ({}, "view")])
def test_who_has_no_say_signs_no_waiver(session, world, own, reach):
    waiver = Waiver.ask(world.fcc, "急", by=world.yu, item=world.lab_report)
    session.flush()
    assert waiver.may_be_signed_by(world.lei) and Waivers(world.lei).waiting == [waiver]
    world.shanlan.policy = {"legal": own}
    world.lamp.narrowed = {str(world.lei.id): reach} if reach else {}
    session.flush()
    assert not waiver.may_be_signed_by(world.lei) and world.lei not in waiver.signers()
    assert (Waivers(world.lei).waiting, session.scalar(select(waiting_count(world.lei)))) == ([], 0)
    with pytest.raises(NotAllowed):
        waiver.vote(True, by=world.lei)


def test_whom_the_pack_does_not_name_does_not_ask_for_a_change_of_many(session, world):
    for number in range(20):
        Task.create(
            world.lamp,
            by=world.yue,
            stage=world.doing,
            owner=world.intern,
            title_zh=f"第 {number} 项",
            due_on=october(20),
        )
    session.commit()
    many = list(session.scalars(select(Task).where(Task.title_zh.startswith("第 "))))
    change = ChangeMany.of(world.lamp, BulkEdit(many, {"priority": "high"}, by=world.intern))
    with pytest.raises(NotAllowed):
        Approval.ask(change, by=world.intern)
    world.intern.membership_in(world.shanlan.id).role = "ops"
    assert Approval.ask(change, by=world.intern).state == "asked"


# budgets


def test_small_steps_do_not_raise_a_budget_by_much(session, world):
    lamp = world.lamp
    lamp.budget = Decimal(5000)
    session.commit()
    lamp.edit({"budget": Decimal(5450)}, by=world.yue)
    assert ChangeBudget.of(lamp, Decimal(5900), "USD").is_needed, "5,000 is what was agreed"
    assert not ChangeBudget.of(lamp, Decimal(5500), "USD").is_needed
    lamp.edit({"budget": Decimal(4000)}, by=world.yue)
    assert not ChangeBudget.of(lamp, Decimal(5000), "USD").is_needed, "so much was agreed before"
    Approval.ask(ChangeBudget.of(lamp, Decimal(9000), "USD"), by=world.yue).vote(True, by=world.finance)
    session.commit()
    assert lamp.budget == 9000
    lamp.edit({"budget": Decimal(9800)}, by=world.yue)
    assert not ChangeBudget.of(lamp, Decimal(9900), "USD").is_needed
    assert ChangeBudget.of(lamp, Decimal(9901), "USD").is_needed


def test_the_limit_holds_in_every_currency(session, world):
    world.lamp.budget, world.lamp.currency = Decimal(50000), "CNY"
    session.commit()
    assert not ChangeBudget.of(world.lamp, Decimal(51000), "CNY").is_needed
    assert ChangeBudget.of(world.lamp, Decimal(51001), "CNY").is_needed


# exports


def test_whose_export_is_of_own_projects_takes_those_along(browse, world, policy, narrow):
    policy(ops={"export": "member"}, pmo={"export": "member"})
    yu, yue = browse("yu"), browse("yue")
    here = f"/projects/{world.lamp.id}/history"
    assert yu.get(f"{here}?file=csv").mimetype == "text/csv"
    assert "file=csv" in yu.get(here).text
    assert yue.get("/history?file=csv").status_code == 403, "that is all projects"
    narrow("view", "yu")
    assert yu.get(f"{here}?file=csv").status_code == 403
    assert "file=csv" not in yu.get(here).text
    policy(ops={"export": "all"})
    assert yu.get(f"{here}?file=csv").status_code == 403


# what is masked


def test_an_administrator_without_contacts_comes_upon_none(app, browse, world, policy):
    with app.app_context():
        member = world.jess.membership_in(world.shanlan.id)
        member.contact = "WeChat jess_kim"
        Membership.invite(world.shanlan, "new-face@example.com", "New Face", "creator", "en", by=world.yue)
        db.session.commit()
        address = f"/members/{member.id}"
    admin, here = browse("admin"), f"/personal-data/{world.jess.id}"
    secret = ("jess_kim", "creator1@example.com", "new-face@example.com")
    pages = ("/members", f"{address}/edit", here, "/personal-data")
    assert {word for page in pages for word in secret if word in admin.get(page).text} == set(secret)
    policy(admin={"see_creator_contacts": "none"})
    assert not [(page, word) for page in pages for word in secret if word in admin.get(page).text]
    assert admin.put(address, {"contact": "mine"}).status_code == 403
    assert admin.get(f"{address}/edit").status_code == 403
    assert admin.post(here).status_code == 403, "the archive holds it"
    assert admin.get(here).status_code == 200, "but who keeps the workspace may still forget her"
    assert admin.delete(here, {"name": "x"}).status_code == 422
    assert "creator1@example.com" not in admin.delete(here, {"name": "x"}).text
    assert admin.post(f"/personal-data/{world.yu.id}").status_code == 200


def test_personal_data_of_others_are_for_who_sees_the_whole_workspace(browse, world, policy):
    policy(ops={"admin": "all"})
    yu = browse("yu")
    assert [yu.get(f"/personal-data{rest}").status_code for rest in ("", f"/{world.jia.id}")] == [403, 403]
    assert yu.post(f"/personal-data/{world.jia.id}").status_code == 403
    assert yu.get(f"/personal-data/{world.yu.id}").status_code == 200
    policy(ops={"admin": "all", "view": "all"})
    assert yu.get(f"/personal-data/{world.jia.id}").status_code == 200


def test_who_only_asks_does_not_learn_which_creator_is_known(app, browse, world, policy):
    policy(pmo={"see_creator_contacts": "none"})
    yue = browse("yue")
    form = {"role": "creator", "language": "en", "reason": "x"}
    for address in ("creator2@example.com", "nobody@example.com"):
        answer = yue.post("/invitations", form | {"addresses": address})
        assert (answer.status_code, answer.location) == (303, "/members")
    assert browse("admin").post("/invitations", form | {"addresses": "creator2@example.com"}).status_code == 422
    with app.app_context():
        requests = db.session.scalars(select(Approval).where(Approval.operation == "role_change"))
        assert [each.arguments["guests"] for each in requests] == [
            [["creator2@example.com", "creator2"]],
            [["nobody@example.com", "nobody"]],
        ]


# one person, two workspaces


@pytest.fixture
def elsewhere(app, world):
    """Jess and Maya, outsiders here, are at work inside in another workspace."""
    with app.app_context():
        for name in ("jess", "maya"):
            db.session.add(Membership(workspace=world.beiyuan, user=getattr(world, name), role="ops"))
        db.session.commit()


def test_an_outsider_here_is_one_whatever_he_is_elsewhere(browse, world, elsewhere):
    maya = browse("maya")
    assert maya.get(f"/projects/{world.lamp.id}/members").status_code == 403
    board = maya.get(f"/projects/{world.lamp.id}/board")
    assert board.status_code == 200 and f"/projects/{world.lamp.id}/members" not in board.text


def test_a_creator_here_is_left_out_of_nothing_that_goes_outside(browse, world, elsewhere):
    page = browse("yu").get(f"/tasks/{world.unboxing.id}?lang=en").text
    assert "Send to" in page and "Jess Kim" in page.partition("to-outside")[2]
    assert 'data-name="Jess Kim" data-outside' in page
    assert "Jess Kim (external)" in page


def test_a_creator_here_has_the_brief_and_no_other_page_of_the_task(browse, world, elsewhere):
    jess, here = browse("jess"), f"/tasks/{world.unboxing.id}"
    answer = jess.get(here)
    assert (answer.status_code, answer.location) == (303, f"/briefs/{world.unboxing.id}")
    assert jess.get(answer.location).status_code == 200
    for page in ("/edit", "/moves/new", "/history", "/dates/edit"):
        assert jess.get(here + page).status_code == 404, page
    assert jess.post(here, {"title_zh": "x"}).status_code == 404
    assert jess.post(f"{here}/comments", {"body": "x"}).status_code == 404
    refused = jess.post(f"{here}/attachments", {"file": ""})
    assert (refused.status_code, refused.location) == (303, f"/briefs/{world.unboxing.id}")
    assert jess.get(f"/tasks/{world.fcc.id}").status_code == 404
    assert jess.get("/").status_code == 200


def test_the_page_that_one_claims_to_look_at_shows_nothing_new(browse, world):
    """A creator learns no name of a stage or a phase of the board by saying that it is on the screen."""
    jess = browse("jess")
    for page in ("board", "board?group=phase", "plan"):
        answer = jess.post(
            f"/briefs/{world.unboxing.id}/comments", {"body": "on it"}, current_url=f"/projects/{world.lamp.id}/{page}"
        )
        told = answer.text + str(answer.headers)
        assert "待审核" not in told and "广告测试" not in told and "/plan" not in told, page
        answer = jess.post(
            f"/tasks/{world.unboxing.id}/attachments", {}, current_url=f"/projects/{world.lamp.id}/{page}"
        )
        assert "data-stage-id" not in answer.text


def test_who_decides_elsewhere_reaches_the_queue_from_everywhere(app, browse, world):
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=world.yue, role="us_partner"))
        db.session.commit()
    yue = browse("yue")
    yue.post("/preferences", {"workspace_id": world.beiyuan.id})
    assert yue.get("/approvals").status_code == 200
    assert 'href="/approvals"' in yue.get("/").text
    assert browse("maya").get("/approvals").status_code == 403


# who reads


def test_only_who_sees_the_task_is_offered_for_a_mention(app, browse, session, world, policy):
    world.shanlan.policy = {"ads": {"view": "own"}}
    world.lei.membership_in(world.shanlan.id).role = "media"  # no longer sees every project, and watches
    world.script.add_participant(world.lei, "watcher", by=world.yu)
    session.flush()
    assert world.jia not in world.script.readers() and world.jia in world.budget.readers()
    assert world.lei not in world.script.readers()
    assert world.jia in world.lamp.people(), "a task can still be given to her"
    assert {world.yue, world.maya} <= set(world.script.readers())
    assert world.jess in world.unboxing.readers()
    assert [person.id for person in Panel(world.unboxing, world.yu).outsiders] == [world.maya.id, world.jess.id]


# the poll of an open board


def test_the_poll_sees_what_the_page_sees(app, browse, session, world):
    """For everybody, as the policy says, and as it was changed, and without the second factor that is asked for."""

    def agree():
        session.expire_all()
        for person in session.scalars(select(User)):
            token = SignIn.begin(person, device="", remember=False)
            session.commit()
            for project in (world.lamp, world.tent, world.bike):
                polled = Project.revision_seen_with(token, project.id)
                user = SignIn.user_of(token)
                seen = user and not user.lacks_second_factor and not user.only_creates and project.known_to(user)
                assert polled == (project.revision if seen else None), (person.name, project.key)

    agree()
    world.shanlan.policy = {"ops": {"view": "own"}, "ads": {"view": "all"}}
    session.commit()
    agree()
    world.shanlan.second_factor_roles = ["ads", "ops"]
    world.beiyuan.second_factor_roles = ["us_partner"]
    session.add(Membership(workspace=world.beiyuan, user=world.designer, role="us_partner"))
    session.commit()
    agree()
    link = MailedLink.send(
        "entry", user=world.designer, email="x@example.com", name="x", language="en", workspace_id=world.shanlan.id,
        sent_by=world.yue,
    )  # fmt: skip
    session.flush()
    world.shanlan.policy, world.shanlan.second_factor_roles, world.beiyuan.second_factor_roles = {}, [], []
    token = SignIn.begin(world.designer, device="", remember=False, mailed_link_id=link.id)
    session.commit()
    assert SignIn.user_of(token) is None
    assert Project.revision_seen_with(token, world.lamp.id) is None


def test_a_board_that_was_laid_unused_is_polled_no_longer(browse, world):
    yu = browse("yu")
    address = f"/projects/{world.lamp.id}/changes?since={world.lamp.revision}"
    assert yu.get(address).status_code == 204
    with clock.at(NOW + timedelta(hours=5)):
        assert yu.get(f"/projects/{world.lamp.id}/board").status_code == 303
        assert yu.get(address).status_code == 303


def test_the_page_of_roles_says_what_is_kept(browse, world):
    page = said(browse("yu").get("/roles?lang=en"))
    assert "decides only what the list below names" in page
    assert "photos" in page.lower() and "External downloads are watermarked" not in page
