"""Writing tasks: quick, in full, at the same time as somebody else, and with all that people paste."""

import pytest
from sqlalchemy import func, select

from linkstar.extensions import db
from linkstar.models import Task
from tests.pages import elements, ids


def written(world, **changes):
    """What the edit form of the script sends."""
    task = world.script
    fields = {
        "title_zh": task.title_zh, "title_en": "", "brief_zh": "", "brief_en": "", "source_language": "zh",
        "owner_id": task.owner_id, "start_on": "", "due_on": task.due_on.isoformat(), "priority": task.priority,
        "platform": "", "phase_id": task.phase_id, "labels": "", "version": task.version,
    }  # fmt: skip
    return fields | changes


def count_tasks(app):
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Task))


def test_an_edit_is_saved_and_counted(browse, world):
    answer = browse("yu").post(
        f"/tasks/{world.script.id}", written(world, title_zh="拍摄脚本终稿", labels="首发，加急")
    )
    assert (answer.status_code, answer.location) == (303, f"/tasks/{world.script.id}")
    assert (world.script.title_zh, world.script.version) == ("拍摄脚本终稿", 2)


def test_two_who_write_at_once_both_keep_their_words(browse, world):
    yu, yue = browse("yu"), browse("yue")
    address, seen = f"/tasks/{world.script.id}", written(world)
    assert yue.post(address, seen | {"title_zh": "越的标题", "priority": "high"}).status_code == 303
    answer = yu.post(address, seen | {"title_zh": "雨的标题", "brief_zh": "雨的说明"})
    assert answer.status_code == 409
    assert "越的标题" in answer.text
    assert "雨的标题" in answer.text
    assert "雨的说明" in answer.text
    (version,) = elements(answer.text, tag="input", name="version")
    assert version["value"] == "2", "saving again is saving over what was just shown"
    (priority,) = [e for e in elements(answer.text, "selected", tag="option") if e.get("value") == "high"]
    assert priority, "what yu left alone is taken from yue"
    assert world.script.title_zh == "越的标题"
    assert yu.post(address, seen | {"title_zh": "雨的标题", "priority": "high", "version": 2}).status_code == 303
    assert world.script.title_zh == "雨的标题"


def test_the_loser_of_a_race_sees_the_merge_in_the_panel_too(browse, world):
    yu, seen = browse("yu"), written(world)
    yu.post(f"/tasks/{world.script.id}", seen | {"priority": "high"})
    answer = yu.post(f"/tasks/{world.script.id}", seen | {"title_zh": "迟到的标题"}, htmx=True)
    assert answer.status_code == 409
    assert "迟到的标题" in answer.text
    assert not answer.text.startswith("<!doctype")


def test_one_owner_and_no_other(browse, world):
    yu, address = browse("yu"), f"/tasks/{world.script.id}"
    for owner in ("", "0", world.lead.id, world.jess.id, "x"):
        assert yu.post(address, written(world, owner_id=owner)).status_code == 422, owner
    assert world.script.owner_id == world.yu.id


EMOJI = "🏮" * 10_000
TYPED = ("title_zh", "title_en", "brief_zh", "due_on", "labels")  # the rest is chosen from a list


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"title_zh": "题" * 200}, 303),
        ({"title_zh": "题" * 201}, 422),
        ({"title_zh": "🏮" * 200}, 303),
        ({"title_zh": "", "title_en": ""}, 422),
        ({"title_zh": "   "}, 422),
        ({"title_zh": "铃\x07声"}, 422),
        ({"title_zh": "空\x00字"}, 422),
        ({"title_zh": "<script>alert(1)</script>"}, 303),
        ({"title_zh": "{{ 7 * 7 }} %(x)s %s"}, 303),
        ({"brief_zh": EMOJI}, 303),
        ({"brief_zh": "字" * 20_001}, 422),
        ({"due_on": "2026-02-30"}, 422),
        ({"due_on": "1999-12-31"}, 422),
        ({"due_on": "next Friday"}, 422),
        ({"start_on": "2026-10-20", "due_on": "2026-10-19"}, 422),
        ({"due_on": ""}, 422),
        ({"priority": "whenever"}, 422),
        ({"phase_id": "999999999999999999999999"}, 422),
        ({"version": "9" * 40}, 422),
        ({"labels": "标" * 301}, 422),
    ],
)
def test_what_people_type_is_saved_or_refused_with_their_words_kept(browse, world, changes, status):
    yu = browse("yu")
    answer = yu.post(f"/tasks/{world.script.id}", written(world, **changes))
    assert answer.status_code == status
    page = yu.get(f"/tasks/{world.script.id}").text if status == 303 else answer.text
    assert "<script>alert(1)" not in page
    for name, text in changes.items():
        if len(text) < 50 and text.isprintable() and text.strip() and "<" not in text and name in TYPED:
            assert text in page
    if status == 422 and "version" not in changes:
        assert elements(answer.text, role="alert")


def test_a_fields_own_error_is_tied_to_it(browse, world):
    answer = browse("yu").post(f"/tasks/{world.script.id}", written(world, due_on="2026-02-30"))
    (field,) = elements(answer.text, tag="input", name="due_on")
    assert field["aria-invalid"] == "true"
    assert elements(answer.text, id=field["aria-describedby"].split()[-1])


def test_one_line_adds_a_task_at_the_end_of_its_column(app, browse, world):
    yu, address = browse("yu"), f"/projects/{world.lamp.id}/tasks"
    answer = yu.post(
        address, {"title": "采购打光棚", "stage_id": world.to_do.id}, current_url=f"/projects/{world.lamp.id}/board"
    )
    assert answer.status_code == 200
    (new_id,) = ids(answer.text, "data-task-id")
    with app.app_context():
        task = db.session.get_one(Task, new_id)
        assert (task.title_zh, task.title_en, task.owner_id, task.number) == ("采购打光棚", None, world.yu.id, 10)
    column = [int(e["data-task-id"]) for e in elements(yu.get(f"/projects/{world.lamp.id}/board").text, "data-task-id")]
    assert column.index(new_id) > column.index(world.packing.id)


@pytest.mark.parametrize(
    "sent",
    [
        {"title": ""},
        {"title": "字" * 201},
        {"title": "铃\x07"},
        {"title": "好", "stage_id": "doing"},
        {"title": "好", "stage_id": "tent_to_do"},
        {"title": "好", "phase_id": "999"},
        {"title": "好", "due_on": "2026-02-30"},
        {"title_zh": "", "title_en": ""},
        {"title_zh": "好", "owner_id": "lead"},
    ],
)
def test_a_task_that_cannot_be_is_not_added(app, browse, world, sent):
    before = count_tasks(app)
    sent = {name: getattr(world, value).id if hasattr(world, value) else value for name, value in sent.items()}
    answer = browse("yu").post(f"/projects/{world.lamp.id}/tasks", sent, htmx=True)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert count_tasks(app) == before


def test_a_subtask_belongs_under_a_task_that_one_may_edit(app, browse, world):
    yu, address = browse("yu"), f"/projects/{world.lamp.id}/tasks"
    fields = written(world, title_zh="分镜", owner_id=world.yu.id)
    for parent, status in ((world.frame.id, 404), (world.poles.id, 404), (999_999, 404), (world.script.id, 303)):
        assert yu.post(address, fields | {"parent_id": parent}).status_code == status


def test_the_trash_takes_a_task_from_every_page(browse, world):
    yue = browse("admin")
    assert yue.post(f"/tasks/{world.unboxing.id}/trashing").status_code == 303
    assert yue.get(f"/tasks/{world.unboxing.id}").status_code == 404
    for page in ("board", "list", "table"):
        assert f'/tasks/{world.unboxing.id}"' not in yue.get(f"/projects/{world.lamp.id}/{page}").text
    assert browse("jess").get(f"/briefs/{world.unboxing.id}").status_code == 404


def test_the_checklist_grows_and_is_ticked(browse, world):
    lei = browse("lei")
    assert lei.post(f"/tasks/{world.fcc.id}/checklist-items", {"text": "海关编码"}, htmx=True).status_code == 403, (
        "who sees every project still edits only in those he takes part in"
    )
    yu = browse("yu")
    assert yu.post(f"/tasks/{world.fcc.id}/checklist-items", {"text": "海关编码"}, htmx=True).status_code == 200
    item = f"/tasks/{world.fcc.id}/checklist-items/{world.lab_report.id}/tick"
    assert yu.put(item, htmx=True).status_code == 200
    assert (world.fcc.checked_count, world.fcc.check_count) == (2, 4)
    assert yu.delete(item, htmx=True).status_code == 200
    assert world.fcc.checked_count == 1
    wrong_task = f"/tasks/{world.script.id}/checklist-items/{world.lab_report.id}/tick"
    assert yu.put(wrong_task, htmx=True).status_code == 404


def test_ids_that_fit_no_database_do_not_exist(browse, world):
    yu = browse("yu")
    for number in ("9" * 18, "9" * 19, "9" * 40, "-1", "1.5", "x", "１"):
        assert yu.get(f"/tasks/{number}").status_code == 404, number
        assert yu.get(f"/projects/{number}/board").status_code == 404, number
        query = {"task": number, "owner": number, "label": number}
        assert yu.get(f"/projects/{world.lamp.id}/board", query).status_code in (200, 404), number


def test_what_is_too_large_is_refused_unread(browse, world):
    yu, address = browse("yu"), f"/tasks/{world.script.id}/comments"
    assert yu.post(address, {"body": "x" * 2_100_000}).status_code == 413
    assert (
        yu.post(
            address, {f"field{number}": "x" for number in range(2001)}, content_type="multipart/form-data"
        ).status_code
        == 413
    )


@pytest.mark.parametrize("token", ["", "wrong", None])
def test_a_request_without_the_pages_token_does_nothing(browse, world, token):
    yu = browse("yu")
    yu.token = token or ""
    answer = yu.post(f"/tasks/{world.script.id}/comments", {"body": "伪造"}, headers={} if token is None else None)
    assert answer.status_code == 400
    assert "伪造" in answer.text, "what was typed can be copied"
    assert world.script.comment_count == 0


def test_a_panel_costs_few_queries(browse, world, count_queries):
    yu, address = browse("yu"), f"/tasks/{world.fcc.id}"
    with count_queries() as queries:
        assert yu.get(address, htmx=True).status_code == 200
    assert len(queries) <= 28, "\n".join(
        queries
    )  # its files, what is being sent, a request, outsiders, its past, notes
