"""A notice as a mail: in its reader's language, with nothing in it that is not the reader's."""

import email
import email.policy
from pathlib import Path

import pytest
from flask import current_app

from linkstar.channels import mail
from linkstar.markdown import to_line
from linkstar.models import Comment, Delivery, Notification
from linkstar.models.notification import notify
from tests.conftest import PUBLIC_URL


def newest(session):
    session.flush()
    return session.scalars(session.query(Delivery).order_by(Delivery.id.desc()).statement).first()


def read(message):
    """As the reader's program gets it."""
    return email.message_from_bytes(message.as_bytes(), policy=email.policy.default)


def texts(message):
    return [part.get_content() for part in read(message).iter_parts()]


def test_it_is_written_in_the_language_of_its_reader(session, world):
    world.unboxing.edit({"owner_id": world.theo.id}, by=world.yu)
    english = mail.compose(newest(session))
    world.unboxing.edit({"owner_id": world.jia.id}, by=world.yu)
    chinese = mail.compose(newest(session))
    assert "Unboxing video" in read(english)["Subject"]
    assert "开箱短视频" in read(chinese)["Subject"]
    assert "露营灯" in texts(chinese)[0]
    assert "Camp lantern" not in texts(english)[0], "a creator is shown her task, not the project"
    assert ['lang="en"' in texts(english)[1], 'lang="zh-CN"' in texts(chinese)[1]] == [True, True]


def test_it_has_a_text_and_a_page_and_both_lead_to_the_task(session, world):
    world.script.edit({"owner_id": world.jia.id}, by=world.yu)
    message = mail.compose(newest(session))
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    for text in texts(message):
        assert f"{PUBLIC_URL}/tasks/{world.script.id}" in text
    assert message.as_bytes().isascii(), "any mail server takes it"


def test_its_id_is_the_deliverys_however_often_it_is_composed(session, world):
    world.script.edit({"owner_id": world.jia.id}, by=world.yu)
    delivery = newest(session)
    composed = {mail.compose(delivery)["Message-ID"] for _ in range(2)}
    assert composed == {f"<delivery-{delivery.id}@hub.example.com>"}


@pytest.mark.parametrize("title", ["报告\nBcc: spy@example.com", "报告\r\n\r\n<b>x</b>", "a" * 200, "，<a@b>；"])
def test_no_title_and_no_name_breaks_out_of_its_header(session, world, title):
    world.script.title_zh = title
    world.jia.name = world.yu.name = "何佳\nBcc: spy@example.com"
    world.script.edit({"owner_id": world.jia.id}, by=world.yu)
    message = read(mail.compose(newest(session)))
    assert message["Bcc"] is None
    assert [address.addr_spec for address in message["To"].addresses] == ["ads@example.com"]
    assert " ".join(title.split()) in message["Subject"]


def test_what_was_typed_stays_text(session, world):
    world.script.title_zh = "<img src=x onerror=alert(1)> {{ 7 * 7 }}"
    typed = "@何佳 <script>alert(1)</script> **看** [这里](https://a.example/x)\n\n1. `一`\n2. https://b.example/y"
    Comment.post(world.script, typed, by=world.yu)
    plain, page = texts(mail.compose(newest(session)))
    assert "<script>alert(1)</script> 看 这里 (https://a.example/x)\n\n1. 一\n2. https://b.example/y\n" in "\n".join(
        plain.splitlines()
    )
    assert to_line(typed) == "@何佳 <script>alert(1)</script> 看 这里 1. 一 2. https://b.example/y"
    assert "<script" not in page
    assert "<img" not in page
    assert "<strong>看</strong>" in page
    assert "{{ 7 * 7 }}" in page


def test_it_carries_the_words_of_its_own_comment_only(session, world):
    Comment.post(world.unboxing, "@Jess Kim see you on Sunday", by=world.yu, shared=True)
    for text in texts(mail.compose(newest(session))):
        assert "see you on Sunday" in text
        assert "报价 300" not in text


def test_into_a_folder_it_goes_whole_and_once(session, world, tmp_path):
    world.script.edit({"owner_id": world.jia.id}, by=world.yu)
    message = mail.compose(newest(session))
    current_app.config["MAIL_URL"] = f"file://{tmp_path}/new%20mails"
    for _ in range(2):
        mail.send(message)
    (file,) = Path(tmp_path, "new mails").iterdir()
    assert file.suffix == ".eml"
    assert email.message_from_bytes(file.read_bytes())["Message-ID"] == message["Message-ID"]


def test_nobody_is_mailed_about_what_he_did_himself(session, world):
    before = session.query(Notification).count()
    world.script.edit({"owner_id": world.jia.id}, by=world.jia)
    Comment.post(world.script, "@何佳 自言自语", by=world.jia)
    assert session.query(Notification).count() == before


def test_a_creators_mails_lead_to_the_brief_and_say_nothing_of_the_project(session, world):
    world.script.edit({"owner_id": world.jess.id}, by=world.yu)
    given = mail.compose(newest(session))
    Comment.post(world.unboxing, "the light is warmer now", by=world.yu, shared=True)
    written = mail.compose(newest(session))
    assert "林晓雨 gave you" in read(given)["Subject"]
    assert "林晓雨 commented on" in read(written)["Subject"]
    for message, task in ((given, world.script), (written, world.unboxing)):
        for text in texts(message):
            assert f"{PUBLIC_URL}/briefs/{task.id}" in text
            assert "LAMP" not in text
            assert "Camp lantern" not in text
    assert "the light is warmer now" in texts(written)[0]


def test_a_role_that_is_filled_in_a_project_is_one_brief_to_a_creator(session, world):
    notify(world.jess, "staffed", by=world.yue, task=world.unboxing)
    message = mail.compose(newest(session))
    assert "周越 gave you “Unboxing video”" in read(message)["Subject"]
    assert not any("project" in text for text in texts(message))
