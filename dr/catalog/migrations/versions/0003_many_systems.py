"""Runs of one system are found without reading everybody's: with thousands of systems each look was a walk through all runs."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("ix_runs_system", "runs", ["system", "kind", "runbook", "started", "ended", "run"])
