"""Notices are found by when they were owed, what they were gathered into and what they say; and each row says when it was written,
so that what a clock that ran ahead has put off is seen once it is set back."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_COLUMNS = {"template": sa.String(), "digest": sa.String(), "written": sa.String(27)}


def upgrade() -> None:
    for name, kind in _COLUMNS.items():
        op.add_column("notices", sa.Column(name, kind))
    op.execute("UPDATE notices SET template = json_extract(record, '$.template'), digest = NULLIF(json_extract(record, '$.digest'), '')")
    op.create_index("ix_notices_created", "notices", ["created"])
    op.create_index("ix_notices_digest", "notices", ["digest"])
    op.create_index("ix_notices_template", "notices", ["template", "created"])
