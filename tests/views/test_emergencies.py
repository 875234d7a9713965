"""Something is on fire: declared by a press or by another program, legal hears of it first, the ads stand still, and it
is closed with what was learnt. A drill does the same and touches nobody outside."""

import json
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import func, select, update

from linkstar import clock, jobs, packs
from linkstar.extensions import db, limiter
from linkstar.models import (
    Absence,
    AuditEvent,
    Channel,
    Declaration,
    Delivery,
    Emergency,
    Handover,
    Hold,
    Inlet,
    Membership,
    MoveRefused,
    Notification,
    Post,
    Project,
    PushSubscription,
    SignIn,
    Task,
    Template,
    User,
)
from linkstar.reports.emergencies import span_words
from linkstar.views.incoming import _is_yes
from linkstar.words import TRIGGER_NAMES
from tests.api.test_doors import problem
from tests.pages import elements
from tests.world import CHEAP, NOW, PASSWORD

HAPPENED = {"trigger": "listing_removed", "severity": "s2", "title": "B0C1234567 露营灯"}
LEARNT = "资质图过期没有人看到，以后每月核对一次。From now on somebody looks every month."
one_database = pytest.mark.one_database


def after(minutes):
    return clock.at(NOW + timedelta(minutes=minutes))


def declare(browser, world, **more):
    answer = browser.post("/emergencies", HAPPENED | {"project": world.lamp.id} | more)
    assert answer.status_code == 303, answer.text
    return answer.location


def told(app):
    with app.app_context():
        called = Notification.emergency_id.is_not(None), Notification.kind != "emergency_over"
        query = select(Notification).where(*called).order_by(Notification.id)
        return [notice.user.name for notice in db.session.scalars(query)]


def the_only(app):
    with app.app_context():
        return db.session.scalars(select(Emergency)).one()


@pytest.fixture
def second_lawyer(app, world):
    with app.app_context():
        person = User(name="郑律", email="zheng@example.com", password_hash=CHEAP.hash(PASSWORD))
        db.session.add(Membership(workspace=world.shanlan, user=person, role="legal"))
        db.session.commit()


@pytest.fixture
def channels(app, world):
    """One that takes everything, and one for drills alone."""
    with app.app_context():
        here = {"workspace_id": world.shanlan.id, "owner": world.yue, "kind": "webhook", "address": "https://x.example"}
        events = ["emergency.declared", "emergency.acknowledged", "emergency.closed"]
        db.session.add(Channel(name="real", events=events, **here))
        db.session.add(Channel(name="test", events=events, drills=True, **here))
        db.session.commit()


def posted(app):
    with app.app_context():
        query = select(Channel.name, Post.event).join(Post.channel).order_by(Post.id)
        return [tuple(row) for row in db.session.execute(query)]


def test_one_press_tells_legal_first_lays_the_playbook_and_stops_the_ads(app, browse, world, channels):
    with app.app_context():
        world.listing.publish_at, world.listing.audience_timezone = NOW + timedelta(days=9), "America/New_York"
        db.session.execute(update(Task).where(Task.id == world.packing.id).values(role="ads"))
        world.budget.stage_id = world.to_do.id
        db.session.commit()
    yu = browse("yu")
    page = yu.get(f"/projects/{world.lamp.id}/board?lang=en").text
    assert f'href="/emergencies/new?project={world.lamp.id}"' in page
    assert f'selected value="{world.lamp.id}"' in yu.get(f"/emergencies/new?project={world.lamp.id}").text
    refused = yu.post("/emergencies", HAPPENED | {"severity": "s9", "title": ""})
    assert [each.get("id") for each in elements(refused.text, role="alert")][:2] == ["title-error", "severity-error"]
    where = declare(yu, world, posts="y", idempotency_key="twice")
    assert declare(yu, world, posts="y", idempotency_key="twice") == where, "a double click makes one"

    emergency = the_only(app)
    assert told(app) == ["王蕾", "林晓雨", "周越"], "legal, then operations and PMO"
    with app.app_context():
        tasks = {
            task.key: task for task in db.session.scalars(select(Task).where(Task.project_id == emergency.project_id))
        }
        assert tasks["em_ack"].due_at == NOW + timedelta(minutes=30), "as the severity says"
        assert tasks["em_log"].due_at == NOW + timedelta(minutes=45)
        assert (tasks["em_type"].owner.name, tasks["em_pause_ads"].owner.name) == ("王蕾", "何佳")
        assert tasks["em_start"].completed_at == NOW
        held = set(db.session.scalars(select(Hold.task_id)))
        assert held == {world.budget.id, world.packing.id, world.listing.id}
        kinds = select(AuditEvent.action, func.count()).where(AuditEvent.action.startswith("emergency."))
        assert dict(db.session.execute(kinds.group_by(AuditEvent.action)).all()) == {
            "emergency.declared": 1, "emergency.held": 3,
        }  # fmt: skip
    assert posted(app) == [("real", "emergency.declared")]

    page = yu.get(f"{where}?lang=en").text
    for words in ("B0C1234567 露营灯", "Key listing down", "first hour", "首批广告预算表", "declared the emergency"):
        assert words in page, words
    board = yu.get(f"/projects/{world.lamp.id}/board").text
    (card,) = elements(board, id=f"task-{world.budget.id}")
    assert "blocked" in card["class"] and "On hold: B0C1234567 露营灯" in board
    assert where in yu.get(f"/tasks/{world.budget.id}").text, "the panel says so, with the way there"
    assert where in yu.get("/projects").text, "and every page, above"
    assert 'class="alarm"' not in browse("maya").get("/projects").text
    assert "On hold: emergency “B0C1234567 露营灯”" in browse("jia").get("/?lang=en").text
    lei = browse("lei")
    assert "today 10:25 AM</time>" in lei.get("/?lang=en").text, "an hour stays one"
    form = lei.get("/emergencies/new?lang=zh").text
    assert f'value="{world.lamp.id}"' in form and f'value="{emergency.project_id}"' not in form
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert span_words(timedelta(hours=2)) == "2 h"
    assert "法务合规、运营" in form and "运营、法务合规" not in form


def test_nobody_takes_it_up_and_the_next_in_line_is_told(app, browse, world, second_lawyer, channels):
    where = declare(browse("yu"), world)
    with after(29):
        with app.app_context():
            jobs.escalate()
        assert len(told(app)) == 3, "it is not time yet"
    for minutes, names in ((30, ["郑律"]), (45, []), (60, ["江宁"]), (90, []), (200, [])):
        with after(minutes):
            before = len(told(app))
            for _twice in range(2):
                with app.app_context():
                    jobs.escalate()
            assert told(app)[before:] == names, minutes
    assert the_only(app).escalates_at is None, "nobody is left"
    lei = browse("lei")
    with after(201):
        assert browse("designer").post(f"{where}/acknowledgement").status_code == 403, "who was not told"
        assert lei.post(f"{where}/acknowledgement").status_code == 303
        assert browse("yu").post(f"{where}/acknowledgement").status_code == 303, "she has it, and nothing is wrong"
    page = lei.get(f"{where}?lang=en").text
    for words in ("王蕾 took it up after 3 h 21 min", "in time: 郑律 was told", "was told after 30 min", "江宁"):
        assert words in page, words
    assert posted(app)[-1] == ("real", "emergency.acknowledged")
    with app.app_context():
        assert db.session.scalars(select(Task).where(Task.key == "em_ack")).one().completed_at


@one_database
def test_who_is_on_leave_is_not_the_first_to_be_called(app, browse, world, second_lawyer):
    with app.app_context():
        Absence.write(world.shanlan.id, world.lei, NOW.date(), NOW.date(), by=world.lei)
        db.session.commit()
    declare(browse("yu"), world, severity="s3")
    assert told(app) == ["郑律", "林晓雨"], "legal first, though the pack names operations first"
    with app.app_context():
        nobody = Membership.role.in_(("legal", "ops"))
        db.session.execute(update(Membership).where(nobody).values(role="finance"))
        db.session.commit()
    declare(browse("yue"), world, severity="s3")
    assert told(app)[2:] == ["周越"], "somebody is told at once, whoever there is"


@one_database
def test_who_had_it_leaves_and_it_is_nobodys_again(app, browse, world, second_lawyer):
    where, lei = declare(browse("yu"), world), browse("lei")
    with after(10):
        assert lei.post(f"{where}/acknowledgement").status_code == 303
    with after(20), app.app_context():
        Handover(world.lei.membership_in(world.shanlan.id)).run(world.yue, by=world.admin)
        db.session.commit()
    assert the_only(app).waiting and told(app)[3:] == ["郑律", "林晓雨", "周越"]
    with after(50), app.app_context():
        jobs.escalate()
    assert told(app)[6:] == ["江宁"], "and after them the next in line, as in the beginning"
    with after(51):
        page = browse("yue").get(f"{where}?lang=en").text
        assert "王蕾 had taken up the emergency" in page and "Nobody has taken it up yet" in page
        assert browse("yue").post(f"{where}/acknowledgement").status_code == 303


@one_database
def test_no_way_round_through_the_trash_or_by_giving_the_ads_work_out_anew(app, browse, world):
    def held():
        with app.app_context():
            return set(db.session.scalars(select(Task.title_zh).join(Hold, Hold.task_id == Task.id)))

    def made(title, owner="jia", stage="to_do", **values):
        values |= {"stage": getattr(world, stage), "owner": getattr(world, owner), "due_on": NOW.date()}
        task = Task.create(world.lamp, by=world.yue, title_zh=title, **values)
        db.session.commit()
        return task

    with app.app_context():
        in_trash = made("垃圾桶里的广告")
        in_trash.trash(by=world.yue)
        db.session.commit()
        number = in_trash.id
    where, jia = declare(browse("yue"), world), browse("jia")
    assert held() == {"首批广告预算表", "垃圾桶里的广告"}
    with app.app_context():
        db.session.get(Task, number).restore(by=world.yue)
        made("新广告")
        given, moved, named = (made(title, "yu") for title in ("转给何佳", "拖给何佳", "改成广告"))
        given.edit({"owner_id": world.jia.id}, by=world.yue)
        moved.move_to(by=world.yue, to={"owner": world.jia})
        named.edit({"role": "ads"}, by=world.yue)
        db.session.commit()
        edited = given.id
        for again in (
            lambda: made("直接开始", stage="doing"),
            lambda: made("边拖边开始", "yu").move_to(by=world.yue, to={"owner": world.jia, "stage": world.doing}),
        ):
            with pytest.raises(MoveRefused):
                again()
            db.session.rollback()
        made("别人的活", "yu")
    quick = {"title": "当场开始", "stage_id": world.doing.id, "owner_id": world.jia.id, "due_on": "2026-10-20"}
    refused = browse("yue").post(f"/projects/{world.lamp.id}/tasks?lang=en", quick, htmx=True)
    assert refused.status_code == 422 and "B0C1234567 露营灯" in refused.text
    all_of_it = {"首批广告预算表", "垃圾桶里的广告", "新广告", "转给何佳", "拖给何佳", "改成广告"}
    assert held() == all_of_it
    assert jia.post(f"/tasks/{number}/moves", {"stage_id": world.doing.id}, htmx=True).status_code == 422
    assert "put the task on hold" in browse("yue").get(f"/tasks/{edited}?lang=en").text
    assert "确认接手" in browse("yu").get("/").text
    assert browse("lei").post(f"{where}/closure", {"retrospective": LEARNT}).status_code == 303
    assert "确认接手" not in browse("yu").get("/").text, "a false alarm leaves nobody work"
    assert not held() and "Withdrawn (false alarm)" in browse("lei").get(f"{where}?lang=en").text
    assert "Withdrawn (false alarm)" in browse("lei").get("/emergencies?lang=en").text
    with app.app_context():
        db.session.get(Project, world.lamp.id).trashed_at = NOW
        db.session.commit()
    assert browse("lei").post(f"{where}/reopening", {"why": "又下架了"}).status_code == 303
    assert held() == all_of_it, "and when the launch comes back it is on hold"
    assert "Withdrawn (false alarm)" not in browse("lei").get("/emergencies?lang=en").text


def test_it_is_closed_with_what_was_learnt_and_the_ads_may_start(app, browse, world, channels):
    with app.app_context():
        world.budget.stage_id = world.to_do.id
        db.session.commit()
    jia, lei = browse("jia"), browse("lei")
    where = declare(browse("yu"), world)
    other = declare(browse("yue"), world, title="B0C7654321")
    start = f"/tasks/{world.budget.id}/moves", {"stage_id": world.doing.id}
    refused = jia.post(*start, htmx=True)
    assert refused.status_code == 422 and where in refused.text and other in refused.text
    assert jia.post(f"{where}/closure", {"retrospective": LEARNT}).status_code == 403
    short = lei.post(f"{where}/closure?lang=en", {"retrospective": "好了"})
    assert short.status_code == 422 and "at least 20 letters" in short.text and "好了" in short.text
    assert lei.post(f"{where}/closure", {"retrospective": LEARNT}).status_code == 303
    again = browse("yue").post(f"{where}/closure?lang=en", {"retrospective": LEARNT}, follow_redirects=True)
    assert again.status_code == 200 and "王蕾 has already closed it: today" in again.text
    page = lei.get(f"{where}?lang=en").text
    assert "资质图过期没有人看到" in page and "took the task off hold" in page
    refused = jia.post(*start, htmx=True)
    assert refused.status_code == 422 and other in refused.text and where not in refused.text
    assert browse("yue").post(f"{other}/closure", {"retrospective": LEARNT}).status_code == 303
    assert jia.post(*start, htmx=True).status_code == 200
    with app.app_context():
        unblocked = select(Notification.user_id).where(Notification.kind == "released")
        assert list(db.session.scalars(unblocked)) == [world.jia.id], "once, when nothing holds it any more"
    assert [event for _name, event in posted(app)].count("emergency.closed") == 2
    assert 'class="alarm"' not in jia.get("/projects").text


def test_a_drill_is_the_same_and_touches_nobody_outside(app, browse, world, channels, tmp_path):
    yu, lei = browse("yu"), browse("lei")
    token, yu.token = yu.token, "too old"
    for address, sent in (
        ("/emergencies", {"note": "平台邮件说明"}), ("/emergencies/1/reopening", {"why": "又被下架"}),
        ("/automations", {"actions-0-text": "通知内容", "conditions-1-text": "条件内容"}),
    ):  # fmt: skip
        page = yu.post(address, sent)
        assert page.status_code == 400 and not [text for text in sent.values() if text not in page.text], address
    yu.token = token
    with app.app_context():
        for person in db.session.scalars(select(User)):
            signed_in = SignIn.begin(person, device="", remember=True)
            PushSubscription.write(person, signed_in, f"https://push.example.com/{person.id}", "k", "a")
        db.session.commit()
    where = declare(yu, world, drill="y")
    assert told(app) == ["王蕾", "林晓雨", "周越"]
    assert posted(app) == [("test", "emergency.declared")]
    with after(10):
        assert lei.post(f"{where}/acknowledgement").status_code == 303
    with app.app_context():
        about = Delivery.notification.has(Notification.created_at >= NOW)
        out = select(Delivery.medium, Delivery.state).where(Delivery.state != "sent", about).distinct()
        assert {tuple(row) for row in db.session.execute(out)} == {("mail", "due"), ("push", "due")}
    with after(60), app.app_context():
        jobs.deliver_due()
    with app.app_context():
        assert {tuple(row) for row in db.session.execute(out)} == {("mail", "dropped"), ("push", "dropped")}
        assert not (tmp_path / "mail").exists(), "no mail, no push, nor for the tasks of the playbook"
        task = db.session.scalars(select(Task).where(Task.key == "em_pause_content")).one()
        done = task.project.stages[-1]
        with after(80):
            task.move_to(by=world.yu, to={"stage": done})
        db.session.commit()
    assert browse("jia").put(f"/tasks/{world.budget.id}/completion", htmx=True).status_code == 200, "it holds nothing"
    with after(90):
        page = lei.get(f"{where}?lang=en").text
    for words in (
        "This is a drill",
        "Would be on hold",
        "首批广告预算表",
        "30 min",
        "10 min",
        "1 h 20 min",
        "Too slow",
    ):
        assert words in page, words
    assert "1 of 4 in time" in page
    assert 'class="alarm"' not in yu.get("/projects").text
    for address in ("/projects", "/", "/workload", "/calendar"):
        assert f"/projects/{the_only(app).project_id}/board" not in lei.get(address).text, address
        assert "暂停相关广告" not in browse("jia").get(address).text, address
    rehearsed = Declaration(workspace_id=1, trigger="x", severity="s3", title="演练 灯", drill=True)
    assert rehearsed._called("en") == "演练 灯", "it says so once"
    assert "Drill: B0C1234567 露营灯" in lei.get(f"/projects/{the_only(app).project_id}/board?lang=en").text
    assert lei.post(f"{where}/closure", {"retrospective": "好"}).status_code == 422, "a drill asks for it, too"
    assert lei.post(f"{where}/closure", {"retrospective": LEARNT}).status_code == 303
    assert {name for name, _event in posted(app)} == {"test"}


@one_database
def test_who_may_declare_and_who_is_told_what_stands_where(app, browse, world):
    for person, right in (
        ("intern", 303),
        ("designer", 303),
        ("finance", 303),
        ("admin", 303),
        ("maya", 403),
        ("jess", 404),
    ):
        assert browse(person).post("/emergencies", HAPPENED).status_code == right, person
        assert browse(person).get("/emergencies").status_code == {303: 200}.get(right, right), person
    assert browse("intern").post("/emergencies", HAPPENED | {"project": world.tent.id}).status_code == 422
    assert browse("yu").post("/emergencies", HAPPENED | {"project": world.bike.id}).status_code == 422
    answer = browse("yue").post("/emergencies", HAPPENED | {"project": world.tent.id})
    page = browse("designer").get(answer.location).text
    assert "B0C1234567" in page, "whoever is inside has to know"
    for hidden in ("轻量帐篷", "碳杆打样", "暂停相关广告"):
        assert hidden not in page, "but not what stands in projects that he does not see"
    assert "碳杆打样" in browse("jia").get(answer.location).text
    assert browse("lead").get(answer.location).status_code == 404


# who may do what: declare, hold at once, acknowledge, close, withdraw the own, reopen; else 403, or nothing is there
MAY = {
    "lei": "declare hold acknowledge close withdraw reopen",
    "yue": "declare hold acknowledge close withdraw reopen",
    "yu": "declare hold acknowledge withdraw",
    "jia": "declare hold withdraw",
    "intern": "declare withdraw",
    "maya": "",
    "jess": "",
    "lead": "",
}


@one_database
def test_each_role_does_what_the_table_says_and_no_more(app, browse, world):
    def made(by, **state):
        with app.app_context():
            emergency = Declaration(workspace_id=world.shanlan.id, **HAPPENED).declare(by=db.session.get(User, by.id))
            for name, value in state.items():
                setattr(emergency, name, value)
            db.session.commit()
            return emergency.id

    def now_is(key):
        with app.app_context():
            emergency = db.session.get(Emergency, key)
            return {
                "acknowledge": emergency.acknowledged_at is not None,
                "close": emergency.closed_at is not None,
                "withdraw": emergency.closed_at is not None,
                "reopen": emergency.closed_at is None,
            }

    wrong = []
    for name, allowed in MAY.items():
        person, browser, away = getattr(world, name), browse(name), name in ("jess", "lead")
        refused = 404 if away or name == "maya" else 403
        ended = {"closed_at": NOW, "closed_by_id": world.yue.id, "retrospective": LEARNT}
        asked = {
            "acknowledge": (made(world.yue), "acknowledgement", {}),
            "close": (made(world.yue), "closure", {"retrospective": LEARNT}),
            "reopen": (made(world.yue, **ended), "reopening", {"why": "它又被下架了"}),
        }
        if "withdraw" in allowed:
            asked["withdraw"] = (made(person), "closure", {"retrospective": LEARNT})
        for verb, (key, path, data) in asked.items():
            answer = browser.post(f"/emergencies/{key}/{path}", data).status_code
            if (answer, now_is(key)[verb]) != ((303, True) if verb in allowed else (refused, False)):
                wrong.append((name, verb, answer))
        answer = browser.post("/emergencies", HAPPENED | {"project": world.lamp.id})
        refused = {"lead": 422, "jess": 404}.get(name, 403)  # the other workspace has its own emergencies
        if answer.status_code != (303 if "declare" in allowed else refused):
            wrong.append((name, "declare", answer.status_code))
        if answer.status_code == 303:
            with app.app_context():
                emergency = db.session.get(Emergency, newest(app))
                if (emergency.held_at is not None) != ("hold" in allowed):
                    wrong.append((name, "hold", emergency.held_at))
    assert not wrong


@one_database
def test_an_alarm_holds_nothing_until_somebody_takes_it_up_and_it_may_be_reopened(app, browse, world, channels):
    with app.app_context():
        db.session.execute(update(Task).where(Task.id == world.budget.id).values(stage_id=world.to_do.id))
        db.session.commit()

    def held():
        with app.app_context():
            return set(db.session.scalars(select(Task.title_zh).join(Hold, Hold.task_id == Task.id)))

    intern, lei, yue = browse("intern"), browse("lei"), browse("yue")
    assert "on hold as soon as somebody takes it up" in intern.get("/emergencies/new?lang=en").text
    assert "on hold as soon as" not in yue.get("/emergencies/new?lang=en").text
    where = declare(intern, world)
    assert not held()
    page = intern.get(f"{where}?lang=en").text
    for words in ("The ads are on hold as soon as somebody", "江宁 is told next: today", "told at once", "Withdraw it"):
        assert words in page, words
    assert "Nobody has taken it up yet" in intern.get("/projects?lang=en").text, "the red line"
    with app.app_context():
        late = Task.create(
            world.lamp, by=world.yue, stage=world.to_do, owner=world.jia, title_zh="后来的广告", due_on=NOW.date()
        ).title_zh
        db.session.commit()
    with after(5):
        assert lei.post(f"{where}/acknowledgement").status_code == 303
        assert held() == {"首批广告预算表", late}, "what is open at that moment"
        second = browse("yu").post(f"{where}/acknowledgement?lang=en", follow_redirects=True)
        assert second.status_code == 200 and "王蕾 has already taken it up: today" in second.text
        fragment = browse("yu").post(f"{where}/acknowledgement", htmx=True)
        assert fragment.status_code == 200 and elements(fragment.text, id="emergency-clock")
        beside = {each.get("id") for each in elements(fragment.text, **{"hx-swap-oob": "true"})}
        assert beside == {f"emergency-{name}" for name in ("state", "first-hour", "held")}, "and no form is redrawn"
        assert "首批广告预算表" in fragment.text and "<textarea" not in fragment.text
        assert "put the task on hold" in lei.get(f"{where}?lang=en").text, "in the timeline"
        assert "王蕾 has it" in intern.get("/projects?lang=en").text
        withdrawn = intern.post(f"{where}/closure?lang=en", {"retrospective": LEARNT}, follow_redirects=True)
        assert "王蕾 has already taken it up" in withdrawn.text and the_only(app).closed_at is None
        assert lei.post(f"{where}/closure", {"retrospective": LEARNT}).status_code == 303
    assert not held()

    assert browse("jia").post(f"{where}/reopening", {"why": "没完"}).status_code == 403
    with after(60):
        assert yue.post(f"{where}/reopening", {"why": ""}).status_code == 422
        assert yue.post(f"{where}/reopening", {"why": "又下架了"}).status_code == 303
        twice = lei.post(f"{where}/reopening?lang=en", {"why": "又下架了"}, follow_redirects=True)
        assert twice.status_code == 200 and "周越 has already reopened it: today" in twice.text
        assert held() == {"首批广告预算表", late} and the_only(app).acknowledged_by_id == world.lei.id
        assert told(app) == ["王蕾", "林晓雨", "周越", "林晓雨", "王蕾"], "who were told hear of it"
        assert "reopened: “B0C1234567 露营灯”. 王蕾 has it" in browse("yu").get("/inbox?lang=en").text
        page = yue.get(f"{where}?lang=en").text
        assert "周越 reopened the emergency" in page and "又下架了" in page and LEARNT[:10] in page
        assert intern.post(f"{where}/closure", {"retrospective": LEARNT}).status_code == 303
        assert the_only(app).closed_at is None, "not the declarer's any more"
    with after(70):
        assert lei.post(f"{where}/closure", {"retrospective": LEARNT}).status_code == 303
    assert [event for name, event in posted(app) if event == "emergency.closed"] == ["emergency.closed"] * 2
    with app.app_context():
        db.session.execute(update(Emergency).values(closed_at=NOW - timedelta(days=31)))
        db.session.commit()
    with after(70):
        assert lei.post(f"{where}/reopening", {"why": "又下架了"}).status_code == 403, "too late"

    again = declare(intern, world, title="B0AGAIN")
    with after(30), app.app_context():
        jobs.escalate()
    assert told(app)[-1] == "江宁"
    with after(31):
        assert intern.post(f"{again}/closure", {"retrospective": LEARNT}).status_code == 303
        assert lei.post(f"{again}/reopening", {"why": "不是误报"}).status_code == 303
    with app.app_context():
        emergency = db.session.get(Emergency, newest(app))
        assert (emergency.acknowledged_at, emergency.escalates_at) == (None, NOW + timedelta(minutes=61))
    assert told(app)[-4:] == ["王蕾", "林晓雨", "周越", "江宁"], "from the first one on; who was called later hears it"
    assert "False alarm" in browse("yu").get("/inbox?lang=en&show=all").text
    with after(61), app.app_context():
        jobs.escalate()
    assert told(app)[-1] == "江宁", "again"
    with after(92):
        with app.app_context():
            jobs.escalate()
        page = lei.get(f"{again}?lang=en").text
    assert "Nobody else is left to be told. Call somebody by phone." in page and "is told next" not in page


def post_in(app, address, told, **options):
    client = app.test_client(use_cookies=False)
    if options.pop("form", False):
        return client.post(address, data=told, **options)
    return client.post(address, data=json.dumps(told), content_type="application/json", **options)


def test_another_program_declares_once_with_its_owners_rights(app, browse, world, monkeypatch):
    monkeypatch.setattr(limiter, "enabled", False)
    yue = browse("yue")
    made = yue.post("/inlets", {"name": "monitor", "purpose": "emergency"})
    (shown,) = elements(made.text, id="address")
    address = shown["value"].removeprefix("https://hub.example.com")
    assert address.removeprefix("/in/") not in yue.get("/inlets").text, "shown once"
    assert browse("yu").get("/inlets").status_code == 403
    message = {**HAPPENED, "trigger": "OFFER_UNPUBLISHED(Walmart)", "project": world.lamp.code, "id": "wm-1"}
    first = post_in(app, address, message)
    assert (first.status_code, first.json["status"]) == (200, "ok")
    assert post_in(app, address, message).json == first.json, "the same message again"
    assert post_in(app, address, HAPPENED, form=True, headers={"Idempotency-Key": "wm-1"}).json == first.json
    emergency = the_only(app)
    assert (emergency.source, emergency.about_id, emergency.trigger) == ("webhook", world.lamp.id, "offer_unpublished")
    assert (emergency.declared_by_id, told(app)[0]) == (world.yue.id, "王蕾")

    for wrong, field in (({"title": ""}, "title"), ({"severity": "s0"}, "severity"), ({"trigger": "x"}, "trigger"),
                         ({"project": world.bike.code}, "project"), ({"id": "x" * 200}, "id"),
                         ({"drill": "yess"}, "drill"), ({"drill": 2}, "drill"),
                         ({"posts": "maybe"}, "posts")):  # fmt: skip
        refused = post_in(app, address, HAPPENED | wrong)
        assert problem(refused, 422)["errors"][0]["field"] == field
    words = problem(post_in(app, address, HAPPENED | {"trigger": ""}), 422)["errors"][0]["detail"]
    drills = ("y", True, 1, "YES", "n", False, 0, "off")
    assert [_is_yes("drill", str(each)) for each in drills] == [True] * 4 + [False] * 4
    assert "、" in words, "as it is written in Chinese"
    assert "listing_removed" in words and "system_down" in words, "what it may be stands there"
    deep, huge = b'{"title": ' + b"[" * 100_000, b'{"title": ' + b"9" * 100_000 + b"}"
    for body, kind, status in (
        (b'["no"]', "application/json", 400), (b"", "application/json", 400), (b"{", "application/json", 400),
        (deep, "application/json", 400), (huge, "application/json", 400), (b'{"a": "\xff"}', "application/json", 400),
        (b'{"title": {"a": 1}}', "application/json", 422), (b'{"title": "a\\u0000b"}', "application/json", 422),
        (b'{"id": "\\ud800"}', "application/json", 422), (b'{"project": "\\u0000"}', "application/json", 422),
        (b"title=%FF&trigger=%00", "application/x-www-form-urlencoded", 422), (b"", "text/plain", 400),
        (b"<a/>", "application/xml", 415), (b'{"a": "' + b"x" * 300_000 + b'"}', "application/json", 413),
        (b"note=" + b"x" * 300_000, "application/x-www-form-urlencoded", 413),
        (b"note=" + b"x" * 3_000_000, "application/x-www-form-urlencoded", 413),
    ):  # fmt: skip
        problem(app.test_client().post(address, data=body, content_type=kind), status)
        if kind == "application/json":  # in pieces, and nobody says how many bytes there will be
            pieces = {"input_stream": BytesIO(body), "environ_overrides": {"wsgi.input_terminated": True}}
            problem(app.test_client().post(address, content_type=kind, **pieces), status)
    problem(post_in(app, "/in/nobody", HAPPENED), 404)
    with monkeypatch.context() as patch:
        patch.setattr(limiter, "enabled", True)
        for _time in range(60):
            post_in(app, "/in/nobody", HAPPENED)
        assert problem(post_in(app, address, HAPPENED), 429) and "Retry-After" in post_in(app, address, {}).headers
    assert the_only(app), "nothing of this has declared another one"
    with app.app_context():
        inlet = db.session.scalars(select(Inlet)).one()
        assert inlet.used_at == NOW and address.endswith(inlet.token)
        world.yue.active = False
        db.session.commit()
    assert post_in(app, address, HAPPENED).status_code == 404
    admin = browse("admin")
    assert admin.delete(f"/inlets/{inlet.id}").status_code == 303
    with app.app_context():
        world.yue.active = True
        db.session.commit()
    assert post_in(app, address, HAPPENED).status_code == 404
    history = admin.get("/history?lang=en&kind=emergency").text
    for words in ("made the address “monitor”", "revoked the address “monitor”", "declared the emergency"):
        assert words in history


@one_database
def test_the_pages_cost_the_same_however_much_is_on_fire(app, browse, world, count_queries):
    def cost(browser, address):
        browser.get(address)
        with count_queries() as queries:
            assert browser.get(address).status_code == 200
        return len(queries)

    def more(count):
        with app.app_context():
            for number in range(count):
                Task.create(
                    world.lamp, by=world.yue, stage=world.to_do, owner=world.jia, title_zh=f"广告 {number}",
                    due_on=NOW.date(),
                )  # fmt: skip
            for title in range(count):
                Declaration(
                    workspace_id=world.shanlan.id, about=world.lamp, **HAPPENED | {"title": str(title)}
                ).declare(by=world.yue)
            db.session.commit()

    lei = browse("lei")
    more(1)
    first = {address: cost(lei, address) for address in ("/emergencies", f"/emergencies/{the_only(app).id}")}
    more(4)
    last = newest(app)
    assert cost(lei, "/emergencies") == first["/emergencies"]
    assert cost(lei, f"/emergencies/{last}") == first[f"/emergencies/{last - 4}"]
    assert max(first.values()) < 40


def newest(app):
    with app.app_context():
        return db.session.scalar(select(func.max(Emergency.id)))


@one_database
def test_a_move_asks_the_database_no_more_often_because_of_emergencies(browse, world, count_queries):
    jia = browse("jia")
    address = f"/tasks/{world.budget.id}/moves"

    def cost():
        with count_queries() as queries:
            assert jia.post(address, {"stage_id": world.in_review.id}, htmx=True).status_code == 200
        jia.post(address, {"stage_id": world.doing.id}, htmx=True)
        return sum("exists" in query.lower() and "hold" in query for query in queries)

    cost()
    assert cost() == 1, "one question for blockers, lists and holds"


@one_database
def test_everything_that_the_pack_names_has_its_words():
    flow = packs.emergency_flow()
    assert set(flow.trigger_keys) == set(TRIGGER_NAMES)
    assert packs.template(flow.template).unit == "hour"
    assert [level.ack_minutes for level in flow.severity] == [15, 30, 120]


@one_database
def test_a_playbook_that_the_workspace_has_changed_is_the_one_that_is_laid(app, world):
    with app.app_context():
        shipped = packs.template("takedown_emergency")
        template = Template(workspace_id=world.shanlan.id, key="takedown_emergency", owner=world.yue)
        db.session.add(template)
        content = packs.self_contained(replace(shipped, phases=shipped.phases[:1]), packs.pack())
        template.publish(content, by=world.yue)
        made = Declaration(workspace_id=world.shanlan.id, **HAPPENED).declare(by=world.yue)
        assert made.project.template_version.template is template
        assert db.session.scalar(select(func.count(Task.id)).where(Task.project_id == made.project_id)) == 6
        assert made.project.owner is world.lei and isinstance(made.project, Project)
