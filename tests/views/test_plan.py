"""The plan in the browser: dates that push, what if, the launch day, dependencies, the plan page, splitting."""

import re
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

import pytest

from linkstar import packs
from linkstar.extensions import db
from linkstar.models import (
    CalendarEvent,
    Dependency,
    InstalledPack,
    MoveRefused,
    Partner,
    Plan,
    Project,
    Task,
    Template,
)
from linkstar.reports.market_days import pack_days
from tests.models.test_plan import MAY, begin, dates, launch, lock, named
from tests.pages import elements, ids
from tests.world import october


@pytest.fixture
def earbuds(app, world):
    with app.app_context():
        return launch(world).id


@pytest.fixture
def of(app, earbuds):
    """Reads the project, by a function of its tasks."""

    def read(what):
        with app.app_context():
            return what(named(db.session.get_one(Project, earbuds)))

    return read


def id_of(of, key):
    return of(lambda tasks: tasks[key].id)


def seen(answer):
    return next(element["value"] for element in elements(answer.text, name="seen"))


# one task's dates


def later(of, key, days=7):
    task = of(lambda tasks: tasks[key])
    return {"start_on": task.start_on, "due_on": task.due_on + timedelta(days=days)}


def test_dates_that_push_nothing_are_saved_at_once(browse, world):
    yue = browse("yue")
    answer = yue.post(f"/tasks/{world.photos.id}/dates", {"due_on": "2026-10-30", "locked": "y"})
    assert answer.status_code == 303
    assert (world.photos.due_on, world.photos.locked) == (october(30), True)


def test_dates_that_push_others_ask_first_and_write_nothing(browse, of):
    before = of(lambda tasks: {key: task.due_on for key, task in tasks.items()})
    answer = browse("yue").post(f"/tasks/{id_of(of, 'transit')}/dates", later(of, "transit"), htmx=True)
    assert answer.status_code == 422
    assert answer.headers["HX-Reswap"] == "none"
    assert {element["value"] for element in elements(answer.text, tag="button", name="answer")} == {"others", "only"}
    assert elements(answer.text, name="due_on")[0]["value"] == str(later(of, "transit")["due_on"])
    assert of(lambda tasks: {key: task.due_on for key, task in tasks.items()}) == before


@pytest.mark.parametrize(("answered", "moves"), [("others", True), ("only", False)])
def test_the_answer_decides_what_moves(browse, of, app, earbuds, answered, moves):
    yue, address = browse("yue"), f"/tasks/{id_of(of, 'transit')}/dates"
    sent = later(of, "transit")
    before = of(lambda tasks: tasks["fba_receive"].due_on)
    asked = yue.post(address, sent)
    answer = yue.post(address, sent | {"answer": answered, "seen": seen(asked)})
    assert answer.status_code == 303
    assert of(lambda tasks: tasks["transit"].due_on) == sent["due_on"]
    assert (of(lambda tasks: tasks["fba_receive"].due_on) > before) == moves
    with app.app_context():
        assert (db.session.get_one(Project, earbuds).anchor_on > MAY) == moves


def test_a_plan_that_changed_since_is_shown_anew(browse, of, app, earbuds):
    yue, address = browse("yue"), f"/tasks/{id_of(of, 'transit')}/dates"
    sent = later(of, "transit")
    asked = yue.post(address, sent)
    of(lambda tasks: lock(tasks["fba_receive"]))
    answer = yue.post(address, sent | {"answer": "others", "seen": seen(asked)})
    assert answer.status_code == 409
    assert elements(answer.text, role="alert")
    assert of(lambda tasks: tasks["transit"].due_on) < sent["due_on"]
    assert yue.post(address, sent | {"answer": "others", "seen": seen(answer)}).status_code == 303


def test_who_may_edit_one_task_moves_only_that(browse, of, world):
    jia, address = browse("jia"), f"/tasks/{id_of(of, 'sp_structure')}/dates"
    sent = later(of, "sp_structure", 20)
    asked = jia.post(address, sent)
    assert [element["value"] for element in elements(asked.text, tag="button", name="answer")] == ["only"]
    assert jia.post(address, sent | {"answer": "others", "seen": seen(asked)}).status_code == 403
    assert jia.post(address, sent | {"answer": "only", "seen": seen(asked)}).status_code == 303


@pytest.mark.parametrize(
    "sent",
    [
        {"due_on": ""},
        {"due_on": "2027-02-30"},
        {"due_on": "1999-01-01"},
        {"start_on": "2027-05-02", "due_on": "2027-05-01"},
        {"due_on": "2100-12-31"},
    ],
)
def test_dates_that_cannot_be_are_422(browse, of, sent):
    answer = browse("yue").post(f"/tasks/{id_of(of, 'transit')}/dates", sent)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")


def test_the_task_form_asks_the_same_and_keeps_what_was_typed(browse, of, app, earbuds):
    yue, task = browse("yue"), of(lambda tasks: tasks["transit"])
    due = task.due_on + timedelta(days=7)
    typed = {"title_zh": "海运\n改", "due_on": str(due), "version": task.version, "priority": "high"}
    asked = yue.post(f"/tasks/{task.id}", typed, htmx=True)
    assert asked.status_code == 422
    assert elements(asked.text, tag="textarea", name="priority")
    assert of(lambda tasks: tasks["transit"].priority) == "medium"
    answer = yue.post(f"/tasks/{task.id}", typed | {"answer": "others", "seen": seen(asked)}, htmx=True)
    assert answer.status_code == 200
    transit = of(lambda tasks: tasks["transit"])
    assert (transit.due_on, transit.priority) == (due, "high")
    with app.app_context():
        assert db.session.get_one(Project, earbuds).anchor_on > MAY
    change = elements(answer.text, name="change")[0]["value"]
    assert yue.post("/undos", {"change": change}).status_code == 303
    with app.app_context():
        assert db.session.get_one(Project, earbuds).anchor_on == MAY


# what if


def test_what_if_shows_and_writes_nothing_and_adopting_is_undone_as_one(browse, of, app, earbuds, world):
    yue, address = browse("yue"), f"/tasks/{id_of(of, 'fcc_grant')}/delay"
    with app.app_context():
        before = dates(db.session.get_one(Project, earbuds))
    shown = yue.get(f"{address}/new?days=90")
    assert shown.status_code == 200
    assert "2027-05-12" in shown.text, "the launch day that is lost"
    with app.app_context():
        assert dates(db.session.get_one(Project, earbuds)) == before
    answer = yue.post(address, {"days": 90, "seen": seen(shown)}, htmx=True)
    assert answer.status_code == 200
    with app.app_context():
        project = db.session.get_one(Project, earbuds)
        assert project.anchor_on > MAY
        assert dates(project) != before
    yue.post("/undos", {"change": elements(answer.text, name="change")[0]["value"]})
    with app.app_context():
        project = db.session.get_one(Project, earbuds)
        assert (dates(project), project.anchor_on) == (before, MAY)


def test_a_missed_cut_off_is_named(browse, app, world):
    with app.app_context():
        project = launch(world, anchor=date(2027, 10, 29), word="FALL")
        task = named(project)["fba_receive"]
        receive, due = task.id, task.due_on
    late = (date(2027, 11, 1) - due).days
    yue = browse("yue")
    assert "黑五网一 FBA 到仓" in yue.get(f"/tasks/{receive}/delay/new?days={late}").text
    assert "黑五网一 FBA 到仓" not in yue.get(f"/tasks/{receive}/delay/new?days=1").text
    with app.app_context():  # Amazon announces a later day, and the workspace writes it down
        for day in pack_days(2027):
            if day.key.startswith("fba_bfcm:"):
                values = {"kind": "cutoff", "first_on": date(2027, 12, 1), "last_on": date(2027, 12, 1)}
                CalendarEvent.overlay(world.shanlan.id, day.key, 2027, values, title={}, by=world.yue)
        db.session.commit()
    assert "黑五网一 FBA 到仓" not in yue.get(f"/tasks/{receive}/delay/new?days={late}").text
    later = yue.get(f"/tasks/{receive}/delay/new?days={late + 35}").text
    assert "黑五网一 FBA 到仓" in later and "12-01" in later


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_all_that_moves_can_be_looked_at(browse, of, earbuds):
    """Twenty tasks at once, the others under what is opened without a script, in the three dialogs."""
    yue, task = browse("yue"), f"/tasks/{id_of(of, 'charter')}"
    for page in (
        yue.post(f"{task}/dates?lang=en", later(of, "charter", 60), htmx=True).text,
        yue.get(f"{task}/delay/new?lang=en&days=60", htmx=True).text,
        yue.post(f"/projects/{earbuds}/anchor?lang=en", {"day": "2027-06-30"}, htmx=True).text,
    ):
        number = int(re.search(r"(\d+) tasks (?:would move|slip|move)", page)[1])
        shown, _details, opened = page.partition("<details")
        counts = [part.partition('"rows boxed"')[2].partition("</ul>")[0].count("<li>") for part in (shown, opened)]
        assert number > 20 and counts[0] == 20 and f"and {counts[1]} more tasks" in opened
        assert number - sum(counts) in (0, 1), "the launch itself is told above"


@pytest.mark.parametrize("days", ["0", "-3", "366", "x", "", "1.5", "9" * 30])
def test_a_delay_that_makes_no_sense_is_422(browse, of, days):
    yue, address = browse("yue"), f"/tasks/{id_of(of, 'fcc_grant')}/delay"
    refused = yue.get(f"{address}/new?{urlencode({'days': days})}")
    assert refused.status_code == 422
    assert elements(refused.text, role="alert") and not elements(refused.text, name="seen"), "nothing to adopt"
    assert yue.post(address, {"days": days}).status_code == 422


def test_what_is_finished_or_has_no_date_is_not_late(browse, world):
    yue = browse("yue")
    for task in (world.sample, world.packing):
        assert yue.get(f"/tasks/{task.id}/delay/new?days=3").status_code == 422


# the launch day


def test_the_launch_day_moves_after_a_preview(browse, of, app, earbuds, count_queries):
    yue, address = browse("yue"), f"/projects/{earbuds}/anchor"
    of(lambda tasks: lock(tasks["photo"]))
    assert yue.get(f"{address}/edit").status_code == 200
    with count_queries() as queries:
        asked = yue.post(address, {"day": "2027-05-26"})
    assert len(queries) < 30
    assert asked.status_code == 422
    assert "「" in asked.text
    assert of(lambda tasks: tasks["launch"].due_on) == MAY
    answer = yue.post(address, {"day": "2027-05-26", "answer": "others", "seen": seen(asked)})
    assert (answer.status_code, answer.location) == (303, f"/projects/{earbuds}/plan")
    assert of(lambda tasks: tasks["launch"].due_on) == date(2027, 5, 26)
    page = yue.get(f"/projects/{earbuds}/plan")
    assert elements(page.text, name="change")


@pytest.mark.parametrize("day", ["2026-10-12", "1999-05-05", "2101-01-01", "x", ""])
def test_a_launch_day_that_cannot_be_is_422(browse, earbuds, day):
    answer = browse("yue").post(f"/projects/{earbuds}/anchor", {"day": day})
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")


def test_a_launch_that_is_over_stays(browse, of, earbuds):
    of(lambda tasks: begin(tasks["launch"], "done"))
    assert browse("yue").post(f"/projects/{earbuds}/anchor", {"day": "2027-05-26"}).status_code == 422


def test_an_incidents_moment_is_in_the_readers_zone(browse, app, world):
    with app.app_context():
        take = launch(world, "takedown_emergency", datetime(2026, 10, 13, 2, 30, tzinfo=UTC), "TAKE").id
    yue, address = browse("yue"), f"/projects/{take}/anchor"
    assert elements(yue.get(f"{address}/edit").text, name="day")[0]["value"] == "2026-10-13T10:30"
    asked = yue.post(address, {"day": "2026-10-13T12:30"})
    yue.post(address, {"day": "2026-10-13T12:30", "answer": "others", "seen": seen(asked)})
    with app.app_context():
        assert db.session.get_one(Project, take).anchor_at == datetime(2026, 10, 13, 4, 30, tzinfo=UTC)
    assert yue.get(f"/projects/{take}/plan").status_code == 200
    task = yue.get(f"/projects/{take}/plan").text
    assert "12:30" in task


# dependencies


def link(app, predecessor, successor):
    with app.app_context():
        return db.session.get(Dependency, (predecessor.id, successor.id))


def test_a_dependency_is_added_seen_from_both_sides_and_removed(browse, world, app):
    yu = browse("yu")
    sent = {"direction": "before", "other": f"LAMP-2 · 主图拍摄 #{world.photos.id}", "lag": "-0.5"}
    assert yu.post(f"/tasks/{world.script.id}/dependencies", sent).status_code == 303
    assert link(app, world.photos, world.script).lag == -0.5
    assert "主图拍摄" in yu.get(f"/tasks/{world.script.id}").text
    assert "拍摄脚本" in yu.get(f"/tasks/{world.photos.id}").text
    yu.post(f"/tasks/{world.photos.id}/dependencies/removal", {"other": world.script.id})
    assert link(app, world.photos, world.script) is None
    yu.post(f"/tasks/{world.script.id}/dependencies", {"direction": "after", "other": world.listing.id})
    assert link(app, world.script, world.listing).lag == 0


def test_a_circle_is_refused_by_its_names(browse, world, app):
    answer = browse("yu").post(f"/tasks/{world.fcc.id}/dependencies", {"other": world.listing.id})
    assert answer.status_code == 422
    assert "FCC检测报告终稿 → 亚马逊详情页上线 → FCC检测报告终稿" in answer.text
    assert link(app, world.listing, world.fcc) is None
    assert browse("yu").post(f"/tasks/{world.fcc.id}/dependencies", {"other": world.fcc.id}).status_code == 422


@pytest.mark.parametrize(
    "sent", [{"other": "999999"}, {"other": ""}, {"other": "主图"}, {"other": "9" * 40}, {"other": "poles"},
             {"other": "frame"}, {"other": "photos", "lag": "x"}, {"other": "photos", "lag": "0.3"},
             {"other": "photos", "lag": "99999"}, {"other": "photos", "lag": "nan"}]
)  # fmt: skip
def test_what_cannot_be_linked_is_422(browse, world, app, sent):
    other = sent["other"]
    sent = sent | {"other": getattr(world, other).id if other in ("poles", "frame", "photos") else other}
    answer = browse("yue").post(f"/tasks/{world.script.id}/dependencies", sent)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert "车架强度报告" not in answer.text


def test_who_may_not_edit_the_one_that_waits_may_not_link_it(browse, world):
    jia = browse("jia")
    assert jia.post(f"/tasks/{world.budget.id}/dependencies", {"direction": "after", "other": world.script.id}
    ).status_code == 403  # fmt: skip
    assert jia.post(f"/tasks/{world.budget.id}/dependencies", {"other": world.script.id}).status_code == 303


# the plan page


def test_the_plan_page_shows_what_is_critical_crosses_and_is_to_be_assigned(browse, of, earbuds):
    task = of(lambda tasks: tasks["transit"])
    yue = browse("yue")
    sent = {"start_on": task.start_on, "due_on": task.due_on + timedelta(7)}
    asked = yue.post(f"/tasks/{task.id}/dates", sent)
    yue.post(f"/tasks/{task.id}/dates", sent | {"answer": "only", "seen": seen(asked)})
    page = yue.get(f"/projects/{earbuds}/plan")
    assert page.status_code == 200
    assert elements(page.text, tag="div", class_="banner stop", role="status")
    assert f"/projects/{earbuds}/anchor/edit" in page.text
    assert f'href="/tasks/{id_of(of, "market_research")}/moves/new"' not in page.text, "it has an owner"
    assert f'href="/tasks/{id_of(of, "supplier_select")}/moves/new"' in page.text, "nobody does the purchasing"


def test_the_plan_page_costs_the_same_for_two_tasks_and_for_seventy(browse, app, world, earbuds, count_queries):
    yue = browse("yue")
    counts = []
    for project in (earbuds, world.lamp.id):
        yue.get(f"/projects/{project}/plan")
        with count_queries() as queries:
            assert yue.get(f"/projects/{project}/plan").status_code == 200
        counts.append(len(queries))
    assert max(counts) < 30
    assert counts[0] <= counts[1] + 3


def test_a_programme_shows_its_projects_and_the_portfolio_rolls_them_up(browse, app, world, earbuds):
    with app.app_context():
        child = launch(world, "short_video_pipeline", MAY, "CLIP", parent_id=earbuds).id
        total = db.session.query(Task).filter(Task.project_id.in_((earbuds, child))).count()
    yue = browse("yue")
    page = yue.get(f"/projects/{earbuds}/plan")
    assert f'href="/projects/{child}/plan"' in page.text
    portfolio = yue.get("/projects").text
    assert f"0/{total}" in portfolio
    assert "below" in portfolio
    assert ids(portfolio, "data-task-id") == []


def test_outsiders_see_no_tasks_of_others_in_the_plan(browse, world):
    maya = browse("maya")
    page = maya.get(f"/projects/{world.lamp.id}/plan")
    assert page.status_code == 200


# splitting


def test_a_coarse_task_is_split_into_a_chain(browse, world, app):
    with app.app_context():
        coarse = Task.create(
            world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, title_zh="完成广告搭建", phase=world.ads,
            start_on=october(19), due_on=october(30), blocking=True,
        )  # fmt: skip
        coarse.wait_for(world.budget, by=world.yue, lag=1)
        world.listing.wait_for(coarse, by=world.yue)
        db.session.commit()
        task_id = coarse.id
    yue = browse("yue")
    panel = yue.get(f"/tasks/{task_id}").text
    assert f"/tasks/{task_id}/split/new" in panel
    assert yue.get(f"/tasks/{task_id}/split/new").status_code == 200
    assert yue.post(f"/tasks/{task_id}/split").status_code == 303
    with app.app_context():
        steps = db.session.scalars(db.select(Task).where(Task.parent_id == task_id).order_by(Task.number)).all()
        assert [step.title_zh for step in steps][:2] == ["建立 SP 广告组", "添加关键词"]
        assert [step.predecessors for step in steps[1:]] == [[step] for step in steps[:-1]]
        assert steps[0].predecessors == [db.session.get(Task, world.budget.id)]
        coarse = db.session.get_one(Task, task_id)
        assert set(world.listing.predecessors) == {coarse, db.session.get(Task, world.fcc.id)}
        assert set(coarse.predecessors) == {db.session.get(Task, world.budget.id), steps[-1]}
        assert {step.owner_id for step in steps} == {world.jia.id}, "the ad specialist of the project"
        assert [step.waiting for step in steps] == [False, False, False, True]
        assert steps[-1].blocking
        assert all(october(19) <= step.start_on <= step.due_on <= october(30) for step in steps)
        assert all(clash.task not in (coarse, *steps[1:]) for clash in Plan(world.lamp).clashes)
        world.budget.blocking = False
        with pytest.raises(MoveRefused) as refusal:
            coarse.move_to(by=world.yue, to={"stage": world.done})
        assert refusal.value.holds.blockers == [steps[-1]]
        db.session.rollback()
    assert f"/tasks/{task_id}/split/new" not in yue.get(f"/tasks/{task_id}").text
    again = yue.post(f"/tasks/{task_id}/split?lang=en")
    assert again.status_code == 422 and "has its steps already" in again.text


def test_the_steps_of_a_task_keep_its_other_side_and_wait_for_its_answers_once(browse, world, app):
    with app.app_context():
        values = {
            "name": "BayLab", "timezone": "America/Los_Angeles", "works_from": time(9), "works_until": time(18),
            "answer_days": 2,
        }  # fmt: skip
        lab = Partner.create(world.shanlan.id, values, by=world.yue)
        certified, listed = (
            Task.create(
                world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, title_zh=title, start_on=october(19),
                due_on=october(30), **side,
            )
            for title, side in (
                ("检测认证", {"partner_id": lab.id, "round_trips": 3}),
                ("商品详情页", {"counterpart_id": world.maya.id}),
            )
        )  # fmt: skip
        db.session.commit()
        ids = certified.id, listed.id
    for task_id in ids:
        assert browse("yue").post(f"/tasks/{task_id}/split").status_code == 303
    with app.app_context():
        certified, listed = (db.session.get_one(Task, task_id) for task_id in ids)
        assert {step.other_side.name for step in certified.subtasks} == {"BayLab"}
        assert [step.answer_buffer for step in (certified, *certified.subtasks)] == [6] + [0] * 6
        alone = [step.title_zh for step in listed.subtasks if step.other_side is None]
        assert alone == ["美国本地伙伴审稿"], "Maya asks nobody, as it is she who answers"


def test_what_has_no_recipe_is_not_split(browse, world):
    assert browse("yue").get(f"/tasks/{world.packing.id}/split/new").status_code == 422


def test_a_plan_at_the_end_of_the_calendars_can_be_looked_at_and_delayed(app, browse, world):
    """Days that nobody works in 2100's last week, a lag and real days that reach beyond it."""
    with app.app_context():
        listing, script, photos = world.listing, world.script, world.photos
        for task, day in ((listing, date(2100, 12, 31)), (script, date(2100, 12, 30)), (photos, date(2000, 1, 1))):
            task.start_on = task.due_on = day
        listing.elapsed_days = photos.elapsed_days = 3
        listing.wait_for(script, by=world.yue, lag=5)
        db.session.commit()
    yue = browse("yue")
    assert yue.get(f"/projects/{world.lamp.id}/plan").status_code == 200
    for task in (world.listing, world.script):
        answer = yue.get(f"/tasks/{task.id}/delay/new", {"days": 40})
        assert answer.status_code == 422 and "2100" in answer.text
        assert yue.post(f"/tasks/{task.id}/delay", {"days": 40}).status_code == 422


def test_an_outsider_is_not_told_of_newer_templates(app, browse, world):
    with app.app_context():
        InstalledPack.install(world.shanlan, packs.pack(), by=world.yue)
        template = db.session.scalars(db.select(Template).where(Template.key == "short_video_pipeline")).one()
        world.lamp.template_version = template.newest
        template.publish(template.newest.content, by=world.yue)
        db.session.commit()
        address = f"/templates/{template.id}/"
    plan = f"/projects/{world.lamp.id}/plan"
    assert address in browse("yu").get(plan).text
    assert address not in browse("maya").get(plan).text
