"""Who sees which task, project and comment."""

from itertools import product

import pytest
from sqlalchemy import select

from linkstar.models import Comment, Project, Task
from linkstar.models.role import REACHES
from tests.world import PEOPLE

LAMP = {"fcc", "photos", "budget", "unboxing", "script", "sample", "listing", "night_hike", "packing"}


@pytest.mark.parametrize(
    ("person", "tasks", "projects"),
    [
        ("yu", LAMP, {"lamp"}),
        ("jia", LAMP | {"poles"}, {"lamp", "tent"}),
        ("lei", LAMP | {"poles"}, {"lamp", "tent"}),
        ("maya", LAMP, {"lamp"}),
        ("jess", {"unboxing"}, set()),
        ("theo", {"night_hike"}, set()),
        ("lead", {"frame"}, {"bike"}),
    ],
)
def test_a_person_sees_this_and_nothing_else(session, world, person, tasks, projects):
    person = getattr(world, person)
    assert {task.id for task in session.scalars(Task.visible_to(person))} == {getattr(world, n).id for n in tasks}
    assert {project.id for project in session.scalars(Project.visible_to(person))} == {
        getattr(world, name).id for name in projects
    }


def test_where_a_person_may_add_tasks_is_told_by_the_query_as_by_the_project(session, world):
    people = [getattr(world, name) for name in PEOPLE]
    world.tent.owner = world.jia
    for reach in (None, *REACHES):
        for person, project in product(people, (world.lamp, world.tent, world.bike)):
            project.narrowed = project.narrowed | {str(person.id): reach} if reach else {}
        session.flush()
        for person in people:
            [membership] = person.memberships
            seen = session.scalars(Project.visible_to(person))
            open_there = {project.id for project in seen if project.allows(person, "create")}
            found = {project.id for project in session.scalars(Project.open_to_tasks_of(membership))}
            assert found == open_there, (person.name, reach)


def test_a_task_in_the_trash_is_seen_by_nobody(session, world):
    world.unboxing.trash(by=world.yu)
    for person in (world.yu, world.jess, world.admin):
        assert session.scalar(Task.visible_to(person).where(Task.id == world.unboxing.id)) is None


def test_a_creator_who_watches_a_task_sees_it(session, world):
    world.photos.add_participant(world.jess, "watcher", by=world.yu)
    session.flush()
    assert session.scalar(Task.visible_to(world.jess).where(Task.id == world.photos.id))
    world.photos.remove_participant(world.jess, by=world.yu)
    session.flush()
    assert session.scalar(Task.visible_to(world.jess).where(Task.id == world.photos.id)) is None


def test_creators_take_part_in_no_project(session, world):
    for person in (world.jess, world.lead):
        with pytest.raises(ValueError, match="take part"):
            world.lamp.add_member(person, by=world.yue)


def test_the_inside_talk_stays_inside(session, world):
    assert [comment.id for comment in Comment.on(world.unboxing, reader=world.jess)] == [world.shared_comment.id]
    assert len(Comment.on(world.unboxing, reader=world.yu)) == 2


def test_what_an_outsider_says_is_for_all(session, world):
    comment = Comment.post(world.unboxing, "Can we film at night?", by=world.jess)
    assert comment.shared


def test_an_internal_comment_calls_colleagues_and_no_outsider(session, world):
    comment = Comment.post(world.unboxing, "@Jess Kim 报价太高，@何佳 你看看", by=world.yu)
    session.flush()
    assert [mention.user for mention in comment.mentions] == [world.jia]


def test_the_owner_of_a_task_belongs_to_its_workspace(session, world):
    with pytest.raises(ValueError, match="workspace"):
        Task.create(world.lamp, by=world.yu, stage=world.to_do, owner=world.lead, title_zh="外人")


def test_the_people_of_a_project_are_its_members_and_who_sees_everything(session, world):
    names = {"yu", "jia", "intern", "designer", "maya", "yue", "lei", "finance", "admin"}
    assert {person.id for person in world.lamp.people()} == {getattr(world, name).id for name in names}
    world.intern.active = False
    session.flush()
    assert world.intern not in world.lamp.people()
    assert all(person.memberships for person in world.lamp.people()), "their roles are known"
    outsiders = [person for person in world.lamp.people() if person.external]
    assert outsiders == [world.maya]


def test_ticking_counts_once(session, world):
    task, item = world.fcc, world.lab_report
    assert (task.checked_count, task.check_count) == (1, 3)
    item.tick(by=world.lei)
    item.tick(by=world.yu)
    assert (task.checked_count, item.ticked_by) == (2, world.lei)
    item.untick(by=world.lei)
    assert (task.checked_count, item.ticked_at) == (1, None)


def test_every_task_has_a_number_of_its_own_in_the_project(session, world):
    numbers = list(session.scalars(select(Task.number).where(Task.project_id == world.lamp.id).order_by(Task.number)))
    assert numbers == list(range(1, len(LAMP) + 1))
    assert world.fcc.code == "LAMP-1"


@pytest.mark.one_database
def test_own_is_what_one_owns_or_made(session, world):
    """In the lists as in the rights."""
    task = Task.create(world.lamp, by=world.intern, stage=world.to_do, owner=world.yu, title_zh="补拍")
    world.shanlan.policy = {"intern": {"view": "own"}}
    session.flush()
    seen = set(session.scalars(Task.visible_to(world.intern)))
    assert seen == {world.sample, world.packing, task}
    assert all(each.allows(world.intern, "edit") for each in seen)
