"""What moves when the launch day, one task or a delay does: shown first, then written as one change."""

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from linkstar import packs
from linkstar.extensions import db
from linkstar.models import AuditEvent, Dependency, Launch, Plan, Project, Task, Template, Undo, UndoRefused
from linkstar.models.audit_event import new_change
from linkstar.planning.schedule import Span
from linkstar.planning.working_days import OutOfRange, WorkingDays

MAY = date(2027, 5, 12)  # a Wednesday
CHINA, AMERICA = WorkingDays("CN"), WorkingDays("US")


def launch(world, key="amazon_us_launch_electronics", anchor=MAY, word="EARB", **values):
    people = {"ops": world.yu, "legal": world.lei, "ads": world.jia, "design": world.designer, "us_partner": world.maya}
    project = Launch(
        template=packs.template(key),
        workspace_id=world.shanlan.id,
        owner=world.yue,
        anchor=anchor,
        values={"name_zh": "耳机", "code": f"US-AMZ-27Q2-{word}-001", "key": word, "platforms": ["amazon"]} | values,
        people=people,
        library={each.key: each for each in packs.pack().checklists},
    ).create(by=world.yue)
    db.session.commit()
    return project


@pytest.fixture
def earbuds(session, world):
    return launch(world)


def named(project):
    db.session.expire_all()
    tasks = db.session.scalars(db.select(Task).where(Task.project_id == project.id))
    return {task.key: task for task in tasks}


def dates(project):
    return {key: (task.start_on, task.due_on) for key, task in named(project).items()}


def begin(task, stage="active"):
    task.stage = next(each for each in task.project.stages if each.kind == stage)
    task.completed_at = datetime(2026, 10, 13, tzinfo=UTC) if stage == "done" else None
    db.session.commit()


def lock(task):
    task.locked = True
    db.session.commit()


# the anchor


def test_a_new_plan_stands_as_it_was_laid(earbuds):
    plan = Plan(earbuds)
    assert plan.clashes == []
    assert plan.moved_to(MAY).shifts == []
    assert plan.anchor.key == "launch"


@pytest.mark.parametrize("template", packs.pack().templates, ids=lambda template: template.key)
def test_every_template_of_the_pack_stands_as_it_was_laid(session, world, template):
    if template.unit == "hour":
        return
    plan = Plan(launch(world, template.key, word="PACK"))
    assert plan.moved_to(MAY).shifts == []
    assert {(clash.task.key, clash.predecessor.key) for clash in plan.clashes} == set()
    assert all(days >= 0 for days in plan.slack.values())


def test_two_weeks_later_moves_all_that_waits_and_the_launch_day_with_it(earbuds, world):
    before = dates(earbuds)
    later = MAY + timedelta(days=14)
    replan = Plan(earbuds).moved_to(later)
    assert replan.launch.new.start == later
    change = replan.apply(by=world.yue)
    db.session.commit()
    assert earbuds.anchor_on == later
    after = dates(earbuds)
    assert {key for key in before if before[key] != after[key]} == set(before)
    assert after == dates(launch(world, anchor=later, word="TWIN"))
    assert len({event.change for event in AuditEvent.of_change(change)}) == 1
    assert len(AuditEvent.of_change(change)) == len(before) + 1


@pytest.mark.parametrize("days", [-30, -7, 1, 14, 60, 400])
def test_there_and_back_changes_nothing(earbuds, world, days):
    before = dates(earbuds)
    for anchor in (MAY + timedelta(days=days), MAY):
        Plan(earbuds).moved_to(anchor).apply(by=world.yue)
        db.session.commit()
    assert dates(earbuds) == before


def test_what_runs_is_done_or_locked_stays_and_what_it_crosses_is_told(earbuds, world):
    tasks = named(earbuds)
    begin(tasks["market_research"])
    begin(tasks["charter"], "done")
    lock(tasks["photo"])
    before = dates(earbuds)
    replan = Plan(earbuds).moved_to(MAY + timedelta(days=14))
    moved = {shift.task.key for shift in replan.shifts}
    assert set(before) - moved == {"market_research", "charter", "photo"}
    assert [(clash.task.key, clash.predecessor.key) for clash in replan.clashes] == [("photo", "golden_sample")]
    assert replan.clashes[0].days == (replan_span(replan, "golden_sample").finish - before["photo"][0]).days


def replan_span(replan, key):
    return next(shift.new for shift in replan.shifts if shift.task.key == key)


def test_an_earlier_launch_tells_what_then_begins_before_what_still_runs_is_over(earbuds, world):
    tasks = named(earbuds)
    begin(tasks["charter"], "done")
    begin(tasks["market_research"])
    replan = Plan(earbuds).moved_to(MAY - timedelta(days=28))
    starts = {shift.task.key: shift.new.start for shift in replan.shifts}
    assert starts["supplier_select"] < tasks["supplier_select"].start_on
    crossed = {(clash.task.key, clash.predecessor.key) for clash in replan.clashes}
    assert ("keyword_research", "market_research") in crossed


def test_there_and_back_changes_nothing_also_while_work_is_late(earbuds, world):
    tasks = named(earbuds)
    begin(tasks["charter"], "done")
    begin(tasks["market_research"])
    tasks["market_research"].edit({"due_on": tasks["market_research"].due_on + timedelta(days=20)}, by=world.yue)
    db.session.commit()
    before, anchor = dates(earbuds), earbuds.anchor_on
    for day in (anchor + timedelta(days=14), anchor):
        Plan(earbuds).moved_to(day).apply(by=world.yue)
        db.session.commit()
    assert dates(earbuds) == before


def test_dates_by_hand_keep_their_distance_to_the_launch_and_their_length(earbuds, world):
    photo = named(earbuds)["photo"]
    photo.edit({"start_on": date(2027, 4, 12), "due_on": date(2027, 4, 16)}, by=world.yue)
    db.session.commit()
    assert photo.start_rule == "by_hand"
    Plan(earbuds).moved_to(MAY + timedelta(days=14)).apply(by=world.yue)
    db.session.commit()
    photo = named(earbuds)["photo"]
    assert CHINA.count(photo.start_on, MAY + timedelta(14)) == CHINA.count(date(2027, 4, 12), MAY)
    assert CHINA.count(photo.start_on, photo.due_on) == 4
    Plan(earbuds).moved_to(MAY).apply(by=world.yue)
    db.session.commit()
    assert dates(earbuds)["photo"] == (date(2027, 4, 12), date(2027, 4, 16))


def test_a_day_off_that_somebody_chose_stays_a_saturday(session, world):
    world.listing.edit({"start_on": date(2026, 10, 31), "due_on": date(2026, 10, 31)}, by=world.yu)
    session.commit()
    shift = next(s for s in Plan(world.lamp).moved_to(date(2026, 12, 4)).shifts if s.task.id == world.listing.id)
    assert shift.new == Span(date(2026, 11, 14), date(2026, 11, 14))


def test_a_locked_launch_moves_when_its_day_is_moved_but_one_that_is_over_stays(earbuds, world):
    launched = named(earbuds)["launch"]
    lock(launched)
    assert Plan(earbuds).moved_to(MAY + timedelta(1)).launch
    launched = named(earbuds)["launch"]
    begin(launched, "done")
    assert Plan(earbuds).moved_to(MAY + timedelta(1)).launch is None


# one task


def test_dates_by_hand_push_what_waits_and_the_launch(earbuds, world):
    plan = Plan(earbuds)
    tasks = named(earbuds)
    transit = tasks["transit"]
    replan = plan.with_dates(transit, transit.start_on, transit.due_on + timedelta(days=7))
    assert replan.shifts[0].task is transit
    assert {"fba_receive", "launch_gate", "launch", "retro"} <= {shift.task.key for shift in replan.others}
    assert "charter" not in {shift.task.key for shift in replan.others}
    change = replan.apply(by=world.yue)
    db.session.commit()
    assert earbuds.anchor_on == replan.launch.new.start > MAY
    assert named(earbuds)["transit"].start_rule == "by_hand"
    assert named(earbuds)["fba_receive"].start_rule is None
    assert Plan(earbuds).clashes == []
    Undo(change, by=world.yue).run()
    db.session.commit()
    assert earbuds.anchor_on == MAY


def test_only_this_task_leaves_a_clash_that_the_plan_shows(earbuds, world):
    tasks = named(earbuds)
    transit = tasks["transit"]
    replan = Plan(earbuds).with_dates(transit, transit.start_on, transit.due_on + timedelta(days=7))
    before = dates(earbuds)
    replan.apply(by=world.yue, others=False)
    db.session.commit()
    after = dates(earbuds)
    assert {key for key in before if before[key] != after[key]} == {"transit"}
    assert earbuds.anchor_on == MAY
    assert [(clash.task.key, clash.predecessor.key) for clash in Plan(earbuds).clashes] == [("fba_receive", "transit")]


def test_what_stands_at_a_fixed_distance_goes_with_the_launch_that_is_pushed(earbuds):
    tasks = named(earbuds)
    transit = tasks["transit"]
    replan = Plan(earbuds).with_dates(transit, transit.start_on, transit.due_on + timedelta(days=14))
    launched, recheck = replan.launch.new.start, replan_span(replan, "ip_recheck").start
    assert CHINA.count(recheck, launched) == 15


def test_a_launch_that_is_moved_by_hand_takes_the_projects_day_along_and_back(earbuds, world):
    launched = named(earbuds)["launch"]
    change = launched.edit({"start_on": date(2027, 5, 20), "due_on": date(2027, 5, 20)}, by=world.yue)
    db.session.commit()
    assert (earbuds.anchor_on, launched.start_rule) == (date(2027, 5, 20), None)
    Undo(change, by=world.yue).run()
    db.session.commit()
    assert (earbuds.anchor_on, named(earbuds)["launch"].due_on) == (MAY, MAY)


# what if


def test_late_by_days_shows_what_slips_and_adopting_does_exactly_that(earbuds, world):
    tasks = named(earbuds)
    fcc = tasks["fcc_grant"]
    slack = Plan(earbuds).slack[fcc.id]
    assert {shift.task.key for shift in Plan(earbuds).late_by(fcc, 1).shifts} == {"fcc_grant"} or slack == 0
    replan = Plan(earbuds).late_by(fcc, 90)
    before, shown = dates(earbuds), {shift.task.key: (shift.new.start, shift.new.finish) for shift in replan.shifts}
    assert dates(earbuds) == before, "nothing is written before"
    assert replan.launch and replan.launch.days > 0
    replan.apply(by=world.yue)
    db.session.commit()
    assert dates(earbuds) == before | shown


def test_what_has_begun_ends_later_but_has_begun(earbuds):
    research = named(earbuds)["market_research"]
    begin(research)
    replan = Plan(earbuds).late_by(research, 5)
    assert replan.shifts[0].new.start == research.start_on
    assert replan.shifts[0].new.finish == CHINA.next(research.due_on + timedelta(5))


def test_within_its_slack_nothing_fixed_moves_and_beyond_it_the_launch_does(earbuds):
    plan = Plan(earbuds)
    for key in ("photo", "images", "label_check", "go_nogo", "copy"):
        task = next(task for task in plan.own if task.key == key)
        calendar = AMERICA if task.owner.country == "US" else CHINA
        within = calendar.shift(task.due_on, plan.slack[task.id]) if plan.slack[task.id] else task.due_on
        assert plan.with_dates(task, task.start_on, within).launch is None, key
        replan = plan.with_dates(task, task.start_on, calendar.shift(task.due_on, plan.slack[task.id] + 3))
        assert replan.launch, key


def test_the_critical_path_leads_to_the_launch(earbuds):
    keys = [task.key for task in Plan(earbuds).critical]
    assert {"transit", "fba_receive", "launch_gate", "launch"} <= set(keys)
    assert "vine" not in keys[: keys.index("launch")]


def test_black_friday_does_not_wait_for_anybody(session, world):
    template = packs.template("bfcm_campaign")
    here = Template(workspace_id=world.shanlan.id, key="bfcm_campaign", owner=world.yue)
    db.session.add(here)
    version = here.publish(packs.self_contained(template, packs.pack()), by=world.yue)
    project = launch(world, "bfcm_campaign", date(2027, 11, 26), "BFCM", template_version_id=version.id)
    ship = named(project)["bf_ship"]
    replan = Plan(project).late_by(ship, 40)
    assert replan.launch is None
    assert "bf_fba_opt_deadline" in {clash.task.key for clash in replan.clashes}


# undo


def test_undo_brings_every_date_and_the_anchor_back(earbuds, world, count_queries):
    before = dates(earbuds)
    change = Plan(earbuds).moved_to(MAY + timedelta(days=14)).apply(by=world.yue)
    db.session.commit()
    db.session.expire_all()
    with count_queries() as queries:
        began = time.process_time()
        Undo(change, by=world.yue).run()
        db.session.commit()
        took = time.process_time() - began
    assert len([query for query in queries if not query.startswith("INSERT INTO audit_event")]) < 15
    assert took < 1
    assert (dates(earbuds), earbuds.anchor_on) == (before, MAY)
    assert len(before) > 60


def test_undo_is_refused_as_a_whole_where_one_date_was_changed_since(earbuds, world):
    change = Plan(earbuds).moved_to(MAY + timedelta(days=14)).apply(by=world.yue)
    db.session.commit()
    named(earbuds)["photo"].edit({"due_on": date(2027, 12, 1)}, by=world.yu)
    db.session.commit()
    moved = dates(earbuds)
    with pytest.raises(UndoRefused):
        Undo(change, by=world.yue).run()
    db.session.rollback()
    assert dates(earbuds) == moved


def test_an_edit_and_what_it_pushed_are_taken_back_together(earbuds, world):
    before = dates(earbuds)
    transit = named(earbuds)["transit"]
    late = transit.due_on + timedelta(days=7)
    replan = Plan(earbuds, lock=True).with_dates(transit, transit.start_on, late)
    change = new_change()
    transit.edit({"due_on": late, "priority": "high"}, by=world.yue, change=change)
    replan.apply(by=world.yue, change=change)
    db.session.commit()
    Undo(change, by=world.yue).run()
    db.session.commit()
    assert (dates(earbuds), earbuds.anchor_on, named(earbuds)["transit"].priority) == (before, MAY, "medium")


# hours


@pytest.fixture
def takedown(session, world):
    return launch(world, "takedown_emergency", datetime(2026, 10, 13, 2, 30, tzinfo=UTC), "TAKE")


def test_a_plan_of_hours_goes_with_its_moment(takedown, world):
    before = {key: task.start_at for key, task in named(takedown).items()}
    change = Plan(takedown).moved_to(takedown.anchor_at + timedelta(hours=5)).apply(by=world.yue)
    db.session.commit()
    after = {key: task.start_at for key, task in named(takedown).items()}
    assert {after[key] - before[key] for key in before} == {timedelta(hours=5)}
    assert takedown.anchor_at == datetime(2026, 10, 13, 7, 30, tzinfo=UTC)
    Undo(change, by=world.yue).run()
    db.session.commit()
    assert {key: task.start_at for key, task in named(takedown).items()} == before
    assert takedown.anchor_at == datetime(2026, 10, 13, 2, 30, tzinfo=UTC)


def test_in_a_plan_of_hours_a_delay_pushes_hours(takedown):
    tasks = named(takedown)
    evidence = tasks["em_poa"]
    replan = Plan(takedown).late_by(evidence, 2)
    assert replan.shifts[0].times == (evidence.start_at + timedelta(2), evidence.due_at + timedelta(2))
    assert {"em_submit", "em_follow"} <= {shift.task.key for shift in replan.others}
    assert all(shift.times[0] >= shift.task.start_at for shift in replan.others)
    assert Plan(takedown).slack == {}


# a programme


def test_a_delay_goes_on_into_the_other_projects_of_the_programme(earbuds, world):
    video = launch(world, "short_video_pipeline", MAY - timedelta(7), "CLIP", parent_id=earbuds.id)
    apart = launch(world, "short_video_pipeline", MAY - timedelta(7), "APART")
    sample = named(earbuds)["golden_sample"]
    shoot, alone = named(video)["sv_shoot"], named(apart)["sv_shoot"]
    shoot.wait_for(sample, by=world.yue)
    db.session.commit()
    late = CHINA.shift(shoot.start_on, 3)
    replan = Plan(earbuds).with_dates(sample, late, late)
    moved = {(shift.task.project_id, shift.task.key) for shift in replan.others}
    assert (video.id, "sv_shoot") in moved
    assert (video.id, "sv_publish") in moved
    assert apart.id not in {project for project, _key in moved}
    assert set(replan.projects) == {earbuds, video}
    change = replan.apply(by=world.yue)
    db.session.commit()
    assert video.anchor_on == named(video)["sv_publish"].start_on > MAY - timedelta(7)
    assert named(apart)["sv_shoot"].start_on == alone.start_on
    Undo(change, by=world.yue).run()
    db.session.commit()
    assert video.anchor_on == MAY - timedelta(7)


def test_a_projects_own_move_tells_what_stands_in_the_other_project(earbuds, world):
    video = launch(world, "short_video_pipeline", MAY - timedelta(7), "CLIP", parent_id=earbuds.id)
    named(video)["sv_shoot"].wait_for(named(earbuds)["golden_sample"], by=world.yue)
    db.session.commit()
    early = MAY - timedelta(days=150)
    replan = Plan(video).moved_to(early)
    assert ("sv_shoot", video.id) in {(clash.task.key, clash.task.project_id) for clash in replan.clashes}
    assert all(shift.task.project_id == video.id for shift in replan.shifts)


# cost, and what two see


def test_a_plan_costs_the_same_however_long_it_is(earbuds, world, count_queries):
    counts = []
    for project in (earbuds, launch(world, "short_video_pipeline", MAY, "CLIP")):
        db.session.expire_all()
        db.session.refresh(project)
        with count_queries() as queries:
            plan = Plan(project)
            assert plan.slack
            assert plan.moved_to(MAY + timedelta(14)).shifts
            plan.late_by(plan.own[0], 5)
        counts.append(len(queries))
    assert counts[0] == counts[1] < 12


def test_a_preview_has_the_same_mark_until_what_it_shows_changes(earbuds, world):
    def mark():
        db.session.expire_all()
        return Plan(earbuds).moved_to(MAY + timedelta(days=14)).fingerprint

    first = mark()
    named(earbuds)["photo"].edit({"priority": "high"}, by=world.yu)
    db.session.commit()
    assert mark() == first
    lock(named(earbuds)["photo"])
    assert mark() != first


def test_cards_beside_what_moved_are_drawn_anew(earbuds, world):
    transit = named(earbuds)["transit"]
    old = {key: task.revision for key, task in named(earbuds).items()}
    transit = named(earbuds)["transit"]
    Plan(earbuds).with_dates(transit, transit.start_on, transit.due_on + timedelta(1)).apply(by=world.yue, others=False)
    db.session.commit()
    new = {key: task.revision for key, task in named(earbuds).items()}
    redrawn = {key for key in new if new[key] > old[key]}
    linked = db.session.scalars(db.select(Dependency).where(Dependency.predecessor_id == transit.id)).all()
    assert redrawn == {"transit", "fba_receive", "fba_prep", "book_freight", "customs_docs"}
    assert len(linked) == 1
    assert db.session.get_one(Project, earbuds.id).revision == max(new.values())


def test_what_had_no_start_gets_none_when_it_is_pushed(earbuds, world):
    tasks = named(earbuds)
    launch = tasks["launch"]
    backlog, day = launch.stage, launch.due_on
    after = Task.create(earbuds, by=world.yue, stage=backlog, owner=world.yue, title_zh="海报", due_on=day)
    after.wait_for(launch, by=world.yue)
    db.session.commit()
    Plan(earbuds).late_by(launch, 7).apply(by=world.yue)
    assert after.due_on > MAY and after.start_on is None


def test_a_plan_of_hours_does_not_leave_2100(takedown):
    with pytest.raises(OutOfRange):
        Plan(takedown).moved_to(datetime(2100, 12, 31, 12, tzinfo=UTC))
