"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.String(length=27)
JSON = sa.Text()


def upgrade() -> None:
    _audit()
    _findings()
    _hosts()
    _notices()
    _parts()
    _pins()
    _production()
    _runs()
    _sets()
    _settings()
    _attempts()
    _copies()
    _steps()
    _proofs()
    for table in ("attempts", "audit"):
        _append_only(table)


def _append_only(table: str) -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=True),
        sa.Column("step", sa.String(), nullable=True),
        sa.Column("first_seen", INSTANT, nullable=False),
        sa.Column("last_seen", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_run", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    op.create_index("ix_findings_open", "findings", ["key"], unique=True, sqlite_where=sa.text("closed_at IS NULL"))


def _hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("state", JSON, nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_hosts")),
    )


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created", INSTANT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("record", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )


def _parts() -> None:
    op.create_table(
        "parts",
        sa.Column("repository", sa.String(), nullable=False),
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("artifact", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("plain", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("written", INSTANT, nullable=False),
        sa.Column("read_back", INSTANT, nullable=True),
        sa.Column("damaged_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("repository", "set_id", "artifact", "number", name=op.f("pk_parts")),
    )
    op.create_index("ix_parts_bytes", "parts", ["repository", "origin", "sha256"], unique=False)


def _pins() -> None:
    op.create_table(
        "pins",
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("set_id", "run", name=op.f("pk_pins")),
    )


def _production() -> None:
    op.create_table(
        "production",
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("recorded", INSTANT, nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_production")),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("runbook", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("started", INSTANT, nullable=False),
        sa.Column("ended", INSTANT, nullable=True),
        sa.Column("record", JSON, nullable=False),
        sa.Column("plan", JSON, nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_runs")),
    )
    op.create_index("ix_runs_started", "runs", ["started"], unique=False)


def _sets() -> None:
    op.create_table(
        "sets",
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("instant", INSTANT, nullable=False),
        sa.Column("plain", sa.Integer(), nullable=False),
        sa.Column("previous", sa.String(), nullable=True),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("manifest", JSON, nullable=False),
        sa.PrimaryKeyConstraint("set_id", name=op.f("pk_sets")),
    )
    op.create_index(op.f("ix_sets_system"), "sets", ["system"], unique=False)


def _settings() -> None:
    op.create_table(
        "settings",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("record", JSON, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name=op.f("fk_attempts_run")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_attempts")),
        sa.UniqueConstraint("run", "step", "digest", name=op.f("uq_attempts_run")),
    )


def _copies() -> None:
    op.create_table(
        "copies",
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("repository", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("committed", INSTANT, nullable=False),
        sa.Column("manifest_sha256", sa.String(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("intact_at", INSTANT, nullable=True),
        sa.Column("proven_at", INSTANT, nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("damaged_at", INSTANT, nullable=True),
        sa.Column("damaged_run", sa.String(), nullable=True),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.Column("removed_run", sa.String(), nullable=True),
        sa.Column("removed_rule", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["set_id"], ["sets.set_id"], name=op.f("fk_copies_set_id")),
        sa.PrimaryKeyConstraint("set_id", "repository", name=op.f("pk_copies")),
    )


def _steps() -> None:
    op.create_table(
        "steps",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("record", JSON, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name=op.f("fk_steps_run")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_steps")),
        sa.UniqueConstraint("run", "step", name=op.f("uq_steps_run")),
    )


def _proofs() -> None:
    op.create_table(
        "proofs",
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("repository", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.ForeignKeyConstraint(["set_id", "repository"], ["copies.set_id", "copies.repository"], name=op.f("fk_proofs_set_id")),
        sa.PrimaryKeyConstraint("set_id", "repository", "level", "run", name=op.f("pk_proofs")),
    )
