"""The library of a workspace: packs, templates in versions, drafts, and projects told as templates."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from linkstar import packs
from linkstar.extensions import db
from linkstar.models import (
    AuditEvent,
    ChecklistItem,
    Comment,
    Dependency,
    InstalledPack,
    Launch,
    Notification,
    Outline,
    Project,
    ProjectCopy,
    StaleVersion,
    Task,
    Template,
    TemplateDraft,
    library_of,
    packs_of,
)

MEDICAL = (Path(__file__).parent.parent / "packs" / "medical_device.yaml").read_text()
ANCHOR = date(2027, 6, 15)


def medical(**changes: str) -> packs.Pack:
    text = MEDICAL
    for old, new in changes.items():
        text = text.replace(old, new)
    return packs.parse(text, "medical_device.yaml")


@pytest.fixture
def template(session, world) -> Template:
    InstalledPack.install(world.shanlan, medical(), by=world.yue)
    return session.scalars(db.select(Template)).one()


def launched(template, world, **more):
    values = {"name_zh": "血压计", "code": "US-AMZ-27Q2-BPM-001", "key": "BPM", "platforms": ["amazon"]}
    plan = Launch(
        template=template.newest.read(), workspace_id=world.shanlan.id, owner=world.yue, anchor=ANCHOR,
        values=values | {"categories": ["medical_device"]}, version=template.newest,
        people={"legal": world.lei, "ops": world.yu}, **more,
    )  # fmt: skip
    return plan.create(by=world.yue)


def tasks_of(project):
    rows = db.session.scalars(
        db.select(Task).where(Task.project_id == project.id, Task.trashed_at.is_(None)).order_by(Task.position)
    )
    return {task.key: task for task in rows}


def actions(session):
    return list(session.scalars(db.select(AuditEvent.action).order_by(AuditEvent.id)))


# packs


def test_an_industry_pack_brings_its_template_and_its_lists(session, world, template):
    assert (template.name_zh, template.newest.task_count, template.last_version) == ("医疗器械美国上市", 6, 1)
    assert set(library_of(world.shanlan.id)) == {"fda_510k", "udi_label"}
    tasks = tasks_of(launched(template, world))
    assert [item.text_zh for item in tasks["submit"].checklists[0].items] == [
        "选定实质等同的对照器械", "510(k) 批准函归档",
    ]  # fmt: skip
    assert tasks["label"].phase.awaited == [tasks["submit"].phase]
    assert actions(session).count("pack.installed") == 1


def test_a_removed_pack_leaves_running_projects_intact(session, world, template):
    project = launched(template, world)
    InstalledPack.install(world.shanlan, packs.pack(), by=world.yue)
    session.scalars(db.select(InstalledPack).where(InstalledPack.key == "medical_device")).one().remove(by=world.yue)
    assert template.trashed_at
    assert not session.scalar(Template.visible_to(world.yue).where(Template.id == template.id))
    assert "fda_510k" not in library_of(world.shanlan.id)
    tasks = tasks_of(project)
    assert len(tasks) == 6 and tasks["submit"].checklists[0].items
    saved = Outline(project).save_as_template(by=world.yue, name_zh="血压计", name_en=None)
    assert saved.newest.read().applies_to.categories == ("medical_device",)


def test_a_removed_pack_can_be_taken_again(session, world, template):
    installed = session.scalars(db.select(InstalledPack)).one()
    installed.remove(by=world.yue)
    again = InstalledPack.install(world.shanlan, medical(), by=world.lei)
    assert (again.id, again.removed_at, again.installed_by) == (installed.id, None, world.lei)
    assert (template.trashed_at, template.last_version) == (None, 1)


def test_a_newer_pack_changes_templates_and_not_projects(session, world, template):
    project = launched(template, world)
    installed = session.scalars(db.select(InstalledPack)).one()
    assert installed.newer is None
    installed.offer(medical(**{'version: "1.0"': 'version: "1.1"', "duration: 5": "duration: 8"}))
    changes = packs.pack_difference(installed.content, packs.pack_document(installed.newer))
    told = [(change.what, change.key, change.field, change.before, change.after) for change in changes]
    assert ("task", "medical_device_launch.submit", "duration", 5, 8) in told
    installed.update(installed.newer, by=world.lei)
    assert (installed.version, installed.newer, template.last_version) == ("1.1", None, 2)
    assert template.newest.read().tasks["submit"].duration == 8
    assert tasks_of(project)["submit"].duration == 5
    assert project.template_version.number == 1


def test_what_the_workspace_changed_stays_while_the_pack_brings_nothing_new_for_it(session, world, template):
    own = template.newest.content | {"name_zh": "我们的医疗器械流程"}
    template.publish(own, by=world.yue)
    installed = session.scalars(db.select(InstalledPack)).one()
    installed.update(
        medical(**{'version: "1.0"': 'version: "1.1"', "title_zh: UDI 标签": "title_zh: UDI 标识"}), by=world.yue
    )
    assert template.last_version == 3, "the list that it uses has changed"
    template.publish(own, by=world.yue)
    installed.update(
        medical(**{'version: "1.0"': 'version: "1.2"', "title_zh: UDI 标签": "title_zh: UDI 标识"}), by=world.yue
    )
    assert (template.last_version, template.name_zh) == (4, "我们的医疗器械流程")


def test_a_template_that_a_newer_pack_lacks_goes_to_the_trash(session, world, template):
    installed = session.scalars(db.select(InstalledPack)).one()
    newer = MEDICAL.replace('version: "1.0"', 'version: "2.0"').partition("templates:")[0]
    installed.update(packs.parse(newer, "medical_device.yaml"), by=world.yue)
    assert template.trashed_at


def test_a_pack_leaves_the_workspaces_own_template_of_that_key_alone(session, world):
    own = Template(workspace_id=world.shanlan.id, key="medical_device_launch", owner=world.lei)
    session.add(own)
    own.publish(packs.self_contained(medical().templates[0], medical()) | {"name_zh": "自己的"}, by=world.lei)
    InstalledPack.install(world.shanlan, medical(), by=world.yue)
    assert (own.last_version, own.name_zh, own.installed_pack) == (1, "自己的", None)


def test_templates_are_seen_inside_their_workspace_only(session, world, template):
    seen = {
        name: session.scalar(Template.visible_to(getattr(world, name)).where(Template.id == template.id)) is not None
        for name in ("yue", "intern", "maya", "jess", "lead")
    }
    assert seen == {"yue": True, "intern": True, "maya": False, "jess": False, "lead": False}
    assert [template.allows(getattr(world, name)) for name in ("yue", "lei", "admin", "yu", "maya", "lead")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


# a template told as a project and back


def test_all_shipped_templates_come_back_from_a_project_and_lay_the_same_dates(session, world):
    InstalledPack.install(world.shanlan, packs.pack(), by=world.yue)
    templates = session.scalars(db.select(Template).order_by(Template.id)).all()
    assert len(templates) == 12
    for number, template in enumerate(templates):
        plan = template.newest.read()
        anchor = ANCHOR if plan.unit == "working_day" else datetime(2027, 6, 15, 2, tzinfo=UTC)
        everything = {"platforms": ["all"], "categories": ["all"]}
        launch = Launch(
            template=plan, workspace_id=world.shanlan.id, owner=world.yue, anchor=anchor,
            values={"name_zh": "甲", "code": f"RT-{number}", "key": "RT", **everything}, version=template.newest,
        )  # fmt: skip
        project = launch.create(by=world.yue)
        told = Outline(project).document(key=plan.key, name_zh=plan.name_zh, name_en=plan.name_en)
        again = packs.template_from(told, plan.key)
        assert {key: (task.after, task.duration, task.role) for key, task in again.tasks.items()} == {
            key: (tuple(sorted(task.after, key=lambda link: list(plan.tasks).index(link[0]))), task.duration, task.role)
            for key, task in plan.tasks.items()
        }
        relaid = Launch(
            template=again, workspace_id=world.shanlan.id, owner=world.yue, anchor=anchor, values={}, library={}
        )
        assert (relaid.spans, relaid.times) == (launch.spans, launch.times)
        with_lists = {task.key for task in launch.tasks.values() if launch.lists_of(task)}
        assert {task.key for task in again.tasks.values() if task.checklists} == with_lists


def test_a_draft_that_nobody_touched_is_the_version_that_it_came_from(session, world):
    InstalledPack.install(world.shanlan, packs.pack(), by=world.yue)
    for template in session.scalars(db.select(Template)).all():
        draft = TemplateDraft(template)
        draft.open(by=world.yue)
        assert packs.difference(template.newest.content, draft.document()) == []
        assert draft.publish(by=world.yue, seen=1) is None
        assert template.last_version == 1


# drafts


def test_a_draft_becomes_the_next_version_and_goes(session, world, template):
    running = launched(template, world)
    draft = TemplateDraft(template)
    project = draft.open(by=world.lei)
    assert draft.open(by=world.yue) is project, "there is one for everybody"
    tasks = tasks_of(project)
    assert not any(task.due_on or task.start_on for task in tasks.values())
    tasks["submit"].edit({"duration": 7.5}, by=world.lei)
    tasks["photos"].trash(by=world.lei)
    added = Task.create(
        project, by=world.lei, stage=project.stages[0], owner=world.lei, phase=project.phases[1], title_zh="说明书"
    )
    tasks["launch"].wait_for(added, by=world.lei, lag=2)
    version = draft.publish(by=world.lei, seen=1, note="七天半")
    assert (version.number, template.last_version, draft.project) == (2, 2, None)
    plan = version.read()
    assert plan.tasks["submit"].duration == 7.5
    assert "photos" not in plan.tasks
    key = next(key for key, task in plan.tasks.items() if task.title_zh == "说明书")
    assert dict(plan.tasks["launch"].after)[key] == 2
    assert plan.description_en and plan.applies_to.categories == ("medical_device",)
    assert not session.scalars(Task.visible_to(world.yue).where(Task.project_id == project.id)).all()
    assert not session.scalar(Project.visible_to(world.yue).where(Project.id == project.id))
    assert running.template_version.number == 1
    assert len(tasks_of(running)) == 6


def test_nobody_is_told_of_a_draft(session, world, template):
    before = session.scalar(db.select(db.func.count(Notification.id)))
    project = TemplateDraft(template).open(by=world.yue)
    Task.create(project, by=world.yue, stage=project.stages[0], owner=world.lei, title_zh="新任务")
    session.flush()
    assert session.scalar(db.select(db.func.count(Notification.id))) == before


def test_the_second_publisher_is_refused(session, world, template):
    draft = TemplateDraft(template)
    tasks_of(draft.open(by=world.yue))["submit"].edit({"duration": 9}, by=world.yue)
    assert draft.publish(by=world.yue, seen=1)
    with pytest.raises(StaleVersion):
        draft.publish(by=world.lei, seen=1)
    assert template.last_version == 2


def test_a_draft_with_a_circle_through_its_gates_is_no_version(session, world, template):
    draft = TemplateDraft(template)
    tasks = tasks_of(draft.open(by=world.yue))
    tasks["clearance"].wait_for(added := _in(tasks["label"].phase, world), by=world.yue)
    assert added.blocking is False
    with pytest.raises(packs.PackFault) as fault:
        draft.publish(by=world.yue, seen=1)
    assert fault.value.fault == "cycle"


def _in(phase, world):
    project = phase.project
    return Task.create(project, by=world.yue, stage=project.stages[0], owner=world.yue, phase=phase, title_zh="绕圈")


def test_a_discarded_draft_leaves_the_template_and_can_be_begun_again(session, world, template):
    draft = TemplateDraft(template)
    first = draft.open(by=world.yue)
    draft.discard(by=world.lei)
    assert (draft.project, template.last_version) == (None, 1)
    assert "template.draft_discarded" in actions(session)
    assert draft.open(by=world.yue).id != first.id


# saved and copied projects


def test_a_finished_project_is_saved_without_what_really_happened(session, world, template):
    project = launched(template, world)
    for task in tasks_of(project).values():
        for checklist in task.checklists:
            for item in checklist.items:
                item.ticked_at, item.ticked_by = datetime(2027, 1, 1, tzinfo=UTC), world.lei
        task.stage, task.completed_at = project.stages[-1], datetime(2027, 2, 1, tzinfo=UTC)
        Comment.post(task, "终于做完", by=world.yu)
    session.flush()
    saved = Outline(project).save_as_template(by=world.yue, name_zh="医疗器械复盘版", name_en=None)
    assert (saved.key, saved.name_en, saved.installed_pack) == ("own_bpm_1", "医疗器械复盘版", None)
    again = Launch(
        template=saved.newest.read(), workspace_id=world.shanlan.id, owner=world.yue, anchor=date(2027, 9, 15),
        values={"name_zh": "体温计", "code": "US-AMZ-27Q3-THM-001", "key": "THM", "categories": ["medical_device"]},
        people={"legal": world.admin}, version=saved.newest,
    ).create(by=world.yue)  # fmt: skip
    old, new = tasks_of(project), tasks_of(again)
    assert list(new) == list(old)
    assert new["launch"].due_on == date(2027, 9, 15)
    assert new["submit"].owner == world.admin and not new["submit"].unassigned
    assert new["label"].unassigned and new["label"].owner == world.yue
    assert _links(again) == _links(project) and ("clearance", "label", 1) in _links(again)
    assert not any(task.completed_at or task.checked_count or task.comments for task in new.values())
    items = session.scalars(db.select(ChecklistItem).where(ChecklistItem.checklist.has(task_id=new["submit"].id))).all()
    assert len(items) == 2 and not any(item.ticked_at for item in items)
    assert new["label"].deliverable_zh == "贴标照片"
    assert new["label"].phase.awaited == [new["submit"].phase]


def _links(project):
    keys = {task.id: key for key, task in tasks_of(project).items()}
    rows = db.session.scalars(db.select(Dependency).where(Dependency.successor_id.in_(keys)))
    return {(keys[row.predecessor_id], keys[row.successor_id], row.lag) for row in rows}


def test_what_is_left_out_of_a_saved_template(session, world, template):
    project = launched(template, world)
    bare = Outline(project, roles=False, dependencies=False, checklists=False)
    plan = bare.save_as_template(by=world.yue, name_zh="光板", name_en=None).newest.read()
    assert not any(task.after or task.checklists for task in plan.tasks.values())
    assert {task.role for task in plan.tasks.values()} == {"pmo"}
    assert not plan.checklists and not any(phase.waits_for for phase in plan.phases)


def test_a_project_that_was_made_by_hand_becomes_a_template(session, world):
    saved = Outline(world.lamp).save_as_template(by=world.yue, name_zh=None, name_en="Lantern")
    plan = saved.newest.read()
    assert plan.anchor.name_zh == "发布日" and plan.tasks[plan.anchor.task].milestone
    titles = {task.title_zh: task for task in plan.tasks.values()}
    assert len(titles) == 10
    assert titles["FCC检测报告终稿"].start == "fixed" and titles["FCC检测报告终稿"].offset < 0
    assert titles["FCC检测报告终稿"].role == "legal"
    assert [item.zh for item in plan.checklists[0].items] == ["实验室报告原件", "铭牌照片", "通知供应商"]
    assert not plan.stages, "they are the usual ones"
    again = Outline(world.lamp).save_as_template(by=world.yue, name_zh=None, name_en="Lantern")
    assert (saved.key, again.key) == ("own_lamp_1", "own_lamp_2")


def test_a_copy_has_the_plan_and_the_people_and_nothing_of_the_past(session, world, template):
    project = launched(template, world)
    project.add_member(world.jia, by=world.yue)
    tasks = tasks_of(project)
    tasks["submit"].edit({"owner_id": world.admin.id}, by=world.yue)
    Comment.post(tasks["submit"], "旧事", by=world.yu)
    session.flush()
    copies = [
        ProjectCopy(
            source=project, name_zh="额温枪", name_en=None, word="IRT", anchor=date(2027, 10, 20), keeps_people=keeps
        ).create(by=world.lei)
        for keeps in (True, False)
    ]
    same, by_role = (tasks_of(copy) for copy in copies)
    assert [copy.code for copy in copies] == ["US-AMZ-27Q4-IRT-001", "US-AMZ-27Q4-IRT-002"]
    assert copies[0].owner == world.lei and copies[0].template_version == template.newest
    assert same["launch"].due_on == date(2027, 10, 20)
    assert same["submit"].owner == world.admin and not same["submit"].comments
    assert same["photos"].unassigned, "nobody filled the role in the first one either"
    assert copies[0].has_member(world.jia)
    assert all(task.unassigned and task.owner == world.lei for task in by_role.values())
    assert _links(copies[0]) == _links(project)
    assert {task.key: task.duration for task in same.values()} == {task.key: task.duration for task in tasks.values()}


def test_who_left_owns_nothing_in_a_copy(session, world, template):
    project = launched(template, world)
    world.yu.active = False
    copy = ProjectCopy(
        source=project, name_zh="二代", name_en=None, word="GEN2", anchor=ANCHOR, keeps_people=True
    ).create(by=world.yue)  # fmt: skip
    assert tasks_of(copy)["label"].unassigned and tasks_of(copy)["label"].owner == world.yue


def test_a_pack_of_ones_own_is_read_once(session, world, monkeypatch):
    """Neither again for each page, nor through the door for files of others."""
    whole = medical()
    InstalledPack.install(world.shanlan, whole, by=world.yue)
    session.commit()
    monkeypatch.setattr("linkstar.packs.yaml_text.load_untrusted", None)
    first, second = (packs_of(world.shanlan.id)[0] for _call in range(2))
    assert first is second
    assert packs.pack_document(first) == packs.pack_document(whole)
