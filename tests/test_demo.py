import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from click import ClickException
from flask_babel import force_locale
from sqlalchemy import func, select

from linkstar import clock, config, demo, storage
from linkstar.extensions import db
from linkstar.models import (
    AuditEvent,
    Baseline,
    ChecklistItem,
    Comment,
    Delivery,
    Label,
    Notification,
    Participant,
    Project,
    ProjectMember,
    Stage,
    Task,
    User,
    Waiver,
)
from linkstar.reports.workload import Chosen, Workload
from tests.conftest import make_app

NOW = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
TODAY = date(2026, 11, 22)
pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def loaded(request, tmp_path_factory):
    """The application with nothing but the demo in its database."""
    databases = request.getfixturevalue(request.param)
    url = databases.copy()
    app = make_app(url, tmp_path_factory.mktemp("demo"))
    with app.app_context(), clock.at(NOW):
        db.drop_all()
        db.create_all()
        assert demo.sign_ins() == []
        demo.load()
    yield app
    with app.app_context():
        db.engine.dispose()
    databases.drop(url)


@pytest.fixture
def told(loaded):
    """The application, open, at the moment when the demo was loaded."""
    with loaded.app_context(), clock.at(NOW):
        yield loaded


def person(name):
    return db.session.scalars(select(User).where(User.email.startswith(f"{name}@"))).one()


def tasks(*conditions):
    return list(db.session.scalars(select(Task).join(Task.stage).where(*conditions)))


def count(model, *conditions):
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions))


def test_the_company_has_its_people_its_launches_and_a_programme(told):
    assert [project.key for project in db.session.scalars(Project.visible_to(person("pmo")).order_by(Project.key))] == [
        "BFCM", "CHECK", "CLIPS", "GROW", "HOODIE", "LAMP", "PITCH", "VIDEO",
    ]  # fmt: skip
    lamp = db.session.scalars(select(Project).where(Project.key == "LAMP")).one()
    assert (lamp.code, lamp.anchor_on, lamp.anchor_name_zh) == ("US-AMZ-26Q4-LAMP-003", date(2026, 12, 31), "开售日")
    assert count(Task, Task.project_id == lamp.id) == 71 - 2 + 13
    assert lamp.phases[0].name_en == "Initiation"
    assert User.with_password("creator2@example.com", demo.PASSWORD).timezone == "America/Chicago"


def test_the_work_is_in_full_swing(told):
    assert len(tasks(Stage.kind == "done")) > 60
    assert len(tasks(Stage.kind == "active")) > 12
    assert len(tasks(Stage.kind == "review")) > 4
    assert 5 < len(tasks(Stage.kind != "done", Task.due_on < TODAY)) < 20
    assert all(task.completed_at <= NOW for task in tasks(Stage.kind == "done"))


def test_the_quarterly_plan_has_three_sub_projects_each_made_by_a_task(told):
    plan = db.session.scalars(select(Project).where(Project.key == "GROW")).one()
    assert {child.key for child in plan.children} == {"PITCH", "CLIPS", "CHECK"}
    made = tasks(Task.subproject_id.is_not(None))
    assert {task.key: task.subproject.key for task in made} == {
        "qg_sub_creators": "PITCH", "qg_sub_video": "CLIPS", "qg_sub_compliance": "CHECK",
    }  # fmt: skip


def test_the_launches_were_laid_by_the_engine_from_the_pack(told):
    for project in db.session.scalars(Project.visible_to(person("pmo"))):
        assert project.template_version.template.installed_pack.key == "us"
        anchor = next(task for task in tasks(Task.project_id == project.id) if task.key == project.anchor_key)
        assert anchor.due_on == project.anchor_on


def test_ticked_items_show_the_evidence_that_they_ask_for(told):
    items = list(db.session.scalars(select(ChecklistItem).where(ChecklistItem.ticked_at.is_not(None))))
    assert len(items) > 100
    assert all(item.shown_by for item in items if item.needs_evidence)
    shown = next(item.shown_by for item in items if item.evidence_kind == "file")
    with storage.open(shown.file_key) as file:
        assert storage.kind_of(BytesIO(file.read()), shown.file_name) == "application/pdf"


def test_one_obstacle_is_waived_and_one_waits_for_signatures(told):
    granted, asked = db.session.scalars(select(Waiver).order_by(Waiver.state.desc()))
    assert (granted.task.key, granted.item.key, granted.task.waiver_count) == ("compliance_scan", "category", 1)
    assert {vote.role for vote in granted.votes} == {"legal", "pmo"}
    assert (asked.state, asked.blocker.key, asked.missing_roles) == ("asked", "fcc_grant", ["legal", "pmo"])


def test_every_task_has_its_owner_and_outside_the_backlog_its_due_day(told):
    assert not tasks(Stage.kind != "backlog", Task.due_on.is_(None))
    assert len(tasks(Task.due_on.is_(None))) > 5
    for task in tasks():
        assert task.owner.membership_in(task.workspace_id)
        assert task.title_zh and task.title_en


def test_no_gate_was_jumped(told):
    for task in tasks(Stage.kind.in_(("active", "review", "done"))):
        assert all(before.completed_at for before in task.predecessors)
    for task in tasks(Stage.kind == "done"):
        assert all(before.completed_at <= task.completed_at for before in task.predecessors)
        waived = {waiver.item_id for waiver in task.waivers if waiver.state == "granted"}
        items = [item for checklist in task.checklists for item in checklist.items if item.required]
        assert all(item.ticked_at for item in items if item.id not in waived)
        assert task.delivered or not task.deliverable_zh


def test_one_task_is_seen_to_be_blocked(told):
    group = tasks(Task.title_en == "Build the SP auto ad group")[0]
    assert [(before.title_zh, before.stage.kind) for before in group.predecessors] == [
        ("TCB 授权 FCC ID / SDoC 声明", "active")
    ]


def test_who_has_too_much_to_do_has_a_colleague_who_has_time(told):
    admin = person("pmo").membership_in(person("design").memberships[0].workspace_id)
    workload = Workload(admin, Chosen.read({}, TODAY))
    user, clash = next((user, clash) for user, clash in workload.clashes if user == person("design"))
    asked = {"person": str(user.id), "on": str(clash.first), "until": str(clash.last)}
    opened = Workload(admin, Chosen.read(asked, TODAY))
    assert person("design2") in [each.user for each in opened.colleagues]
    assert any(person("design2") in opened.takers(piece) for piece in opened.pieces)


def test_what_slipped_since_the_review_is_seen_beside_the_baseline(told):
    [baseline] = db.session.scalars(select(Baseline))
    slipped = [span for span in baseline.spans if db.session.get_one(Task, span.task_id).due_on > span.due_on]
    assert (baseline.project.key, len(slipped)) == ("LAMP", 2)


def test_one_column_is_full(told):
    lamp = db.session.scalars(select(Project).where(Project.key == "LAMP")).one()
    doing = lamp.stages[1]
    assert doing.wip_limit == count(Task, Task.stage_id == doing.id)


def test_cards_say_how_much_of_their_lists_is_done(told):
    for task in tasks(Task.check_count > 0):
        items = [item for checklist in task.checklists for item in checklist.items]
        assert (task.check_count, task.checked_count) == (len(items), sum(bool(item.ticked_at) for item in items))


def test_people_talk_and_call_each_other(told):
    assert count(Task, Task.comment_count > 0) >= 15
    for comment in db.session.scalars(select(Comment)):
        assert len(comment.mentions) == comment.body.count("@"), comment.body
    assert count(Notification, Notification.kind == "mentioned") >= 15
    assert count(Label) > 5
    assert count(Participant, Participant.kind == "watcher") > 5
    assert count(Task, Task.parent_id.is_not(None)) == 4


def test_creators_see_their_own_tasks_and_belong_to_no_project(told):
    for name, owned in (("creator1", 2), ("creator2", 4)):
        creator = person(name)
        seen = list(db.session.scalars(Task.visible_to(creator)))
        assert len(seen) == owned and all(task.owner_id == creator.id for task in seen)
        assert not count(ProjectMember, ProjectMember.user_id == creator.id)
    unboxing = tasks(Task.title_en.startswith("Camp lantern unboxing"))[0]
    read = Comment.on(unboxing, reader=person("creator1"))
    assert [comment.author.name for comment in read] == ["苏恬", "Jenna Park", "苏恬"]


def test_the_partner_sees_one_project(told):
    assert [project.key for project in db.session.scalars(Project.visible_to(person("partner")))] == ["LAMP"]


def test_the_two_companies_do_not_see_each_other(told):
    lead, admin = person("lead"), person("admin")
    assert [project.key for project in db.session.scalars(Project.visible_to(lead))] == ["MUG"]
    assert {task.project.key for task in db.session.scalars(Task.visible_to(lead))} == {"MUG"}
    assert "MUG" not in {task.project.key for task in db.session.scalars(Task.visible_to(admin))}


def test_it_all_happened_in_the_past_and_in_order(told):
    moments = list(db.session.scalars(select(AuditEvent.created_at).order_by(AuditEvent.id)))
    assert moments == sorted(moments) and moments[-1] <= NOW
    assert count(ChecklistItem, ChecklistItem.ticked_at > NOW) == 0


def test_nothing_is_mailed_and_the_inboxes_are_nearly_read(told):
    assert count(Delivery, Delivery.state != "sent") == 0
    for someone in db.session.scalars(select(User)):
        assert count(Notification, Notification.user_id == someone.id, Notification.read_at.is_(None)) <= 5
    assert count(Notification, Notification.user_id == person("ops").id, Notification.read_at.is_(None))
    assert "notified" not in db.session.info


def test_a_second_time_changes_nothing(told):
    before = count(Task), count(User)
    demo.load()
    assert (count(Task), count(User)) == before


def test_the_sign_ins_are_printed_in_words(told):
    with force_locale("en"):
        lines = demo.sign_ins()
    assert len(lines) == 15
    assert lines[0] == "admin@example.com – Administrator – password linkstar-demo"
    assert lines[-1].startswith("lead@other.example.com – PMO")


def test_production_does_not_load_it(told, monkeypatch):
    monkeypatch.setitem(told.config, "MODE", "production")
    with force_locale("en"), pytest.raises(ClickException, match="production does not load it"):
        demo.load()


@pytest.mark.parametrize(
    "today, friday",
    [
        (date(2026, 11, 22), date(2026, 11, 27)),
        (date(2026, 12, 18), date(2026, 11, 27)),
        (date(2026, 12, 19), date(2027, 11, 26)),
        (date(2028, 1, 3), date(2028, 11, 24)),
    ],
)
def test_black_friday_is_the_next_or_just_past(today, friday):
    assert demo.black_friday(today) == friday


def test_working_days_leave_out_the_weekend():
    friday = date(2026, 11, 20)
    assert demo.working_day(friday, 1) == date(2026, 11, 23)
    assert demo.working_day(date(2026, 11, 22), -1) == friday
    assert demo.working_day(date(2026, 11, 22), 0) == date(2026, 11, 22)


def test_the_product_starts_without_reading_yaml():
    program = "import sys, linkstar; sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=config.CHECKOUT).returncode == 0


def test_two_weeks_after_black_friday_it_is_history(sqlite, tmp_path):
    url = sqlite.copy()
    with make_app(url, tmp_path).app_context(), clock.at(NOW + timedelta(days=18)):
        db.drop_all()
        db.create_all()
        demo.load()
        assert tasks(Task.title_en == "Cyber Monday")[0].completed_at
        assert len(tasks(Stage.kind != "done", Task.due_on < TODAY + timedelta(days=18))) < 20
        db.engine.dispose()
    sqlite.drop(url)
