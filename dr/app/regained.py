"""What a lost catalog's facts are regained from: manifests, tombstones, audit heads and signed evidence. Nothing unsigned is believed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from dr.actions.part_memory import remember_parts
from dr.app.services import HomeServices
from dr.catalog.catalog import Catalog
from dr.clock import iso
from dr.errors import Damaged, DrError
from dr.model.backup import Copy, Manifest, Tombstone
from dr.model.base import RunId, SetId, SystemName, TierName, sha256
from dr.model.evidence import Evidence
from dr.model.ports import Repository
from dr.model.record import AuditHead, CheckResult, Finding
from dr.stream.holds import read_holds
from dr.stream.layout import AUDIT_HEAD, read_audit_head, read_signature

ACTOR = "dr catalog rebuild"


def copies(repository: Repository, house: HomeServices, records: Catalog, problems: list[str]) -> Iterator[Copy]:
    """Record every committed set of a repository as `stored`, held where a hold lies beside it; what cannot be believed is a finding."""
    for system, set_id in repository.sets():
        where = f"{repository.name}/{set_id}"
        try:
            manifest, stored, _ = house.sets.read_manifest(system, set_id, repository)
            held = read_holds(system, set_id, repository, house.keys, house.clock.now()).any
        except DrError as error:
            problems.append(f"{where}: {error.message}")
            _not_believed(system, where, error, house, records)
            continue
        copy = _copy(manifest, sha256(stored), manifest.created, repository, held=held)
        remember_parts(copy, manifest, records)
        records.record_copy(copy, manifest, manifest.run)
        records.audit("copy.found", where, {"manifest": copy.manifest, "held": held}, actor=ACTOR, at=house.clock.now())
        yield copy


def _copy(manifest: Manifest, digest: str, committed: datetime, repository: Repository, *, held: bool = False) -> Copy:
    return Copy.from_facts(
        {
            "set": manifest.set,
            "system": manifest.system,
            "repository": repository.name,
            "tier": TierName(repository.tier),
            "instant": iso(manifest.instant),
            "committed": iso(committed),
            "manifest": digest,
            "stored": manifest.stored,
            "level": "stored",
            "held": held,
        }
    )


def _not_believed(system: SystemName, where: str, error: DrError, house: HomeServices, records: Catalog) -> None:
    records.finding(
        Finding(
            key=f"unknown-set:{system}:{where}",
            severity="critical",
            system=system,
            message=f"{where} is no set of ours that can be read: {error.message}",
            hint="nobody restores from it and nothing removes it: look at that folder by hand",
            at=house.clock.now(),
        )
    )


def tombstones(repositories: Sequence[Repository], house: HomeServices, records: Catalog) -> int:
    """Record as removed what a signed tombstone says was pruned and another repository's manifest still tells of; how many."""
    count = 0
    there = {(repository.name, set_id) for repository in repositories for _, set_id in repository.sets()}
    for repository in repositories:
        for trace in _traces(repository, house):
            manifest = records.manifest(trace.set)
            if manifest is None or (repository.name, trace.set) in there:
                continue
            records.record_copy(_copy(manifest, trace.manifest, manifest.created, repository), manifest, manifest.run)
            records.record_removed(trace.set, repository.name, trace.removed, trace.run, trace.rule)
            count += 1
    return count


def _traces(repository: Repository, house: HomeServices) -> Iterator[Tombstone]:
    for system in house.inventory.systems:
        for stored, signature in repository.tombstones(SystemName(system)):
            try:
                house.keys.verify(stored, read_signature(signature))
                trace = Tombstone.from_json(stored)
            except (Damaged, ValueError):
                continue
            if trace.system == system:
                yield trace


def proofs(house: HomeServices, records: Catalog, problems: list[str]) -> list[str]:
    """Give back `proven`, with its date, to each copy that signed evidence of a passed drill shows to have been it; which."""
    known = {(copy.repository, copy.set): copy for copy in records.copies()}
    found = []
    for evidence in _evidence(house.home / "evidence", house, problems):
        chosen = evidence.chosen
        copy = known.get((chosen.repository, chosen.set)) if chosen else None
        manifest = records.manifest(SetId(copy.set)) if copy else None
        if chosen is None or copy is None or manifest is None or chosen.manifest != copy.manifest or not shows_proof(evidence, manifest):
            continue
        at = max(check.ended for check in evidence.checks)
        detail = {"checks": [check.check for check in evidence.checks], "from": f"evidence of {evidence.run.run}"}
        records.raise_proof(copy.set, copy.repository, "proven", at, RunId(evidence.run.run), detail)
        where, now = f"{copy.repository}/{copy.set}", house.clock.now()
        records.audit("copy.proven", where, {**detail, "at": iso(at)}, actor=ACTOR, at=now)
        found.append(where)
    return sorted(set(found))


def shows_proof(evidence: Evidence, manifest: Manifest) -> bool:
    """As the drill itself judged: it passed, no check failed or looked at nothing, and every artifact was compared with the source."""
    sound = evidence.run.kind == "drill" and evidence.verdict == "PASS" and bool(evidence.checks)
    return sound and all(map(_succeeded, evidence.checks)) and {a.name for a in manifest.artifacts} <= _covered(evidence.checks)


def _succeeded(check: CheckResult) -> bool:
    return check.passed and check.examined > 0


def _covered(checks: Iterable[CheckResult]) -> set[str]:
    return {name for check in checks if check.proves for name in check.artifacts}


def _evidence(folder: Path, house: HomeServices, problems: list[str]) -> Iterator[Evidence]:
    from dr.report.write import read_signed

    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            yield read_signed(file.read_bytes(), house.keys.verify)[0]
        except (DrError, OSError) as error:
            said = error.message if isinstance(error, DrError) else "it cannot be read"
            problems.append(f"evidence/{file.name} is not believed: {said}")


def newest_head(house: HomeServices, repositories: Sequence[Repository], old: AuditHead | None) -> AuditHead | None:
    """The furthest that the old audit chain is known to have come: from the old catalog, the sets and the evidence."""
    heads = [old] if old else []
    heads += [evidence.audit for evidence in _evidence(house.home / "evidence", house, [])]
    heads += [head for repository in repositories for head in _heads(repository, house)]
    return max(heads, key=lambda head: (head.seq, head.at), default=None)


def _heads(repository: Repository, house: HomeServices) -> Iterator[AuditHead]:
    newest: Mapping[SystemName, SetId] = dict(repository.sets())  # the last of each system is its newest
    for system, set_id in newest.items():
        try:
            with repository.open(system, set_id, AUDIT_HEAD) as file:
                yield read_audit_head(file.read(2**16), system, set_id, house.keys)
        except (DrError, OSError):
            continue
