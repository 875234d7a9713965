"""The inbox: what stands in it, once and in the reader's language; what a person hears of, and how to hear less."""

import threading
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import (
    TOPIC_OF,
    TOPICS,
    Delivery,
    Mute,
    Notification,
    Plan,
    Preference,
    PushSubscription,
    SignIn,
    Task,
    Undo,
    User,
)
from linkstar.models.notification import notify
from linkstar.models.task.told import GATHERED
from tests.pages import elements, ids
from tests.world import NOW, october

LATER = NOW + timedelta(minutes=30)


def changes_told(app, person):
    with app.app_context():
        query = select(Notification).where(Notification.kind == "changed", Notification.user_id == person.id)
        rows = list(db.session.scalars(query.order_by(Notification.id)))
        db.session.expunge_all()
        return rows


def edit(app, world, task, values, by, at=NOW):
    with app.app_context(), clock.at(at):
        getattr(world, task).edit(values, by=getattr(world, by))
        db.session.commit()


# what others change


def test_eight_changed_fields_are_one_unread_row_that_comes_to_the_top(app, browse, world):
    lei = browse("lei")
    lei.post("/inbox/readings")
    edit(app, world, "fcc", {"due_on": october(22), "priority": "low", "platform": "amazon"}, "yue")
    edit(app, world, "fcc", {"estimate": 3, "milestone": True, "title_en": "Test report"}, "yu", LATER)
    with clock.at(LATER):
        (row,) = changes_told(app, world.lei)
        assert (row.created_at, row.actor_id, row.read_at) == (LATER, world.yu.id, None)
        lines = lei.get("/inbox?lang=en").text
        assert "6 fields of “Test report” changed: Due date, Priority, Title in English …" in lines
        assert ids(lines, "data-notification-id")[0] == row.id
        lei.post(f"/inbox/{row.id}/reading")
    edit(app, world, "fcc", {"priority": "high"}, "yue", LATER)
    assert [row.fields for row in changes_told(app, world.lei)][1] == ["priority"], "what was read is told anew"


def test_who_did_it_a_creator_and_a_draft_hear_nothing_of_it_nor_is_an_undo_or_a_new_order_told(app, browse, world):
    edit(app, world, "fcc", {"priority": "low"}, "lei")
    edit(app, world, "unboxing", {"priority": "low"}, "yu")
    yu = browse("yu")
    yu.post(f"/tasks/{world.fcc.id}/moves", {"place": "first"})
    assert not changes_told(app, world.lei) and not changes_told(app, world.jess)
    with app.app_context():
        task = db.session.get_one(Task, world.fcc.id)
        task.watch(by=world.jia)
        change = task.edit({"owner_id": world.yu.id, "due_on": october(23)}, by=world.yue)
        db.session.commit()
        assert not changes_told(app, world.yu), "the new owner is told that it was given to him"
        assert [row.fields for row in changes_told(app, world.jia)] == [["due_on", "owner_id"]]
        Undo(change, by=world.yue).run()
        db.session.commit()
    assert len(changes_told(app, world.jia)) == 1


def test_who_wants_mails_of_changes_gets_one_for_all_that_came_within_minutes(app, world):
    with app.app_context():
        Preference.choose(world.lei, "changed", mail="now")
        db.session.commit()
    for minutes, values in ((0, {"priority": "low"}), (5, {"estimate": 2})):
        edit(app, world, "fcc", values, "yu", NOW + timedelta(minutes=minutes))
    with app.app_context():
        (delivery,) = db.session.scalars(select(Delivery).join(Delivery.notification).filter_by(kind="changed"))
        assert (delivery.due_at, delivery.notification.fields) == (NOW + GATHERED, ["priority", "estimate"])
        first, delivery.state = delivery.id, "sent"
        db.session.commit()
    edit(app, world, "fcc", {"milestone": True}, "yu", LATER)
    with app.app_context():
        (delivery,) = db.session.scalars(select(Delivery).join(Delivery.notification).filter_by(kind="changed"))
        assert (delivery.state, delivery.due_at) == ("due", LATER + GATHERED)
        assert delivery.id != first, "another message, with a key of its own"


def test_two_writers_at_once_leave_one_row_with_all_fields(app, world):
    start = threading.Barrier(4)

    def write(values):
        with app.app_context(), clock.at(NOW):
            start.wait()
            db.session.get_one(Task, world.fcc.id).edit(values, by=world.yu)
            db.session.commit()

    fields = ({"priority": "low"}, {"estimate": 2}, {"milestone": True}, {"platform": "amazon"})
    threads = [threading.Thread(target=write, args=[values]) for values in fields]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (row,) = changes_told(app, world.lei)
    assert sorted(row.fields) == ["estimate", "milestone", "platform", "priority"]


@pytest.mark.both_databases
def test_what_is_chosen_twice_at_once_is_chosen_once(app, world):
    key, failed = {"public_key": "k", "auth": "a"}, []
    with app.app_context():
        signed_in = SignIn.begin(world.yu, device="", remember=True)
        db.session.commit()
    ways = (
        (lambda: Mute.write(world.yu, task=world.fcc), Mute),
        (lambda: Mute.write(world.yu, project=world.lamp), Mute),
        (lambda: Preference.choose(world.yu, "due", mail="off"), Preference),
        (lambda: Preference.choose(world.yu, "due", mail="now"), None),
        (lambda: PushSubscription.write(world.yu, signed_in, "https://push.example/1", **key), PushSubscription),
    )
    for number, (choose, model) in enumerate(ways):
        start = threading.Barrier(4)

        def write(choose=choose, start=start, number=number):
            try:
                with app.app_context(), clock.at(NOW):
                    start.wait()
                    choose()
                    db.session.commit()
            except Exception as error:
                failed.append((number, error))

        threads = [threading.Thread(target=write) for _each in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with app.app_context():
            rows = db.session.query(model or Preference).count()
            assert rows == ((2 if number == 1 else 1) if model else 0), number
    assert failed == []


def test_a_plan_that_pushes_many_tasks_tells_each_owner_once_a_task_by_two_statements(app, world, count_queries):
    def push(days):
        task = db.session.get_one(Task, world.fcc.id)
        plan = Plan(task.project, lock=True).with_dates(task, october(14), october(16 + days))
        with count_queries() as queries:
            plan.apply(by=world.yue)
            db.session.flush()
        return [query for query in queries if "notification" in query]

    with app.app_context():
        for number in range(6):
            other = Task.create(
                world.lamp, by=world.yue, stage=world.to_do, owner=world.intern, title_zh=f"后续 {number}",
                start_on=october(17), due_on=october(18), duration=2,
            )  # fmt: skip
            other.wait_for(db.session.get_one(Task, world.fcc.id), by=world.yue)
        db.session.query(Notification).delete()
        db.session.commit()
        asked = push(7)
        assert len(asked) == 2, "\n".join(asked)
        db.session.commit()
        told = changes_told(app, world.intern)
        assert len(told) == len({row.task_id for row in told}) == 6
        assert len(push(14)) <= 3, "one look, and one line for all that say the same"
        db.session.commit()
        assert {row.id for row in changes_told(app, world.intern)} == {row.id for row in told}


# the page


def test_several_unread_notices_of_one_task_stand_together_and_are_opened_together(app, browse, world):
    jia = browse("jia")
    jia.post("/inbox/readings")
    with app.app_context():
        for kind in ("assigned", "waiver_asked", "unblocked"):
            notify(world.jia, kind, by=world.yu, task=world.budget)
        notify(world.jia, "assigned", by=world.yu, task=world.listing)
        db.session.commit()
    page = jia.get("/inbox?lang=en").text
    assert "3 notices about “首批广告预算表”" in page
    assert elements(page, **{"data-together": str(world.budget.id)})
    newest = ids(page, "data-notification-id")[1]
    opened = jia.post(f"/inbox/{newest}/reading", {"together": "1"})
    assert (opened.status_code, opened.location) == (303, f"/tasks/{world.budget.id}")
    unread = jia.get("/inbox?lang=en&show=unread").text
    assert "首批广告预算表" not in unread and "亚马逊" not in unread and "Publish the Amazon listing" in unread
    assert "首批广告预算表" in jia.get("/inbox").text


def test_pages_of_fifty_cost_the_same_however_many_rows_there_are(app, browse, world, count_queries):
    jia, costs = browse("jia"), []
    for count in (3, 60):
        with app.app_context():
            for number in range(count):
                task = (world.budget, world.poles, world.listing)[number % 3]
                notify(world.jia, "unblocked" if number % 2 else "assigned", by=world.yu, task=task)
            db.session.commit()
        jia.get("/inbox")
        with count_queries() as queries:
            page = jia.get("/inbox?lang=en").text
        costs.append(len(queries))
    assert costs[0] == costs[1], "\n".join(queries)
    first = ids(page, "data-notification-id")
    second = ids(jia.get("/inbox?page=2").text, "data-notification-id")
    assert len(first) == 50 and elements(page, rel="next") and not set(first) & set(second)


def test_the_badge_asks_cheaply_and_is_answered_only_where_something_is_new(app, browse, world, count_queries):
    jia = browse("jia")
    jia.post("/inbox/readings")
    assert jia.get("/unread_count", {"shown": ""}).status_code == 204
    with app.app_context():
        notify(world.jia, "assigned", by=world.yu, task=world.listing)
        db.session.commit()
    with count_queries() as queries:
        answer = jia.get("/unread_count", {"shown": ""}, htmx=True)
    assert elements(answer.text, id="unread") and ">1</span>" in answer.text
    assert len(queries) <= 2, "the person, and the count"
    assert jia.get("/unread_count", {"shown": "1"}).status_code == 204


def test_why_it_came_and_how_to_mute_a_task_or_a_project_and_hear_of_it_again(app, browse, world):
    with app.app_context():
        notify(world.jia, "unblocked", by=world.yu, task=world.budget)
        world.fcc.add_participant(world.jia, "watcher", by=world.jia)
        world.fcc.edit({"priority": "low"}, by=world.yu)
        notify(world.jia, "mentioned", by=world.yu, task=world.budget, comment=world.call_of_lei)
        db.session.commit()
    jia = browse("jia")
    page = jia.get("/inbox?lang=en").text
    for words in ("because the task is yours", "because you watch the task", "because you were mentioned by name"):
        assert words in page
    assert jia.post("/mutes", {"project_id": world.bike.id}).status_code == 404
    for about in ({"task_id": world.budget.id}, {"project_id": world.lamp.id}) * 2:
        assert jia.post("/mutes", {**about, "back": "/inbox"}).status_code == 303
    quiet = jia.get("/inbox?lang=en").text
    assert "mentioned you" in quiet, "by name it comes all the same"
    assert "changed:" not in quiet and "may start" not in quiet
    settings = jia.get("/notification_preferences?lang=en")
    with app.app_context():
        mutes = [mute.id for mute in db.session.scalars(Mute.of(world.jia))]
    assert len(mutes) == 2 and all(f"/mutes/{mute}" in settings.text for mute in mutes)
    assert browse("yu").delete(f"/mutes/{mutes[0]}").status_code == 404
    for mute in mutes:
        assert jia.delete(f"/mutes/{mute}").status_code == 303
    assert "may start" in jia.get("/inbox?lang=en").text


def test_what_comes_how_is_chosen_and_all_can_be_as_usual_again(app, browse, world):
    jia, address = browse("jia"), "/notification_preferences"
    page = jia.get(f"{address}?lang=en").text
    assert {each["name"].removeprefix("mail_") for each in elements(page, "name") if "mail_" in each["name"]} == {
        *TOPICS
    }
    assert all("disabled" in each for each in elements(page, "name") if each["name"].startswith("push_"))
    maya = browse("maya").get(f"{address}?lang=en").text
    assert "topic-due" in maya and "topic-emergency" not in maya and "topic-channel" not in maya, "she never is"
    values = {f"mail_{topic}": mail for topic, mail in TOPICS.items()} | {
        "quiet_from": "22:30", "quiet_until": "07:00", "digest": "weekly", "digest_weekday": "4",
        "digest_at": "17:00:00",
    }  # fmt: skip
    bad = jia.put(address, values | {"mail_due": "never", "quiet_from": "25:00"})
    assert bad.status_code == 422 and "25:00" in bad.text
    assert jia.put(address, values | {"mail_due": "digest", "mail_changed": "now"}).status_code == 303
    with app.app_context():
        person = db.session.get_one(User, world.jia.id)
        kept = {each.topic: each.mail for each in db.session.query(Preference)}
        assert kept == {"due": "digest", "changed": "now"}, "what is usual needs no row"
        assert (person.quiet_from, person.digest, person.digest_weekday, person.digest_at) == (
            time(22, 30), "weekly", 4, time(17),
        )  # fmt: skip
    assert jia.delete(address).status_code == 303
    with app.app_context():
        person = db.session.get_one(User, world.jia.id)
        assert (db.session.query(Preference).count(), person.quiet_from, person.digest) == (0, time(21), "daily")
    assert {*TOPIC_OF.values()} == {*TOPICS}
