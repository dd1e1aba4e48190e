"""Summaries of sets, and the marks of those that do not count as good."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INSTANT = sa.String(length=27)


def upgrade() -> None:
    op.create_table(
        "summaries",
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("set_id", name=op.f("pk_summaries")),
    )
    op.create_index("ix_summaries_system", "summaries", ["system"])
    op.create_table(
        "shrinkages",
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("causes", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("accepted_by", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("set_id", name=op.f("pk_shrinkages")),
    )
