"""An empty catalog beside repositories that are not: it was lost, and nobody may read from it that there is no backup."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from dr.catalog.catalog import Catalog
from dr.errors import Damaged, DrError, Refused
from dr.model.base import SystemName
from dr.model.ports import Records, Repository
from dr.model.record import Finding

HINT = "dr catalog rebuild"


def lost_catalog(records: Catalog, repositories: Sequence[Repository], now: datetime, system: SystemName | None = None) -> list[Finding]:
    """The finding, if the catalog knows no copy at all (of a system) and yet a repository that answers holds sets (of it)."""
    if records.copies(system) if system else records.has_copies():
        return []
    held = []
    for repository in repositories:
        with suppress(DrError):  # one that is away says nothing
            if sets := repository.sets(system):
                held.append(f"{repository.name} holds {len(sets)} set{'s' if len(sets) > 1 else ''}")
    if not held:
        return []
    message = f"the catalog is lost (or new): it knows no backup, yet {', '.join(held)}. Make it anew with: {HINT}"
    return [Finding(key=f"catalog-lost:{system or 'all'}", severity="critical", system=system, message=message, hint=HINT, at=now)]


def require_catalog(records: Catalog, repositories: Sequence[Repository], now: datetime, system: SystemName | None = None) -> None:
    """Raises Refused before anything is decided by a catalog that was lost: what it would say is not so."""
    for finding in lost_catalog(records, repositories, now, system):
        raise Refused(finding.message, hint=HINT)


def require_trail(records: Records, repositories: Sequence[Repository], evidence: Path) -> None:
    """Raises Damaged for an audit trail of no entry beside sets or evidence, each of which names an entry of it: then it is gone."""
    if records.audit_head().seq:
        return
    left = [f"{repository.name} holds sets" for repository in repositories if _holds_sets(repository)]
    left += ["evidence/ holds evidence"] if any(evidence.glob("*.json")) else []
    if left:
        raise Damaged(
            f"the audit trail is empty, yet {', '.join(left)}: the catalog is lost (or new). Make it anew with: {HINT}", hint=HINT
        )


def _holds_sets(repository: Repository) -> bool:
    try:
        return bool(repository.sets())
    except DrError:  # one that is away says nothing
        return False
