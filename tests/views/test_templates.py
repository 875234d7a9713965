"""The library in the browser: looking, editing as a project, publishing, telling what changed; saving and copying."""

import pytest
from flask import template_rendered

from linkstar import packs
from linkstar.extensions import db
from linkstar.models import Approval, AuditEvent, InstalledPack, Launch, Project, Task, Template, TemplateDraft
from tests.models.test_templates import ANCHOR, MEDICAL
from tests.pages import elements


@pytest.fixture
def template(app, world):
    """The medical template of the workspace, as somebody installed it."""
    with app.app_context():
        pack = packs.parse(MEDICAL, "medical_device.yaml")
        installed = InstalledPack.install(world.shanlan, pack, by=world.yue)
        template = installed.templates[0]
        db.session.commit()
        return template.id


@pytest.fixture
def project(app, world, template):
    with app.app_context():
        version = db.session.get_one(Template, template).newest
        values = {"name_zh": "血压计", "code": "US-AMZ-27Q2-BPM-001", "key": "BPM", "categories": ["medical_device"]}
        made = Launch(
            template=version.read(), workspace_id=world.shanlan.id, owner=world.yue, anchor=ANCHOR, values=values,
            people={"legal": world.lei}, version=version,
        ).create(by=world.yue)  # fmt: skip
        db.session.commit()
        return made.id


def draft_of(app, template):
    """(id of the draft's project, its tasks by key)"""
    with app.app_context():
        project = TemplateDraft(db.session.get_one(Template, template)).project
        if project is None:
            return None, {}
        rows = db.session.scalars(db.select(Task).where(Task.project_id == project.id, Task.trashed_at.is_(None)))
        return project.id, {task.key: task for task in rows}


def newest(app, template):
    with app.app_context():
        return db.session.get_one(Template, template).last_version


def test_the_library_lists_what_there_is(browse, world, template):
    page = browse("intern").get("/templates").text
    assert "医疗器械美国上市" in page and "医疗器械包" in page
    assert "/packs" not in page, "the intern installs nothing"
    assert "/packs" in browse("lei").get("/templates").text


def test_the_library_asks_for_the_drafts_of_its_own_workspace(app, browse, world, template):
    with app.app_context():
        pack = packs.parse(MEDICAL, "medical_device.yaml")
        theirs = InstalledPack.install(world.beiyuan, pack, by=world.lead).templates[0]
        TemplateDraft(theirs).open(by=world.lead)
        db.session.commit()
    seen = []

    def note(sender, template, context, **rest):
        seen.append(context.get("edited"))

    yue = browse("yue")
    with template_rendered.connected_to(note, app):
        assert "Being edited" not in yue.get("/templates", {"lang": "en"}).text
        assert set() in seen
        yue.post(f"/templates/{template}/draft")
        assert "Being edited" in yue.get("/templates", {"lang": "en"}).text
        assert {template} in seen


def test_a_template_shows_its_plan_gates_and_sources(browse, world, template):
    page = browse("yu").get(f"/templates/{template}").text
    for words in ("器械分类", "等待 FDA 批准", "法规", "贴标照片", "FDA 510(k) 上市前通知", "21 CFR 807 Subpart E"):
        assert words in page
    assert f"/templates/{template}/draft" not in page, "who keeps no templates is offered no editing"
    english = browse("yu").get(f"/templates/{template}", {"lang": "en"}).text
    for words in ("Classify the device", "90 calendar days", "not legal advice", "Gate: waits for Regulatory"):
        assert words in english


def test_owner_and_procedure(app, browse, world, template):
    yue = browse("yue")
    address = f"/templates/{template}"
    for wrong in ({"owner_id": world.maya.id}, {"owner_id": world.lead.id}, {"sop_url": "javascript:alert(1)"}):
        sent = {"owner_id": world.lei.id, "sop_url": "https://wiki.example.com/510k"} | wrong
        assert yue.post(address, sent).status_code == 422
    sent = {"owner_id": world.lei.id, "sop_url": "https://wiki.example.com/510k"}
    assert yue.post(address, sent).status_code == 303
    assert elements(yue.get(address).text, href="https://wiki.example.com/510k")
    with app.app_context():
        assert db.session.get_one(Template, template).owner_id == world.lei.id
        assert db.session.scalar(db.select(AuditEvent).where(AuditEvent.action == "template.edited"))


def agree(app, browser):
    with app.app_context():
        approval_id = db.session.scalar(db.select(Approval.id).where(Approval.state == "asked"))
    assert browser.post(f"/approvals/{approval_id}/votes", {"answer": "agree"}).status_code == 303


def test_edit_publish_and_see_what_changed(app, browse, world, template, project):
    lei = browse("lei")
    opened = lei.post(f"/templates/{template}/draft")
    draft, tasks = draft_of(app, template)
    assert opened.location == f"/projects/{draft}/board"
    board = lei.get(opened.location).text
    assert f"/templates/{template}/versions/new" in board, "a banner says what this is"
    submit = tasks["submit"]
    sent = {"role": "ops", "duration": "7.5", "start_rule": "", "version": submit.version, "deliverable_zh": "回执"}
    assert lei.post(f"/tasks/{submit.id}/plan-values", sent).status_code == 303
    assert lei.post(f"/tasks/{tasks['photos'].id}/trashing").status_code == 303
    before = lei.get(f"/templates/{template}/versions/new").text
    assert "7.5" in before and "主图" in before
    names = {"name_zh": "医疗器械美国上市", "name_en": "Medical device US launch"}
    sent = names | {"seen": 1, "note": "按 FDA 现在的速度"}
    assert lei.post(f"/templates/{template}/versions", sent).location == f"/templates/{template}"
    assert newest(app, template) == 1, "somebody else has to agree"
    agree(app, browse("yue"))
    assert newest(app, template) == 2
    assert draft_of(app, template) == (None, {})
    assert lei.get(f"/projects/{draft}/board").status_code == 404
    assert lei.get(f"/tasks/{submit.id}").status_code == 404

    told = browse("yu").get(f"/templates/{template}/differences", {"since": 1, "lang": "en"}).text
    for words in (
        "File the 510(k)",
        "Duration",
        "7.5",
        "Operations",
        "Legal &amp; compliance",
        "Main pictures",
        "removed",
    ):
        assert words in told
    with app.app_context():
        running = db.session.get_one(Project, project)
        assert running.template_version.number == 1
        tasks = db.session.scalars(db.select(Task).where(Task.project_id == project)).all()
        assert {task.key: task.duration for task in tasks}["submit"] == 5
        assert "photos" in {task.key for task in tasks}
    assert "7.5" not in browse("yu").get(f"/templates/{template}", {"version": 1}).text


def test_who_keeps_the_templates_edits_a_draft_and_nobody_else(app, browse, world, template):
    browse("yue").post(f"/templates/{template}/draft")
    draft, tasks = draft_of(app, template)
    title = {"title_zh": "器械分类与定级", "version": tasks["classify"].version}
    assert browse("finance").get(f"/projects/{draft}/board").status_code == 200
    for person, status in (("yu", 404), ("finance", 403), ("lei", 303)):
        assert browse(person).post(f"/tasks/{tasks['classify'].id}", title).status_code == status
        assert browse(person).get(f"/projects/{draft}/phases").status_code == (200 if status == 303 else status)


def test_the_draft_is_nobodys_work(app, browse, world, template):
    yue = browse("yue")
    yue.post(f"/templates/{template}/draft")
    draft, tasks = draft_of(app, template)
    assert tasks["submit"].title_zh not in yue.get("/").text
    assert f"/projects/{draft}/board" not in yue.get("/projects").text


def test_publishing_nothing_is_said_so(app, browse, world, template):
    yue = browse("yue")
    yue.post(f"/templates/{template}/draft")
    names = {"name_zh": "医疗器械美国上市", "name_en": "Medical device US launch", "seen": 1}
    answer = yue.post(f"/templates/{template}/versions", names)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert newest(app, template) == 1


def test_the_second_of_two_publishers_learns_of_the_first(app, browse, world, template):
    yue, lei = browse("yue"), browse("lei")
    yue.post(f"/templates/{template}/draft")
    names = {"name_zh": "改了名字", "name_en": "Renamed", "seen": 1}
    assert yue.post(f"/templates/{template}/versions", names).status_code == 303
    agree(app, lei)
    answer = lei.post(f"/templates/{template}/versions", names | {"name_zh": "又改了名字"})
    assert answer.status_code == 409
    assert elements(answer.text, role="alert")
    assert newest(app, template) == 2


def test_only_what_was_read_is_published(app, browse, world, template):
    yue, lei = browse("yue"), browse("lei")
    yue.post(f"/templates/{template}/draft")
    names = {"name_zh": "改了名字", "name_en": "Renamed", "seen": 1}
    yue.post(f"/templates/{template}/versions", names)
    assert "Renamed" in lei.get("/approvals", {"lang": "en"}).text
    _draft, tasks = draft_of(app, template)
    assert yue.post(f"/tasks/{tasks['photos'].id}/trashing").status_code == 303
    agree(app, lei)
    assert newest(app, template) == 1, "the draft is another by now"
    assert "changed since" in lei.get("/approvals", {"lang": "en"}).text


def test_an_administrator_asks_for_a_version_but_has_no_say_in_one(app, browse, world, template):
    admin = browse("admin")
    admin.post(f"/templates/{template}/draft")
    names = {"name_zh": "改了名字", "name_en": "Renamed", "seen": 1}
    assert admin.post(f"/templates/{template}/versions", names).status_code == 303
    with app.app_context():
        approval_id = db.session.scalar(db.select(Approval.id))
    assert admin.post(f"/approvals/{approval_id}/votes", {"answer": "agree"}).status_code == 403
    agree(app, browse("yue"))
    assert newest(app, template) == 2


def test_a_broken_draft_is_refused_with_its_fault(app, browse, world, template):
    yue = browse("yue")
    yue.post(f"/templates/{template}/draft")
    _draft, tasks = draft_of(app, template)
    with app.app_context():
        label = db.session.get_one(Task, tasks["label"].id)
        loop = Task.create(
            label.project, by=world.yue, stage=label.stage, owner=world.yue, phase=label.phase, title_zh="绕圈"
        )
        db.session.get_one(Task, tasks["clearance"].id).wait_for(loop, by=world.yue)
        db.session.commit()
    sent = {"name_zh": "医疗器械", "name_en": "Medical", "seen": 1}
    answer = yue.post(f"/templates/{template}/versions", sent)
    assert answer.status_code == 422
    assert "circle" in yue.get(f"/templates/{template}/versions/new", {"lang": "en"}).text
    assert newest(app, template) == 1


def test_discarding_a_draft(app, browse, world, template):
    yue = browse("yue")
    yue.post(f"/templates/{template}/draft")
    assert yue.delete(f"/templates/{template}/draft").location == f"/templates/{template}"
    assert draft_of(app, template) == (None, {})
    assert newest(app, template) == 1


def test_a_template_in_use_is_not_deleted(browse, world, template, project):
    yue = browse("yue")
    yue.get("/templates", {"lang": "en"})
    answer = yue.post(f"/templates/{template}/trashing")
    assert answer.status_code == 409
    assert "1 project was made from this template" in answer.text
    assert yue.get(f"/templates/{template}").status_code == 200


def test_a_template_that_nobody_uses_goes_to_the_trash(browse, world, template):
    yue = browse("yue")
    assert yue.post(f"/templates/{template}/trashing").location == "/templates"
    assert yue.get(f"/templates/{template}").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": "-1"},
        {"duration": "0.3"},
        {"duration": "nan"},
        {"duration": "inf"},
        {"duration": "two"},
        {"duration": "99999"},
        {"elapsed_days": "-2"},
        {"role": "gardener"},
        {"start_rule": "fixed"},
        {"start_rule": "by_hand"},
        {"deliverable_zh": "长" * 201},
    ],
)
def test_plan_values_that_make_no_plan_are_422(app, browse, world, template, project, wrong):
    with app.app_context():
        task = db.session.scalars(db.select(Task).where(Task.project_id == project, Task.key == "submit")).one()
    sent = {"role": "legal", "duration": "5", "version": task.version} | wrong
    answer = browse("yue").post(f"/tasks/{task.id}/plan-values", sent, htmx=True)
    assert answer.status_code == 422
    assert elements(answer.text, aria_invalid="true") or 'aria-invalid="true"' in answer.text
    with app.app_context():
        assert db.session.get_one(Task, task.id).version == task.version


def test_stale_plan_values_are_409(app, browse, world, template, project):
    with app.app_context():
        task = db.session.scalars(db.select(Task).where(Task.project_id == project, Task.key == "submit")).one()
    yue, sent = browse("yue"), {"role": "legal", "duration": "6", "version": task.version}
    assert yue.post(f"/tasks/{task.id}/plan-values", sent, htmx=True).status_code == 200
    assert yue.post(f"/tasks/{task.id}/plan-values", sent | {"duration": "9"}, htmx=True).status_code == 409
    with app.app_context():
        assert db.session.get_one(Task, task.id).duration == 6


# reuse


def test_a_project_becomes_a_template_from_the_browser(app, browse, world, template, project):
    yue = browse("yue")
    assert yue.post(f"/projects/{project}/template", {"name_zh": " "}).status_code == 422
    sent = {"name_zh": "血压计的经验", "dependencies": "y", "checklists": "y", "roles": "y"}
    answer = yue.post(f"/projects/{project}/template", sent)
    assert answer.status_code == 303
    page = yue.get(answer.location).text
    assert "血压计的经验" in page and "器械分类" in page
    with app.app_context():
        saved = db.session.get_one(Template, int(answer.location.rpartition("/")[2]))
        assert saved.newest.read().tasks["label"].after == (("clearance", 1),)


def test_a_copy_is_laid_from_its_own_day(app, browse, world, project):
    yue = browse("yue")
    sent = {"name_zh": "额温枪", "word": "IRT", "anchor_on": "2027-10-20", "people": "same"}
    for wrong in ({"anchor_on": ""}, {"anchor_on": "2026-10-12"}, {"anchor_on": "2101-01-01"}, {"word": "ir t"},
                  {"people": "nobody"}, {"name_zh": ""}):  # fmt: skip
        assert yue.post(f"/projects/{project}/copy", sent | wrong).status_code == 422, wrong
    answer = yue.post(f"/projects/{project}/copy", sent)
    assert answer.status_code == 303
    assert "US-GEN-27Q4-IRT-001" in yue.get(answer.location).text
    with app.app_context():
        copy = db.session.scalars(db.select(Project).where(Project.key == "IRT")).one()
        tasks = db.session.scalars(db.select(Task).where(Task.project_id == copy.id)).all()
        assert {task.key: task.owner_id for task in tasks}["submit"] == world.lei.id
        assert {task.key: str(task.due_on) for task in tasks}["launch"] == "2027-10-20"


def test_a_plan_of_hours_is_copied_to_a_moment(app, browse, world):
    with app.app_context():
        InstalledPack.install(world.shanlan, packs.pack(), by=world.yue)
        version = db.session.scalars(db.select(Template).where(Template.key == "takedown_emergency")).one().newest
        source = Launch(
            template=version.read(), workspace_id=world.shanlan.id, owner=world.yue, anchor=None,
            values={"name_zh": "下架", "code": "US-AMZ-26Q4-DOWN-001", "key": "DOWN"}, version=version,
        ).create(by=world.yue)  # fmt: skip
        db.session.commit()
        source_id = source.id
    sent = {"name_zh": "又一次下架", "word": "DOWN2", "anchor_at": "2026-10-13T10:30", "people": "roles"}
    yue = browse("yue")
    assert yue.post(f"/projects/{source_id}/copy", sent | {"anchor_at": "soon"}).status_code == 422
    assert yue.post(f"/projects/{source_id}/copy", sent).status_code == 303
    with app.app_context():
        copy = db.session.scalars(db.select(Project).where(Project.key == "DOWN2")).one()
        assert copy.anchor_at.isoformat() == "2026-10-13T02:30:00+00:00"


def test_a_copy_that_would_run_out_of_2100_is_refused(browse, world, app, project):
    """The launch day is no day's distance from the end of the calendars, and there are tasks after it."""
    with app.app_context():
        launch = db.session.scalars(db.select(Task).where(Task.project_id == project, Task.key == "launch")).one()
        after = Task.create(
            launch.project, by=world.yue, stage=launch.stage, owner=world.yue, title_zh="复盘", duration=20
        )
        after.wait_for(launch, by=world.yue)
        db.session.commit()
    sent = {"name_zh": "额温枪", "word": "IRT", "anchor_on": "2100-12-30", "people": "same"}
    answer = browse("yue").post(f"/projects/{project}/copy", sent)
    assert answer.status_code == 422 and "2100" in answer.text
    assert elements(answer.text, "aria-invalid", name="anchor_on")
