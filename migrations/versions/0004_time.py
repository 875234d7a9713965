"""Posts, absences, partners, baselines, calendars to subscribe to, and notes for the other side of an ocean."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "absence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("last_on >= first_on", name=op.f("ck_absence_in_order")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_absence_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_absence_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    with op.batch_alter_table("absence", schema=None) as batch_op:
        batch_op.create_index("ix_absence_of", ["workspace_id", "user_id", "first_on"], unique=False)

    op.create_table(
        "calendar_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("pack_event", sa.String(length=60), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=True),
        sa.Column("name_en", sa.String(length=80), nullable=True),
        sa.Column("note_zh", sa.Text(), nullable=True),
        sa.Column("note_en", sa.Text(), nullable=True),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("last_on >= first_on", name=op.f("ck_calendar_event_in_order")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_calendar_event_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_event")),
        sa.UniqueConstraint(
            "workspace_id", "pack_event", "year", name=op.f("uq_calendar_event_workspace_id_pack_event_year")
        ),
    )
    with op.batch_alter_table("calendar_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calendar_event_workspace_id"), ["workspace_id"], unique=False)

    op.create_table(
        "partner",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("works_from", sa.Time(), nullable=False),
        sa.Column("works_until", sa.Time(), nullable=False),
        sa.Column("answer_days", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_partner_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_partner_workspace_id_name")),
    )
    op.create_table(
        "baseline",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("taken_by_id", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_baseline_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["taken_by_id"], ["user.id"], name=op.f("fk_baseline_taken_by_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_baseline_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baseline")),
    )
    with op.batch_alter_table("baseline", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_baseline_project_id"), ["project_id"], unique=False)

    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'project') = (project_id IS NOT NULL)", name=op.f("ck_calendar_feed_of_project")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_calendar_feed_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_calendar_feed_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_calendar_feed_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feed_token_hash")),
    )
    with op.batch_alter_table("calendar_feed", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calendar_feed_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_calendar_feed_user_id"), ["user_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_calendar_feed_workspace_id"), ["workspace_id"], unique=False)

    op.create_table(
        "baseline_span",
        sa.Column("baseline_id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["baseline_id"], ["baseline.id"], name=op.f("fk_baseline_span_baseline_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_baseline_span_task_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("baseline_id", "task_id", name=op.f("pk_baseline_span")),
    )
    with op.batch_alter_table("baseline_span", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_baseline_span_task_id"), ["task_id"], unique=False)

    op.create_table(
        "handover_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("done", sa.Text(), nullable=True),
        sa.Column("needed", sa.Text(), nullable=True),
        sa.Column("decide", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deliver_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["user.id"], name=op.f("fk_handover_note_author_id")),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["user.id"], name=op.f("fk_handover_note_recipient_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_handover_note_task_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_handover_note_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_note")),
    )
    with op.batch_alter_table("handover_note", schema=None) as batch_op:
        batch_op.create_index("ix_handover_note_due", ["delivered_at", "deliver_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_handover_note_task_id"), ["task_id"], unique=False)

    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hours_a_day", sa.Double(), nullable=False, server_default="8"))

    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.add_column(sa.Column("handover_note_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_notification_handover_note_id"),
            "handover_note",
            ["handover_note_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_index(batch_op.f("ix_notification_handover_note_id"), ["handover_note_id"], unique=False)

    with op.batch_alter_table("task", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("estimate", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("audience_timezone", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("cheerful", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column("counterpart_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("partner_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("counterpart_timezone", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("round_trips", sa.Integer(), nullable=False, server_default="1"))
        batch_op.create_foreign_key(
            batch_op.f("fk_task_partner_id"), "partner", ["partner_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_foreign_key(batch_op.f("fk_task_counterpart_id"), "user", ["counterpart_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_task_partner_id"), ["partner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_counterpart_id"), ["counterpart_id"], unique=False)

    tell_other_sides(op.get_bind())

    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("works_from", sa.Time(), nullable=False, server_default="09:00:00.000000"))
        batch_op.add_column(sa.Column("works_until", sa.Time(), nullable=False, server_default="18:00:00.000000"))


def tell_other_sides(connection: sa.Connection) -> None:
    """Until now only a template said where the other side of a task is; from now on its projects and drafts say it."""
    version = sa.table("template_version", sa.column("id"), sa.column("content", sa.JSON))
    project = sa.table("project", sa.column("id"), sa.column("template_version_id"))
    task = sa.table("task", sa.column("project_id"), sa.column("key"), sa.column("counterpart_timezone"))
    for version_id, content in connection.execute(sa.select(version.c.id, version.c.content)).all():
        here = task.c.project_id.in_(sa.select(project.c.id).where(project.c.template_version_id == version_id))
        for step in (each for phase in content["phases"] for each in phase["tasks"] if each.get("counterpart_tz")):
            zone = sa.update(task).values(counterpart_timezone=step["counterpart_tz"])
            connection.execute(zone.where(here, task.c.key == step["key"], task.c.counterpart_timezone.is_(None)))
