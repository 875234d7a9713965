"""What was deleted, and how it comes back: on the page, with everything attached, for thirty days."""

from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import text

from linkstar import clock, jobs, storage
from linkstar.extensions import db
from linkstar.models import (
    Approval,
    Attachment,
    AuditEvent,
    Comment,
    DeleteProject,
    DeleteTask,
    Evidence,
    ExportHistory,
    Project,
    Task,
    Waiver,
)
from linkstar.models.audit_event import verify_audit
from linkstar.models.task import Participant
from tests.pages import elements
from tests.world import NOW


def throw_away(browser, task):
    assert browser.post(f"/tasks/{task.id}/trashing").status_code == 303


def restorable(browser, query=""):
    """The addresses of the buttons on the page of the trash."""
    page = browser.get(f"/trash{query}").text
    return {form["action"] for form in elements(page, tag="form") if form["action"].startswith("/trash/")}


def test_what_lies_deep_in_the_trash_comes_back_too(app, browse, world):
    with app.app_context():
        for number in range(101):
            task = Task.create(world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, title_zh=f"旧 {number}")
            task.trash(by=world.yue)
        db.session.commit()
    yue = browse("yue")
    first, second = restorable(yue), restorable(yue, "?page=2")
    assert (len(first), len(second), len(first | second)) == (100, 1, 101)
    for page in ("?page=0", "?page=x", "?page=99999999999"):
        assert yue.get(f"/trash{page}").status_code == 200


def test_a_task_comes_back_with_all_that_hung_on_it(app, browse, world, tmp_path):
    yu, yue = browse("yu"), browse("yue")
    picture = (BytesIO(b"%PDF-1.4\n%%EOF\n"), "检测报告.pdf")
    assert (
        yu.post(f"/tasks/{world.fcc.id}/attachments", {"file": picture}, content_type="multipart/form-data").status_code
        == 303
    )
    before = yu.get(f"/tasks/{world.fcc.id}", {"lang": "en"}).text
    with app.app_context():
        world.fcc.trash(by=world.yue)
        db.session.commit()
    assert yu.get(f"/tasks/{world.fcc.id}").status_code == 404
    assert restorable(yue) == {f"/trash/tasks/{world.fcc.id}/restoration"}
    assert "周越" in yue.get("/trash").text and "30 days left" in yue.get("/trash", {"lang": "en"}).text
    assert yue.post(f"/trash/tasks/{world.fcc.id}/restoration").location == "/trash"
    after = yu.get(f"/tasks/{world.fcc.id}").text
    for words in (
        "检测报告.pdf",
        "报告什么时候到",
        "The lab&#39;s report",
        "Publish the Amazon listing",
        "added the file",
    ):
        assert words in before and words in after, words
    assert "brought the task back" in after
    board = yu.get(f"/projects/{world.lamp.id}/board").text
    assert f"task-{world.fcc.id}" in board
    assert restorable(yue) == set()


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ("admin", 303),
        ("yue", 303),
        ("yu", 303),
        ("jia", 403),
        ("intern", 403),
        ("maya", 404),
        ("jess", 404),
        ("lead", 404),
    ],
)
def test_who_brings_a_task_back(browse, world, person, status):
    throw_away(browse("admin"), world.unboxing)
    browser, address = browse(person), f"/trash/tasks/{world.unboxing.id}/restoration"
    assert (address in restorable(browser)) == (status == 303)
    assert browser.post(address).status_code == status


def test_the_trash_shows_what_one_could_see_before(browse, world):
    admin = browse("admin")
    throw_away(admin, world.poles)
    assert "碳杆打样" in admin.get("/trash").text
    assert "碳杆打样" not in browse("yu").get("/trash").text
    for outsider, status in (("maya", 403), ("jess", 404)):
        assert browse(outsider).get("/trash").status_code == status
    assert "碳杆打样" not in browse("lead").get("/trash").text


def test_what_is_there_already_or_never_was_is_404(browse, world):
    admin = browse("admin")
    for kind, record_id in (("tasks", world.script.id), ("projects", world.lamp.id), ("tasks", 999_999)):
        assert admin.post(f"/trash/{kind}/{record_id}/restoration").status_code == 404


def test_a_task_of_a_project_in_the_trash_comes_back_with_its_project_only(browse, world):
    admin = browse("admin")
    throw_away(admin, world.packing)
    with clock.at(NOW + timedelta(minutes=1)):
        assert admin.post(f"/projects/{world.lamp.id}/trashing").status_code == 303
    assert restorable(admin) == {f"/trash/projects/{world.lamp.id}/restoration"}
    assert "8 tasks" in admin.get("/trash", {"lang": "en"}).text
    assert admin.post(f"/trash/tasks/{world.packing.id}/restoration").status_code == 404
    assert admin.post(f"/trash/projects/{world.lamp.id}/restoration").status_code == 303
    assert restorable(admin) == {f"/trash/tasks/{world.packing.id}/restoration"}, "it had gone before"


def test_a_project_in_the_trash_is_nowhere(app, browse, world):
    """Neither on pages and in counts, nor in mails."""
    assert browse("admin").post(f"/projects/{world.lamp.id}/trashing").status_code == 303
    yu = browse("yu")
    for page in ("/", "/projects", "/inbox"):
        answer = yu.get(page).text
        assert "露营灯" not in answer and "亚马逊详情页上线" not in answer and "拍摄脚本" not in answer, page
    for page in ("board", "list", "table", "plan", "changes", "history", "gates", "edit"):
        assert yu.get(f"/projects/{world.lamp.id}/{page}").status_code == 404, page
    assert yu.get(f"/tasks/{world.script.id}").status_code == 404
    assert browse("jess").get(f"/briefs/{world.unboxing.id}").status_code == 404
    assert yu.post(f"/projects/{world.lamp.id}/tasks", {"title": "晚了"}).status_code == 404


def test_an_open_board_is_told_that_its_project_is_gone(browse, world):
    yu, board = browse("yu"), f"/projects/{world.lamp.id}/board"
    browse("admin").post(f"/projects/{world.lamp.id}/trashing")
    answer = yu.get(f"/projects/{world.lamp.id}/changes", {"since": 0}, current_url=board)
    assert answer.status_code == 404
    assert elements(answer.text, role="alert")


def test_a_file_comes_back_to_its_task(app, browse, world):
    yu = browse("yu")
    sent = {"file": (BytesIO(b"%PDF-1.4\n%%EOF\n"), "脚本.pdf")}
    yu.post(f"/tasks/{world.script.id}/attachments", sent, content_type="multipart/form-data")
    with app.app_context():
        file = db.session.scalar(db.select(Attachment.id).where(Attachment.task_id == world.script.id))
    assert yu.post(f"/attachments/{file}/trashing").status_code == 303
    assert yu.get(f"/attachments/{file}").status_code == 404
    assert restorable(yu) == {f"/trash/attachments/{file}/restoration"}
    assert restorable(browse("designer")) == set(), "whose task and whose file it is not"
    assert yu.post(f"/trash/attachments/{file}/restoration").status_code == 303
    assert yu.get(f"/attachments/{file}").status_code == 200


def test_after_thirty_days_nothing_is_left_but_the_trail(app, browse, world, monkeypatch):
    """Whatever hangs on a task or a project, and the bytes of its files."""
    monkeypatch.setattr(jobs, "UPLOADS_KEPT", timedelta(days=-100))  # the folder's own clock is another
    with app.app_context():
        stored = storage.put(BytesIO(b"%PDF-1.4"), limit=100)
        evidence = Evidence(
            workspace_id=world.shanlan.id, kind="file", file_key=stored.key, file_name="报告.pdf", size=8,
            media_type="application/pdf", sha256=stored.sha256,
        )  # fmt: skip
        world.lab_report.give(evidence, by=world.lei)
        Waiver.ask(world.fcc, "先走", by=world.yue, item=world.supplier_mail)
        world.fcc.add_participant(world.maya, "watcher", by=world.yue)
        Comment.post(world.fcc, "@林晓雨 收到", by=world.lei)
        db.session.commit()
        world.lamp.trash(by=world.admin)
        db.session.commit()
        lamp, fcc = world.lamp.id, world.fcc.id
    with clock.at(NOW + timedelta(days=30, minutes=1)), app.app_context():
        assert storage.open(stored.key).read()
        jobs.sweep()
        for model, column in ((Task, Task.project_id), (Project, Project.id), (Comment, Comment.task_id)):
            left = db.select(db.func.count()).select_from(model).where(column == (fcc if model is Comment else lamp))
            assert db.session.scalar(left) == 0
        assert db.session.scalar(db.select(db.func.count()).select_from(Participant).filter_by(task_id=fcc)) == 0
        with pytest.raises(storage.Missing):
            storage.open(stored.key)
        assert db.session.scalar(db.select(db.func.count(AuditEvent.id)).where(AuditEvent.task_id == fcc)) > 3
    admin = browse("admin")
    with clock.at(NOW + timedelta(minutes=2)):
        trail = admin.get("/history", {"lang": "en"}).text
    assert "deleted the project “Camp lantern US launch” for good" in trail
    assert "a deleted task" in trail and "moved the project to the trash" in trail
    assert restorable(admin) == set()


def test_what_was_deleted_for_good_is_nobody_elses_past(app, browse, world):
    """The trail is asked by number, so a number is given once; and were it given twice, it tells of its own
    workspace only."""
    with app.app_context():
        secret = Task.create(
            world.lamp, by=world.yue, stage=world.lamp.stages[0], owner=world.yue, title_zh="绝密新品打样"
        )
        db.session.commit()
        number = secret.id
        secret.trash(by=world.yue)
        db.session.commit()
    with clock.at(NOW + timedelta(days=31)), app.app_context():
        jobs.sweep()
    with app.app_context():
        task = Task.create(world.bike, by=world.lead, stage=world.bike.stages[0], owner=world.lead, title_zh="车架打样")
        db.session.commit()
        assert task.id > number
        for which in ({"task_id": task.id}, {"project_id": world.bike.id}):
            row = {"workspace_id": world.shanlan.id, "action": "task.trashed", "actor_id": world.yue.id, "change": "x"}
            db.session.execute(db.insert(AuditEvent), [row | which])
        db.session.commit()
        mine, bike = task.id, world.bike.id
    lead = browse("lead")
    for page in (f"/tasks/{mine}", f"/tasks/{mine}/history", f"/projects/{bike}/history"):
        assert "周越" not in lead.get(page).text, page
    told = browse("admin").get("/history").text
    assert "车架打样" not in told
    assert "绝密新品打样" in told


def test_what_was_decided_outlives_what_it_was_about(app, browse, world):
    """With its name; what nobody has decided by then has failed, and an agreed export is no wider than it was."""
    with app.app_context():
        world.designer.membership_in(world.shanlan.id).role = "pmo"
        done = Approval.ask(DeleteTask.of(world.sample), by=world.intern, reason="建错了")
        done.vote(True, by=world.yue)
        waiting = Approval.ask(DeleteProject.of(world.lamp), by=world.yue)
        export = Approval.ask(ExportHistory.of(world.shanlan.id, world.lamp, {}), by=world.yu)
        export.vote(True, by=world.admin)
        world.lamp.trash(by=world.admin)
        db.session.commit()
        ids, lamp = [done.id, waiting.id, export.id], world.lamp.id
        name, sample = world.lamp.name_zh, world.sample.title_zh
        assert export.state == "done"
    with clock.at(NOW + timedelta(days=31)), app.app_context():
        export.done_at = clock.now()
        db.session.merge(export)
        db.session.commit()
        jobs.sweep()
        assert db.session.get(Project, lamp) is None
        kept = [db.session.get_one(Approval, key) for key in ids]
        assert [(each.state, each.trouble, each.gone) for each in kept] == [
            ("done", None, True), ("failed", "gone", True), ("done", None, True),
        ]  # fmt: skip
        assert verify_audit(world.shanlan.id).fault is None
    with clock.at(NOW + timedelta(days=31)):
        admin, yu = browse("admin"), browse("yu")
        for key, words in zip(ids, (sample, name, name), strict=True):
            assert words in admin.get(f"/approvals/{key}").text
        assert admin.get("/approvals").status_code == 200
        assert yu.get("/approvals").status_code == 200
        assert yu.get(f"/approvals/{ids[2]}/file").status_code == 403
        assert browse("lei").get(f"/approvals/{ids[1]}").status_code == 404


@pytest.mark.one_database
def test_a_number_is_given_once(session):
    """SQLite would give the highest again as soon as its record is gone."""
    once = ("task", "project", "approval", "comment", "attachment", "user", "workspace")
    rows = session.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    tables = {row.name: row.sql for row in rows}
    assert [name for name in once if "AUTOINCREMENT" not in tables[name]] == []
