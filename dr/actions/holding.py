"""Holds in every copy and in the catalog alike: what a prune decides by, what `dr backups hold` does, what a rebuilt catalog reads back.

The repository's files are what counts: they outlive the catalog. The catalog remembers which were released, so that a repository that was
away then does not bring them back.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from dr.errors import Damaged, DrError
from dr.model.backup import Copy, Hold
from dr.model.base import RunId, SetId, SystemName
from dr.model.ports import Keyring, Records, Repository
from dr.model.record import Finding
from dr.stream.holds import Holds, hold_path, read_holds, write_hold


def remembered(records: Records, set_id: SetId) -> tuple[list[Hold], list[str]]:
    """What the catalog knows: the holds of a set, and the names of those that were released."""
    facts = json.loads(records.setting(f"hold:{set_id}") or '{"holds": [], "released": []}')
    return [Hold.from_facts(one) for one in facts["holds"]], list(facts["released"])


def remember(records: Records, set_id: SetId, holds: Sequence[Hold], released: Sequence[str]) -> None:
    facts = {"holds": [hold.to_facts() for hold in holds], "released": sorted(set(released))}
    records.set_setting(f"hold:{set_id}", json.dumps(facts, sort_keys=True))


def held_here(copy: Copy, repository: Repository, *, records: Records, keys: Keyring, now: datetime) -> bool:
    """The repository's own word, right before a deletion: what says no here is put on record. Raises as the repository does."""
    _, released = remembered(records, copy.set)
    found = read_holds(copy.system, copy.set, repository, keys, now)
    held = bool(found.strange or [hold for hold in found.standing if hold.name not in released])
    if held:
        records.hold(copy.set, repository.name, True)
    return held


def read_back_holds(
    system: SystemName,
    repositories: Sequence[Repository],
    *,
    records: Records,
    keys: Keyring,
    now: datetime,
    run: RunId,
    only: SetId | None = None,
) -> list[str]:
    """Make every copy, and the catalog, hold what any of them holds; let go of what was released or has lapsed.

    Also after the catalog was lost. Gives back what could not be done, one line a copy; each set with such lines is a finding.
    """
    copies = records.copies(system)
    there = {repository.name: repository for repository in repositories}
    undone: list[str] = []
    for set_id in sorted({copy.set for copy in copies if only in (None, copy.set)}):
        own = [copy for copy in copies if copy.set == set_id]
        undone += _settle(own, [there[c.repository] for c in own if c.repository in there], records, keys, now, run)
    return undone


def _settle(
    copies: Sequence[Copy], repositories: Sequence[Repository], records: Records, keys: Keyring, now: datetime, run: RunId
) -> list[str]:
    system, set_id = copies[0].system, copies[0].set
    holds, released = remembered(records, set_id)
    found, undone = _look(system, set_id, repositories, keys, now)
    if not (holds or released or any(copy.held for copy in copies)):
        undone = []  # nothing is known to hold it: a repository that is away concerns it no more than any other set
    union = {hold.name: hold for hold in (*holds, *(h for one in found.values() for h in (*one.standing, *one.lapsed)))}
    standing = [hold for hold in union.values() if hold.stands(now) and hold.name not in released]
    over = [hold for hold in union.values() if hold not in standing]
    if union:
        remember(records, set_id, standing, [*released, *(hold.name for hold in over)])
    if standing:
        known = {repository.name for repository in repositories}
        undone += [f"{c.repository}/{set_id}: the inventory has no such repository any more" for c in copies if c.repository not in known]
    for repository in repositories:
        if repository.name in found:
            undone += _make_so(system, set_id, repository, found[repository.name], standing, keys)
    strange = {name for name, one in found.items() if one.strange}
    for copy in copies:
        seen = copy.repository in found
        held = bool(standing) or copy.repository in strange or (copy.held and not seen)
        if held != copy.held:
            records.hold(set_id, copy.repository, held)
    _say(system, set_id, bool(standing), undone, strange, records, now, run)
    return undone


def _look(
    system: SystemName, set_id: SetId, repositories: Sequence[Repository], keys: Keyring, now: datetime
) -> tuple[dict[str, Holds], list[str]]:
    found: dict[str, Holds] = {}
    undone: list[str] = []
    for repository in repositories:
        try:
            found[repository.name] = read_holds(system, set_id, repository, keys, now)
        except Damaged:
            continue  # the copy is gone: it is not held, and nothing can be
        except DrError as error:
            undone.append(f"{repository.name}/{set_id}: {error.message}")
    return found, undone


def _make_so(system: SystemName, set_id: SetId, repository: Repository, seen: Holds, standing: Sequence[Hold], keys: Keyring) -> list[str]:
    """Publish what is missing there, withdraw what stands no more: under the lock, so that a prune there ends first, or finds it."""
    wanted = {hold_path(hold): hold for hold in standing}
    present = {hold_path(hold) for hold in (*seen.standing, *seen.lapsed)}
    if set(wanted) == present:
        return []
    try:
        with repository.locked():
            if (system, set_id) not in repository.sets(system):
                return []  # removed a moment ago
            for path in sorted(set(wanted) - present):
                repository.beside(system, set_id, path, write_hold(wanted[path], keys))
            for path in sorted(present - set(wanted)):
                repository.withdraw(system, set_id, path)
    except DrError as error:
        return [f"{repository.name}/{set_id}: {error.message}"]
    return []


def _say(
    system: SystemName, set_id: SetId, standing: bool, undone: Sequence[str], strange: set[str], records: Records, now: datetime, run: RunId
) -> None:
    key = f"hold:{system}:{set_id}"
    told = []
    if undone:
        what = "is not held" if standing else "may still be held"
        told.append((key, f"{set_id} {what} in every copy: {'; '.join(undone)}", "the next prune tries again; or type the command again"))
    if strange:
        told.append(
            (
                f"{key}:strange",
                f"{set_id} has a hold in {', '.join(sorted(strange))} that no trusted key signed for it; it is kept",
                "find out who put it there; `dr backups release` leaves it alone, a person removes the file",
            )
        )
    for one, message, hint in told:
        records.finding(Finding(key=one, severity="warning", system=system, message=message, hint=hint, run=run, at=now))
    records.close_findings(key, [one for one, _, _ in told], now, run)
