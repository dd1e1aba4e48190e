"""`backup`: read a system once and publish one set in several tiers.

Safe to repeat: the set's id carries a token of its run and step, so a step that is run again after a crash finds what it had already
published, completes the copies that are missing, and publishes no second set.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import Field

from dr.clock import iso
from dr.errors import Failed, Refused
from dr.model.backup import Copy, Manifest, make_set_id
from dr.model.base import ByteCount, Instant, RepositoryName, SetId, SourceName, StrictModel, SystemName, TierName, canonical, sha256
from dr.model.inventory import SystemEntry
from dr.model.ports import Action, CaptureRequest, Effect, Outcome, Repository, SetWriter, Source, StepContext, Written


class Params(StrictModel):
    system: SystemName
    to: tuple[TierName, ...] = Field(min_length=1)


class Facts(StrictModel):
    set: SetId
    system: SystemName
    instant: Instant
    bytes: ByteCount
    stored: ByteCount
    reused: ByteCount = ByteCount(0)
    """Stored bytes that were linked to an earlier set's, not written."""
    copies: tuple[RepositoryName, ...]
    failed: dict[str, str] = Field(default_factory=dict)
    """Repository to cause; `copy` makes these later."""
    witnessed: bool
    adopted: bool = False
    """Whether an earlier, interrupted attempt had published it."""


def _token(ctx: StepContext) -> str:
    return sha256(canonical([ctx.run, ctx.step]))


def run(params: Params, ctx: StepContext) -> Outcome:
    targets = ctx.repositories(params.to)
    _require_every_tier(params.to, targets)
    for repository in targets:
        repository.identity()
    published = _published(params.system, targets, _token(ctx), ctx)
    if published:
        return _complete(params.system, published, targets, ctx)
    return _read_and_publish(params.system, targets, ctx)


def _require_every_tier(tiers: Sequence[str], targets: Sequence[Repository]) -> None:
    missing = set(tiers) - {r.tier for r in targets}
    if missing:
        raise Refused(
            f"no repository is of tier {', '.join(sorted(missing))}", hint="inventory/repositories.yaml says which tier each is of"
        )


def _read_and_publish(system: SystemName, targets: Sequence[Repository], ctx: StepContext) -> Outcome:
    begun = ctx.clock.now()
    set_id = make_set_id(begun, _token(ctx))
    entry = ctx.inventory.systems[system]
    needle = _needle(entry, set_id, begun, ctx)
    work = [(ctx.source(e.kind), _request(system, SourceName(n), entry, needle, ctx)) for n, e in entry.sources.items()]
    for source, request in work:
        if request.entry.needle:
            ctx.progress(f"planting the needle in {request.name}")
            source.plant(request, ctx)
    written = ctx.sets.write(
        system=system,
        set_id=set_id,
        run=ctx.run,
        created=begun,
        to=targets,
        needle=needle,
        fill=lambda into: _capture(work, into, ctx),
        ctx=ctx,
    )
    _record(written, targets, ctx)
    return Outcome(changed=True, facts=_facts(written.manifest, list(written.committed), written, adopted=False).to_facts())


def _request(system: SystemName, name: SourceName, entry: SystemEntry, needle: str | None, ctx: StepContext) -> CaptureRequest:
    source = entry.sources[name]
    params = ctx.source(source.kind).params.from_facts(source.with_)
    return CaptureRequest(system=system, name=name, entry=source, params=params, needle=needle if source.needle else None)


def _needle(entry: SystemEntry, set_id: SetId, at: datetime, ctx: StepContext) -> str | None:
    """A signed word that only this night's set can hold: proof of identity when it is found after a restore."""
    if not any(s.needle for s in entry.sources.values()):
        return None
    body = {"set": set_id, "run": ctx.run, "at": iso(at)}
    return json.dumps({**body, "signature": ctx.keys.sign(canonical(body)).hex()}, sort_keys=True)


def _capture(work: Sequence[tuple[Source, CaptureRequest]], into: SetWriter, ctx: StepContext) -> None:
    for source, request in work:
        ctx.check_stop()
        ctx.progress(f"reading {request.name}")
        for facts in source.capture(request, into, ctx):
            ctx.records.record_production(facts.model_copy(update={"system": request.system, "host": request.entry.host}))


def _published(system: SystemName, targets: Sequence[Repository], token: str, ctx: StepContext) -> dict[RepositoryName, Manifest]:
    """What an earlier attempt of this very step had published, by repository."""
    found: dict[RepositoryName, Manifest] = {}
    for repository in targets:
        for owner, set_id in repository.sets(system):
            if owner == system and set_id.endswith(f"-{token[:6]}"):
                manifest, _, _ = ctx.sets.read_manifest(system, set_id, repository)
                if manifest.run == ctx.run:
                    found[repository.name] = manifest
    return found


def _complete(system: SystemName, published: dict[RepositoryName, Manifest], targets: Sequence[Repository], ctx: StepContext) -> Outcome:
    manifest = next(iter(published.values()))
    source = next(r for r in targets if r.name in published)
    failed: dict[RepositoryName, str] = {}
    for repository in targets:
        if repository.name not in published:
            try:
                ctx.sets.copy(system, manifest.set, source, repository, ctx)
            except Failed as error:
                failed[repository.name] = error.message
                continue
        _record_copy(manifest, repository, ctx.clock.now(), ctx)
    _report_failed(manifest, failed, targets, ctx)
    copies = [r.name for r in targets if r.name not in failed]
    return Outcome(changed=True, facts=_facts(manifest, copies, None, adopted=True, failed=failed).to_facts())


def _record(written: Written, targets: Sequence[Repository], ctx: StepContext) -> None:
    for repository in targets:
        if repository.name in written.committed:
            _record_copy(written.manifest, repository, written.committed[repository.name], ctx)
    ctx.records.record_parts([p for p in written.parts if p.repository in written.committed])
    _report_failed(written.manifest, written.failed, targets, ctx)


def _record_copy(manifest: Manifest, repository: Repository, at: datetime, ctx: StepContext) -> None:
    _, stored, _ = ctx.sets.read_manifest(manifest.system, manifest.set, repository)
    copy = Copy(
        set=manifest.set,
        system=manifest.system,
        repository=repository.name,
        tier=TierName(repository.tier),
        instant=manifest.instant,
        committed=at,
        manifest=sha256(stored),
        stored=manifest.stored,
        level="stored",
    )
    ctx.records.record_copy(copy, manifest, ctx.run)
    ctx.audit("copy.committed", f"{repository.name}/{manifest.set}", {"manifest": copy.manifest, "stored": copy.stored})


def _report_failed(manifest: Manifest, causes: Mapping[RepositoryName, str], targets: Sequence[Repository], ctx: StepContext) -> None:
    for repository in targets:
        if repository.name in causes:
            ctx.finding(
                f"missing-copy:{manifest.system}:{repository.name}:{manifest.set}",
                "critical",
                f"the set {manifest.set} has no copy in {repository.name} (tier {repository.tier}): {causes[repository.name]}",
                system=manifest.system,
                hint="mend the repository; the next nightly's copy step makes it, or run the nightly again",
            )


def _facts(
    manifest: Manifest,
    copies: Sequence[RepositoryName],
    written: Written | None,
    *,
    adopted: bool,
    failed: Mapping[RepositoryName, str] | None = None,
) -> Facts:
    return Facts(
        set=manifest.set,
        system=manifest.system,
        instant=manifest.instant,
        bytes=manifest.plain,
        stored=manifest.stored,
        reused=ByteCount(written.reused if written else 0),
        copies=tuple(copies),
        failed={str(name): cause for name, cause in (written.failed if written else failed or {}).items()},
        witnessed=manifest.witnessed,
        adopted=adopted,
    )


ACTION = Action(
    kind="backup",
    params=Params,
    facts=Facts,
    effect=Effect.WRITES,
    run=run,
    failpoints=("after-part", "before-manifest", "between-commits"),
)
