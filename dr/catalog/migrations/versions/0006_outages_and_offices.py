"""Outages with what was said of them, codes by which people acknowledge, who holds which duty, readings of what is redundant, incidents.

What happened is append-only; the row of an outage or an incident beside it is how it stands now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_ENTRIES = {"outage_entries": "outage", "duty_entries": "duty", "incident_entries": "incident"}
"""What happened, table by table, and what it happened to."""


def upgrade() -> None:
    _standing(
        "outages", sa.Column("system", sa.String()), sa.Column("office", sa.String()), sa.Column("severity", sa.String(), nullable=False)
    )
    _standing("incidents")
    for table, about in _ENTRIES.items():
        _entries(table, about)
    op.create_table(
        "codes",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("expires", sa.String(27), nullable=False),
        sa.Column("used", sa.String(27)),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_codes"),
    )
    op.create_index("ix_codes_notice", "codes", ["notice", "contact"])
    op.create_table(
        "readings",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("probe", sa.String(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_readings"),
    )
    op.create_index("ix_readings_probe", "readings", ["probe", "at"])
    op.add_column("notices", sa.Column("outage", sa.String()))
    op.add_column("notices", sa.Column("due", sa.String(27)))
    op.create_index("ix_notices_due", "notices", ["due"])
    op.create_index("ix_notices_outage", "notices", ["outage"])


def _standing(table: str, *more: sa.Column[str]) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.String(), nullable=False),
        *more,
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("began", sa.String(27), nullable=False),
        sa.Column("ended", sa.String(27)),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _entries(table: str, about: str) -> None:
    op.create_table(
        table,
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column(about, sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=f"pk_{table}"),
        sa.UniqueConstraint(about, "key", name=f"uq_{table}_{about}"),
    )
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
