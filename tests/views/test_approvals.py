"""Requests on the screen: who is told what, who may press what, and what two people at once bring about."""

import re
import threading
from decimal import Decimal

import pytest

from linkstar import clock, jobs
from linkstar.extensions import db
from linkstar.models import (
    Approval,
    AuditEvent,
    ChangeBudget,
    DeleteTask,
    Delivery,
    Notification,
    Project,
    Task,
)
from tests.pages import elements
from tests.world import NOW, october


def press_delete(browser, task, **fields):
    return browser.post(f"/tasks/{task.id}/trashing", fields)


def newest(app):
    with app.app_context():
        approval = db.session.scalars(db.select(Approval).order_by(Approval.id.desc())).first()
        db.session.expunge_all()
        return approval


def vote(browser, approval, answer="agree", **fields):
    return browser.post(f"/approvals/{approval.id}/votes", {"answer": answer, **fields})


def badge(browser):
    found = re.search(r'href="/approvals"[^>]*>.*?<span class="num">(\d*)</span>', browser.get("/projects").text)
    return found and found[1]


# the whole way


def test_an_interns_delete_becomes_a_request_that_others_decide_on(app, browse, world):
    intern = browse("intern")
    page = intern.get(f"/tasks/{world.sample.id}", {"lang": "en"}).text
    assert "Ask for deletion" in page and ">Delete<" not in page
    assert "Somebody else has to agree" in intern.get(f"/tasks/{world.sample.id}/trashing/new").text
    assert press_delete(intern, world.sample, reason="建错了").status_code == 303
    assert world.sample.trashed_at is None
    approval = newest(app)
    assert (approval.operation, approval.state, approval.reason) == ("delete_task_with_history", "asked", "建错了")
    assert "Deletion is asked for" in intern.get(f"/tasks/{world.sample.id}").text
    assert vote(intern, approval).status_code == 403
    assert world.sample.trashed_at is None
    admin = browse("admin")
    assert badge(admin) == "1" and badge(intern) == ""
    queue = admin.get("/approvals").text
    assert "寄出样品" in queue and "建错了" in queue and "完成" in queue
    assert vote(admin, approval).location == "/approvals"
    assert world.sample.trashed_at
    assert badge(admin) == ""
    assert intern.get(f"/tasks/{world.sample.id}").status_code == 404
    restored = admin.post(f"/trash/tasks/{world.sample.id}/restoration")
    assert restored.status_code == 303
    assert intern.get(f"/tasks/{world.sample.id}").status_code == 200


def test_with_htmx_the_dialog_closes_and_the_toast_says_so(browse, world):
    intern = browse("intern")
    too_much = intern.post(f"/tasks/{world.sample.id}/trashing", {"reason": "x" * 3000}, htmx=True)
    assert too_much.status_code == 422 and elements(too_much.text, role="alert")
    answer = intern.post(
        f"/tasks/{world.sample.id}/trashing", htmx=True, current_url=f"/projects/{world.lamp.id}/board"
    )
    assert answer.status_code == 200
    assert elements(answer.text, id="dialog") and elements(answer.text, role="status")
    assert world.sample.trashed_at is None


def test_pressed_twice_it_is_one_request(app, browse, world):
    intern = browse("intern")
    for _press in range(2):
        assert press_delete(intern, world.sample).status_code == 303
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count(Approval.id))) == 1


def test_who_may_not_even_ask_is_refused(browse, world):
    assert press_delete(browse("intern"), world.script).status_code == 403
    assert press_delete(browse("maya"), world.script).status_code == 403
    assert press_delete(browse("yu"), world.poles).status_code == 404


def test_a_refusal_needs_its_reason(app, browse, world):
    press_delete(browse("intern"), world.sample)
    approval, yue = newest(app), browse("yue")
    answer = vote(yue, approval, "decline")
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert vote(yue, approval, "maybe").status_code == 422
    assert newest(app).state == "asked"
    assert vote(yue, approval, "decline", reason="还要补寄").status_code == 303
    intern = browse("intern")
    assert "还要补寄" in intern.get(f"/approvals/{approval.id}").text
    assert "declined" in intern.get("/inbox", {"lang": "en"}).text


def test_a_vote_that_comes_late_learns_what_was_decided(app, browse, world):
    press_delete(browse("intern"), world.sample)
    approval = newest(app)
    assert vote(browse("yue"), approval).status_code == 303
    for person in ("yue", "admin"):
        answer = vote(browse(person), approval)
        assert answer.status_code == 409
        assert elements(answer.text, role="alert")
    assert browse("intern").post(f"/approvals/{approval.id}/withdrawal").status_code == 409


def test_a_request_is_withdrawn_by_who_made_it(app, browse, world):
    intern = browse("intern")
    press_delete(intern, world.sample)
    approval = newest(app)
    assert browse("yue").post(f"/approvals/{approval.id}/withdrawal").status_code == 403
    assert intern.post(f"/approvals/{approval.id}/withdrawal").status_code == 303
    assert vote(browse("yue"), approval).status_code == 409
    assert world.sample.trashed_at is None


def test_a_request_exists_for_who_asked_and_who_decides(app, browse, world):
    press_delete(browse("intern"), world.sample)
    approval = newest(app)
    for person, status in {
        "intern": 200, "yue": 200, "admin": 200, "yu": 404, "lei": 404, "finance": 404, "maya": 404, "lead": 404,
        "jess": 404,
    }.items():  # fmt: skip
        assert browse(person).get(f"/approvals/{approval.id}").status_code == status, person
        if status == 404:
            assert vote(browse(person), approval).status_code == 404


def test_who_no_longer_sees_the_task_no_longer_sees_the_request(app, browse, world):
    yu = browse("yu")
    press_delete(yu, world.photos)
    approval = newest(app)
    with app.app_context():
        member = next(each for each in world.lamp.members if each.user_id == world.yu.id)
        db.session.get_one(Project, world.lamp.id).remove_member(db.session.merge(member), by=world.yue)
        db.session.commit()
    assert yu.get(f"/approvals/{approval.id}").status_code == 404
    assert "主图拍摄" not in yu.get("/approvals").text


@pytest.mark.both_databases
def test_two_who_agree_at_the_same_instant_do_it_once(app, world):
    with app.app_context():
        approval_id = Approval.ask(DeleteTask.of(world.sample), by=world.intern).id
        db.session.commit()
    start, outcomes = threading.Barrier(2), []

    def agree(name):
        with app.app_context():
            approval = db.session.get_one(Approval, approval_id)
            person = getattr(world, name)
            db.session.rollback()
            start.wait()
            try:
                approval.vote(True, by=person)
                db.session.commit()
                outcomes.append("done")
            except Exception as error:
                db.session.rollback()
                outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=agree, args=[name]) for name in ("yue", "admin")]
    with clock.at(NOW):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(outcomes) == ["AlreadyDecided", "done"]
    with app.app_context():
        trashed = db.select(db.func.count(AuditEvent.id)).where(AuditEvent.action == "task.trashed")
        assert db.session.scalar(trashed) == 1


# who is told


def test_a_request_reaches_the_inbox_and_the_mailbox_of_who_decides(app, browse, world, tmp_path):
    press_delete(browse("intern"), world.sample, reason="建错了")
    assert "寄出样品" in browse("yue").get("/inbox").text
    assert "寄出样品" not in browse("yu").get("/inbox").text
    with app.app_context(), clock.at(NOW):
        jobs.deliver_due()
        mails = db.session.scalars(db.select(Delivery).where(Delivery.state == "sent").join(Delivery.notification))
        kinds = [mail.notification.kind for mail in mails if mail.notification.approval_id]
    assert kinds == ["approval_asked"] * 2
    letters = [file.read_text() for file in (tmp_path / "mail").glob("*.eml")]
    assert len(letters) == 2


def test_a_notice_leads_to_the_request(app, browse, world):
    press_delete(browse("intern"), world.sample)
    with app.app_context():
        notice = db.session.scalar(
            db.select(Notification.id).where(
                Notification.user_id == world.yue.id, Notification.approval_id.is_not(None)
            )
        )
    opened = browse("yue").post(f"/inbox/{notice}/reading")
    assert opened.location == f"/approvals/{newest(app).id}"


def test_who_decides_no_longer_is_told_nothing(app, browse, world, tmp_path):
    press_delete(browse("intern"), world.sample)
    with app.app_context(), clock.at(NOW):
        for name in ("yue", "admin"):
            db.session.get_one(type(world.yue), getattr(world, name).id).membership_in(world.shanlan.id).role = "ops"
        db.session.commit()
        jobs.deliver_due()
    assert list((tmp_path / "mail").glob("*.eml")) == []


def test_the_queue_costs_no_query_more_where_nothing_waits(browse, world, count_queries):
    yue, designer = browse("yue"), browse("designer")
    with count_queries() as of_one_who_decides:
        yue.get("/projects")
    with count_queries() as of_one_who_does_not:
        designer.get("/projects")
    asking = [query for query in of_one_who_decides if "approval" in query]
    assert len(asking) == 1 and "waiver" in asking[0], "one statement counts all"
    assert len([query for query in of_one_who_does_not if "approval" in query]) <= 1


# projects and their settings


def test_the_inbox_costs_the_same_for_many_requests(app, browse, world, count_queries):
    yue = browse("yue")

    def ask(number):
        with app.app_context():
            for turn in range(number):
                task = Task.create(
                    world.lamp, by=world.yu, stage=world.doing, owner=world.yu, title_zh=f"{turn}", due_on=october(20)
                )
                Approval.ask(DeleteTask.of(task), by=world.yu)
            db.session.commit()
        with count_queries() as queries:
            assert yue.get("/inbox").status_code == 200
        return len(queries)

    few = ask(2)
    assert ask(10) <= few


def test_a_projects_deletion_waits_a_day_and_can_be_seen_until_then(app, browse, world):
    yue = browse("yue")
    form = yue.get(f"/projects/{world.lamp.id}/trashing/new", {"lang": "en"}).text
    assert "24 hours" in form and "Ask for deletion" in form
    assert yue.post(f"/projects/{world.lamp.id}/trashing", {"reason": "不做了"}).location == "/approvals"
    approval = newest(app)
    assert vote(browse("admin"), approval).status_code == 303
    assert "can be stopped" in browse("admin").get("/approvals", {"lang": "en"}).text
    assert yue.get(f"/projects/{world.lamp.id}/board").status_code == 200
    with app.app_context(), clock.at(NOW.replace(day=NOW.day + 1)):
        jobs.run_agreed()
    assert yue.get(f"/projects/{world.lamp.id}/board").status_code == 404


def test_an_administrator_deletes_a_project_at_once_and_brings_it_back(browse, world):
    admin, yu = browse("admin"), browse("yu")
    assert admin.post(f"/projects/{world.lamp.id}/trashing").location == "/projects"
    for page in ("/projects", "/"):
        assert "露营灯" not in yu.get(page).text and f"/tasks/{world.listing.id}" not in yu.get(page).text
    assert "露营灯" in yu.get("/trash").text, "she may delete projects, after an approval"
    assert admin.post(f"/trash/projects/{world.lamp.id}/restoration").status_code == 303
    assert yu.get(f"/projects/{world.lamp.id}/board").status_code == 200


@pytest.mark.parametrize(("person", "status"), [("jia", 403), ("intern", 403), ("finance", 403), ("maya", 403)])
def test_who_may_not_ask_for_a_projects_deletion(browse, world, person, status):
    for method, address in (("GET", "/trashing/new"), ("POST", "/trashing")):
        assert browse(person).open(method, f"/projects/{world.lamp.id}{address}").status_code == status


def settings(browser, world):
    page = browser.get(f"/projects/{world.lamp.id}/edit").text
    fields = {field["name"]: field.get("value", "") for field in elements(page, "name", tag="input")}
    del fields["csrf_token"]
    return page, fields | ({"currency": "USD"} if 'name="currency"' in page else {})


def test_a_small_raise_is_saved_and_a_big_one_waits_for_finance(app, browse, world):
    yue = browse("yue")
    with app.app_context():
        db.session.get_one(Project, world.lamp.id).budget = Decimal(10000)
        db.session.commit()
    _page, fields = settings(yue, world)
    sent = fields | {"budget": "10900", "brand": "山岚"}
    assert yue.post(f"/projects/{world.lamp.id}", sent).status_code == 303
    assert (world.lamp.budget, world.lamp.brand) == (Decimal(10900), "山岚")
    _page, fields = settings(yue, world)
    assert yue.post(f"/projects/{world.lamp.id}", fields | {"budget": "20000"}).status_code == 303
    assert world.lamp.budget == Decimal(10900)
    approval, finance = newest(app), browse("finance")
    assert "20000" in finance.get("/approvals").text
    assert vote(browse("admin"), approval).status_code == 404, "an administrator has no say in it"
    assert vote(finance, approval).status_code == 303
    assert world.lamp.budget == Decimal(20000)


def test_what_one_may_not_know_is_not_on_the_page_and_not_taken(app, browse, world):
    with app.app_context():
        lamp = db.session.get_one(Project, world.lamp.id)
        lamp.budget, lamp.suppliers = Decimal("123456.78"), "深圳某某电子厂"
        ChangeBudget.of(lamp, Decimal(200000), "USD")
        db.session.get_one(type(world.yu), world.yu.id).membership_in(world.shanlan.id).role = "content_lead"
        db.session.commit()
    yu = browse("yu")
    page, fields = settings(yu, world)
    for secret in ("123456", "深圳某某电子厂", 'name="budget"', 'name="currency"', 'name="suppliers"'):
        assert secret not in page
    for name, value in (("budget", "1"), ("currency", "CNY"), ("suppliers", "x")):
        assert yu.post(f"/projects/{world.lamp.id}", fields | {name: value}).status_code == 422
    assert (world.lamp.budget, world.lamp.currency) == (Decimal("123456.78"), "USD")
    assert yu.post(f"/projects/{world.lamp.id}", fields | {"store": "美国站"}).status_code == 303
    assert (world.lamp.store, world.lamp.budget) == ("美国站", Decimal("123456.78"))


def test_settings_that_somebody_changed_since_are_409_and_kept(browse, world):
    yue, admin = browse("yue"), browse("admin")
    _page, mine = settings(yue, world)
    _page, theirs = settings(admin, world)
    assert admin.post(f"/projects/{world.lamp.id}", theirs | {"store": "加拿大站"}).status_code == 303
    answer = yue.post(f"/projects/{world.lamp.id}", mine | {"store": "美国站"})
    assert answer.status_code == 409
    assert "美国站" in answer.text and "加拿大站" in answer.text
    assert world.lamp.store == "加拿大站"


@pytest.mark.parametrize("budget", ["NaN", "Infinity", "-1", "1e99", "abc", "9" * 30])
def test_a_budget_that_is_no_sum_is_422(browse, world, budget):
    yue = browse("yue")
    _page, fields = settings(yue, world)
    assert yue.post(f"/projects/{world.lamp.id}", fields | {"budget": budget}).status_code == 422


def test_a_budget_in_the_trail_is_for_who_may_see_it(app, browse, world):
    with app.app_context():
        db.session.get_one(Project, world.lamp.id).edit({"budget": Decimal("7654.32")}, by=world.yue)
        db.session.commit()
    assert "7654.32" in browse("yue").get(f"/projects/{world.lamp.id}/history").text
    assert "7654.32" not in browse("designer").get(f"/projects/{world.lamp.id}/history").text


# many tasks, templates, exports


@pytest.fixture
def many(app, world):
    with app.app_context():
        for number in range(20):
            Task.create(
                world.lamp, by=world.yue, stage=world.doing, owner=world.yu, title_zh=f"第 {number} 项",
                due_on=october(20),
            )  # fmt: skip
        db.session.commit()
        tasks = db.session.scalars(db.select(Task).where(Task.title_zh.startswith("第 "))).all()
        return {"task_id": [task.id for task in tasks]} | {f"version-{task.id}": task.version for task in tasks}


def priorities(app):
    with app.app_context():
        return set(db.session.scalars(db.select(Task.priority).where(Task.title_zh.startswith("第 "))))


def test_twenty_tasks_are_changed_when_somebody_agrees_and_taken_back_by_who_asked(app, browse, world, many):
    yu, address = browse("yu"), f"/projects/{world.lamp.id}/bulk-edits"
    sent = many | {"priority": "high"}
    assert elements(yu.post(address, sent).text, id="reason"), "the preview says that it will be a request"
    assert yu.post(address, sent | {"confirmed": 1, "reason": "大促"}).status_code == 303
    assert priorities(app) == {"medium"}
    approval, yue = newest(app), browse("yue")
    queue = yue.get("/approvals").text
    assert "第 19 项" in queue and "大促" in queue
    assert vote(yue, approval).status_code == 303
    assert priorities(app) == {"high"}
    mine = yu.get("/approvals").text
    assert newest(app).change in mine
    assert yu.post("/undos", {"change": newest(app).change}).status_code == 303
    assert priorities(app) == {"medium"}


def test_an_administrator_and_who_changes_few_ask_nobody(app, browse, world, many):
    address = f"/projects/{world.lamp.id}/bulk-edits"
    few = many | {"task_id": many["task_id"][1:]}
    assert browse("yu").post(address, few | {"priority": "high", "confirmed": 1}).status_code == 303
    assert priorities(app) == {"high", "medium"}
    assert browse("admin").post(address, many | {"priority": "low", "confirmed": 1}).status_code == 303
    assert "low" in priorities(app)


def test_an_export_is_asked_for_and_fetched_by_who_asked(app, browse, world):
    yu = browse("yu")
    address = f"/projects/{world.lamp.id}/history"
    assert yu.get(address, {"file": "csv"}).status_code == 403
    assert f"/projects/{world.lamp.id}/exports" in yu.get(address).text
    assert yu.post(f"/projects/{world.lamp.id}/exports", {"kind": "comment"}).status_code == 303
    approval = newest(app)
    file = f"/approvals/{approval.id}/file"
    assert yu.get(file).status_code == 403, "not agreed yet"
    assert vote(browse("admin"), approval).status_code == 303
    fetched = yu.get(file)
    assert fetched.status_code == 200 and fetched.text.startswith("\ufeff")
    assert browse("admin").get(file).status_code == 403, "it is for who asked"
    with clock.at(NOW.replace(day=21)):
        assert browse("yu").get(file).status_code == 403, "it is there for some days"


def test_who_may_not_export_at_all_does_not_ask_either(browse, world):
    for person in ("intern", "designer", "maya"):
        assert browse(person).post(f"/projects/{world.lamp.id}/exports").status_code == 403
    assert browse("yu").post("/exports").status_code == 403, "she does not see all of the workspace"
    assert browse("lei").post("/exports").status_code == 303
