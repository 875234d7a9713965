"""From a template to a project: what is laid, what is made, and in how many statements."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from linkstar import clock, packs
from linkstar.extensions import db
from linkstar.models import (
    AuditEvent,
    Checklist,
    CodesUsedUp,
    Dependency,
    InstalledPack,
    Launch,
    Membership,
    Notification,
    Project,
    Stage,
    Task,
    Template,
    User,
    Workspace,
    follows_rule,
    next_code,
)
from linkstar.planning.working_days import WorkingDays
from tests.world import NOW

PACK = packs.pack()
MARCH = date(2027, 3, 15)
INCIDENT = datetime(2026, 10, 13, 1, 0, tzinfo=UTC)
CALENDARS = {country: WorkingDays(country) for country in ("CN", "US")}


@pytest.fixture
def shanlan(session, world):
    """The workspace with the US pack, and somebody who works in New York."""
    InstalledPack.install(world.shanlan, PACK, by=world.admin)
    nora = User(name="Nora Bell", email="nora@example.com", language="en", timezone="America/New_York")
    session.add(Membership(workspace=world.shanlan, user=nora, role="media"))
    session.flush()
    return world.shanlan


@pytest.fixture
def launch(session, shanlan, world):
    """launch("amazon_us_launch", …) is somebody's wish for such a project."""

    def wish(key, *, values=None, anchor=MARCH, **options):
        template = session.scalars(select(Template).where(Template.key == key)).one()
        columns = {
            "name_zh": "头灯",
            "code": f"US-{key.upper()[:30]}",
            "key": "HEAD",
            "platforms": ["amazon"],
        }
        return Launch(
            template=packs.template_from(template.newest.content, key),
            version=template.newest,
            workspace_id=shanlan.id,
            owner=options.pop("owner", world.yue),
            anchor=anchor,
            values=columns | {"categories": ["electronics"]} | (values or {}),
            versions={each.key: each.newest for each in session.scalars(select(Template))},
            **options,
        )

    return wish


def tasks_of(project):
    return {task.key: task for task in db.session.scalars(select(Task).where(Task.project_id == project.id))}


def links_of(tasks):
    names = {task.id: key for key, task in tasks.items()}
    rows = db.session.scalars(select(Dependency).where(Dependency.successor_id.in_(names)))
    return {(names[row.predecessor_id], names[row.successor_id]): row.lag for row in rows}


@pytest.mark.parametrize("key", [template.key for template in PACK.templates])
def test_each_template_becomes_a_project_with_all_that_it_tells(launch, world, key):
    template = PACK.template(key)
    wish = launch(key, anchor=INCIDENT if template.unit == "hour" else MARCH)
    project = wish.create(by=world.yu)
    db.session.commit()
    db.session.expire_all()
    tasks = tasks_of(project)
    assert [tasks[each].number for each in template.tasks] == list(range(1, len(template.tasks) + 1))
    for each in template.tasks.values():
        task = tasks[each.key]
        assert (task.title_zh, task.role, task.blocking, task.milestone) == (
            each.title_zh, each.role, each.blocking, each.milestone
        )  # fmt: skip
        assert (task.owner, task.unassigned, task.stage.kind) == (world.yue, True, "backlog")
        assert (task.start_on, task.due_on) == (wish.spans[each.key].start, wish.spans[each.key].finish)
        assert task.late_from is not None
        assert task.check_count == sum(len(rule.items) for rule in wish.lists_of(each))
        assert [rule.key for rule in task.checklists] == [rule.key for rule in wish.lists_of(each)]
    assert links_of(tasks) == {(name, each.key): lag for each in template.tasks.values() for name, lag in each.after}
    assert [phase.key for phase in project.phases] == [phase.key for phase in template.phases]
    assert (project.owner, project.unit, project.anchor_key) == (world.yue, template.unit, template.anchor.task)
    assert project.template_version.template.key == key
    if template.unit == "hour":
        assert (project.anchor_at, tasks[template.anchor.task].start_at) == (INCIDENT, INCIDENT)
    else:
        assert (project.anchor_on, tasks[template.anchor.task].start_on) == (MARCH, MARCH)


def test_the_days_are_those_of_the_people_who_do_the_work(launch, world, session):
    nora = session.scalars(select(User).where(User.name == "Nora Bell")).one()
    wish = launch("amazon_us_launch_electronics", people={"media": nora, "legal": world.lei})
    steps = {step.key: step for step in wish.steps}
    assert {step.country for step in steps.values()} == {"CN", "US"}
    tasks = tasks_of(wish.create(by=world.yue))
    for key, task in tasks.items():
        assert task.owner == {"media": nora, "legal": world.lei}.get(task.role, world.yue)
        assert task.unassigned == (task.role not in ("media", "legal"))
        off = [day for day in (task.start_on, task.due_on) if not CALENDARS[task.owner.country].works(day)]
        assert not off or steps[key].elapsed_days is not None or steps[key].offset_days is not None, key
    hers = [task for task in tasks.values() if task.owner == nora]
    assert hers and all(task.late_from.hour in (4, 5) for task in hers)  # midnight in New York, winter and summer


def test_people_take_part_and_are_told_once(launch, world, session):
    project = launch("creator_outreach", people={"creator": world.jess, "legal": world.lei}).create(by=world.yu)
    members = {member.user_id for member in project.members}
    assert members == {world.yu.id, world.yue.id, world.lei.id}, "creators are given single tasks only"
    told = session.scalars(select(Notification.user_id).where(Notification.kind == "staffed")).all()
    assert sorted(told) == sorted([world.jess.id, world.lei.id])
    assert {task.project_id for task in session.scalars(Task.visible_to(world.jess))} >= {project.id}


def test_only_the_lists_that_fit_come_along(launch, world):
    def keys(**values):
        return {rule.key for rule in launch("amazon_us_launch", values=values).lists}

    assert "apparel_size_chart" not in keys(categories=["electronics"])
    electronics, toys = keys(categories=["electronics"]), keys(categories=["toys"])
    assert "doe_energy" in electronics - toys and "cpsc_children" in toys - electronics
    wish = launch("amazon_us_launch_electronics", values={"categories": ["toys"]})
    project = wish.create(by=world.yue)
    made = {rule.key for task in tasks_of(project).values() for rule in task.checklists}
    assert made == {rule.key for rule in wish.lists}
    assert all(PACK.checklist(key).applies(categories={"toys"}, platforms={"amazon"}) for key in made)


def test_who_waited_for_what_is_left_out_waits_for_what_that_waited_for(launch, world):
    whole = launch("amazon_us_launch_electronics")
    optional = {task.key: task for task in whole.optional}
    followers = [task.key for task in whole.tasks.values() if "doe_cec" in dict(task.after)]
    assert followers
    wish = launch("amazon_us_launch_electronics", without=frozenset({*optional, "launch", "fcc_grant"}))
    assert set(whole.tasks) - set(wish.tasks) == set(optional), "only what is optional can be left out"
    links = links_of(tasks_of(wish.create(by=world.yue)))
    for follower in followers:
        for predecessor, _lag in optional["doe_cec"].after:
            assert (predecessor, follower) in links


def test_a_shorter_leg_makes_a_later_start_possible(launch):
    key = "amazon_us_launch_electronics"
    usual = launch(key)
    leg = max(usual.long_legs, key=lambda task: task.elapsed_calendar_days)
    shorter = launch(key, legs={leg.key: leg.elapsed_calendar_days - 14})
    assert shorter.schedule.first_day > usual.schedule.first_day
    assert leg.key in [task.key for task in shorter.long_legs], "what was shortened can be lengthened again"
    span = shorter.spans[leg.key]
    assert (span.finish - span.start).days in (leg.elapsed_calendar_days - 15, leg.elapsed_calendar_days - 14)


@pytest.mark.parametrize("key", ["amazon_us_launch_electronics", "short_video_pipeline", "quarterly_growth_plan"])
def test_the_earliest_anchor_is_the_first_that_holds(launch, key):
    soon = launch(key, anchor=date(2026, 10, 20))
    assert soon.impossible and soon.days_too_late > 0
    first = min(soon.tasks.values(), key=lambda task: soon.spans[task.key].start)
    assert soon.impossible[0].key == first.key
    assert not launch(key, anchor=soon.earliest).impossible
    assert launch(key, anchor=soon.earliest - timedelta(days=1)).impossible


def test_a_draft_has_no_days(launch, world):
    project = launch("amazon_us_launch", anchor=None).create(by=world.yue)
    assert project.anchor_on is None
    assert all(task.start_on is task.due_on is task.late_from is None for task in tasks_of(project).values())


def big(count):
    """A template of so many tasks in ten phases, each after the one before it in its phase."""
    rules = [rule.key for rule in PACK.checklists[:5]]
    phases = [
        {
            "key": f"phase_{number}", "name_zh": f"阶段 {number}", "name_en": f"Phase {number}",
            "tasks": [
                {
                    "key": f"task_{number}_{place}", "title_zh": f"任务 {number}.{place}", "title_en": "Task",
                    "role": ("ops", "legal", "media")[place % 3], "duration": 1, "blocking": False,
                    "depends_on": [f"task_{number}_{place - 1}"] if place else [], "checklists": rules[: place % 3],
                }
                for place in range(count // 10)
            ],
        }
        for number in range(10)
    ]  # fmt: skip
    anchor = {"type": "launch_day", "task": f"task_9_{count // 10 - 1}", "name_zh": "开售日", "name_en": "Launch day"}
    document = {
        "key": "big", "name_zh": "大项目", "name_en": "Big", "unit": "working_day", "anchor": anchor,
        "owner_role": "pmo", "phases": phases,
    }  # fmt: skip
    return packs.template_from(document, "big")


def test_four_hundred_tasks_take_as_many_statements_as_forty(session, shanlan, world, count_queries):
    queries = {}
    people = {"ops": world.yu, "legal": world.lei, "media": world.designer}
    for count in (40, 400):
        wish = Launch(
            template=big(count), workspace_id=shanlan.id, owner=world.yue, anchor=date(2027, 12, 1),
            values={"name_zh": "大项目", "code": f"BIG-{count}", "key": "BIG", "categories": ["electronics"]},
            people=people, library={rule.key: rule for rule in PACK.checklists},
        )  # fmt: skip
        with count_queries() as statements:
            project = wish.create(by=world.yue)
            session.commit()
        queries[count] = len(statements)
        assert len(tasks_of(project)) == count
    assert queries[400] <= queries[40]
    assert queries[400] < 60


def test_the_quarterly_plan_makes_a_programme_of_three_children(launch, world, session):
    wish = launch(
        "quarterly_growth_plan", anchor=date(2027, 1, 4), people={"content_lead": world.yu},
        values={"platforms": ["tiktok_shop"], "code": "US-TTS-27Q1-GROW-001", "key": "GROW", "name_zh": "一季度增长"},
    )  # fmt: skip
    parent = wish.create(by=world.yue)
    session.commit()
    session.expire_all()
    assert [child.template_version.template.key for child in parent.children] == [
        "creator_outreach", "short_video_pipeline", "compliance_remediation"
    ]  # fmt: skip
    anchors = [CALENDARS["CN"].shift(date(2027, 1, 4), days) for days in (32, 12, 45)]
    assert [child.anchor_on for child in parent.children] == anchors
    assert [child.name_zh for child in parent.children] == [
        "一季度增长 · 达人建联", "一季度增长 · 短视频生产", "一季度增长 · 合规审查"
    ]  # fmt: skip
    tasks = tasks_of(parent)
    made = [tasks[key].subproject for key in ("qg_sub_creators", "qg_sub_video", "qg_sub_compliance")]
    assert made == parent.children
    codes = [child.code for child in parent.children]
    assert len({*codes, parent.code}) == 4 and all(follows_rule(code, world.shanlan.code_rule) for code in codes)
    for child in parent.children:
        assert child.platforms == ["tiktok_shop"]
        own = tasks_of(child)
        assert len(own) == len(PACK.template(child.template_version.template.key).tasks)
        assert {task.owner for task in own.values() if task.role == "content_lead"} <= {world.yu}
    assert len({child.key for child in parent.children} | {parent.key}) == 4
    changes = session.scalars(select(AuditEvent.change).where(AuditEvent.action == "task.created")).all()
    last = changes[-1]
    assert changes.count(last) == sum(len(tasks_of(each)) for each in (parent, *parent.children))


def test_a_child_whose_task_is_left_out_is_not_made(launch, world):
    wish = launch("quarterly_growth_plan", without=frozenset({"qg_sub_video"}))
    phases = tuple(
        replace(phase, tasks=tuple(replace(task, optional=task.key == "qg_sub_video") for task in phase.tasks))
        for phase in wish.template.phases
    )
    wish.template = replace(wish.template, phases=phases)
    children = wish.create(by=world.yue).children
    assert [child.template_version.template.key for child in children] == ["creator_outreach", "compliance_remediation"]


def test_a_category_that_the_template_was_not_made_for_gets_its_missing_part(launch, world):
    electronics = PACK.template("amazon_us_launch_electronics")
    whole = packs.completed(electronics, ["apparel"], PACK.templates)
    added = set(whole.tasks) - set(electronics.tasks)
    assert {whole.tasks[key].title_zh for key in added} >= {"尺码表审批"}
    assert "size_chart_approval" in dict(whole.tasks["po"].after), "no bulk order before the chart is approved"
    assert packs.completed(electronics, ["electronics"], PACK.templates) is electronics
    wish = launch("amazon_us_launch_electronics", values={"categories": ["apparel"]})
    wish.template = whole
    wish.library = {rule.key: rule for rule in PACK.checklists}
    tasks = tasks_of(wish.create(by=world.yue))
    assert tasks["size_chart_approval"].phase.key == "product"
    assert [rule.key for rule in tasks["size_chart_approval"].checklists] == ["apparel_size_chart"]
    assert tasks["size_chart_approval"].due_on <= tasks["po"].start_on


def test_nothing_is_made_where_something_goes_wrong(launch, world, session):
    before = session.scalar(select(func.count(Stage.id)))
    lists = session.scalar(select(func.count(Checklist.id)))
    wish = launch("amazon_us_launch", values={"code": world.lamp.code})
    with pytest.raises(Exception, match=r"(?i)unique"):
        wish.create(by=world.yue)
    session.rollback()
    assert session.scalar(select(func.count(Stage.id))) == before
    assert session.scalar(select(func.count(Checklist.id))) == lists


# codes


def test_codes_follow_the_workspaces_rule(session, world):
    def code(**options):
        asked = {"platforms": ["amazon"], "anchor": date(2026, 11, 20), "word": "LAMP"} | options
        return next_code(world.shanlan.id, **asked)

    assert code() == "US-AMZ-26Q4-LAMP-004", "003 is taken"
    assert code(word="EARB", anchor=MARCH) == "US-AMZ-27Q1-EARB-001"
    assert code(platforms=["meta", "walmart"], word="EARB") == "US-META-26Q4-EARB-001"
    assert code(platforms=[]).startswith("US-GEN-26Q4")
    world.shanlan.code_rule = "{word}/{number}-X"
    assert code() == "LAMP/001-X" and follows_rule("LAMP/001-X", world.shanlan.code_rule)
    assert not follows_rule("LAMP/001-Y", world.shanlan.code_rule)


def test_twenty_people_at_once_get_twenty_codes(app, world):
    codes, troubles = [], []
    start = threading.Barrier(20)

    def take():
        start.wait()
        try:
            with app.app_context():
                yue = db.session.get_one(User, world.yue.id)
                workspace = db.session.get_one(Workspace, world.shanlan.id)
                code = next_code(workspace.id, platforms=["amazon"], anchor=MARCH, word="RUSH")
                Project.create(by=yue, workspace_id=workspace.id, code=code, key="RUSH", name_zh="抢编号")
                db.session.commit()
                codes.append(code)
        except Exception as error:
            troubles.append(error)

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not troubles
    assert sorted(codes) == [f"US-AMZ-27Q1-RUSH-{number:03}" for number in range(1, 21)]


def test_keys_are_one_projects_in_the_workspace(launch, world):
    def made(number, key, **values):
        wish = launch("creator_outreach", values={"code": f"US-TT-27Q1-EARB-{number:03}", "key": key} | values)
        return wish.create(by=world.yue).key

    assert [made(number, "EARB") for number in (1, 2, 3)] == ["EARB", "EARB2", "EARB3"]
    assert [made(number, "EARBUDS8") for number in range(4, 14)][-2:] == ["EARBUD10", "EARBUD11"]
    assert made(20, world.bike.key) == world.bike.key, "another workspace's"


def test_the_tenth_sub_project_still_has_a_key(launch, world):
    wish = launch("quarterly_growth_plan", values={"key": "GROWTH27"})
    wish.template = replace(wish.template, subprojects=wish.template.subprojects * 4)
    keys = [child.values["key"] for _sub, child in wish.children]
    assert (keys[0], keys[9]) == ("GROWTH21", "GROWTH10")
    assert len(wish.create(by=world.yue).children) == 12


def test_a_sub_project_of_hours_begins_in_the_morning_of_its_day(launch, world):
    wish = launch("quarterly_growth_plan", anchor=date(2027, 1, 4))
    subproject = replace(wish.template.subprojects[0], template="takedown_emergency", anchor_offset=1)
    wish.template = replace(wish.template, subprojects=(subproject,))
    (child,) = wish.create(by=world.yue).children
    assert (child.unit, child.anchor_at) == ("hour", datetime(2027, 1, 5, 1, tzinfo=UTC)), "09:00 in Shanghai"
    assert all(task.start_at and task.due_at for task in tasks_of(child).values())


def test_the_earliest_anchor_is_a_day_on_which_china_works(launch):
    for days in range(7):
        with clock.at(NOW + timedelta(days=days)):
            earliest = launch("amazon_us_launch_electronics", anchor=date(2026, 10, 21)).earliest
        assert CALENDARS["CN"].works(earliest), earliest


def test_the_last_number_of_the_rule_is_the_last(session, world):
    wanted = {"platforms": ["amazon"], "anchor": MARCH, "word": "EARB"}
    Project.create(
        by=world.yue, workspace_id=world.shanlan.id, code="US-AMZ-27Q1-EARB-9999", key="EARB", name_zh="耳机"
    )
    with pytest.raises(CodesUsedUp):
        next_code(world.shanlan.id, **wanted)
