"""Where the data lie; one person's data given out and erased; what an auditor takes along."""

import csv
import io
import json
import re
import zipfile
from decimal import Decimal

import pytest
from sqlalchemy import select

from linkstar import evidence_pack, storage
from linkstar.extensions import db
from linkstar.models import Attachment, AttachmentVersion, AuditEvent, Comment, Handover, Membership, User
from linkstar.models.audit_event import head_of, record
from tests.world import PEOPLE

pytestmark = pytest.mark.one_database

SAYS = re.compile(r"<[^>]+>")


def said(page) -> str:
    return re.sub(r"\s+", " ", SAYS.sub(" ", page.text.partition("<main")[2]))


def unpacked(answer) -> dict[str, bytes]:
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        assert pack.testzip() is None
        return {name: pack.read(name) for name in pack.namelist()}


# the page of trust


def test_everybody_inside_reads_where_the_data_lie(app, browse, world):
    page = said(browse("intern").get("/trust?lang=en"))
    kind = "SQLite" if db_kind(app) == "sqlite" else "PostgreSQL"
    assert kind in page
    assert "a folder on this server; nothing is sent" in page
    assert "30 days" in page and "for good" in page
    assert 'href="/trust"' in browse("yu").get("/workspace").text
    for outsider in ("maya", "jess"):
        assert browse(outsider).get("/trust").status_code in (403, 404)


def db_kind(app) -> str:
    return "sqlite" if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite") else "postgresql"


def test_nobody_receives_anything_where_nothing_is_switched_on(app, browse, world):
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:////srv/linkstar.db"
    assert "Nobody. Nothing leaves this server" in said(browse("yu").get("/trust?lang=en"))


def test_each_receiver_is_named_by_its_host_and_never_with_a_secret(app, browse, world):
    yu = browse("yu")
    app.config |= {
        "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://robot:hunter2@db.example.net:5433/secretname?sslkey=hunter2",
        "REDIS_URL": "rediss://robot:hunter2@queue.example.net:6380/0",
        "STORAGE_URL": "s3://team-files?region=cn-north-1&endpoint=https://s3.example.net/hunter2",
        "MAIL_URL": "smtps://robot:hunter2@mail.example.net:465",
        "OIDC_ISSUER": "https://id.example.net/hunter2",
        "OIDC_CLIENT_ID": "robot",
        "OIDC_CLIENT_SECRET": "hunter2",
        "OIDC_NAME": "Feishu",
    }
    page = yu.get("/trust?lang=en").text
    for host in ("db", "queue", "s3", "mail", "id"):
        assert f"{host}.example.net" in page
    for word in ("team-files", "cn-north-1", "Feishu", "PostgreSQL", "Redis", "SMTP", "S3"):
        assert word in page
    for secret in ("hunter2", "robot", "secretname"):
        assert secret not in page


# one person's data


@pytest.fixture
def film(app, world):
    """Jess has sent a file, and calls it by a name that no archive should take as it is."""
    with app.app_context():
        stored = storage.put(io.BytesIO(b"film" * 1000), limit=10_000)
        attachment = Attachment(
            workspace_id=world.shanlan.id, task_id=world.unboxing.id, added_by_id=world.jess.id, shared=True
        )
        attachment.versions.append(
            AttachmentVersion(
                number=1, file_key=stored.key, file_name="../成片.mp4", media_type="video/mp4", size=stored.size,
                sha256=stored.sha256, sent_by_id=world.jess.id,
            )
        )  # fmt: skip
        db.session.add(attachment)
        world.jess.membership_in(world.shanlan.id).contact = "+1 555 0199"
        db.session.commit()


def test_an_administrator_takes_a_persons_data_out_and_the_history_says_so(app, browse, world, film):
    admin = browse("admin")
    page = admin.get(f"/personal-data/{world.jess.id}?lang=en")
    assert "Jess Kim" in said(page) and "creator1@example.com" in said(page)
    files = unpacked(admin.post(f"/personal-data/{world.jess.id}"))
    assert json.loads(files["memberships.json"])[0]["contact"] == "+1 555 0199"
    assert json.loads(files["profile.json"])["name"] == "Jess Kim"
    assert files["files/成片.mp4"] == b"film" * 1000
    assert "took the personal data of Jess Kim out" in said(admin.get("/history?lang=en"))


def test_everybody_takes_the_own_data_out_a_creator_too(browse, world, film):
    for person in ("jess", "intern", "maya"):
        browser = browse(person)
        here = f"/personal-data/{getattr(world, person).id}"
        assert browser.get(here).status_code == 200
        assert PEOPLE[person][1] in unpacked(browser.post(here))["profile.json"].decode()
        assert "danger" not in browser.get(here).text.partition("<main")[2].partition("</main>")[0]


def test_nobody_else_gets_them_and_no_answer_says_who_there_is(browse, world):
    for person in ("pmo", "yu", "intern", "maya", "jess"):
        browser = browse({"pmo": "yue"}.get(person, person))
        answers = {
            (method, user_id): browser.open(method, f"/personal-data/{user_id}").status_code
            for method in ("GET", "POST", "DELETE")
            for user_id in (world.lei.id, world.lead.id, 999_999)
        }
        assert set(answers.values()) <= {403, 404}
        for method in ("GET", "POST", "DELETE"):
            assert len({status for (one, _), status in answers.items() if one == method}) == 1
    for method in ("GET", "POST", "DELETE"):
        assert browse("admin").open(method, f"/personal-data/{world.lead.id}").status_code == 404


def test_a_creator_is_erased_after_the_name_was_typed(app, browse, world, film):
    admin, here = browse("admin"), f"/personal-data/{world.jess.id}"
    page = admin.get(here + "?lang=en")
    assert "This cannot be taken back." in said(page)
    sent = {"name": "Jess", "successor_id": world.yue.id}
    refused = admin.post(f"{here}?_method=DELETE", sent)
    assert refused.status_code == 422
    assert "Type it as it stands above" in said(refused)
    nobody = admin.post(f"{here}?_method=DELETE", {"name": "Jess Kim", "successor_id": ""})
    assert nobody.status_code == 422
    assert "Choose who takes over" in said(nobody)
    jess = browse("jess")
    done = admin.post(f"{here}?_method=DELETE", sent | {"name": "Jess Kim"})
    assert (done.status_code, done.location) == (303, "/personal-data")
    assert jess.get("/").status_code == 303
    assert jess.get("/").location.startswith("/login")
    for address in ("/personal-data", f"/tasks/{world.unboxing.id}", "/history", "/members", here):
        for language in ("en", "zh"):
            page = admin.get(f"{address}?lang={language}").text
            assert "Jess Kim" not in page and "creator1@example.com" not in page, address
    told = re.search(r"erased the personal data of Deleted person ([0-9A-F]{4})\b", said(admin.get("/history?lang=en")))
    assert told
    assert told[1] in said(admin.get("/history?lang=zh"))
    assert "was erased here" in said(admin.get(here + "?lang=en"))


def test_members_leave_before_they_are_erased(app, browse, world):
    admin, here = browse("admin"), f"/personal-data/{world.jia.id}"
    assert "is let go on the page of members" in said(admin.get(here + "?lang=en"))
    assert admin.post(f"{here}?_method=DELETE", {"name": "何佳"}).status_code == 422
    with app.app_context():
        Handover(world.jia.membership_in(world.shanlan.id)).run(world.yue, by=world.admin)
        db.session.commit()
    assert "何佳" in said(admin.get("/personal-data"))
    assert admin.post(f"{here}?_method=DELETE", {"name": "何佳"}).status_code == 303
    assert "何佳" not in admin.get("/history").text
    with app.app_context():
        assert db.session.scalar(select(User.erased_at).where(User.id == world.jia.id))


def test_what_was_said_stays_and_names_nobody(app, browse, world):
    admin = browse("admin")
    with app.app_context():
        Comment.post(world.listing, "@何佳 预算够吗？", by=world.yu)
        Handover(world.jia.membership_in(world.shanlan.id)).run(world.yue, by=world.admin)
        db.session.commit()
    admin.post(f"/personal-data/{world.jia.id}?_method=DELETE", {"name": "何佳"})
    page = admin.get(f"/tasks/{world.listing.id}").text
    assert "预算够吗" in page
    assert "何佳" not in page


# the auditor's archive


def test_the_archive_holds_who_may_what_and_all_that_happened(app, browse, world):
    with app.app_context():
        world.listing.edit({"title_en": "=HYPERLINK(1)"}, by=world.yu)
        world.lamp.narrow(world.intern, "view", by=world.yue)
        workspace = world.shanlan
        workspace.policy = {"ops": {"export": "all"}}
        db.session.commit()
        head = head_of(world.shanlan.id)
    admin = browse("admin")
    assert 'href="/history/archive"' in admin.get("/history").text
    admin.get("/history?lang=en")
    answer = admin.get("/history/archive")
    assert "linkstar-audit-shanlan-20261013.zip" in answer.headers["Content-Disposition"]
    files = unpacked(answer)
    with app.app_context():
        key = evidence_pack.sealing_key(app.config["SECRET_KEY"])
        assert evidence_pack.verify(io.BytesIO(answer.data), key) == []
    manifest = json.loads(files["manifest.json"])
    assert (manifest["head"], manifest["first_fault"]) == (head, None)
    assert {each["name"] for each in manifest["files"]} == {"access.csv", "permissions.csv", "history.csv"}
    assert all(re.fullmatch("[0-9a-f]{64}", each["sha256"]) for each in manifest["files"])
    access, roles, happened = (
        list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode("utf-8-sig"))))
        for name in ("access", "permissions", "history")
    )
    assert {row["Name"] for row in access} == {name for name, email, _ in PEOPLE.values() if "other" not in email}
    (intern,) = [row for row in access if row["Name"] == "唐小米"]
    assert intern["Projects"] == "US-AMZ-26Q4-LAMP-003 (Read only)"
    by_role = {row["Role"]: row for row in roles}
    assert len(by_role) == 14
    assert by_role["Operations"]["Export"] == "Everything"
    assert by_role["Intern"]["Delete"] == "Not at all"
    assert happened[-1]["Person"] == head
    cells = [cell for rows in (access, roles, happened) for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert "车架" not in files["history.csv"].decode()


def test_only_administrators_take_the_archive(browse, world):
    for person in ("yue", "finance", "lei", "yu", "maya", "jess"):
        assert browse(person).get("/history/archive").status_code in (403, 404)
    assert "/history/archive" not in browse("finance").get("/history").text


# what a role may not know is not in the history


@pytest.fixture
def secret_changes(app, world):
    with app.app_context():
        record(
            "project.edited", by=world.yue, workspace_id=world.shanlan.id, project_id=world.lamp.id,
            changes={"budget": (Decimal("71993.50"), Decimal("82993.50")), "suppliers": ("Old Works", "Canary Works")},
        )  # fmt: skip
        db.session.commit()


def test_the_history_shows_a_masked_field_to_who_may_know_it_only(app, browse, world, secret_changes):
    told = {"yue": (True, True), "lei": (False, False), "finance": (True, True), "admin": (True, True)}
    for person, (budget, suppliers) in told.items():
        page = browse(person).get("/history").text.replace(",", "")
        assert ("82993.50" in page, "Canary Works" in page) == (budget, suppliers), person
    here = f"/projects/{world.lamp.id}/history"
    assert "82993.50" in browse("yu").get(here).text.replace(",", "")
    assert "Canary Works" not in browse("yu").get(here).text
    assert "82993.50" not in browse("intern").get(here).text.replace(",", "")
    assert "82993.50" in browse("finance").get("/history?file=csv").text.replace(",", "")


def test_a_role_that_sees_a_field_in_its_own_projects_sees_it_there_in_the_history(app, browse, world, secret_changes):
    with app.app_context():
        world.lamp.add_member(world.lei, by=world.yue)
        db.session.commit()
    assert "Canary Works" in browse("lei").get("/history").text
    assert "82993.50" not in browse("lei").get("/history").text.replace(",", "")


def test_an_event_of_no_project_is_shown_to_who_sees_the_field_everywhere(app, browse, world):
    with app.app_context():
        changes = {"contact": (None, "+1 555 0123")}
        record("workspace.edited", by=world.yue, workspace_id=world.shanlan.id, changes=changes)
        db.session.commit()
        assert db.session.scalar(select(Membership.id).where(Membership.role == "legal"))
        assert db.session.scalar(select(AuditEvent.id).where(AuditEvent.action == "workspace.edited"))
    assert "+1 555 0123" in browse("admin").get("/history").text
    assert "+1 555 0123" not in browse("lei").get("/history").text
