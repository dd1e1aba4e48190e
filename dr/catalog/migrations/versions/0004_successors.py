"""The sets that name one as their predecessor are found at once: their dates say whether its own can be believed."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("ix_sets_previous", "sets", ["previous", "instant"])
