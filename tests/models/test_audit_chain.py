"""The chain over the trail: whoever changes what happened is found out, and nobody who only works is held up."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from flask_migrate import upgrade
from sqlalchemy import delete, func, insert, make_url, select, text, update
from sqlalchemy.exc import IntegrityError

from linkstar import clock, jobs
from linkstar.bench import seed
from linkstar.extensions import db
from linkstar.models import AuditEvent, AuditLink, Comment, Task, User
from linkstar.models.audit_event import Fault, chained, head_of, record, record_rows, verify_audit
from tests.conftest import make_app

THREADS, ROUNDS = 8, 6


def whole(workspace_id) -> int:
    """How many links the chain has; it must be in order, and leave no event out."""
    verdict = verify_audit(workspace_id)
    assert verdict.fault is None
    here = AuditEvent.workspace_id.is_not_distinct_from(workspace_id)
    assert verdict.count == db.session.scalar(select(func.count()).select_from(AuditEvent).where(here))
    assert verdict.head == (head_of(workspace_id) or "")
    return verdict.count


@pytest.fixture
def loose(session, world):
    """The database as somebody finds it who may do anything with it: no triggers, no keys."""
    if session.get_bind().dialect.name == "sqlite":
        for table in ("audit_event", "audit_link"):
            for verb in ("update", "delete"):
                session.execute(text(f"DROP TRIGGER {table}_no_{verb}"))
        session.commit()
        connection = db.engine.raw_connection()  # outside of a transaction, or the pragma does nothing
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.close()
    else:
        for table in ("audit_event", "audit_link"):
            session.execute(text(f"DROP TRIGGER {table}_only_added ON {table}"))
        session.execute(text("ALTER TABLE audit_link DROP CONSTRAINT fk_audit_link_event_id"))
        session.commit()
    return session


@pytest.fixture
def ids(session, world) -> list[int]:
    """The events of 山岚户外 in the order of their chain."""
    query = select(AuditLink.event_id).where(AuditLink.workspace_id == world.shanlan.id).order_by(AuditLink.id)
    found = list(session.scalars(query))
    assert len(found) > 20
    return found


# as it is written


def test_what_was_hashed_in_memory_is_what_is_read_back(session, world):
    changes = {
        "float": (0.1, 1e300), "whole": (1.0, 2), "sum": (Decimal("12.30"), [Decimal("1E+3")]),
        "words": ("检测报告 “终稿”", "\U0001f3d5"), "halves": ("\ud83c\udfd5", "\ud800"),
        "control": ("\x7f", "\u2028\t\n"), "tuple": ((1, (2, (3,))), ()),
        "day": (date(2026, 10, 13), [date(2026, 10, 14)]),
        "moment": (None, clock.now()), "names": ({"zh": "甲", "en": None}, {10: "ten", 2: "two"}), "yes": (True, None),
    }  # fmt: skip
    before = whole(world.shanlan.id)
    record("task.edited", by=world.yu, task=world.fcc, changes=changes)
    session.commit()
    assert whole(world.shanlan.id) == before + 1
    session.expire_all()
    kept = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert kept.changes["sum"] == ["12.30", ["1E+3"]]
    assert kept.changes["names"][1] == {"10": "ten", "2": "two"}
    assert kept.changes["day"] == ["2026-10-13", ["2026-10-14"]]


@pytest.mark.parametrize("hours", [-12, 0, 14])
def test_the_zone_of_the_clock_does_not_matter(session, world, hours):
    with clock.at(datetime(2026, 11, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=hours)))):
        record("task.edited", by=None, task=world.fcc)
        session.commit()
    whole(world.shanlan.id)


def test_many_at_once_and_several_chains_in_one_transaction(session, world):
    counts = {key: whole(key) for key in (world.shanlan.id, world.beiyuan.id, None)}
    row = {"action": "task.created", "actor_id": world.yu.id, "change": "one", "task_id": world.fcc.id}
    record("sign_in.began", by=world.yu)
    record_rows(row | {"workspace_id": world.shanlan.id} for _ in range(1200))
    record("task.edited", by=world.lead, task=world.frame)
    record_rows([])
    session.commit()
    assert {key: whole(key) - count for key, count in counts.items()} == {
        world.shanlan.id: 1200,
        world.beiyuan.id: 1,
        None: 1,
    }


def test_what_was_forgotten_under_a_lock_is_read_again_at_once(session, world, count_queries):
    for number in range(40):
        record("task.edited", by=world.yu, task=world.fcc, changes={"duration": (None, number)})
    session.flush()
    session.expire_all()
    with count_queries() as queries:
        session.commit()
    assert len(queries) < 8
    whole(world.shanlan.id)


def test_what_is_taken_back_leaves_nothing(session, world):
    before = whole(world.shanlan.id)
    record("task.edited", by=world.yu, task=world.fcc)
    session.flush()
    session.rollback()
    session.commit()
    assert whole(world.shanlan.id) == before


def test_a_part_of_a_transaction_may_be_taken_back(session, world):
    before = whole(world.shanlan.id)
    record("task.edited", by=world.yu, task=world.fcc, changes={"duration": (None, 1)})
    for kept in (False, True):
        part = session.begin_nested()
        record("task.edited", by=world.yu, task=world.fcc, changes={"duration": (kept, 2)})
        if kept:
            part.commit()
        else:
            part.rollback()
    assert session.scalar(select(func.count()).select_from(AuditLink)) == before + whole(None) + whole(world.beiyuan.id)
    session.commit()
    assert whole(world.shanlan.id) == before + 2


@pytest.mark.parametrize("way", ["rows", "flush that fails"])
def test_what_was_told_in_a_savepoint_goes_with_it(session, world, way):
    before = whole(world.shanlan.id)
    record("task.edited", by=world.yu, task=world.fcc)
    with suppress(IntegrityError, ZeroDivisionError), session.begin_nested():
        row = {"action": "task.edited", "workspace_id": world.shanlan.id, "change": "x"}
        record_rows([row, row])
        if way == "rows":
            raise ZeroDivisionError
        session.add(Comment(task=world.fcc, author=world.yu))
        session.flush()
    record("task.edited", by=world.yue, task=world.fcc)
    session.commit()
    assert whole(world.shanlan.id) == before + 2


def test_a_commit_that_fails_may_be_repeated(session, world, monkeypatch):
    before = whole(world.shanlan.id)
    record("task.edited", by=world.yu, task=world.fcc)
    with monkeypatch.context() as broken:
        broken.setattr("linkstar.models.audit_event.chained", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            session.commit()
    session.commit()
    assert whole(world.shanlan.id) == before + 1


def test_eight_writers_in_one_workspace_make_one_chain(app, world):
    """Two rows of the same project locked by each, in the way that moves and edits do, and now and then a rollback."""
    start, faults = Barrier(THREADS), []
    places = [world.listing.id, world.fcc.id, world.poles.id]
    with app.app_context():
        before = whole(world.shanlan.id)

    def write(number: int) -> None:
        try:
            start.wait(30)
            for turn in range(ROUNDS):
                with app.app_context():
                    task = db.session.get_one(Task, places[(number + turn) % 3])
                    by = db.session.get_one(User, world.yue.id)
                    task.edit({"duration": number * 100.0 + turn + 1}, by=by)
                    record("sign_in.began", by=by)
                    if turn == 2:
                        db.session.rollback()
                    else:
                        db.session.commit()
        except Exception as error:
            faults.append(error)

    threads = [Thread(target=write, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults
    with app.app_context():
        assert whole(world.shanlan.id) == before + THREADS * (ROUNDS - 1)
        whole(None)


# as somebody changed it


def fault_of(world) -> Fault | None:
    db.session.commit()
    return verify_audit(world.shanlan.id).fault


def test_one_look_at_the_whole_chain(session, world, ids):
    verdict = verify_audit(world.shanlan.id)
    assert (verdict.count, verdict.fault, verdict.found) == (len(ids), None, True)
    assert verify_audit(4711).head == ""


@pytest.mark.parametrize(
    "values",
    [
        {"action": "task.moved"},
        {"changes": {"due_on": ["2026-10-01", "2026-10-02"]}},
        {"actor_id": None},
        {"task_id": 1},
        {"project_id": None},
        {"via": "feed"},
        {"change": "another"},
        {"undoes": "another"},
        {"task_version": 9},
        {"created_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
    ids=lambda values: next(iter(values)),
)
@pytest.mark.parametrize("place", [0, 10, -1])
def test_an_event_that_was_changed_is_named(loose, world, ids, values, place):
    loose.execute(update(AuditEvent).where(AuditEvent.id == ids[place]).values(**values))
    assert fault_of(world) == Fault("broken", ids[place])


def test_an_event_that_was_moved_to_another_workspace_is_missed(loose, world, ids):
    loose.execute(update(AuditEvent).where(AuditEvent.id == ids[3]).values(workspace_id=world.beiyuan.id))
    assert fault_of(world) == Fault("broken", ids[3])


@pytest.mark.parametrize("place", [0, 10, -1])
def test_an_event_that_was_deleted_is_missed(loose, world, ids, place):
    loose.execute(delete(AuditEvent).where(AuditEvent.id == ids[place]))
    assert fault_of(world) == Fault("deleted", ids[place])


@pytest.mark.parametrize("place", [0, 10])
def test_an_event_that_was_deleted_with_its_link_breaks_the_next(loose, world, ids, place):
    loose.execute(delete(AuditLink).where(AuditLink.event_id == ids[place]))
    loose.execute(delete(AuditEvent).where(AuditEvent.id == ids[place]))
    assert fault_of(world) == Fault("broken", ids[place + 1])


def test_a_chain_that_was_cut_off_lacks_the_head_that_was_noted(loose, world, ids):
    noted = head_of(world.shanlan.id)
    assert verify_audit(world.shanlan.id, noted).found
    loose.execute(delete(AuditLink).where(AuditLink.event_id == ids[-1]))
    loose.execute(delete(AuditEvent).where(AuditEvent.id == ids[-1]))
    assert fault_of(world) is None
    assert not verify_audit(world.shanlan.id, noted).found
    assert verify_audit(world.shanlan.id, head_of(world.shanlan.id)).found


def test_an_event_that_did_not_go_through_the_program_is_found(session, world, ids):
    row = {"action": "task.edited", "workspace_id": world.shanlan.id, "change": "mine", "via": "web"}
    event_id = session.scalar(insert(AuditEvent).values(**row).returning(AuditEvent.id))
    assert fault_of(world) == Fault("unlinked", event_id)


def test_a_link_that_was_taken_away_is_missed(loose, world, ids):
    loose.execute(delete(AuditLink).where(AuditLink.event_id == ids[-1]))
    assert fault_of(world) == Fault("unlinked", ids[-1])


def test_an_event_that_was_slipped_in_breaks_the_next(loose, world, ids):
    """With a link of its own at a place that was free."""
    row = {"action": "task.edited", "workspace_id": world.shanlan.id, "change": "mine", "via": "web"}
    event_id = loose.scalar(insert(AuditEvent).values(**row).returning(AuditEvent.id))
    place = loose.scalar(select(AuditLink.id).where(AuditLink.event_id == ids[10]))
    before = loose.scalar(select(AuditLink.hash).where(AuditLink.event_id == ids[9]))
    loose.execute(update(AuditLink).where(AuditLink.id == place).values(id=-place))
    forged = chained(before, loose.get_one(AuditEvent, event_id))
    loose.execute(insert(AuditLink).values(id=place, event_id=event_id, workspace_id=world.shanlan.id, hash=forged))
    loose.execute(delete(AuditLink).where(AuditLink.id == -place))
    assert fault_of(world) == Fault("broken", ids[11])


def test_two_events_that_were_swapped_are_found(loose, world, ids):
    links = [loose.scalars(select(AuditLink).where(AuditLink.event_id == each)).one().id for each in ids[5:7]]
    for link, event_id in ((links[0], -1), (links[1], ids[5]), (links[0], ids[6])):
        loose.execute(update(AuditLink).where(AuditLink.id == link).values(event_id=event_id))
    assert fault_of(world) == Fault("broken", ids[6])


def test_an_event_that_was_hashed_anew_breaks_the_next(loose, world, ids):
    loose.execute(update(AuditEvent).where(AuditEvent.id == ids[10]).values(action="task.moved"))
    before = loose.scalar(select(AuditLink.hash).where(AuditLink.event_id == ids[9]))
    loose.expire_all()
    forged = chained(before, loose.get_one(AuditEvent, ids[10]))
    loose.execute(update(AuditLink).where(AuditLink.event_id == ids[10]).values(hash=forged))
    assert fault_of(world) == Fault("broken", ids[11])


@pytest.mark.parametrize("column", ["changes = '{'", "created_at = 'soon'", "action = X'ff'"])
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_cannot_even_be_read_is_named_too(loose, world, ids, column):
    """SQLite keeps whatever it is given."""
    loose.execute(text(f"UPDATE audit_event SET {column} WHERE id = {ids[10]}"))
    assert fault_of(world) == Fault("broken", ids[10])


def test_the_database_itself_keeps_every_link(session, world, ids):
    for change in (update(AuditLink).values(hash="0" * 64), delete(AuditLink)):
        with pytest.raises(Exception, match="only ever added"):
            session.execute(change)
        session.rollback()


# the command


def test_the_command_says_how_many_there_are_and_where_each_chain_ends(app, session, world, ids):
    run, head = app.test_cli_runner().invoke, head_of(world.shanlan.id)
    session.rollback()
    told = run(args=["verify-audit"])
    assert told.exit_code == 0
    assert f"shanlan\t{len(ids)}\t{head}" in told.output
    assert "beiyuan\t" in told.output
    one = run(args=["verify-audit", "--workspace", "shanlan"])
    assert one.output.splitlines() == [f"shanlan\t{len(ids)}\t{head}"]
    assert run(args=["verify-audit", "--expect", head]).exit_code == 0
    for gone in (["--expect", "0" * 64], ["--workspace", "beiyuan", "--expect", head], ["--workspace", "nowhere"]):
        told = run(args=["verify-audit", *gone])
        assert told.exit_code == 1
        assert "Traceback" not in told.output


def test_the_sweep_notes_the_heads_so_that_a_chain_that_was_cut_off_is_seen(app, loose, world, ids, tmp_path):
    def told():
        loose.remove()
        with app.app_context():
            return app.test_cli_runner().invoke(args=["verify-audit"])

    for _ in range(2):
        jobs.sweep()
    notes = (tmp_path / "audit-heads").read_text().splitlines()
    assert len(notes) == len({line.split("\t")[1] for line in notes}) > 1, "what has not grown is not noted again"
    with (tmp_path / "audit-heads").open("a") as file:
        file.write("2026-10-13T01:4")
    assert told().exit_code == 0
    loose.execute(delete(AuditLink).where(AuditLink.event_id == ids[-1]))
    loose.execute(delete(AuditEvent).where(AuditEvent.id == ids[-1]))
    loose.commit()
    answer = told()
    assert (answer.exit_code, str(ids[-1]) in answer.output) == (1, True)
    for model in (AuditLink, AuditEvent):
        loose.execute(delete(model).where(model.workspace_id == world.shanlan.id))
    loose.commit()
    assert told().exit_code == 1


def test_the_command_tells_of_a_history_of_no_workspace(app, loose, world):
    link = {"event_id": loose.scalar(select(func.max(AuditEvent.id))), "workspace_id": 4711, "hash": "0" * 64}
    loose.execute(update(AuditLink).where(AuditLink.event_id == link["event_id"]).values(link))
    loose.commit()
    loose.remove()
    answer = app.test_cli_runner().invoke(args=["verify-audit"])
    assert (answer.exit_code, "#4711\t" in answer.output) == (1, True)


def test_the_command_names_the_fault(app, loose, world, ids):
    loose.execute(update(AuditEvent).where(AuditEvent.id == ids[4]).values(action="task.moved"))
    loose.commit()
    loose.remove()
    told = app.test_cli_runner().invoke(args=["verify-audit"])
    assert told.exit_code == 1
    assert str(ids[4]) in told.output
    assert "beiyuan\t" in told.output


# what was there before


@pytest.fixture
def empty(databases, database, tmp_path):
    """A database without a single table."""
    if database.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'old.db'}"
    else:
        name = f"{make_url(database).database}_old"
        databases._run(f"CREATE DATABASE {name}")
        url = databases._url(name)
    app = make_app(url, tmp_path)
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()
    databases.drop(url)


def test_events_from_before_are_chained_as_new_ones_are(empty):
    upgrade(revision="0002")
    connection = db.session.connection()
    now = "2026-09-01 08:00:00.000123"
    for key in (1, 2):
        connection.execute(
            text(
                "INSERT INTO workspace (id, key, name_zh, name_en, code_rule, created_at) "
                "VALUES (:key, :name, :name, :name, 'x', :now)"
            ),
            {"key": key, "name": f"w{key}", "now": now},
        )
    for number in range(2500):
        changes = {"b": [None, f"终稿 \ud83c\udfd5 {number}"], "a": [1.0, {"zh": "甲", "en": None}]}
        connection.execute(
            text(
                "INSERT INTO audit_event (workspace_id, action, changes, change, via, created_at) "
                "VALUES (:workspace, 'task.edited', :changes, :change, 'web', :now)"
            ),
            {"workspace": (None, 1, 2)[number % 3], "changes": json.dumps(changes), "change": f"c{number}", "now": now},
        )
    db.session.commit()
    upgrade()
    assert sum(whole(key) for key in (None, 1, 2)) == 2500
    record("workspace.edited", by=None, workspace_id=1)
    db.session.commit()
    whole(1)


def test_what_the_bench_sows_is_chained_too(empty):
    upgrade()
    users = seed.people()
    seed.board(12, users)
    db.session.commit()
    assert whole(users[0].memberships[0].workspace_id) == 13
