"""One person's data: given out whole, and forgotten so that no table knows the name any more."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from linkstar import clock, jobs
from linkstar.extensions import Base, db
from linkstar.models import (
    ApiToken,
    Approval,
    ApprovalVote,
    AuditEvent,
    CannotTakeOver,
    Comment,
    Declaration,
    Departure,
    ErasureRefused,
    GatePassage,
    Handover,
    HandoverNote,
    IdempotentRequest,
    Identity,
    MailedLink,
    Membership,
    PersonalData,
    Project,
    RecoveryCode,
    SavedView,
    SignIn,
    Task,
    User,
)
from linkstar.models.audit_event import record, verify_audit
from linkstar.models.notification import notify_of_emergency
from linkstar.models.user import ERASED
from linkstar.reports.history import Names
from tests.world import october

NAME, EMAIL, CONTACT = "Zarah Quill", "zarah@quill.example.com", "WhatsApp +1 555 0100"
ALSO = "Zarah Quillfeather"  # somebody else, whose name begins with hers


@pytest.fixture
def zarah(session, world) -> User:
    """A creator who has left traces everywhere."""
    person = User(name=NAME, email=EMAIL, language="en", timezone="America/Denver")
    person.set_password("from-the-first-sample")
    person.totp_secret, person.totp_step = "sealed", 5
    other = User(name=ALSO, email="other@example.com")
    session.add_all([person, other])
    session.flush()
    here = world.shanlan
    session.add_all(
        [
            Membership(workspace=here, user=person, role="creator", contact=CONTACT),
            Membership(workspace=here, user=other, role="ops"),
        ]
    )
    session.flush()
    session.refresh(person)
    session.refresh(other)
    world.lamp.add_member(other, by=world.yue)
    mine = Task.create(world.lamp, by=world.yue, stage=world.doing, owner=person, title_zh="开箱", due_on=october(20))
    done = Task.create(world.lamp, by=world.yue, stage=world.done, owner=person, title_zh="旧片", due_on=october(12))
    session.flush()
    Comment.post(mine, "Mine is ready.", by=person)
    Comment.post(mine, f"@{NAME} and @{ALSO}: thanks!", by=world.yu, shared=True)
    SignIn.begin(person, device=f"Phone of {NAME}", remember=True)
    ApiToken.create(person, here.id, "my script", ["work:read"], clock.now() + timedelta(days=9), by=person)
    for kind in ("invitation", "entry"):
        MailedLink.send(
            kind, email=EMAIL, name=NAME, language="en", workspace_id=here.id, user=person, role="creator",
            task_id=mine.id if kind == "entry" else None,
        )  # fmt: skip
    MailedLink.send("invitation", email=EMAIL, name="Z. Quill", language="en", workspace_id=here.id, role="creator")
    session.add_all(
        [
            Identity(user=person, issuer="https://id.example.com", subject=EMAIL),
            RecoveryCode(user_id=person.id, code_hash="0" * 64),
            SavedView(project_id=world.lamp.id, user_id=person.id, name=f"for {NAME}", page="list", query=""),
            IdempotentRequest(user_id=person.id, key="k", fingerprint="f", body=NAME.encode()),
            IdempotentRequest(user_id=world.yu.id, key="k", fingerprint="f", status=200, body=NAME.encode()),
            Approval(
                workspace_id=here.id, operation="role_change", subject=f"person {person.id}", asked_by=world.yue,
                state="refused", arguments={"user_id": person.id, "role": "intern", "seen": None}, difference=[],
                reason=f"{NAME} 要来坐班", votes=[
                    ApprovalVote(user=world.admin, role="admin", agrees=False, reason=f"先问 {NAME}")
                ],
            ),
            Approval(
                workspace_id=here.id, operation="role_change", subject="invitation", asked_by=world.yue, state="done",
                arguments={"guests": [[EMAIL, NAME]], "seen": None}, difference=[["email", None, EMAIL]],
            ),
            HandoverNote(
                workspace_id=here.id, task_id=mine.id, author=world.yu, recipient=world.lei, done=f"@{NAME} has it",
                decide=f"@{ALSO} or @{NAME}?", deliver_at=clock.now(),
            ),
            GatePassage(
                workspace_id=here.id, task_id=mine.id, passed_by=world.yue,
                content={"checklists": [{"items": [{"evidence": None, "ticked_by": NAME}]}], "waivers": []},
            ),
        ]
    )  # fmt: skip
    session.flush()
    record("task.edited", by=person, task=done, changes={"title_en": (None, "Old film")})
    session.commit()
    return person


def written() -> str:
    """Every word in every table."""
    rows = [row for table in Base.metadata.sorted_tables for row in db.session.execute(select(table))]
    words = [value.decode() if isinstance(value, bytes) else value for row in rows for value in row]
    return "\n".join(json.dumps(word, ensure_ascii=False, default=str) for word in words)


def test_an_erased_creator_is_in_no_table_any_more(session, world, zarah):
    for trace in (NAME, EMAIL, CONTACT, "sealed", "Z. Quill"):
        assert trace in written()
    PersonalData(zarah, world.shanlan.id).erase(by=world.admin, successor=world.yue)
    session.commit()
    session.expire_all()
    left = written()
    assert ALSO in left
    for trace in (NAME, EMAIL, CONTACT, "sealed", "Z. Quill", "America/Denver"):
        assert trace not in left.replace(ALSO, ""), trace
    for model in (SignIn, Identity, RecoveryCode, SavedView, IdempotentRequest, ApiToken):
        assert not session.scalar(select(func.count()).where(model.user_id == zarah.id)), model
    assert not session.scalar(select(func.count()).where(MailedLink.kind == "entry", MailedLink.user_id == zarah.id))
    zarah = session.get_one(User, zarah.id)
    assert not zarah.active and zarah.erased_at and not zarah.password_hash
    assert zarah.email.endswith(".invalid")


def test_what_the_person_did_stays_under_a_mark(session, world, zarah):
    film = session.scalars(select(Task).where(Task.title_zh == "旧片")).one()
    PersonalData(zarah, world.shanlan.id).erase(by=world.admin, successor=world.yue)
    session.commit()
    session.expire_all()
    said = session.scalars(select(Comment).where(Comment.body == "Mine is ready.")).one()
    mark = said.author.name.split()[-1]
    assert len(mark) == 4
    called = session.scalars(select(Comment).where(Comment.body.contains("thanks!"))).one()
    assert called.body == f"@{mark} and @{ALSO}: thanks!"
    note = session.scalars(select(HandoverNote)).one()
    assert (note.done, note.needed, note.decide) == (f"@{mark} has it", None, f"@{ALSO} or @{mark}?")
    assert film.owner.name == said.author.name
    assert session.scalars(select(Task).where(Task.title_zh == "开箱")).one().owner_id == world.yue.id
    raw = session.scalar(
        select(func.count()).select_from(User.__table__).where(User.__table__.c.name.startswith(ERASED))
    )
    assert raw == 1


def test_the_trail_tells_of_it_and_is_still_whole(session, world, zarah):
    PersonalData(zarah, world.shanlan.id).erase(by=world.admin, successor=world.yue)
    session.commit()
    assert verify_audit(world.shanlan.id).fault is None
    told = session.scalars(select(AuditEvent).where(AuditEvent.action == "person.erased")).one()
    assert (told.actor_id, told.changes) == (world.admin.id, {"user_id": [zarah.id, None]})


def test_a_comment_that_was_changed_names_nobody_in_the_trail(session, world, zarah):
    comment = session.scalars(select(Comment).where(Comment.body.contains("thanks!"))).one()
    comment.edit(f"@{NAME} and @{ALSO}: thank you!", by=world.yu, version=1)
    session.commit()
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "comment.edited")).one()
    assert NAME not in json.dumps(event.changes)
    assert Names([event], world.yue).said(event, "body") == (
        f"@{NAME} and @{ALSO}: thanks!",
        f"@{NAME} and @{ALSO}: thank you!",
    )
    PersonalData(zarah, world.shanlan.id).erase(by=world.admin, successor=world.yue)
    session.commit()
    session.expire_all()
    assert NAME not in written().replace(ALSO, "")
    old, _new = Names([event], world.yue).said(event, "body")
    assert NAME not in old.replace(ALSO, "")


def test_open_boards_draw_the_cards_anew(session, world, zarah):
    film = session.scalars(select(Task).where(Task.title_zh == "旧片")).one()
    before = film.revision
    PersonalData(zarah, world.shanlan.id).erase(by=world.admin, successor=world.yue)
    session.commit()
    session.expire_all()
    assert before < film.revision == session.get_one(Project, world.lamp.id).revision


def test_who_takes_over_the_open_tasks_has_to_be_said(session, world, zarah):
    with pytest.raises(CannotTakeOver):
        PersonalData(zarah, world.shanlan.id).erase(by=world.admin)


def test_nobody_is_erased_who_belongs_or_asks_for_himself_or_twice(session, world, zarah):
    here = world.shanlan.id
    for person, reason in ((world.yu, "belongs"), (world.admin, "yourself")):
        with pytest.raises(ErasureRefused) as refused:
            PersonalData(person, here).erase(by=world.admin)
        assert refused.value.reason == reason
    PersonalData(zarah, here).erase(by=world.admin, successor=world.yue)
    session.commit()
    with pytest.raises(ErasureRefused) as refused:
        PersonalData(zarah, here).erase(by=world.admin)
    assert refused.value.reason == "erased"


def test_somebody_who_has_left_is_erased(session, world):
    jia, told = world.jia, {"trigger": "listing_removed", "severity": "s2", "title": "B0C1"}
    emergency = Declaration(workspace_id=world.shanlan.id, note="客户来信", **told).declare(by=jia)
    notify_of_emergency(jia, by=world.yue, emergency=emergency)
    emergency.acknowledge(by=jia)
    session.commit()
    (own,) = PersonalData(jia).sections()["emergencies"]
    assert (own["note"], own["acknowledged_by"], own["retrospective"]) == ("客户来信", True, None)
    Handover(jia.membership_in(world.shanlan.id)).run(world.yue, by=world.admin)
    session.commit()
    PersonalData(jia, world.shanlan.id).erase(by=world.admin)
    session.commit()
    session.expire_all()
    assert "何佳" not in written()
    assert session.scalar(select(Departure.erased_at).where(Departure.user_id == jia.id))


def test_another_workspace_keeps_the_account_and_forgets_nothing(session, world, zarah):
    session.add(Membership(workspace=world.beiyuan, user=zarah, role="creator", contact="only for Beiyuan"))
    frame = world.frame
    session.flush()
    session.refresh(zarah)
    frame.share_with(zarah, owner=False, by=world.lead)
    session.flush()
    Comment.post(frame, f"@{NAME} hello", by=world.lead, shared=True)
    session.commit()
    PersonalData(zarah, world.shanlan.id).erase(by=world.admin, successor=world.yue)
    session.commit()
    session.expire_all()
    zarah = session.get_one(User, zarah.id)
    assert (zarah.name, zarah.email, zarah.active, zarah.erased_at) == (NAME, EMAIL, True, None)
    assert zarah.membership_in(world.shanlan.id) is None
    assert zarah.membership_in(world.beiyuan.id).contact == "only for Beiyuan"
    bodies = list(session.scalars(select(Comment.body).where(Comment.body.startswith("@"))))
    assert f"@{NAME} hello" in bodies
    assert not [body for body in bodies if NAME in body.replace(ALSO, "") and "thanks" in body]
    assert CONTACT not in written()
    with pytest.raises(ErasureRefused):
        PersonalData(zarah, world.shanlan.id).erase(by=world.admin)
    PersonalData(zarah, world.beiyuan.id).erase(by=world.lead, successor=world.lead)
    session.commit()
    session.expire_all()
    assert NAME not in written().replace(ALSO, "")


def test_a_namesake_is_left_alone(session, world, zarah):
    namesake = User(name=NAME, email="namesake@example.com")
    session.add(namesake)
    session.flush()
    session.add(Membership(workspace=world.shanlan, user=namesake, role="ops"))
    session.flush()
    session.refresh(namesake)
    world.lamp.add_member(namesake, by=world.yue)
    Comment.post(world.listing, f"@{NAME}, your turn", by=world.yu)
    session.commit()
    note = session.scalars(select(HandoverNote)).one()
    PersonalData(zarah, world.shanlan.id).erase(by=world.admin, successor=world.yue)
    session.commit()
    session.expire_all()
    assert session.scalar(select(Comment.id).where(Comment.body == f"@{NAME}, your turn"))
    assert note.done == f"@{NAME} has it", "nothing says who of them was meant"
    assert session.scalars(select(GatePassage)).all()[-1].content["checklists"][0]["items"][0]["ticked_by"] == NAME


def test_the_export_holds_all_of_the_person_and_no_secret(session, world, zarah):
    Comment.post(world.unboxing, "internal: budget is 99,000", by=world.yu)
    session.commit()
    told = PersonalData(zarah, world.shanlan.id).sections()
    text = json.dumps(told, ensure_ascii=False)
    for trace in (NAME, EMAIL, CONTACT, "Mine is ready.", "Old film", f"Phone of {NAME}", f"for {NAME}", "my script"):
        assert trace in text, trace
    assert {row["title_zh"] for row in told["tasks"]} == {"开箱", "旧片"}
    kept = [zarah.password_hash, "sealed", "0" * 64]
    kept += list(session.scalars(select(SignIn.token_hash))) + list(session.scalars(select(ApiToken.token_hash)))
    kept += [word for link in session.scalars(select(MailedLink)) for word in (link.key, link.token_hash, link.token)]
    for secret in (*kept, "99,000", "thanks!"):
        assert secret not in text


def test_a_masked_field_is_not_in_the_export_of_who_changed_it(session, world):
    record(
        "project.edited", by=world.yu, workspace_id=world.shanlan.id, project_id=world.lamp.id,
        changes={"suppliers": (None, "Canary Works"), "owner_id": (world.yue.id, world.yu.id)},
    )  # fmt: skip
    session.commit()
    assert "Canary Works" not in json.dumps(PersonalData(world.yu).sections())


def test_an_administrator_gets_only_what_is_of_the_own_workspace(session, world, zarah):
    session.add(Membership(workspace=world.beiyuan, user=zarah, role="creator", contact="only for Beiyuan"))
    session.flush()
    session.refresh(zarah)
    world.frame.share_with(zarah, owner=True, by=world.lead)
    session.commit()
    here = json.dumps(PersonalData(zarah, world.shanlan.id).sections(), ensure_ascii=False)
    for foreign in ("Beiyuan", "北原", world.frame.title_zh, f"Phone of {NAME}"):
        assert foreign not in here
    own = json.dumps(PersonalData(zarah).sections(), ensure_ascii=False)
    for mine in ("Beiyuan", CONTACT, world.frame.title_zh, f"Phone of {NAME}"):
        assert mine in own


def test_mail_that_was_on_its_way_does_not_go(app, session, world, zarah, tmp_path):
    Comment.post(
        session.scalars(select(Task).where(Task.title_zh == "开箱")).one(), f"@{NAME} now", by=world.yu, shared=True
    )
    session.commit()
    PersonalData(zarah, world.shanlan.id).erase(by=world.admin, successor=world.yue)
    session.commit()
    with clock.at(clock.now() + timedelta(hours=1)):
        jobs.deliver_due()
    mails = "".join(file.read_text() for file in (tmp_path / "mail").glob("*.eml"))
    assert EMAIL not in mails


def test_every_table_that_knows_a_person_was_thought_of():
    """A new one fails here: is it in the export, is it erased, or does it stay under the mark?"""
    known = {
        "membership", "departure", "sign_in", "identity", "recovery_code", "api_token", "mailed_link", "notification",
        "mention", "participant", "project_member", "saved_view", "idempotent_request", "upload",
        "absence", "calendar_feed", "preference", "mute", "push_subscription", "digest", "reminder", "inlet",  # erased
        "task", "project", "comment", "attachment", "attachment_version", "evidence", "gate_passage", "waiver",
        "waiver_vote", "approval", "approval_vote", "audit_event", "checklist_item", "template", "template_version",
        "installed_pack", "calendar_day", "calendar_event", "baseline", "handover_note", "channel", "automation",
        "emergency",  # stay
    }  # fmt: skip
    found = {
        table.name
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "user"
    }
    assert found <= known, found - known


def test_who_has_left_takes_along_what_was_written_and_not_how_it_is_there_now(session, world, zarah):
    film = session.scalars(select(Task).where(Task.title_zh == "旧片")).one()
    PersonalData(zarah, world.shanlan.id).must_be_let_go.run(world.yue, by=world.admin)
    session.add(Membership(workspace=world.beiyuan, user=zarah, role="creator"))
    film.title_zh = "后来的绝密标题"
    session.commit()
    session.refresh(zarah)
    data = PersonalData(zarah)
    own = data.sections()
    assert data.counts() == {name: len(rows) for name, rows in own.items() if name != "profile"}
    assert "后来的绝密标题" not in json.dumps(own, ensure_ascii=False)
    assert [(each["body"], each["title_zh"]) for each in own["comments"]] == [("Mine is ready.", None)]
    assert (own["tasks"], own["notifications"]) == ([], [])
    assert {each["by"] for each in own["history"] if each["task"]} == {"the person"}
    assert "后来的绝密标题" in json.dumps(PersonalData(zarah, world.shanlan.id).sections(), ensure_ascii=False)
