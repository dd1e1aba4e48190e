"""An empty catalog beside repositories that are not: it was lost, and nobody may read from it that there is no backup."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from dr.errors import DrError
from dr.model.base import SystemName
from dr.model.ports import Records, Repository
from dr.model.record import Finding

HINT = "dr catalog rebuild"


def lost_catalog(records: Records, repositories: Sequence[Repository], now: datetime, system: SystemName | None = None) -> list[Finding]:
    """The finding, if the catalog knows no copy at all (of a system) and yet a repository that answers holds sets (of it)."""
    if records.copies(system):
        return []
    held = []
    for repository in repositories:
        with suppress(DrError):  # one that is away says nothing
            if sets := repository.sets(system):
                held.append(f"{repository.name} holds {len(sets)} set{'s' if len(sets) > 1 else ''}")
    if not held:
        return []
    message = f"the catalog knows no backup, yet {', '.join(held)}: it was lost, or is new. Make it anew with: {HINT}"
    return [Finding(key=f"catalog-lost:{system or 'all'}", severity="critical", system=system, message=message, hint=HINT, at=now)]
