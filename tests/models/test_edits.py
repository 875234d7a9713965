"""What two people write at once, and what a translation has to follow."""

import pytest

from linkstar.models import AuditEvent, Label, MoveRefused, Notification, StaleVersion
from tests.world import october


def test_only_what_differs_is_written_and_kept_in_the_trail(session, world):
    change = world.script.edit({"title_zh": "拍摄脚本第二稿", "priority": "medium"}, by=world.yu, version=1)
    (event,) = AuditEvent.of_change(change)
    assert event.changes == {"title_zh": ["拍摄脚本", "拍摄脚本第二稿"]}
    assert (world.script.version, event.task_version) == (2, 2)


def test_writing_the_same_again_changes_nothing(session, world):
    assert world.script.edit({"title_zh": "拍摄脚本"}, by=world.yu, version=1) is None
    assert world.script.version == 1


def test_a_writer_who_saw_an_older_version_is_refused(session, world):
    world.script.edit({"priority": "urgent"}, by=world.yue, version=1)
    with pytest.raises(StaleVersion) as refusal:
        world.script.edit({"priority": "low"}, by=world.yu, version=1)
    assert (refusal.value.seen, refusal.value.current) == (1, 2)
    assert world.script.priority == "urgent"


def test_what_others_wrote_since_is_known_field_by_field(session, world):
    world.script.edit({"priority": "urgent"}, by=world.yue)
    world.script.edit({"priority": "low", "due_on": october(30)}, by=world.yue)
    session.flush()
    since = world.script.changed_since(1)
    assert since == {"priority": ("medium", "low"), "due_on": ("2026-10-14", "2026-10-30")}


def test_what_has_begun_keeps_a_due_day(session, world):
    with pytest.raises(MoveRefused):
        world.script.edit({"due_on": None}, by=world.yu)
    world.listing.edit({"due_on": None}, by=world.yu)
    assert world.listing.due_on is None


def test_a_translation_that_did_not_follow_is_marked_until_it_does(session, world):
    world.fcc.edit({"title_zh": "FCC检测报告定稿"}, by=world.lei)
    assert world.fcc.translation_outdated
    world.fcc.edit({"title_en": "FCC test report, final"}, by=world.lei)
    assert not world.fcc.translation_outdated
    world.photos.edit({"title_zh": "主图补拍"}, by=world.yu)
    assert not world.photos.translation_outdated, "nothing is outdated where there is no translation"


def test_the_new_owner_finds_it_in_the_inbox(session, world):
    world.script.edit({"owner_id": world.designer.id}, by=world.yu)
    session.flush()
    notice = session.query(Notification).filter_by(user_id=world.designer.id, task_id=world.script.id).one()
    assert (notice.kind, notice.actor, [delivery.state for delivery in notice.deliveries]) == (
        "assigned", world.yu, ["due"],
    )  # fmt: skip


def test_labels_of_the_workspace_are_used_again(session, world):
    for task in (world.script, world.photos):
        task.edit({}, by=world.yu, labels=Label.named(world.shanlan.id, ["首发", "加急"]))
        session.flush()
    assert session.query(Label).count() == 2
    assert {label.name for label in world.photos.labels} == {"首发", "加急"}


def test_a_blocked_card_is_drawn_anew_when_its_blocker_is_renamed(session, world):
    before = world.listing.revision
    world.fcc.edit({"title_zh": "FCC 报告"}, by=world.lei)
    assert world.listing.revision > before
