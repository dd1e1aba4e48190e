"""The tables. Instants are UTC text of fixed width (SQLite drops time zones; this sorts), structures are JSON text."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every schema version there has been, oldest first; a store at any other is from the future."""

metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s"}
)


class UtcText(TypeDecorator[datetime]):
    """`2026-11-22T07:00:00.000000Z`."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.fromisoformat(value)


class JsonText(TypeDecorator[Any]):
    """A JSON value."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else json.dumps(value, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.loads(value)


sets = Table(
    "sets",
    metadata,
    Column("set_id", String, primary_key=True),
    Column("system", String, nullable=False),
    Column("instant", UtcText, nullable=False),
    Column("plain", Integer, nullable=False),
    Column("previous", String),
    Column("run", String, nullable=False),
    Column("manifest", JsonText, nullable=False),
    Index("ix_sets_system", "system"),
    Index("ix_sets_previous", "previous", "instant"),
)

copies = Table(
    "copies",
    metadata,
    Column("set_id", String, ForeignKey("sets.set_id"), primary_key=True),
    Column("repository", String, primary_key=True),
    Column("tier", String, nullable=False),
    Column("committed", UtcText, nullable=False),
    Column("manifest_sha256", String, nullable=False),
    Column("stored", Integer, nullable=False),
    Column("level", String, nullable=False),
    Column("intact_at", UtcText),
    Column("proven_at", UtcText),
    Column("held", Boolean, nullable=False),
    Column("run", String, nullable=False),
    Column("damaged_at", UtcText),
    Column("damaged_run", String),
    Column("removed_at", UtcText),
    Column("removed_run", String),
    Column("removed_rule", String),
)

proofs = Table(
    "proofs",
    metadata,
    Column("set_id", String, primary_key=True),
    Column("repository", String, primary_key=True),
    Column("level", String, primary_key=True),
    Column("run", String, primary_key=True),
    Column("at", UtcText, nullable=False),
    Column("detail", JsonText, nullable=False),
    ForeignKeyConstraint(["set_id", "repository"], ["copies.set_id", "copies.repository"]),
)

pins = Table("pins", metadata, Column("set_id", String, primary_key=True), Column("run", String, primary_key=True))

parts = Table(
    "parts",
    metadata,
    Column("repository", String, primary_key=True),
    Column("set_id", String, primary_key=True),
    Column("artifact", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("system", String, nullable=False),
    Column("plain", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String, nullable=False),
    Column("encoding", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("written", UtcText, nullable=False),
    Column("read_back", UtcText),
    Column("damaged_at", UtcText),
    Index("ix_parts_bytes", "repository", "origin", "sha256"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("system", String),
    Column("message", String, nullable=False),
    Column("hint", String, nullable=False),
    Column("run", String),
    Column("step", String),
    Column("first_seen", UtcText, nullable=False),
    Column("last_seen", UtcText, nullable=False),
    Column("closed_at", UtcText),
    Column("closed_run", String),
    Index("ix_findings_open", "key", unique=True, sqlite_where=text("closed_at IS NULL")),
)

summaries = Table(
    "summaries",
    metadata,
    Column("set_id", String, primary_key=True),
    Column("system", String, nullable=False),
    Column("summary", JsonText, nullable=False),
    Index("ix_summaries_system", "system"),
)

shrinkages = Table(
    "shrinkages",
    metadata,
    Column("set_id", String, primary_key=True),
    Column("causes", JsonText, nullable=False),
    Column("at", UtcText, nullable=False),
    Column("run", String, nullable=False),
    Column("accepted_at", UtcText),
    Column("accepted_by", String),
    Column("reason", String),
)

production = Table(
    "production",
    metadata,
    Column("identity", String, primary_key=True),
    Column("recorded", UtcText, nullable=False),
    Column("facts", JsonText, nullable=False),
)

hosts = Table(
    "hosts",
    metadata,
    Column("host", String, primary_key=True),
    Column("since", UtcText, nullable=False),
    Column("state", JsonText, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run", String, primary_key=True),
    Column("runbook", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("system", String),
    Column("state", String, nullable=False),
    Column("verdict", String),
    Column("started", UtcText, nullable=False),
    Column("ended", UtcText),
    Column("record", JsonText, nullable=False),
    Column("plan", JsonText, nullable=False),
    Index("ix_runs_started", "started"),
    Index("ix_runs_system", "system", "kind", "runbook", "started", "ended", "run"),
)

steps = Table(
    "steps",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("run", String, ForeignKey("runs.run"), nullable=False),
    Column("step", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("record", JsonText, nullable=False),
    UniqueConstraint("run", "step"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("run", String, ForeignKey("runs.run"), nullable=False),
    Column("step", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("record", JsonText, nullable=False),
    UniqueConstraint("run", "step", "digest"),
)

notices = Table(
    "notices",
    metadata,
    Column("id", String, primary_key=True),
    Column("created", UtcText, nullable=False),
    Column("state", String, nullable=False),
    Column("record", JsonText, nullable=False),
    Column("outage", String),
    Column("due", UtcText),
    Column("template", String),
    Column("digest", String),
    Column("written", UtcText),
    Index("ix_notices_due", "due"),
    Index("ix_notices_outage", "outage"),
    Index("ix_notices_created", "created"),
    Index("ix_notices_digest", "digest"),
    Index("ix_notices_template", "template", "created"),
)

codes = Table(
    "codes",
    metadata,
    Column("digest", String, primary_key=True),
    Column("notice", String, nullable=False),
    Column("contact", String, nullable=False),
    Column("expires", UtcText, nullable=False),
    Column("used", UtcText),
    Column("record", JsonText, nullable=False),
    Index("ix_codes_notice", "notice", "contact"),
)

outages = Table(
    "outages",
    metadata,
    Column("id", String, primary_key=True),
    Column("system", String),
    Column("office", String),
    Column("severity", String, nullable=False),
    Column("state", String, nullable=False),
    Column("began", UtcText, nullable=False),
    Column("ended", UtcText),
    Column("record", JsonText, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("began", UtcText, nullable=False),
    Column("ended", UtcText),
    Column("record", JsonText, nullable=False),
)


def _entries(table: str, about: str) -> Table:
    """What happened to one kind of thing, in order; `key` makes a repeated act one row. Append-only."""
    return Table(
        table,
        metadata,
        Column("seq", Integer, primary_key=True, autoincrement=True),
        Column(about, String, nullable=False),
        Column("key", String, nullable=False),
        Column("at", UtcText, nullable=False),
        Column("record", JsonText, nullable=False),
        UniqueConstraint(about, "key"),
    )


outage_entries = _entries("outage_entries", "outage")
duty_entries = _entries("duty_entries", "duty")
incident_entries = _entries("incident_entries", "incident")

readings = Table(
    "readings",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("probe", String, nullable=False),
    Column("at", UtcText, nullable=False),
    Column("state", String, nullable=False),
    Column("record", JsonText, nullable=False),
    Index("ix_readings_probe", "probe", "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", UtcText, nullable=False),
    Column("actor", String, nullable=False),
    Column("event", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
)

settings = Table("settings", metadata, Column("key", String, primary_key=True), Column("value", String, nullable=False))

standings = Table(
    "standings",
    metadata,
    Column("system", String, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("judged", Integer),
    Column("files", String),
    Column("at", UtcText),
    Column("until", UtcText),
    Column("colour", String),
    Column("as_of", UtcText),
)

APPEND_ONLY = ("attempts", "audit", "outage_entries", "duty_entries", "incident_entries")
"""Tables in which the store itself refuses a change or a deletion."""
