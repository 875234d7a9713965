"""Who has how much to do: the page, leave, and the question before somebody is given too much."""

import re
from datetime import UTC, datetime, time

import pytest
from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import Absence, AuditEvent, Dependency, Membership, Partner, PersonalData, Project, Task, User
from tests.world import CHEAP, PASSWORD, october


@pytest.fixture
def databases(sqlite):
    return sqlite  # nothing here depends on the kind of database; the queries also run in the browser's story


MONDAY, WEDNESDAY = october(19), october(21)


@pytest.fixture
def packaging(app, world):
    """陈思远 has four packagings in one week, one of them in a project that 林晓雨 does not see; 沈一诺 and 罗安 are
    designers too, and 罗安 is on leave."""
    with app.app_context():
        lamp, tent = world.lamp, world.tent
        for name, email in (("沈一诺", "nuo@example.com"), ("罗安", "an@example.com")):
            user = User(name=name, email=email, password_hash=CHEAP.hash(PASSWORD))
            db.session.add(Membership(workspace=world.shanlan, user=user, role="design"))
            db.session.flush()
            db.session.refresh(user)
            lamp.add_member(user, by=world.yue)
        Absence.write(world.shanlan.id, user, MONDAY, WEDNESDAY, by=world.yue, note="看牙")
        for number in range(4):
            project = tent if number == 3 else lamp
            Task.create(
                project, by=world.yue, stage=project.stages[0], owner=world.designer, start_on=MONDAY, due_on=WEDNESDAY,
                title_zh="帐篷外箱" if number == 3 else f"包装 {number + 1}",
            )  # fmt: skip
        db.session.commit()


@pytest.fixture
def read(browse):
    """read("yu") is 林晓雨 at the English pages."""

    def begin(person):
        browser = browse(person)
        browser.get("/", {"lang": "en"})
        return browser

    return begin


def give(browser, task, owner, **more):
    values = {"owner_id": owner.id, "start_on": MONDAY, "due_on": WEDNESDAY, "version": task.version}
    return browser.post(f"/tasks/{task.id}", values | more)


def test_the_fifth_packaging_is_asked_about_and_the_fourth_is_not(app, read, world, packaging):
    with app.app_context():
        db.session.delete(db.session.scalars(select(Task).where(Task.title_zh == "包装 3")).one())
        db.session.commit()
    yu, nuo = read("yu"), "沈一诺"
    assert give(yu, world.packing, world.designer).status_code == 303, "the fourth at once"
    with app.app_context():
        fifth = Task.create(world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, title_zh="封套")
        db.session.commit()
        fifth_id, fifth_version = fifth.id, fifth.version
        db.session.expunge(fifth)
    asked = give(yu, fifth, world.designer, estimate="")
    assert asked.status_code == 422
    for words in ("陈思远", "30 of 24 hours", "包装 1", "包装说明书改稿", nuo, "罗安"):
        assert (words in asked.text) is (words != "罗安"), words
    assert "帐篷" not in asked.text and "Another project" in asked.text, (
        "what 林晓雨 does not see counts without its name"
    )
    with app.app_context():
        assert db.session.get_one(Task, fifth_id).owner_id == world.yu.id, "nothing is saved yet"

    typed = dict(re.findall(r'<textarea name="(\w+)" hidden>\n?([^<]*)</textarea>', asked.text))
    assert typed["due_on"] == str(WEDNESDAY) and "owner_id" not in typed
    (instead,) = re.findall(rf'name="owner_id" value="(\d+)">[^<]*{nuo}', asked.text)
    assert (
        yu.post(f"/tasks/{fifth_id}", typed | {"overload": world.designer.id, "owner_id": instead}).status_code == 303
    )
    with app.app_context():
        given = db.session.get_one(Task, fifth_id)
        assert (given.owner.name, given.due_on) == (nuo, WEDNESDAY)
    back = {"owner_id": world.designer.id, "version": fifth_version + 1}
    assert yu.post(f"/tasks/{fifth_id}", back).status_code == 422
    assert yu.post(f"/tasks/{fifth_id}", back | {"overload": world.designer.id}).status_code == 303, "all the same"


def test_every_way_of_choosing_an_owner_or_dates_asks(app, read, world, packaging):
    yu, designer = read("yu"), world.designer
    whole = {
        "title_zh": "封套",
        "owner_id": designer.id,
        "due_on": WEDNESDAY,
        "source_language": "zh",
        "priority": "low",
    }
    stage = {"title": "封套", "stage_id": world.doing.id, "owner_id": designer.id, "due_on": WEDNESDAY}
    bulk = {"task_id": [world.packing.id], "owner_id": designer.id, "due_on": WEDNESDAY}
    tasks = f"/projects/{world.lamp.id}/tasks"
    ways = [
        (tasks, whole), (tasks, stage),
        (f"/tasks/{world.listing.id}/moves", {"owner_id": designer.id}),
        (f"/tasks/{world.listing.id}/moves", {"owner_id": designer.id, "version": world.listing.version}),
        (f"/tasks/{world.photos.id}/dates", {"due_on": WEDNESDAY}),
        (f"/tasks/{world.photos.id}", {"due_on": WEDNESDAY, "version": world.photos.version}),
    ]  # fmt: skip
    with app.app_context():
        world.photos.start_on = None
        before = db.session.query(Task).count()
    for address, values in ways:
        asked = yu.post(address, values)
        assert (asked.status_code, f'value="{designer.id}">' in asked.text, "沈一诺" in asked.text) == (
            422,
            True,
            True,
        ), address
        assert "would have too much" in asked.text, address
    confirmed = f"/projects/{world.lamp.id}/bulk-edits"
    assert "沈一诺" in yu.post(confirmed, bulk).text
    assert yu.post(confirmed, bulk | {"confirmed": "1"}).status_code == 422
    with app.app_context():
        assert db.session.query(Task).count() == before and world.packing.owner_id != designer.id
    assert yu.post(confirmed, bulk | {"confirmed": "1", "overload": designer.id}).status_code == 303
    assert yu.post(tasks, whole | {"overload": designer.id}).status_code == 303
    assert yu.post(tasks, whole | {"title_zh": "另一件", "estimate": "0.1"}).status_code == 422, "no such hours"
    assert yu.post(f"/tasks/{world.photos.id}/dates", ways[4][1] | {"overload": designer.id}).status_code == 303


def test_what_weighs_nothing_is_not_asked_about(app, read, world, packaging, count_queries):
    with app.app_context():
        world.shanlan.policy = {}
        for name, values in (("packing", {"milestone": True}), ("script", {"waiting": True})):
            getattr(world, name).edit(values, by=world.yue)
        db.session.commit()
    yu = read("yu")
    for task in (world.packing, world.script):
        assert give(yu, task, world.designer).status_code == 303
    past = {"owner_id": world.designer.id, "start_on": "2026-10-05", "due_on": "2026-10-09", "version": 1}
    assert yu.post(f"/tasks/{world.listing.id}", past).status_code == 303, "what has passed is not too much any more"

    def asks(values):
        with count_queries() as queries:
            yu.post(f"/tasks/{world.fcc.id}", values | {"version": 99})  # stale, so that nothing is written
        return len([each for each in queries if "coalesce" in each.partition("FROM")[0] or "FROM absence" in each])

    assert asks({"priority": "low"}) == 0
    with count_queries() as queries:
        yu.post(f"/tasks/{world.listing.id}", {"due_on": "2026-10-16", "version": world.listing.version})
    assert len([each for each in queries if "FROM absence" in each]) == 1


def test_an_owner_on_leave_is_asked_about(app, read, world, packaging):
    with app.app_context():
        an = db.session.scalars(select(User).where(User.name == "罗安")).one()
        db.session.expunge(an)
    yu = read("yu")
    asked = give(yu, world.packing, an)
    assert asked.status_code == 422 and "罗安" in asked.text and "看牙" not in asked.text
    assert "沈一诺" in asked.text
    some = r"Has some time in these days.*沈一诺\D*24 h free"
    for owner in (an, world.designer):
        page = give(yu, world.packing, owner, estimate=30).text
        assert re.search(some, page, re.DOTALL) and "Give it to" not in page, "nobody has time for all of it"
    assert give(yu, world.packing, an, due_on=october(23)).status_code == 303, "two days are left"


def test_who_sees_only_work_of_the_own_is_told_the_days_and_no_more(app, read, world, packaging):
    with app.app_context():
        world.shanlan.policy = {"ops": {"view": "own"}}
        db.session.get_one(Task, world.script.id).author_id = world.yu.id
        db.session.commit()
    yu = read("yu")
    assert yu.get("/workload").status_code in (403, 404)
    asked = give(yu, world.script, world.designer, estimate="")
    assert asked.status_code == 422, "it is asked all the same"
    assert "陈思远 would have too much to do from Mon Oct 19 to Wed Oct 21." in asked.text
    for words in ("of 24 hours", "包装 1", "Another project", "other tasks", "沈一诺", "Can take over"):
        assert words not in asked.text, words
    with app.app_context():
        an = db.session.scalars(select(User).where(User.name == "罗安")).one()
        db.session.expunge(an)
    asked = give(yu, world.script, an)
    assert asked.status_code == 422 and "罗安 has no time" in asked.text and "on leave" not in asked.text
    assert give(yu, world.script, world.designer, overload=world.designer.id).status_code == 303


def test_leave_before_today_counts_for_what_began_before(app, read, world, packaging):
    """Twenty hours from Thursday last week; who was away until yesterday has them all today and tomorrow."""
    with app.app_context():
        nuo = db.session.scalars(select(User).where(User.name == "沈一诺")).one()
        Absence.write(world.shanlan.id, nuo, october(8), october(12), by=world.yue)
        db.session.commit()
        db.session.refresh(nuo)
        db.session.expunge(nuo)
    values = {"start_on": october(8), "due_on": october(14), "estimate": 20}
    asked = give(read("yu"), world.listing, nuo, **values)
    assert asked.status_code == 422 and "20 of 16 hours" in asked.text


def test_a_project_that_the_reader_does_not_know_is_not_named(app, read, world, packaging):
    """林晓雨 has a task in the tent, and takes no part in it."""
    with app.app_context():
        for number in range(2):
            Task.create(
                world.tent, by=world.yue, stage=world.tent_to_do, owner=world.yu, start_on=MONDAY, due_on=MONDAY,
                title_zh=f"缝线 {number}", estimate=8,
            )  # fmt: skip
        db.session.commit()
    opened = {"person": world.yu.id, "on": MONDAY, "until": MONDAY, "lang": "en"}
    yu, yue = read("yu"), read("yue")
    assert "Light tent" in yue.get("/workload", opened).text.partition('id="opened"')[2]
    page = yu.get("/workload", opened).text
    assert "缝线 1" in page and "Light tent" not in page
    asked = give(yu, world.listing, world.yu, due_on=MONDAY, estimate=8)
    assert asked.status_code == 422 and "缝线 1" in asked.text and "Light tent" not in asked.text


def test_the_page_shows_clashes_leave_and_who_can_take_over(app, read, world, packaging, count_queries):
    with app.app_context():
        for project in (world.lamp, world.tent):
            Task.create(
                project, by=world.yue, stage=project.stages[0], owner=world.designer, start_on=MONDAY, due_on=WEDNESDAY,
                title_zh="封套", estimate=12,
            )  # fmt: skip
        an = db.session.scalars(select(User).where(User.name == "罗安")).one()
        Task.create(world.lamp, by=world.yue, stage=world.to_do, owner=an, due_on=MONDAY, title_zh="吊牌")
        db.session.commit()
        designer, an_id = world.designer.id, an.id
    yu, yue = read("yu"), read("yue")
    with count_queries() as few:
        page = yu.get("/workload").text
        assert yue.get("/absences").text.count("data-absence=") == 1
    assert "1 clash" in page and "▲16" in page and "leave" in page
    assert f"person={designer}&amp;on=2026-10-19&amp;until=2026-10-21" in page
    assert re.search(rf"person={an_id}&amp;on=2026-10-19[^>]*on leave · 1 task without a working day", page)
    with clock.at(datetime(2026, 10, 22, 4, tzinfo=UTC)):
        past = read("yu").get("/workload", {"from": "2026-10-19"}).text
        assert "▲16" in past and "1 clash" not in past, "what has passed has passed"
    opened = yu.get("/workload", {"person": designer, "on": MONDAY, "until": WEDNESDAY}).text
    assert "48 of 24 hours" in opened and "封套" in opened and "Another project" in opened and "帐篷" not in opened
    assert re.search(r"沈一诺\D*24 h free", opened, re.DOTALL) and f"/tasks/{world.photos.id}" not in opened
    assert "帐篷外箱" in yue.get("/workload", {"person": designer, "on": MONDAY, "until": WEDNESDAY}).text
    assert "沈一诺" not in yu.get("/workload", {"role": "legal"}).text
    assert "王蕾" not in yu.get("/workload", {"project": world.tent.id, "role": "design"}).text
    weeks = yu.get("/workload", {"by": "week", "from": "2026-10-01"}).text
    assert "▲48" in weeks.replace("\n", "") or "▲" in weeks
    for wrong in (
        {"from": "0001-01-01"},
        {"from": "2100-12-31"},
        {"from": "x", "person": "9" * 30, "on": "2026-13-01"},
    ):
        assert yu.get("/workload", wrong).status_code == 200

    with app.app_context():
        for number in range(40):
            user = User(name=f"人{number}", email=f"p{number}@example.com", password_hash="x")
            db.session.add(Membership(workspace=world.shanlan, user=user, role="media"))
            db.session.flush()
            Task.create(world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, due_on=MONDAY, title_zh="x")
            Absence.write(world.shanlan.id, user, MONDAY, MONDAY, by=world.yue)
        db.session.commit()
    with count_queries() as many:
        assert yu.get("/workload").status_code == 200
        assert yue.get("/absences").text.count("data-absence=") == 41
    assert len(many) == len(few)


def test_leave_is_written_by_oneself_and_by_who_keeps_the_workspace(app, read, world):
    yu, yue = read("yu"), read("yue")
    mine = {"user_id": world.yu.id, "first_on": "2026-10-19", "last_on": "2026-10-20", "note": "陪产"}
    assert yu.post("/absences", mine).status_code == 303
    assert yu.post("/absences", mine | {"user_id": world.jia.id}).status_code == 422, "not that of others"
    assert yu.post("/absences", mine | {"last_on": "2026-10-18"}).status_code == 422
    assert yu.post("/absences", mine | {"last_on": "2028-10-18"}).status_code == 422
    assert yue.post("/absences", mine | {"user_id": world.jia.id, "last_on": "", "note": ""}).status_code == 303
    with app.app_context():
        absences = db.session.scalars(select(Absence).order_by(Absence.id)).all()
        assert [(each.user_id, each.last_on.day) for each in absences] == [(world.yu.id, 20), (world.jia.id, 19)]
        ids = [each.id for each in absences]
        events = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "absence.written")).all()
        assert len(events) == 2 and "陪产" not in str([event.changes for event in events])
        told = PersonalData(world.yu).sections()["absences"]
        assert told == [{"first_on": "2026-10-19", "last_on": "2026-10-20", "note": "陪产"}]
    assert "陪产" in yue.get("/absences").text and "何佳" in yue.get("/absences").text
    assert "何佳" not in yu.get("/absences").text
    assert "陪产" not in read("jia").get("/workload").text + read("finance").get("/history").text
    assert yu.delete(f"/absences/{ids[1]}").status_code == 404
    assert yue.delete(f"/absences/{ids[0]}").status_code == 303
    history = read("finance").get("/history", {"kind": "members"}).text
    assert "wrote down when 林晓雨 is away" in history and "took back that 林晓雨 is away" in history


def test_the_partner_over_there_has_leave_a_row_and_only_so_much_time(app, read, world):
    """Maya takes part in the lamp, and 王蕾 and 周越 know it; a project that only 何佳 has says nothing of her."""
    maya, yue, admin = read("maya"), read("yue"), read("admin")
    away = {"first_on": "2026-10-19", "last_on": "2026-10-20", "note": "wedding"}
    assert maya.post("/absences", away | {"user_id": world.maya.id}).status_code == 303
    assert maya.post("/absences", away | {"user_id": world.yu.id}).status_code == 422
    assert "wedding" in maya.get("/absences").text and "wedding" in yue.get("/absences").text
    assert maya.get("/workload").status_code == 404 and 'href="/workload"' not in maya.get("/absences").text
    assert 'href="/absences"' in maya.get("/").text
    yue.post("/absences", away | {"user_id": world.yu.id, "note": "Zahnarzt"})
    with app.app_context():
        theirs = db.session.scalars(select(Absence.id).where(Absence.user_id == world.yu.id)).one()
        member = world.maya.membership_in(world.shanlan.id).id
        Task.create(
            world.lamp, by=world.yue, stage=world.to_do, owner=world.maya, due_on=WEDNESDAY, title_zh="x", estimate=3
        )
        for project in (world.lamp, world.tent):
            project.remove_member(next(each for each in project.members if each.user_id == world.jia.id), by=world.yue)
        db.session.commit()
    assert maya.delete(f"/absences/{theirs}").status_code == 404 and "Zahnarzt" not in maya.get("/absences").text
    yu = read("yu")
    page = yu.get("/workload").text
    assert "Maya Brooks, Wed Oct 21: 3 of 8 hours" in page and "wedding" not in page
    assert "Jess Kim" not in page, "creators plan for themselves"
    assert "Maya Brooks" not in read("jia").get("/workload").text, "she knows no project of hers any more"
    assert "Maya Brooks" in yu.get("/workload", {"project": world.lamp.id}).text

    assert admin.put(f"/members/{member}", {"hours_a_day": "4"}).status_code == 303
    asked = give(yu, world.packing, world.maya, estimate=4, start_on=WEDNESDAY)
    assert asked.status_code == 422 and "7 of 4 hours" in asked.text
    on_leave = give(yu, world.packing, world.maya, due_on=october(20))
    assert on_leave.status_code == 422 and "is on leave on all the days" in on_leave.text


def test_hours_a_day_are_written_by_the_administrator(app, read, world):
    with app.app_context():
        member = world.yu.membership_in(world.shanlan.id).id
    admin = read("admin")
    assert admin.put(f"/members/{member}", {"hours_a_day": "6,"}).status_code == 422
    assert admin.put(f"/members/{member}", {"hours_a_day": "25"}).status_code == 422
    assert admin.put(f"/members/{member}", {"hours_a_day": "6.5"}).status_code == 303
    assert read("yue").put(f"/members/{member}", {"hours_a_day": "9"}).status_code == 403
    assert 'value="6.5"' in admin.get(f"/members/{member}/edit").text
    assert "of 6.5 hours" in read("jia").get("/workload").text


def test_in_a_plan_of_hours_a_task_weighs_as_long_as_it_runs_where_its_owner_lives(app, read, world):
    with app.app_context():
        lamp = db.session.get_one(Project, world.lamp.id)
        lamp.unit = "hour"
        live = world.script
        live.start_at, live.due_at = datetime(2026, 10, 19, 16, tzinfo=UTC), datetime(2026, 10, 20, 16, tzinfo=UTC)
        live.start_on, live.due_on, live.duration = MONDAY, october(20), 3
        db.session.commit()
    page = read("jia").get("/workload").text
    yu = re.search(r"林晓雨, Tue Oct 20: ([\d.]+) of 8", page)
    assert yu and yu[1] == "5", "3 hours on the 20th in Shanghai, and the quarter of a day of the listing"
    assert "林晓雨, Mon Oct 19" not in page


def test_how_long_a_task_takes_is_asked_about_where_a_plan_counts_hours(app, read, world, packaging):
    yue, asked_for = read("yue"), {"duration": "10.5"}
    with app.app_context():
        an, nuo = one_named("罗安"), one_named("沈一诺")
        nuo.membership_in(world.shanlan.id).hours_a_day = 12
        away = Task.create(
            world.lamp, by=world.yue, stage=world.to_do, owner=an, start_on=MONDAY, due_on=MONDAY, title_zh="直播图"
        )
        task = Task.create(
            world.lamp, by=world.yue, stage=world.to_do, owner=world.designer, start_on=october(22),
            due_on=october(22), duration=3, title_zh="直播底图",
        )  # fmt: skip
        db.session.commit()
        addresses = [f"/tasks/{each.id}/plan-values" for each in (away, task)]
        ids, nuo_id = (away.id, task.id), nuo.id
    for address, each in zip(addresses, ids, strict=True):
        with app.app_context():
            version = db.session.get_one(Task, each).version
        assert yue.post(address, asked_for | {"version": version}).status_code == 303, "days do not weigh"
    with app.app_context():
        world.lamp.unit = "hour"
        task = db.session.get_one(Task, ids[1])
        task.duration, asked_for["version"] = 3, task.version
        db.session.commit()
    asked = yue.post(addresses[1], asked_for)
    assert asked.status_code == 422 and "10.5 of 8 hours" in asked.text
    assert f'name="owner_id" value="{nuo_id}">Give it to 沈一诺' in asked.text
    answer = {"overload": world.designer.id, "owner_id": nuo_id}
    assert yue.post(addresses[1], asked_for | answer).status_code == 303
    with app.app_context():
        task = db.session.get_one(Task, ids[1])
        assert (task.owner_id, task.duration) == (nuo_id, 10.5)


def test_steps_that_are_too_much_for_who_does_them_say_so(app, read, world):
    with app.app_context():
        coarse, _busy = (
            Task.create(
                world.lamp, by=world.yue, stage=world.to_do, owner=owner, start_on=MONDAY, due_on=last,
                title_zh=title, estimate=hours,
            )
            for owner, title, last, hours in (
                (world.yu, "完成广告搭建", october(20), 12), (world.jia, "投放复盘", october(20), 12)
            )
        )  # fmt: skip
        db.session.commit()
        address = f"/tasks/{coarse.id}/split/new"
    yue = read("yue")
    page = yue.get(address).text
    assert "何佳 would have too much to do on Mon Oct 19: 12 of 8 hours." in page, "three of the steps lie on that day"
    assert "林晓雨 would have too much to do on Tue Oct 20: 14 of 8 hours." in page, "what is left lies on the last day"
    with app.app_context():
        one_named("何佳").membership_in(world.shanlan.id).hours_a_day = 24
        db.session.commit()
    assert "何佳 would" not in yue.get(address).text


def test_a_slower_partner_pushes_somebody_in_two_projects_at_once(app, read, world, count_queries):
    """何佳 has five hours in each, which are too much only together."""
    values = {"name": "BayLab", "timezone": "America/Los_Angeles", "works_from": time(9), "works_until": time(18)}
    with app.app_context():
        lab = Partner.create(world.shanlan.id, values | {"answer_days": 1}, by=world.yue)
        for project in (world.lamp, world.tent):
            asked, waits = (
                Task.create(
                    project, by=world.yue, stage=project.stages[0], owner=owner, start_on=day, due_on=day,
                    title_zh=title, duration=1, **more,
                )
                for owner, day, title, more in (
                    (world.yu, october(14), "送检", {"partner_id": lab.id}),
                    (world.jia, october(19), "报告", {"estimate": 5}),
                )
            )  # fmt: skip
            db.session.add(Dependency(predecessor_id=asked.id, successor_id=waits.id))
            project.touch()
        db.session.commit()
        address = f"/partners/{lab.id}"
    yue = read("yue")
    known = re.search('name="known" value="([^"]*)"', yue.get(f"{address}/edit").text)[1]
    slower = {**values, "works_from": "09:00", "works_until": "18:00", "answer_days": "4", "known": known}
    with count_queries() as queries:
        page = yue.post(f"{address}?_method=PUT", slower).text
    assert page.count("何佳 would have too much to do on Wed Oct 21: 12 of 8 hours.") == 1
    assert len([each for each in queries if "FROM absence" in each]) == 1


def one_named(name):
    return db.session.scalars(select(User).where(User.name == name)).one()


def test_who_takes_over_from_somebody_who_leaves_is_not_given_too_much_unasked(
    app, read, world, packaging, count_queries
):
    with app.app_context():
        an, nuo = one_named("罗安"), one_named("沈一诺")
        Task.create(
            world.lamp, by=world.yue, stage=world.to_do, owner=an, start_on=MONDAY, due_on=WEDNESDAY, title_zh="封套"
        )
        Task.create(world.lamp, by=world.yue, stage=world.to_do, owner=an, title_zh="没有日期")
        db.session.commit()
        address, nuo_id, an_id = f"/members/{an.membership_in(world.shanlan.id).id}/departure", nuo.id, an.id
    admin, wanted = read("admin"), {"successor_id": world.designer.id}
    for answered in ({}, {"overload": nuo_id}):
        asked = admin.post(address, wanted | answered)
        assert asked.status_code == 422 and f'name="overload" value="{world.designer.id}"' in asked.text
        assert "陈思远 would have too much to do from Mon Oct 19 to Wed Oct 21: 30 of 24 hours." in asked.text
        assert re.search(r"Has time for all of it.*沈一诺\D*24 h free", asked.text, re.DOTALL)
    with app.app_context():
        assert len(db.session.scalars(select(Task).where(Task.owner_id == an_id)).all()) == 2, "nothing is saved yet"
    with count_queries() as few:
        admin.post(address, wanted)
    with app.app_context():
        for number in range(6):
            user = User(name=f"人{number}", email=f"p{number}@example.com", password_hash="x")
            db.session.add(Membership(workspace=world.shanlan, user=user, role="design"))
            db.session.flush()
            world.lamp.add_member(user, by=world.yue)
        db.session.commit()
    with count_queries() as many:
        assert "人0" in admin.post(address, wanted).text
    assert len(many) == len(few)
    assert admin.post(address, wanted | {"overload": world.designer.id}).status_code == 303
    with app.app_context():
        assert not db.session.scalars(select(Task).where(Task.owner_id == an_id)).all()


def test_dates_that_push_somebody_into_too_much_work_say_so(app, read, world, packaging, count_queries):
    def follow(number):
        return Task.create(
            world.lamp, by=world.yue, stage=world.to_do, owner=world.designer, title_zh=f"封套 {number}",
            start_on=october(14), due_on=october(15), duration=2,
        )  # fmt: skip

    with app.app_context():
        first = Task.create(
            world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, title_zh="刀版", duration=1,
            start_on=october(13), due_on=october(13),
        )  # fmt: skip
        follow(1).wait_for(first, by=world.yue)
        db.session.commit()
        task, version = f"/tasks/{first.id}", first.version
        for each in range(2, 4):
            db.session.add(follow(each))
        db.session.commit()
    yue = read("yue")
    dates = {"start_on": october(13), "due_on": october(16)}
    ways = [
        lambda: yue.get(f"{task}/delay/new", {"days": 3}),
        lambda: yue.post(f"{task}/dates", dates),
        lambda: yue.post(task, dates | {"version": version}),
    ]
    counts = []
    for way in ways:
        with count_queries() as queries:
            page = way().text
        counts.append(len(queries))
        assert "陈思远 would have too much to do from Mon Oct 19 to Tue Oct 20: 20 of 16 hours." in page
        assert "林晓雨 would" not in page and "封套 1" in page
    assert "陈思远 would" not in yue.get(f"{task}/delay/new", {"days": 1}).text
    with app.app_context():
        successors = db.session.scalars(select(Task).where(Task.title_zh.in_(("封套 2", "封套 3")))).all()
        for each, owner in zip(successors, (world.jia, world.intern), strict=True):
            each.wait_for(db.session.get_one(Task, first.id), by=world.yue)
            each.owner = owner
        db.session.commit()
    for way, few in zip(ways, counts, strict=True):
        with count_queries() as queries:
            assert "3 tasks" in way().text
        assert len(queries) <= few, "however many move"


def test_a_bulk_edit_says_how_much_time_colleagues_have(app, read, world, packaging):
    bulk = {"task_id": [world.packing.id, world.listing.id], "owner_id": world.designer.id, "due_on": WEDNESDAY}
    address, yue = f"/projects/{world.lamp.id}/bulk-edits", read("yue")
    assert re.search(
        r"Has time for all of it.*沈一诺\D*8 h free in these days", yue.post(address, bulk).text, re.DOTALL
    )
    with app.app_context():
        Task.create(
            world.lamp, by=world.yue, stage=world.to_do, owner=one_named("沈一诺"), due_on=WEDNESDAY, title_zh="x",
            estimate=6,
        )  # fmt: skip
        db.session.commit()
    page = yue.post(address, bulk).text
    assert re.search(r"Has some time in these days.*沈一诺\D*2 h free", page, re.DOTALL) and "for all of it" not in page


def test_a_task_of_an_overloaded_day_is_given_to_a_colleague_of_its_project(app, read, world, packaging):
    with app.app_context():
        for title, more in (("封套", {}), ("大件", {"estimate": 40})):
            Task.create(
                world.lamp, by=world.yue, stage=world.to_do, owner=world.designer, start_on=MONDAY, due_on=WEDNESDAY,
                title_zh=title, **more,
            )  # fmt: skip
        db.session.commit()
        nuo = one_named("沈一诺").id
    yue, opened = read("yue"), {"person": world.designer.id, "on": MONDAY, "until": WEDNESDAY}
    page = yue.get("/workload", opened).text
    offered = re.findall(r'href="([^"]*)" data-dialog aria-label="Give to 沈一诺: ([^"]*)"', page)
    assert {title for _address, title in offered} == {"包装 1", "包装 2", "包装 3", "封套"}, "none too big"
    address = offered[0][0].replace("&amp;", "&")

    def chosen(address):
        (select,) = re.findall(r'<select[^>]*name="owner_id".*?</select>', yue.get(address).text, re.DOTALL)
        return re.findall(r'value="(\d+)" selected', select)

    assert chosen(address) == [str(nuo)]
    assert chosen(address.replace(f"owner_id={nuo}", f"owner_id={world.lead.id}")) == [str(world.designer.id)]
    assert "Give to" not in read("finance").get("/workload", opened).text, "who may not edit gives nothing away"
