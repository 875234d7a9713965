"""Talk on a task: inside the team, or shared with those outside; and who hears of it."""

import pytest

from linkstar.extensions import db
from linkstar.models import AuditEvent, Comment, Delivery, Notification, Participant
from tests.pages import elements, ids


def say(browser, task, body, **more):
    return browser.post(f"/tasks/{task.id}/comments", {"body": body, **more}, htmx=True)


def test_inside_talk_never_reaches_a_creator(browse, world):
    say(browse("yu"), world.unboxing, "底价 250，供应商是宁波远光。")
    jess, maya = browse("jess"), browse("maya")
    pages = [(jess, "/briefs"), (jess, f"/briefs/{world.unboxing.id}")]
    pages += [(maya, f"/tasks/{world.unboxing.id}"), (maya, "/"), (maya, "/inbox")]
    for person, page in pages:
        answer = person.get(page)
        assert answer.status_code == 200
        assert "宁波远光" not in answer.text
        assert "报价 300" not in answer.text
        assert ("the lamp is on its way" in answer.text) == (str(world.unboxing.id) in page)


def test_what_is_shared_reaches_her_and_her_answer_the_team(browse, world):
    say(browse("yu"), world.unboxing, "@Jess Kim please film outdoors", shared="1")
    jess = browse("jess")
    brief = f"/briefs/{world.unboxing.id}"
    assert "please film outdoors" in jess.get(brief).text
    jess.post(f"{brief}/comments", {"body": "Sunday works"})
    assert "Sunday works" in browse("yue").get(f"/tasks/{world.unboxing.id}").text
    assert world.unboxing.comment_count == 4


def test_a_mention_is_a_row_in_the_inbox_and_a_mail_on_its_way(app, browse, world):
    say(browse("yu"), world.script, "@何佳 @陈思远 看一下分镜；@赵北 看不到")
    with app.app_context():
        notices = list(db.session.scalars(db.select(Notification).where(Notification.task_id == world.script.id)))
        called = {notice.user_id for notice in notices if notice.kind == "mentioned"}
        assert called == {world.jia.id, world.designer.id}
        due = db.session.scalars(db.select(Delivery).where(Delivery.state == "due"))
        assert {delivery.notification.user_id for delivery in due} == called
    jia = browse("jia")
    rows = ids(jia.get("/inbox").text, "data-notification-id")
    assert rows
    answer = jia.post(f"/inbox/{rows[0]}/reading")
    assert (answer.status_code, answer.location) == (303, f"/tasks/{world.script.id}")
    with app.app_context():
        assert db.session.get_one(Notification, rows[0]).read_at


def test_reading_all_reads_ones_own_only(app, browse, world):
    browse("lei").post("/inbox/readings")
    with app.app_context():
        unread = set(db.session.scalars(db.select(Notification.user_id).where(Notification.read_at.is_(None))))
        assert world.lei.id not in unread
        assert world.jess.id in unread


def test_a_notice_about_a_task_that_one_lost_is_not_shown(app, browse, world):
    lei = browse("lei")
    assert ids(lei.get("/inbox").text, "data-notification-id")
    with app.app_context():
        db.session.delete(world.lei.membership_in(world.shanlan.id))
        db.session.commit()
    assert ids(lei.get("/inbox").text, "data-notification-id") == []


@pytest.mark.parametrize("body", ["", "   ", "字" * 10_001, "铃\x07"])
def test_a_comment_that_cannot_be_is_422_and_kept_in_the_field(browse, world, body):
    answer = say(browse("yu"), world.script, body)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert world.script.comment_count == 0


def test_ten_thousand_emoji_are_a_comment(browse, world):
    assert say(browse("yu"), world.script, "🏮" * 10_000).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        "<img src=x onerror=alert(1)>",
        "[看](javascript:alert(1))",
        "<a href='x' hx-get='/logout'>x</a>",
        "![x](https://tracker.example.com/x.png)",
        "<form action=//evil>",
        "<style>*{}</style>",
        "[x](//evil.example.com)",
    ],
)
def test_nothing_in_a_comment_comes_alive(browse, world, body):
    yu = browse("yu")
    say(yu, world.script, body)
    said = yu.get(f"/tasks/{world.script.id}").text.partition('class="say')[2].partition("</div>")[0]
    for element in elements(said):
        assert element["tag"] in ("p", "a", "br")
        assert element.keys() <= {"tag", "href", "rel"}
        assert element.get("href", "//").startswith(("//", "http://", "https://", "mailto:"))


def test_watching_and_no_longer(browse, world):
    yu, address = browse("yu"), f"/tasks/{world.photos.id}/watch"
    assert yu.put(address, htmx=True).status_code == 200
    assert yu.put(address, htmx=True).status_code == 200
    assert yu.delete(address, htmx=True).status_code == 200
    assert browse("maya").delete(f"/tasks/{world.unboxing.id}/watch", htmx=True).status_code == 403


def test_comments_are_counted_once_each(app, browse, world):
    yu = browse("yu")
    for number in range(3):
        say(yu, world.photos, f"第{number}条")
    with app.app_context():
        said = db.session.scalars(db.select(Comment).where(Comment.task_id == world.photos.id)).all()
    assert world.photos.comment_count == len(said) == 3


# whom it is for


def test_the_composer_asks_for_whom_only_where_an_outsider_takes_part(browse, world):
    page = browse("yu").get(f"/tasks/{world.unboxing.id}?lang=en").text
    inside, outside = elements(page, name="shared", type="radio")[-2:]
    assert "checked" in inside and (outside["value"], "checked" in outside) == ("1", False)
    assert "Send to Maya Brooks, Jess Kim" in page
    talk = browse("lead").get(f"/tasks/{world.frame.id}").text.partition('class="composer"')[2]
    assert not elements(talk, name="shared") and "chip" not in talk


def test_the_menu_of_names_knows_who_is_outside(browse, world):
    page = browse("yu").get(f"/tasks/{world.unboxing.id}").text
    offered = {each["data-name"]: "data-outside" in each for each in elements(page, "data-name", role="option")}
    assert offered["Jess Kim"] and offered["Maya Brooks"] and not offered["王蕾"]
    assert "Theo Ramirez" not in offered and "林晓雨" not in offered
    for person, path in (("maya", "tasks"), ("jess", "briefs")):
        page = browse(person).get(f"/{path}/{world.unboxing.id}").text
        assert not elements(page, role="option"), "an outsider is told of nobody"
        assert not elements(page, name="shared")


def test_a_name_in_an_internal_comment_calls_nobody_outside(app, browse, world):
    say(browse("yu"), world.unboxing, "别告诉 @Jess Kim")
    with app.app_context():
        newest = db.session.scalars(db.select(Comment).order_by(Comment.id.desc())).first()
        assert not newest.mentions


def test_creators_on_one_task_do_not_hear_each_other(app, browse, world):
    with app.app_context():
        db.session.add(Participant(task_id=world.unboxing.id, user_id=world.theo.id, kind="collaborator"))
        db.session.commit()
    browse("jess").post(f"/briefs/{world.unboxing.id}/comments", {"body": "My rate is 300"})
    assert "My rate is 300" in browse("yu").get(f"/tasks/{world.unboxing.id}").text
    theo = browse("theo")
    assert "My rate is 300" not in theo.get(f"/briefs/{world.unboxing.id}").text
    with app.app_context():
        told = set(db.session.scalars(db.select(Notification.user_id).where(Notification.kind == "commented")))
        assert world.theo.id not in told


def test_a_creator_is_not_shown_what_the_team_says_to_another_by_name(app, browse, world):
    with app.app_context():
        db.session.add(Participant(task_id=world.unboxing.id, user_id=world.theo.id, kind="collaborator"))
        db.session.commit()
    yu, address = browse("yu"), f"/briefs/{world.unboxing.id}"
    say(yu, world.unboxing, "Hi @Jess Kim, the hook is too long", shared="1")
    say(yu, world.unboxing, "@Theo Ramirez @Jess Kim the samples are on their way", shared="1")
    say(yu, world.unboxing, "Thank you both", shared="1")
    theo, jess = browse("theo").get(address).text, browse("jess").get(address).text
    assert "the hook is too long" in jess and "the hook is too long" not in theo
    assert all("on their way" in page and "Thank you both" in page for page in (theo, jess))
    with app.app_context():
        first = db.session.scalars(db.select(Comment).where(Comment.body.contains("the hook"))).one()
        told = set(db.session.scalars(db.select(Notification.user_id).where(Notification.comment_id == first.id)))
        assert world.jess.id in told and world.theo.id not in told
        assert first.is_read_by(world.jess) and not first.is_read_by(world.theo) and first.is_read_by(world.yu)
    said = yu.get(f"/tasks/{world.unboxing.id}", {"lang": "en"}).text
    assert "A creator who is called by @name reads it; other creators then do not." in said


# said, and said better


def comment_on(app, task, word):
    with app.app_context():
        query = db.select(Comment).where(Comment.task_id == task.id, Comment.body.contains(word))
        comment = db.session.scalars(query).one()
        return comment.id, comment.version


def test_ones_own_words_may_be_changed_and_show_it(app, browse, world):
    yu = browse("yu")
    say(yu, world.script, "周五拍")
    comment, version = comment_on(app, world.script, "周五")
    address = f"/tasks/{world.script.id}/comments/{comment}"
    assert "周五拍" in yu.get(f"{address}/edit", htmx=True).text
    said = {"body": "周六拍 @何佳", "version": version}
    answer = yu.put(f"{address}?lang=en", said, htmx=True)
    assert answer.status_code == 200 and "周六拍" in answer.text and "edited" in answer.text
    with app.app_context():
        [event] = db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "comment.edited"))
        assert event.changes["body"] == ["周五拍", f"周六拍 @#{world.jia.id}"], "the trail holds no names"
        called = db.session.scalars(db.select(Notification.user_id).where(Notification.comment_id == comment))
        assert list(called) == [world.jia.id], "who is called only now is told"
    assert yu.put(address, {"body": "", "version": version + 1}, htmx=True).status_code == 422
    history = yu.get(f"/tasks/{world.script.id}/history?lang=en").text
    assert "changed a comment" in history and "周五拍" in history


def test_two_windows_of_one_person_do_not_write_over_each_other(app, browse, world):
    yu = browse("yu")
    say(yu, world.script, "周五拍")
    comment, version = comment_on(app, world.script, "周五")
    address = f"/tasks/{world.script.id}/comments/{comment}"
    yu.put(address, {"body": "周六拍", "version": version}, htmx=True)
    answer = yu.put(address, {"body": "周日拍", "version": version}, htmx=True)
    assert answer.status_code == 409
    assert "周六拍" in answer.text and "周日拍" in answer.text, "both texts are there"
    [now] = [each["value"] for each in elements(answer.text, name="version")]
    assert yu.put(address, {"body": "周日拍", "version": now}, htmx=True).status_code == 200


def test_what_was_taken_back_leaves_a_mark_and_comes_back_by_undo(app, browse, world):
    yu = browse("yu")
    say(yu, world.unboxing, "底价 @Jess Kim 250", shared="1")
    comment, version = comment_on(app, world.unboxing, "底价")
    address = f"/tasks/{world.unboxing.id}/comments/{comment}"
    answer = yu.delete(address, htmx=True)
    assert answer.status_code == 200 and "底价" not in answer.text.partition("</ol>")[0]
    assert elements(answer.text, id=f"comment-{comment}")
    assert world.unboxing.comment_count == 2
    assert "底价" not in browse("jess").get(f"/briefs/{world.unboxing.id}").text
    assert yu.put(address, {"body": "x", "version": version}).status_code == 404
    [change] = [each["value"] for each in elements(answer.text, name="change")]
    assert yu.post("/undos", {"change": change}, htmx=True).status_code == 200
    assert "底价" in browse("jess").get(f"/briefs/{world.unboxing.id}").text
    assert world.unboxing.comment_count == 3


def test_nobody_touches_what_others_said(browse, world):
    for person in ("jia", "admin", "maya"):
        other = browse(person)
        address = f"/tasks/{world.unboxing.id}/comments/{world.shared_comment.id}"
        assert other.put(address, {"body": "x", "version": 1}).status_code == 403
        assert other.delete(address).status_code == 403
    inside = f"/tasks/{world.unboxing.id}/comments/{world.internal_comment.id}"
    assert browse("maya").delete(inside).status_code == 404, "what one may not read is not there"
    astray = f"/tasks/{world.script.id}/comments/{world.shared_comment.id}"
    assert browse("yu").delete(astray).status_code == 404
