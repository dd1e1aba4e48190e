"""`dr audit verify`: the trail by itself, and beside the heads that every set and evidence file bears."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dr.app.asked import Verify, check_chain
from dr.app.unrecorded import HINT, require_trail
from dr.catalog.catalog import Catalog
from dr.errors import Damaged, DrError
from dr.model.ports import Keyring, Repository
from dr.model.record import AuditEntry
from dr.policy.trail import BEGUN_ANEW, SHOWN, Witness, judge_trail
from dr.stream.layout import AUDIT_HEAD, read_audit_head


@dataclass(frozen=True)
class Verified:
    """A whole trail: how many entries, the head's hash, by how many it is vouched for, and what a person should know beside."""

    entries: int
    head: str
    vouched: int
    remarks: tuple[str, ...]


def verify_trail(records: Catalog, repositories: Sequence[Repository], evidence: Path, keys: Keyring) -> Verified:
    """Raises Damaged, naming what is missing, if the chain is broken, gone, or not the one that sets and evidence were sealed with."""
    require_trail(records, repositories, evidence)
    entries, head = check_chain(records)
    away: list[str] = []
    witnesses = [*_of_sets(repositories, keys, away.append), *_of_evidence(evidence, keys.verify, away.append)]
    hashes = records.audit_hashes([one.head.seq for one in witnesses])
    found = judge_trail(records.audit_head(), hashes, list(_begun_anew(records)), witnesses)
    if found.missing:
        hint = "was catalog.db put back to an earlier state, or lost? Put the newest one back; there is none: " + HINT
        raise Damaged(found.missing, hint=hint)
    return Verified(entries, head, found.vouched, tuple(line for line in (found.before, *away) if line))


def _of_sets(repositories: Sequence[Repository], keys: Keyring, say: Callable[[str], None]) -> Iterator[Witness]:
    """A head that is not signed for its set is no witness, and is said: who took all of them away would have us compare with nothing."""
    for repository in repositories:
        try:
            held = repository.sets()
        except DrError as error:
            say(f"not compared with {repository.name}: {error.message}")
            continue
        mute = []
        for system, set_id in held:
            try:
                with repository.open(system, set_id, AUDIT_HEAD) as file:
                    head = read_audit_head(file.read(2**16), system, set_id, keys)
            except (DrError, OSError):
                mute.append(str(set_id))
            else:
                yield Witness(f"{repository.name}/{set_id}", head)
        if mute:
            say(f"not compared with {_some(mute)} in {repository.name}: no head of the trail that our keys signed (`dr verify` looks)")


def _of_evidence(folder: Path, verify: Verify, say: Callable[[str], None]) -> Iterator[Witness]:
    from dr.report.scorecard import PREFIX, read_card
    from dr.report.write import read_signed

    mute = []
    for file in sorted(folder.glob("*.json")):
        try:
            text = file.read_bytes()
            head = read_card(text, verify).audit if file.name.startswith(PREFIX) else read_signed(text, verify)[0].audit
        except (DrError, OSError):
            mute.append(file.name)
        else:
            yield Witness(f"evidence/{file.name}", head)
    if mute:
        say(f"not compared with {_some(mute)} in {folder.name}/: not as our keys signed it")


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _begun_anew(records: Catalog) -> Iterator[AuditEntry]:
    last = 0
    while entries := records.audit_entries(after=last):
        yield from (entry for entry in entries if entry.event in BEGUN_ANEW)
        last = entries[-1].seq
