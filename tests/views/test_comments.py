"""Talk on a task: inside the team, or shared with those outside; and who hears of it."""

import pytest

from linkstar.extensions import db
from linkstar.models import Comment, Delivery, Notification
from tests.pages import elements, ids


def say(browser, task, body, **more):
    return browser.post(f"/tasks/{task.id}/comments", {"body": body, **more}, htmx=True)


def test_inside_talk_never_reaches_a_creator(browse, world):
    say(browse("yu"), world.unboxing, "底价 250，供应商是宁波远光。")
    jess = browse("jess")
    for page in (f"/tasks/{world.unboxing.id}", "/", "/inbox"):
        text = jess.get(page).text
        assert "宁波远光" not in text
        assert "报价 300" not in text
    assert "the lamp is on its way" in jess.get(f"/tasks/{world.unboxing.id}").text


def test_what_is_shared_reaches_her_and_her_answer_the_team(browse, world):
    say(browse("yu"), world.unboxing, "@Jess Kim please film outdoors", shared="1")
    jess = browse("jess")
    assert "please film outdoors" in jess.get(f"/tasks/{world.unboxing.id}").text
    say(jess, world.unboxing, "Sunday works")
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
    with app.app_context():
        world.unboxing.owner_id = world.yu.id
        db.session.commit()
    assert ids(browse("jess").get("/inbox").text, "data-notification-id") == []


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
    assert browse("jess").delete(f"/tasks/{world.unboxing.id}/watch", htmx=True).status_code == 403


def test_comments_are_counted_once_each(app, browse, world):
    yu = browse("yu")
    for number in range(3):
        say(yu, world.photos, f"第{number}条")
    with app.app_context():
        said = db.session.scalars(db.select(Comment).where(Comment.task_id == world.photos.id)).all()
    assert world.photos.comment_count == len(said) == 3
