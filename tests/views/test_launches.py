"""From the list of templates over the preview to a project, as a person's browser goes there."""

import re
import threading
from datetime import date, timedelta
from html import unescape

import pytest
from sqlalchemy import func, select

from linkstar import packs
from linkstar.extensions import db
from linkstar.models import Dependency, InstalledPack, Launch, Membership, Project, Task, Template, User
from tests.pages import elements

PACK = packs.pack()


@pytest.fixture
def installed(app, world):
    with app.app_context():
        InstalledPack.install(world.shanlan, PACK, by=world.admin)
        db.session.commit()
        return {each.key: each.id for each in db.session.scalars(select(Template))}


@pytest.fixture
def wish(installed, world):
    """What somebody sends: wish("amazon_us_launch_electronics", anchor_on=…)."""

    def values(key="amazon_us_launch_electronics", **others):
        usual = {
            "template": installed[key], "name_zh": "降噪耳机", "word": "EARB", "platforms": ["amazon"],
            "category": "electronics", "anchor_on": "2027-06-15", "owner_id": world.yue.id, "role_legal": world.lei.id,
        }  # fmt: skip
        return {name: value for name, value in (usual | others).items() if value is not None}

    return values


def count(app, model=Project):
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model))


def newest(app):
    with app.app_context():
        project = db.session.scalars(select(Project).order_by(Project.id.desc())).first()
        tasks = db.session.scalars(select(Task).where(Task.project_id == project.id).order_by(Task.number)).all()
        return project, tasks


def said(answer):
    """What the page says, in one line, without its tags."""
    body = answer.text.partition("<main")[2].partition("</main>")[0]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def sent_on(html):
    """The hidden fields and what is ticked, as the browser would send them with the form of the preview."""
    fields = {}
    for element in elements(html, "name"):
        ticked = element.get("type") != "checkbox" or "checked" in element
        if element["tag"] == "input" and element["name"] not in ("csrf_token", "q") and ticked:
            fields.setdefault(element["name"], []).append(element.get("value", ""))
    return fields


# the templates


def test_without_a_template_the_keeper_of_templates_is_shown_the_way(browse, world):
    assert elements(browse("admin").get("/projects/new").text, href="/setup")
    page = browse("yu").get("/projects/new").text
    assert not elements(page, href="/setup") and elements(page, href="/projects/new?blank=1")


def test_the_templates_say_what_they_are_for_and_can_be_searched(browse, installed):
    yu = browse("yu")
    page = yu.get("/projects/new", {"lang": "en"})
    assert len(elements(page.text, "data-template-id")) == len(PACK.templates)
    assert "71 tasks" in said(page) and "begins 18 weeks before" in said(page) and "Product launches" in said(page)
    found = elements(yu.get("/projects/new", {"q": "amazon fcc 电子"}).text, "data-template-id")
    assert [int(each["data-template-id"]) for each in found] == [installed["amazon_us_launch_electronics"]]
    assert not elements(yu.get("/projects/new", {"q": "月球"}).text, "data-template-id")


def test_the_form_knows_the_platforms_the_category_and_the_people(browse, installed, world):
    page = browse("yue").get("/projects/new", {"template": installed["amazon_us_launch_electronics"]}).text
    ticked = [each["value"] for each in elements(page, "checked", name="platforms")]
    assert ticked == ["amazon"]
    chosen = {each["value"] for each in elements(page, "selected")}
    assert {"electronics", str(world.yue.id), str(world.lei.id), str(world.yu.id)} <= chosen
    for somebody_outside in (world.lead.id, world.jess.id, world.maya.id):
        assert not elements(page, value=str(somebody_outside), tag="option")
    creators = browse("yue").get("/projects/new", {"template": installed["creator_outreach"]}).text
    assert elements(creators, value=str(world.jess.id), tag="option")


def test_a_template_of_others_is_not_there(app, browse, installed, world, wish):
    with app.app_context():
        InstalledPack.install(world.beiyuan, PACK, by=world.lead)
        db.session.commit()
        foreign = db.session.scalars(select(Template).where(Template.workspace_id == world.beiyuan.id)).first()
    yue = browse("yue")
    for page in ("/projects/new", "/project-batches/new"):
        for template in (foreign.id, 999_999, "x"):
            assert yue.get(page, {"template": template}).status_code == 404
    before = count(app)
    for path in ("/projects/previews", "/projects", "/project-batches"):
        answer = yue.post(path, wish(template=foreign.id))
        assert answer.status_code == 422 and elements(answer.text, role="alert")
    assert count(app) == before


# the preview


def test_the_preview_shows_every_date_and_writes_nothing(app, browse, world, wish, count_queries):
    yue = browse("yue")
    before = [count(app, model) for model in (Project, Task, Dependency)]
    with count_queries() as statements:
        answer = yue.post("/projects/previews", wish())
    assert answer.status_code == 200
    assert not [each for each in statements if re.match(r"\s*(INSERT|UPDATE|DELETE)", each)]
    assert [count(app, model) for model in (Project, Task, Dependency)] == before
    assert len(elements(answer.text, "data-task-key")) == 71
    text = said(answer)
    assert "US-AMZ-27Q2-EARB-001" in text and "2027-06-15" in text and "王蕾" in text
    assert "待指派" in text or "To be assigned" in text
    assert not elements(answer.text, "data-task-key", class_="late")


def test_the_preview_says_who_would_have_too_much_to_do_and_makes_it_all_the_same(
    app, browse, world, wish, count_queries
):
    with app.app_context():
        nuo = User(name="沈一诺", email="nuo@example.com", password_hash="x")
        db.session.add(Membership(workspace=world.shanlan, user=nuo, role="design"))
        db.session.commit()
    yue = browse("yue")
    yue.get("/", {"lang": "en"})
    sent = wish(role_design=world.designer.id, role_ops=world.yu.id)

    def preview():
        with count_queries() as queries:
            text = said(yue.post("/projects/previews", sent))
        return text, len(queries)

    def keep_busy(*people):
        with app.app_context():
            for person in people:
                Task.create(
                    world.lamp, by=world.yue, stage=world.to_do, owner=getattr(world, person), title_zh="年度改版",
                    estimate=3000, start_on=date(2026, 10, 13), due_on=date(2027, 7, 30),
                )  # fmt: skip
            db.session.commit()

    assert not re.search(r"陈思远 \d+ weeks?", preview()[0])
    keep_busy("designer")
    text, few = preview()
    told = text.partition("would have too much to do")[2]
    assert re.search(r"陈思远 \d+ weeks .*of 40 hours.*Has some time in these days 诺 沈一诺 \d+ h free", told)
    keep_busy("yu", "lei")
    text, many = preview()
    assert "3 people would have too much to do" in text and many == few
    assert yue.post("/projects", sent).status_code == 303, "nothing is refused"


def test_an_impossible_plan_names_the_first_task_and_three_ways_out(app, browse, wish):
    yue = browse("yue")
    yue.get("/", {"lang": "en"})
    soon = yue.post("/projects/previews", wish(anchor_on="2026-12-01"))
    assert soon.status_code == 200
    late = elements(soon.text, "data-task-key", class_="late")
    assert late and "cannot begin in time" in said(soon) and "working days ago" in said(soon)

    later = elements(soon.text, name="later")[0]["value"]
    moved = yue.post("/projects/previews", sent_on(soon.text) | {"later": later})
    assert not elements(moved.text, "data-task-key", class_="late")
    assert elements(moved.text, name="anchor_on")[0]["value"] == later

    fewer = yue.post("/projects/previews", sent_on(soon.text) | {"without": ["video", "insurance"]})
    assert len(elements(fewer.text, "data-task-key")) == 69
    assert {each["value"] for each in elements(fewer.text, "checked", name="without")} == {"video", "insurance"}

    leg = next(each["name"] for each in elements(soon.text, "name", type="number"))
    shorter = yue.post("/projects/previews", sent_on(soon.text) | {leg: "20"})
    assert elements(shorter.text, name=leg)[0]["value"] == "20"
    assert shorter.text != soon.text


def test_what_was_seen_is_what_is_made(app, browse, wish, world):
    yue = browse("yue")
    seen = yue.post("/projects/previews", wish(without=["video"], leg_ul_test="30", store="US-1", sku="EB-1"))
    answer = yue.post("/projects", sent_on(seen.text))
    assert answer.status_code == 303
    project, tasks = newest(app)
    assert answer.location == f"/projects/{project.id}/board"
    assert (project.code, project.key, project.store, project.sku) == ("US-AMZ-27Q2-EARB-001", "EARB", "US-1", "EB-1")
    assert (project.anchor_on, project.owner_id) == (date(2027, 6, 15), world.yue.id)
    assert [each["data-task-key"] for each in elements(seen.text, "data-task-key")] == [task.key for task in tasks]
    assert len(tasks) == 70 and next(task for task in tasks if task.key == "ul_test").elapsed_days == 30
    assert {task.owner_id for task in tasks if task.role == "legal"} == {world.lei.id}
    board = yue.get(answer.location)
    assert board.status_code == 200 and elements(board.text, "data-task-id")


def test_two_clicks_make_one_project(app, browse, wish):
    yue = browse("yue")
    before = count(app)
    once = {"idempotency_key": "clicked-twice"}
    first, second = (yue.post("/projects", wish() | once) for _click in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    assert count(app) == before + 1


def test_who_goes_back_finds_what_was_filled_in(browse, wish):
    yue = browse("yue")
    form = yue.post("/projects/previews", wish(brand="山岚", leg_ul_test="30", without=["video"]) | {"change": "1"})
    assert form.status_code == 200
    for name, value in (("name_zh", "降噪耳机"), ("brand", "山岚"), ("leg_ul_test", "30"), ("without", "video")):
        assert elements(form.text, name=name, value=value), name
    assert elements(form.text, "selected", value="electronics")


def test_the_missing_part_for_another_category_is_named_and_added(app, browse, wish):
    yue = browse("yue")
    seen = yue.post("/projects/previews", wish(category="apparel"))
    assert "尺码表审批" in said(seen)
    assert len(elements(seen.text, "data-task-key")) == 71
    added = yue.post("/projects/previews", sent_on(seen.text) | {"completed": "y"})
    assert len(elements(added.text, "data-task-key")) == 75
    assert not elements(added.text, tag="button", name="completed")
    assert yue.post("/projects", sent_on(added.text)).status_code == 303
    _project, tasks = newest(app)
    by_key = {task.key: task for task in tasks}
    assert by_key["size_chart_approval"].title_zh == "尺码表审批"
    assert by_key["size_chart_approval"].due_on <= by_key["po"].start_on


def test_the_quarterly_plan_lists_its_sub_projects_and_makes_them(app, browse, wish):
    yue = browse("yue")
    values = wish(
        "quarterly_growth_plan", anchor_on="2027-01-04", word="GROW", platforms=["tiktok_shop"], category="general"
    )
    seen = yue.post("/projects/previews", values)
    assert all(name in said(seen) for name in ("达人建联", "短视频生产", "合规审查"))
    before = count(app)
    assert yue.post("/projects", sent_on(seen.text)).status_code == 303
    assert count(app) == before + 4


def test_an_emergency_counts_hours_in_the_persons_own_zone(app, browse, wish):
    yue = browse("yue")
    values = wish("takedown_emergency", anchor_on=None, anchor_at="2026-10-13T08:30", word="STOP")
    seen = yue.post("/projects/previews", values)
    assert seen.status_code == 200 and "08:30" in said(seen)
    assert yue.post("/projects", sent_on(seen.text)).status_code == 303
    project, _tasks = newest(app)
    assert project.anchor_at.isoformat() == "2026-10-13T00:30:00+00:00"


# what is refused


@pytest.mark.parametrize(
    ("wrong", "where", "sentence"),
    [
        ({"anchor_on": "2026-10-12"}, "anchor_on", "past"),
        ({"anchor_on": "1999-12-31"}, "anchor_on", "between 2000 and 2100"),
        ({"anchor_on": "2101-01-01"}, "anchor_on", "between 2000 and 2100"),
        ({"anchor_on": "2100-12-31"}, "anchor_on", "2000 to 2100"),
        ({"anchor_on": "2027-02-30"}, "anchor_on", "no such day"),
        ({"anchor_on": ""}, "anchor_on", "Choose the day"),
        ({"name_zh": ""}, "name_zh", "one of the two languages"),
        ({"name_zh": "耳\x07机"}, "name_zh", "control characters"),
        ({"name_zh": "长" * 121}, "name_zh", "121"),
        ({"word": "x"}, "word", "such as LAMP"),
        ({"word": "耳机"}, "word", "such as LAMP"),
        ({"code": "EARB-3"}, "code", "US-AMZ-26Q4-EARB-003"),
        ({"code": "US-AMZ-26Q4-LAMP-003"}, "code", None),
        ({"platforms": ["moon"]}, "platforms", "not one of the choices"),
        ({"category": "moon"}, "category", "not one of the choices"),
        ({"role_legal": "999999"}, "role_legal", "not one of the choices"),
        ({"role_legal": "x"}, "role_legal", "not one of the choices"),
        ({"owner_id": ""}, "owner_id", "not one of the choices"),
        ({"leg_ul_test": "-3"}, None, "whole days from 1 to 365"),
        ({"leg_ul_test": "many"}, None, "whole days from 1 to 365"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_with_a_sentence_and_what_was_typed(app, browse, wish, wrong, where, sentence):
    yue = browse("yue")
    yue.get("/", {"lang": "en"})
    before = count(app)
    for path in ("/projects/previews", "/projects"):
        if sentence is None and path == "/projects/previews":
            continue
        answer = yue.post(path, wish(**wrong))
        assert answer.status_code == 422
        errors = elements(answer.text, role="alert")
        assert errors and (where is None or any(each.get("id") == f"{where}-error" for each in errors))
        assert (sentence or "has this code already") in said(answer)
        assert elements(answer.text, name="word")[0]["value"] == wrong.get("word", "EARB").upper()
    assert count(app) == before


def test_people_of_elsewhere_and_outsiders_fill_no_role(app, browse, wish, world):
    yue = browse("yue")
    for wrong in ({"role_legal": world.lead.id}, {"role_legal": world.jess.id}, {"owner_id": world.maya.id}):
        assert yue.post("/projects", wish(**wrong)).status_code == 422, wrong
    assert yue.post("/projects", wish("creator_outreach", role_creator=world.jess.id)).status_code == 303


def test_a_template_that_was_trashed_meanwhile_is_said_so(app, browse, wish, world, installed):
    yue = browse("yue")
    with app.app_context():
        template = db.session.get_one(Template, installed["amazon_us_launch_electronics"])
        template.trash(by=world.admin)
        db.session.commit()
    yue.get("/", {"lang": "en"})
    answer = yue.post("/projects", wish())
    assert answer.status_code == 422 and "not there any more" in said(answer)


def test_a_newer_version_does_not_change_what_was_seen(app, browse, wish, world, installed):
    yue = browse("yue")
    seen = yue.post("/projects/previews", wish())
    with app.app_context():
        template = db.session.get_one(Template, installed["amazon_us_launch_electronics"])
        content = dict(template.newest.content) | {"name_zh": "新版"}
        content["phases"] = content["phases"][:1]
        template.publish(content, by=world.admin)
        db.session.commit()
    assert yue.post("/projects", sent_on(seen.text)).status_code == 303
    assert len(newest(app)[1]) == 71


def test_who_may_not_make_projects_sees_no_preview(browse, wish):
    for person, refused in (("finance", 403), ("jess", 404)):
        stranger = browse(person)
        for path in ("/projects/previews", "/projects", "/project-batches"):
            assert stranger.post(path, wish()).status_code == refused
        for path in ("/projects/new", "/project-batches/new", "/projects/previews"):
            assert stranger.get(path).status_code == refused


@pytest.mark.both_databases
def test_twenty_people_at_once_make_twenty_projects(app, browse, wish):
    browsers = [browse("yue") for _number in range(6)]
    answers = []
    start = threading.Barrier(len(browsers))

    def make(browser):
        start.wait()
        answers.append(browser.post("/projects", wish("short_video_pipeline", word="RUSH", role_legal=None)))

    threads = [threading.Thread(target=make, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [303] * 6
    with app.app_context():
        rows = db.session.execute(select(Project.code, Project.key).where(Project.code.contains("-RUSH-"))).all()
    assert len({code for code, _key in rows}) == 6
    assert {key for _code, key in rows} == {"RUSH", *(f"RUSH{number}" for number in range(2, 7))}


# many at once

LIST = """EARB-01, 降噪耳机, Headphones
EARB-02\t运动耳机\t\t2027-07-01

SPKR-01，蓝牙音箱
"""


def test_a_list_of_products_becomes_projects(app, browse, wish):
    yue = browse("yue")
    values = wish(name_zh=None, word=None, products=LIST)
    before = count(app)
    seen = yue.post("/project-batches", values)
    assert seen.status_code == 200 and count(app) == before
    assert all(name in said(seen) for name in ("降噪耳机", "运动耳机", "蓝牙音箱"))
    once = elements(seen.text, tag="button", name="idempotency_key")[0]
    assert once["formaction"] == "/project-batches?confirmed=1"
    for _click in range(2):
        answer = yue.post("/project-batches?confirmed=1", values | {"idempotency_key": once["value"]})
        assert answer.status_code == 303
    with app.app_context():
        made = db.session.scalars(select(Project).order_by(Project.id.desc()).limit(3)).all()[::-1]
        assert [project.code for project in made] == [
            "US-AMZ-27Q2-EARB-001", "US-AMZ-27Q3-EARB-001", "US-AMZ-27Q2-SPKR-001"
        ]  # fmt: skip
        assert [project.sku for project in made] == ["EARB-01", "EARB-02", "SPKR-01"]
        assert made[1].anchor_on == date(2027, 7, 1)
    assert count(app) == before + 3


@pytest.mark.parametrize(
    ("products", "sentence"),
    [
        ("EARB-01, 耳机\nEARB-01, 耳机", "twice"),
        ("EARB-01", "one of the two languages"),
        ("E, 耳机", "EARB-01"),
        ("EARB-01, 耳机,, 2026-10-01", "past"),
        ("EARB-01, 耳机,, 2027-13-01", "no such day"),
        ("EARB-01, 耳机,, 2100-12-31", "2000 to 2100"),
        ("EARB-01, 耳机, a, 2027-07-01, more", "four parts"),
        ("EARB-01, " + "长" * 121, "120 characters"),
        ("EARB-01, 耳\x07机", "control characters"),
        ("", "one product a line"),
        ("\n".join(f"EARB{number}, 耳机" for number in range(51)), "At most 50"),
    ],
)
def test_a_list_with_a_fault_makes_nothing(app, browse, wish, products, sentence):
    yue = browse("yue")
    yue.get("/", {"lang": "en"})
    before = count(app)
    for path in ("/project-batches", "/project-batches?confirmed=1"):
        answer = yue.post(
            path, wish(name_zh=None, word=None, products=f"SPKR-01, 音箱\n{products}" if products else "")
        )
        assert answer.status_code == 422
        assert sentence in said(answer)
    assert count(app) == before


def test_many_projects_together_say_who_would_have_too_much_to_do(browse, world, wish, count_queries):
    yue = browse("yue")
    yue.get("/", {"lang": "en"})

    def seen(number):
        lines = "\n".join(f"EARB-{each:02}, 耳机 {each}" for each in range(number))
        with count_queries() as queries:
            page = yue.post(
                "/project-batches", wish(name_zh=None, word=None, products=lines, role_design=world.designer.id)
            )
        assert page.status_code == 200
        return said(page), len([each for each in queries if "FROM absence" in each])

    (one, _few), (six, many) = seen(1), seen(6)
    assert not re.search(r"陈思远 \d+ weeks?", one) and many <= 2
    assert re.search(r"would have too much to do.*陈思远 \d+ weeks? .*of 40 hours", six), "by all of them together"


def test_one_line_that_fails_keeps_all_from_being_made(app, browse, wish, monkeypatch):
    yue = browse("yue")
    before = count(app)
    create, made = Launch.create, []

    def fails(launch, **options):
        made.append(launch)
        if len(made) == 3:
            raise RuntimeError("the third one")
        return create(launch, **options)

    monkeypatch.setattr(Launch, "create", fails)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = yue.post("/project-batches?confirmed=1", wish(name_zh=None, word=None, products=LIST))
    assert answer.status_code == 500 and len(made) == 3
    assert count(app) == before


def test_the_day_of_the_list_is_asked_for_only_where_a_line_has_none(browse, wish):
    yue = browse("yue")
    day = date(2027, 7, 1) + timedelta(days=1)
    alone = wish(name_zh=None, word=None, anchor_on=None, products=f"EARB-01, 耳机,, {day}")
    assert yue.post("/project-batches", alone).status_code == 200
    assert yue.post("/project-batches", alone | {"products": "EARB-01, 耳机"}).status_code == 422


def test_a_blank_project_takes_nobodys_key(app, browse, world):
    sent = {"name_zh": "又一盏灯", "code": "US-AMZ-26Q4-LAMP-009", "key": world.lamp.key}
    before, yue = count(app), browse("yue")
    answer = yue.post("/projects", sent)
    assert answer.status_code == 422 and elements(answer.text, "aria-invalid", name="key")
    assert yue.post("/projects", sent | {"key": "LAMPE"}).status_code == 303
    assert count(app) == before + 1


def test_where_the_rule_has_no_number_left_it_is_said(app, browse, world, wish):
    with app.app_context():
        code = "US-AMZ-27Q2-EARB-9999"
        Project.create(by=world.yue, workspace_id=world.shanlan.id, code=code, key="EARB", name_zh="耳机")
        db.session.commit()
    before, answer = count(app), browse("yue").post("/projects", wish())
    assert answer.status_code == 422
    assert count(app) == before
