"""What was judged of a system, beside a number that rises whenever a fact does that such a judgement rests on.

The store itself counts, whoever writes: a judgement is kept by the number that was read before its facts were.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_OF_SET = "SELECT system FROM sets WHERE set_id = {row}.set_id"
_OF_SUCCESSORS = "SELECT {row}.system UNION SELECT system FROM sets WHERE previous = {row}.set_id"
_OF_RUN = "SELECT system FROM runs WHERE run = {row}.run"
_TOUCHED = {"sets": _OF_SUCCESSORS, "copies": _OF_SET, "shrinkages": _OF_SET, "runs": "SELECT {row}.system", "steps": _OF_RUN}
"""Table to the systems that a row of it is about; a set is what those are compared with that came after it."""


def upgrade() -> None:
    op.create_table(
        "standings",
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("judged", sa.Integer()),
        sa.Column("files", sa.String()),
        sa.Column("at", sa.String(27)),
        sa.Column("until", sa.String(27)),
        sa.Column("colour", sa.String()),
        sa.Column("as_of", sa.String(27)),
        sa.PrimaryKeyConstraint("system", name="pk_standings"),
    )
    for table, systems in _TOUCHED.items():
        for verb, rows in (("INSERT", ["NEW"]), ("UPDATE", ["OLD", "NEW"]), ("DELETE", ["OLD"])):
            counted = " ".join(_counted(systems.format(row=row)) for row in rows)
            op.execute(f"CREATE TRIGGER {table}_{verb.lower()}_counts AFTER {verb} ON {table} BEGIN {counted} END")


def _counted(systems: str) -> str:
    there = f"system IN ({systems})"
    missing = f"SELECT system, 0 FROM ({systems}) AS touched WHERE system IS NOT NULL AND system NOT IN (SELECT system FROM standings)"
    return f"INSERT INTO standings (system, revision) {missing}; UPDATE standings SET revision = revision + 1 WHERE {there};"
