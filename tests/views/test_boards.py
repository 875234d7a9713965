"""The board, the list and the table: what stands on them, for whom, found by which filter, at what cost."""

import pytest

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import Dependency, SavedView, Task
from tests.pages import elements, ids
from tests.world import NOW, october


def shown(answer, world):
    """The names of the tasks on a page."""
    names = {getattr(world, name).id: name for name, (model, _id) in world._ids.items() if model is Task}
    found = ids(answer.text, "data-task-id") or [
        int(e["value"]) for e in elements(answer.text, tag="input", name="task_id")
    ]
    return {names[task_id] for task_id in found}


LAMP = {"fcc", "photos", "budget", "unboxing", "script", "sample", "listing", "night_hike", "packing"}


@pytest.mark.parametrize("page", ["board", "list", "table"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, LAMP),
        ({"q": "检测"}, {"fcc"}),
        ({"q": "报告终"}, {"fcc"}),
        ({"q": "amazon LIST"}, {"listing"}),
        ({"q": "%"}, set()),
        ({"q": "_"}, set()),
        ({"q": "' OR 1=1 --"}, set()),
        ({"mine": "1"}, {"script", "listing"}),
        ({"due": "late"}, {"budget"}),
        ({"due": "none"}, {"packing"}),
        ({"platform": "tiktok"}, {"unboxing", "night_hike"}),
        ({"priority": "urgent"}, {"fcc"}),
        ({"blocked": "1"}, {"listing"}),
        ({"platform": "tiktok", "q": "开箱"}, {"unboxing"}),
        ({"platform": "nonsense", "due": "someday", "owner": "x"}, LAMP),
    ],
)
def test_a_filter_finds_these(browse, world, page, query, expected):
    answer = browse("yu").get(f"/projects/{world.lamp.id}/{page}", query)
    assert answer.status_code == 200
    assert shown(answer, world) == expected


@pytest.mark.parametrize("query", [{"group": "phase"}, {"lanes": "owner"}, {"lanes": "phase"}, {"all": "1"}])
def test_however_the_board_is_cut_every_card_stands_on_it_once(browse, world, query):
    found = ids(browse("yu").get(f"/projects/{world.lamp.id}/board", query).text, "data-task-id")
    assert sorted(found) == sorted(getattr(world, name).id for name in LAMP)


def test_a_card_says_where_it_stands(browse, world):
    page = browse("yu").get(f"/projects/{world.lamp.id}/board").text
    (card,) = elements(page, "data-position", id=f"task-{world.fcc.id}")
    assert card["data-position"] == str(world.fcc.position)
    assert card["data-version"] == "1"
    assert len(elements(page, "data-stage-id")) == 4


def test_the_blocked_card_names_what_holds_it_up(browse, world):
    page = browse("yu").get(f"/projects/{world.lamp.id}/board").text
    (card,) = elements(page, id=f"task-{world.listing.id}")
    assert "blocked" in card["class"].split()
    assert "王蕾" in page


def test_late_is_a_matter_of_the_owners_day(browse, world):
    """On the 16th at 18:00 UTC it is the 17th in Shanghai and still the 16th in Los Angeles."""
    with clock.at(NOW.replace(day=16, hour=18)):
        page = browse("yu").get(f"/projects/{world.lamp.id}/board").text
    late = {e["datetime"] for e in elements(page, "datetime", tag="time") if "late" in e.get("class", "")}
    assert late == {"2026-10-09", "2026-10-14", "2026-10-15", "2026-10-16"}
    with clock.at(NOW.replace(day=19, hour=2)):
        page = browse("yu").get(f"/projects/{world.lamp.id}/board").text
    late = {e["datetime"] for e in elements(page, "datetime", tag="time") if "late" in e.get("class", "")}
    assert "2026-10-18" not in late, "Jess, in Los Angeles, has the whole of her Sunday"


def test_an_open_board_asks_cheaply_whether_anything_changed(browse, world, count_queries):
    yu, address = browse("yu"), f"/projects/{world.lamp.id}/changes"
    since = {"since": world.lamp.revision}
    with count_queries() as queries:
        assert yu.get(address, since, htmx=True).status_code == 204
    assert len(queries) == 1, "\n".join(queries)


def test_an_open_board_fetches_what_others_did(browse, world):
    yu, since = browse("yu"), {"since": world.lamp.revision}
    browse("yue").post(f"/tasks/{world.script.id}/moves", {"stage_id": world.doing.id})
    browse("admin").post(f"/tasks/{world.packing.id}/trashing")
    answer = yu.get(f"/projects/{world.lamp.id}/changes", since, htmx=True)
    assert ids(answer.text, "data-task-id") == [world.script.id]
    assert ids(answer.text, "data-gone") == [world.packing.id]


def test_whoever_was_signed_out_meanwhile_is_sent_away_by_the_poll(app, browse, world):
    yu = browse("yu")
    with app.app_context():
        world.yu.active = False
        db.session.commit()
    answer = yu.get(f"/projects/{world.lamp.id}/changes", {"since": 0}, htmx=True)
    assert (answer.status_code, "/login" in answer.headers["HX-Redirect"]) == (401, True)


def test_a_long_column_comes_in_pieces(app, browse, world):
    with app.app_context():
        for number in range(40):
            Task.create(world.lamp, by=world.yu, stage=world.to_do, owner=world.yu, title_zh=f"第{number}项")
        db.session.commit()
    yu, board = browse("yu"), f"/projects/{world.lamp.id}/board"
    first = ids(yu.get(board).text, "data-task-id")
    everything = ids(yu.get(board, {"all": "1"}).text, "data-task-id")
    assert len(everything) == 49
    missing = [task_id for task_id in everything if task_id not in first]
    assert missing
    with app.app_context():
        start = db.session.get_one(Task, missing[0]).position
    rest = yu.get(f"/projects/{world.lamp.id}/cards", {"cell": f"stage-{world.to_do.id}", "start": start}, htmx=True)
    assert ids(rest.text, "data-task-id") == missing


def test_the_pages_cost_few_queries_however_much_stands_on_them(app, browse, world, count_queries):
    yu, base = browse("yu"), f"/projects/{world.lamp.id}"
    costs = {}
    for page in ("board", "list", "table"):
        yu.get(f"{base}/{page}")
        with count_queries() as queries:
            yu.get(f"{base}/{page}")
        costs[page] = len(queries)
    assert costs["board"] <= 12, costs
    assert max(costs["list"], costs["table"]) <= 15, costs
    with app.app_context():
        for number in range(30):
            Task.create(
                world.lamp,
                by=world.yu,
                stage=world.doing,
                owner=world.jia,
                title_zh=f"第{number}项",
                due_on=october(20),
            )
        db.session.commit()
    for page, before in costs.items():
        yu.get(f"{base}/{page}")
        with count_queries() as queries:
            yu.get(f"{base}/{page}")
        assert len(queries) <= before + 1, f"{page}: the cost grows with the tasks\n" + "\n".join(queries)


def test_a_way_of_looking_is_kept_under_a_name(app, browse, world):
    yu, base = browse("yu"), f"/projects/{world.lamp.id}"
    answer = yu.post(f"{base}/saved-views", {"name": "我的迟交", "page": "list", "query": "due=late&junk=1&lanes=x"})
    assert (answer.status_code, answer.location) == (303, f"{base}/list?due=late")
    yu.post(f"{base}/saved-views", {"name": "我的迟交", "page": "board", "query": "q=检测"})
    with app.app_context():
        (view,) = db.session.scalars(db.select(SavedView))
        assert view.page == "board", "the same name again is given the new filters"
    assert "我的迟交" in yu.get(f"{base}/board").text
    assert "我的迟交" not in browse("yue").get(f"{base}/board").text
    assert yu.post(f"/saved-views/{view.id}/removal").status_code == 303
    assert "我的迟交" not in yu.get(f"{base}/board").text


@pytest.mark.parametrize(
    "sent",
    [{"name": ""}, {"name": "长" * 41}, {"name": "好", "page": "//evil"}, {"name": "好", "query": "q=" + "x" * 2100}],
)
def test_a_view_that_cannot_be_kept_is_422(browse, world, sent):
    answer = browse("yu").post(f"/projects/{world.lamp.id}/saved-views", {"page": "board"} | sent, htmx=True)
    assert answer.status_code == 422


def test_a_creators_pages_hold_her_own_task_only(browse, world):
    page = browse("jess").get("/briefs").text
    assert f"/briefs/{world.unboxing.id}" in page
    assert f"/briefs/{world.night_hike.id}" not in page
    assert "FCC" not in page


def test_what_blocks_an_outsiders_task_is_not_named_to_her(app, browse, world):
    with app.app_context():
        db.session.add(Dependency(predecessor_id=world.fcc.id, successor_id=world.unboxing.id))
        db.session.commit()
    jess = browse("jess")
    for text in (jess.get(page).text for page in ("/briefs", f"/briefs/{world.unboxing.id}")):
        assert "FCC" not in text
        assert "王蕾" not in text


def test_an_outsider_is_not_shown_who_inside_did_what(browse, world):
    browse("yue").post(f"/tasks/{world.unboxing.id}/moves", {"stage_id": world.in_review.id})
    address = f"/tasks/{world.unboxing.id}"
    assert "周越" in browse("yu").get(address).text
    assert "周越" not in browse("jess").get(f"/briefs/{world.unboxing.id}").text
