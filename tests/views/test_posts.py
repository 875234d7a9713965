"""A post is planned on a calendar: by who may add tasks, on its audience's clock, and not cheerfully on a sad day."""

from datetime import UTC, date, datetime
from urllib.parse import urlencode
from zoneinfo import available_timezones

import pytest

from linkstar.extensions import db
from linkstar.forms.zone import AREAS
from linkstar.i18n import city_name
from linkstar.models import Membership, Task
from tests.pages import elements
from tests.views.test_publications import CHEERFUL, NOON, value
from tests.world import october


@pytest.fixture
def databases(sqlite):
    return sqlite


@pytest.fixture
def wanted(world):
    titles = {"title_zh": "篝火夜短片", "title_en": ""}
    return NOON | titles | {"project_id": world.lamp.id, "owner_id": world.yu.id}


def options(page, name):
    select = page.text.split(f'name="{name}"')[1].split("</select>")[0]
    return [element["value"] for element in elements(select, "value", tag="option") if element["value"]]


def dialog(page):
    return elements(page.text, "data-once", tag="form", class_="sheet")[0]


def posts(app):
    with app.app_context():
        return list(db.session.scalars(db.select(Task).where(Task.title_zh == "篝火夜短片")))


def test_a_post_is_planned_from_the_day_of_a_calendar(app, browse, world, wanted):
    """At nine in Los Angeles, which in these weeks is midnight in Beijing: the day after."""
    yue = browse("yue")
    calendar = yue.get("/calendar?view=agenda&day=2027-06-18")
    link = elements(calendar.text, "data-dialog", class_="btn primary plan")[0]["href"]
    assert "day=2027-06-18" in link
    begun = yue.get(f"{link}&lang=en")
    assert (value(begun, "day"), value(begun, "time")) == ("2027-06-17", "09:00")
    assert "For the audience it is still Thu Jun 17, 2027." in begun.text
    there = yue.get("/posts/new?day=2027-06-18&zone=America/Los_Angeles")
    assert value(there, "day") == "2027-06-18" and "For the audience" not in there.text
    answer = yue.post("/posts", wanted, htmx=True)
    assert answer.status_code == 200
    (post,) = posts(app)
    assert (post.project_id, post.owner_id, post.platform) == (world.lamp.id, world.yu.id, "tiktok")
    assert (post.publish_at, post.audience_timezone) == (datetime(2027, 6, 18, 19, tzinfo=UTC), "America/Los_Angeles")
    assert post.due_on == date(2027, 6, 18)
    assert "篝火夜短片" in yue.get("/calendar?day=2027-06-18").text
    change = next(element["value"] for element in elements(answer.text, name="change"))
    assert yue.post("/undos", {"change": change}).status_code in (200, 303)
    assert "篝火夜短片" not in yue.get("/calendar?day=2027-06-18").text


def test_only_where_the_person_may_add_tasks(app, browse, world, wanted):
    """陈思远 takes part in the lamp; Maya may add nothing, and a creator knows of no such page."""
    yue, designer = browse("yue"), browse("designer")
    assert options(yue.get("/posts/new"), "project_id") == [str(world.lamp.id), str(world.tent.id)]
    assert options(designer.get("/posts/new"), "project_id") == [str(world.lamp.id)]
    assert designer.post("/posts", wanted | {"project_id": world.tent.id}).status_code == 422
    with app.app_context():
        world.lamp.narrow(world.designer, "view", by=world.yue)
        db.session.commit()
    assert designer.get("/posts/new").status_code == 403
    assert not elements(designer.get("/calendar").text, class_="btn primary plan"), "nor is it offered"
    for name, status in (("maya", 403), ("jess", 404)):
        browser = browse(name)
        assert browser.get("/posts/new").status_code == status, name
        assert browser.post("/posts", wanted).status_code == status, name
    assert not elements(browse("maya").get("/calendar").text, class_="btn primary plan")
    lead = browse("lead")
    assert lead.post("/posts", wanted).status_code == 422
    assert posts(app) == []


def test_the_people_are_those_of_the_chosen_project(browse, world):
    yue = browse("yue")
    begun = yue.get("/posts/new")
    assert options(begun, "owner_id") == [str(world.yue.id)]
    part = yue.get("/posts/new", {"project_id": world.lamp.id, "owner_id": world.yue.id}, htmx=True)
    assert "<form" not in part.text
    assert {str(world.yu.id), str(world.yue.id)} < set(options(part, "owner_id"))
    assert str(world.lead.id) not in options(part, "owner_id")


def test_what_was_typed_is_kept_beside_the_errors(app, browse, wanted):
    yue = browse("yue")
    for wrong, said in (
        ({"title_zh": " "}, "Write a title in one of the two languages."),
        ({"project_id": ""}, "Choose a project."),
        ({"owner_id": "999"}, "That is not one of the choices any more."),
        ({"day": ""}, "Choose a day."),
        ({"day": "2027-03-14", "time": "02:30"}, "this time does not exist"),
        ({"audience_timezone": "Moon"}, "That is not one of the choices any more."),
    ):
        sent = wanted | wrong
        answer = yue.post("/posts?lang=en", sent)
        assert answer.status_code == 422 and said in answer.text, wrong
        assert value(answer, "title_zh") == sent["title_zh"].strip()
        assert value(answer, "time") == sent["time"]
    assert posts(app) == []


def test_a_cheerful_post_on_juneteenth_is_asked_about(app, browse, wanted):
    yue = browse("yue")
    juneteenth = wanted | CHEERFUL | {"day": "2027-06-19"}
    asked = yue.post("/posts?lang=en", juneteenth, htmx=True)
    assert (asked.status_code, asked.headers["HX-Reswap"]) == (422, "none")
    assert "Juneteenth" in asked.text and "End of slavery" in asked.text
    assert posts(app) == []
    typed = {name: value(asked, name) for name in (*juneteenth, "seen")}
    assert typed.items() > {name: str(each) for name, each in juneteenth.items()}.items()
    another = yue.post("/posts", typed | {"answer": "another"})
    assert value(another, "title_zh") == "篝火夜短片"
    assert yue.post("/posts", typed | {"answer": "publish", "seen": "what was not shown"}).status_code == 409
    assert posts(app) == []
    assert yue.post("/posts", typed | {"answer": "publish"}).status_code == 303
    assert len(posts(app)) == 1


def test_what_the_moment_means_is_said_while_it_is_chosen(browse):
    part = browse("yue").get("/posts/new", NOON | CHEERFUL | {"day": "2027-06-19", "lang": "en"}, htmx=True)
    assert "<form" not in part.text and "End of slavery" in part.text
    assert "For the audience it is still Sat Jun 19, 2027." in part.text


def test_too_much_work_is_asked_about_before_it_is_given(app, browse, world, wanted):
    with app.app_context():
        for number in range(9):
            Task.create(
                world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, title_zh=f"包装 {number}",
                due_on=october(16), start_on=october(16), estimate=4,
            )  # fmt: skip
        db.session.commit()
    yue, sent = browse("yue"), wanted | {"day": "2026-10-16"}
    begun = dialog(yue.get("/posts/new?zone=America/Los_Angeles"))
    asked = yue.post(begun["action"], sent)
    assert asked.status_code == 422 and posts(app) == []
    assert "zone=America" in begun["action"]
    for name in ("action", "hx-post", "data-draft"):
        assert dialog(asked)[name] == begun.get(name), "the same dialog goes on"
    quick = {"title": "篝火夜", "stage_id": world.to_do.id, "owner_id": world.yu.id, "due_on": "2026-10-16"}
    assert "data-draft" not in dialog(yue.post(f"/projects/{world.lamp.id}/tasks", quick))
    assert yue.post("/posts", sent | {"overload": world.yu.id}).status_code == 303
    assert posts(app)[0].owner_id == world.yu.id


def test_in_another_workspace_than_the_one_looked_at(app, browse, world):
    """Maya may add nothing in the one she looks at; in the other one she leads a project."""
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=world.maya, role="pmo"))
        db.session.commit()
    maya = browse("maya")
    begun = maya.get(f"/posts/new?project_id={world.bike.id}")
    again = elements(begun.text, "hx-get", tag="div")[-1]["hx-get"]
    assert "publication-meaning" in maya.get(f"{again}&{urlencode(NOON)}", htmx=True).text
    assert maya.post(dialog(begun)["action"], NOON | {"project_id": ""}).status_code == 422
    assert maya.get(f"/posts/new?workspace_id={world.shanlan.id}&project_id={world.bike.id}").status_code == 403


def test_it_is_due_before_the_audience_sees_it_and_written_in_the_language_of_its_title(app, browse, world, wanted):
    """Nine in Auckland is early in the morning of the same day in Beijing, or late in the evening before."""
    yue = browse("yue")
    for zone, time, titles, due, source in (
        ("Pacific/Auckland", "02:00", {}, 17, "zh"),
        ("Pacific/Auckland", "09:00", {"title_en": "Bonfire"}, 18, "zh"),
        ("America/Los_Angeles", "12:00", {"title_zh": "", "title_en": "Bonfire"}, 18, "en"),
    ):
        assert yue.post("/posts", wanted | titles | {"audience_timezone": zone, "time": time}).status_code == 303
        with app.app_context():
            post = db.session.scalars(db.select(Task).order_by(Task.id.desc())).first()
            assert (post.due_on, post.source_language) == (date(2027, 6, due), source), (zone, time)


def test_zones_have_their_cities_in_the_language_of_the_page():
    """Also where the catalogue knows them by the zone's older name only."""
    for zone, zh, en in (
        ("Asia/Ho_Chi_Minh", "胡志明市", "Ho Chi Minh City"),
        ("Asia/Kolkata", "加尔各答", "Kolkata"),
        ("America/Argentina/Buenos_Aires", "布宜诺斯艾利斯", "Buenos Aires"),
        ("America/Indiana/Indianapolis", "印第安纳波利斯", "Indianapolis"),
        ("Europe/Kyiv", "基辅", "Kyiv"),
        ("America/Los_Angeles", "洛杉矶", "Los Angeles"),
    ):
        assert (city_name(zone, "zh"), city_name(zone, "en")) == (zh, en)
    left = {
        zone for zone in available_timezones() if zone.partition("/")[0] in AREAS and city_name(zone, "zh").isascii()
    }
    assert left <= {"America/Coyhaique"}
