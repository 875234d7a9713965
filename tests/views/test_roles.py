"""The page of roles: what it shows is what the server does, and a change of it holds at once."""

import pytest

from linkstar.extensions import db
from linkstar.models import PERMISSIONS, ROLES, AuditEvent, Membership, Workspace
from linkstar.models.role import choices
from tests.pages import elements
from tests.views.test_histories import said

pytestmark = pytest.mark.one_database


def cells(html):
    """(role, permission) → scope, as the page shows them."""
    found, role = {}, None
    for element in elements(html):
        role = element.get("data-role", role)
        if "data-permission" in element and "data-scope" in element:
            found[role, element["data-permission"]] = element["data-scope"]
    return found


def change(browser, **scopes):
    """Chooses (role__permission=scope), looks at the summary, and confirms it."""
    typed = {name.replace("__", "-"): scope for name, scope in scopes.items()}
    page = browser.get("/roles/edit")
    typed["seen"] = elements(page.text, name="seen")[0]["value"]
    shown = browser.put("/roles", typed)
    assert shown.status_code == 422, "first it is shown"
    typed["confirmed"] = elements(shown.text, name="confirmed")[0]["value"]
    return shown, browser.put("/roles", typed)


def test_the_page_shows_every_role_and_permission_as_the_server_has_it(app, browse, world):
    with app.app_context():
        world.shanlan.policy = {"intern": {"delete": "own"}, "ads": {"see_budget": "none"}}
        db.session.commit()
    shown = cells(browse("intern").get("/roles").text)
    assert set(shown) == {(role, each) for role in ROLES for each in PERMISSIONS}
    with app.app_context():
        workspace = db.session.get_one(Workspace, world.shanlan.id)
        assert all(scope == workspace.scope(role, each) for (role, each), scope in shown.items())
    assert (shown["intern", "delete"], shown["ads", "see_budget"], shown["ads", "export"]) == (
        "own",
        "none",
        "approval",
    )
    assert cells(browse("lead").get("/roles").text)["intern", "delete"] == "none", "another company, another table"


def test_the_page_says_what_the_words_mean_and_what_needs_approval(browse):
    words = said(browse("yu").get("/roles?lang=en"))
    assert "only tasks that the person owns or added" in words
    asked = "Delete project Asked by: PMO, Content lead, Operations"
    assert f"{asked} 1 approval by: Administrator can be stopped for 24 hours" in words
    assert "Creators never see each other" in words


def test_only_an_administrator_changes_it_and_no_outsider_reads_it(browse):
    assert browse("yue").get("/roles").status_code == 200
    for name in ("yue", "yu", "lei"):
        assert browse(name).get("/roles/edit").status_code == 403
        assert browse(name).put("/roles", {"seen": "x"}).status_code == 403
    assert browse("maya").get("/roles").status_code == 403


def test_an_open_session_loses_and_gains_at_the_next_request(app, browse, world):
    admin, intern, lei = browse("admin"), browse("intern"), browse("lei")
    task = f"/tasks/{world.packing.id}/trashing"
    intern.post(task)
    assert not world.packing.trashed_at, "an intern at most asks for it"
    assert lei.get(f"/tasks/{world.poles.id}").status_code == 200
    _shown, done = change(admin, intern__delete="own", legal__view="member")
    assert done.status_code == 303
    assert intern.post(task).status_code == 303
    assert world.packing.trashed_at
    assert intern.post(f"/tasks/{world.script.id}/trashing").status_code == 403, "not what is another's"
    assert lei.get(f"/tasks/{world.poles.id}").status_code == 404


def test_who_saw_everything_is_left_with_own_projects(app, browse, world):
    jia = browse("jia")
    with app.app_context():
        world.shanlan.policy = {"ads": {"view": "all"}}
        world.tent.remove_member(world.tent.members[-1], by=world.yue)
        db.session.commit()
    assert jia.get(f"/projects/{world.tent.id}/board").status_code == 200
    change(browse("admin"), ads__view="member")
    assert jia.get(f"/projects/{world.tent.id}/board").status_code == 404


def test_the_summary_names_each_cell_before_and_after_and_the_trail_keeps_it(app, browse, world):
    admin = browse("admin")
    admin.get("/?lang=en")
    shown, done = change(admin, intern__delete="own", intern__export="approval", cs__create="none")
    summary = said(shown).partition("It holds at once")[0]
    assert done.status_code == 303
    assert "Not at all → Own tasks" in summary and "Own tasks → Not at all" in summary
    with app.app_context():
        told = list(db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "role.changed")))
        changes = {event.changes["role"][0]: event.changes for event in told}
        assert changes["intern"]["delete"] == ["none", "own"] and changes["intern"]["export"] == ["none", "approval"]
        assert changes["cs"]["create"] == ["own", "none"]
        assert len({event.change for event in told}) == 1
        assert world.shanlan.policy == {"intern": {"delete": "own", "export": "approval"}, "cs": {"create": "none"}}
    history = said(admin.get("/history?lang=en"))
    assert "Delete Not at all → Own tasks" in history


def test_back_to_the_shipped_leaves_no_difference(app, browse, world):
    admin = browse("admin")
    change(admin, intern__delete="own")
    change(admin, intern__delete="none")
    assert world.shanlan.policy == {}


@pytest.mark.both_databases
def test_two_at_once_the_second_is_told(app, browse, world):
    first, second = browse("admin"), browse("admin")
    seen = elements(second.get("/roles/edit").text, name="seen")[0]["value"]
    change(first, intern__delete="own")
    answer = second.put("/roles", {"seen": seen, "intern-export": "approval", "intern-delete": "none"})
    assert answer.status_code == 409
    assert "Own tasks" in said(second.get("/roles?lang=en"))
    again = {"seen": elements(answer.text, name="seen")[0]["value"], "intern-export": "approval"}
    shown = second.put("/roles", again)
    confirmed = elements(shown.text, name="confirmed")[0]["value"]
    assert second.put("/roles", again | {"confirmed": confirmed}).status_code == 303
    assert world.shanlan.policy == {"intern": {"delete": "own", "export": "approval"}}


@pytest.mark.parametrize(
    ("cell", "scope"),
    [
        ("admin-admin", "none"), ("admin-view", "member"), ("admin-approve", "all"), ("creator-view", "all"),
        ("creator-see_budget", "all"), ("us_partner-edit", "own"), ("creator-edit", "all"), ("intern-delete", "shared"),
        ("intern-delete", "'"), ("intern-view", "none"), ("intern-admin", "member"),
    ],
)  # fmt: skip
def test_what_is_not_offered_is_refused(app, browse, world, cell, scope):
    admin = browse("admin")
    seen = elements(admin.get("/roles/edit").text, name="seen")[0]["value"]
    answer = admin.put("/roles", {"seen": seen, cell: scope})
    assert answer.status_code == 422
    assert elements(answer.text, role="alert") and not elements(answer.text, name="confirmed")
    assert world.shanlan.policy == {}


def test_every_cell_offers_what_the_policy_allows_and_no_more(browse):
    page = browse("admin").get("/roles/edit").text
    offered = {element["name"] for element in elements(page, tag="select") if "-" in element.get("name", "")}
    assert offered == {f"{role}-{each}" for role in ROLES for each in PERMISSIONS if len(choices(role, each)) > 1}


def test_which_roles_need_a_second_factor(app, browse, world):
    admin = browse("admin")
    form = {
        "seen": elements(admin.get("/roles/edit").text, name="seen")[0]["value"],
        "boxes": "1",
        "second_factor": ["finance", "legal"],
    }
    shown = admin.put("/roles", form)
    assert shown.status_code == 422
    form["confirmed"] = elements(shown.text, name="confirmed")[0]["value"]
    assert admin.put("/roles", form).status_code == 303
    assert world.shanlan.second_factor_roles == ["finance", "legal"]
    form = form | {
        "seen": elements(admin.get("/roles/edit").text, name="seen")[0]["value"],
        "second_factor": ["emperor"],
    }
    assert admin.put("/roles", form).status_code == 422


def test_another_role_may_be_given_the_keys(app, browse, world):
    yue = browse("yue")
    assert yue.get("/roles/edit").status_code == 403
    change(browse("admin"), pmo__admin="all")
    assert yue.get("/roles/edit").status_code == 200
    with app.app_context():
        mine = db.session.scalars(db.select(Membership.id).where(Membership.user_id == world.admin.id)).one()
    page = yue.get(f"/members/{mine}/role", {"role": "ops"})
    form = {element["name"]: element.get("value", "") for element in elements(page.text, "name", type="hidden")}
    assert yue.put(f"/members/{mine}/role", form).status_code == 422, "the last administrator stays, whoever asks"
