"""`backup`: read a system once and publish one set in several tiers.

Safe to repeat: the set's id carries a token of its run and step, so a step that is run again after a crash finds what it had already
published, completes the copies that are missing, and publishes no second set.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import Field

from dr.actions.one_reader import one_reader
from dr.actions.recognise import recognise
from dr.actions.source_review import review
from dr.clock import iso
from dr.errors import DrError, Failed, Refused, Stopped
from dr.model.backup import Copy, Manifest, make_set_id
from dr.model.base import (
    ByteCount,
    HostName,
    Instant,
    RepositoryName,
    SetId,
    SourceName,
    StrictModel,
    SystemName,
    TierName,
    canonical,
    sha256,
)
from dr.model.inventory import SystemEntry
from dr.model.ports import Action, CaptureRequest, Effect, Host, Outcome, Repository, SetWriter, Source, StepContext, Written


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
    absent = _absent(targets)
    there = [repository for repository in targets if repository.name not in absent]
    published = _published(params.system, there, _token(ctx), ctx)
    if published:
        return _complete(params.system, published, targets, absent, ctx)
    with one_reader(params.system, ctx):
        return _read_and_publish(params.system, targets, absent, ctx)


def _absent(targets: Sequence[Repository]) -> dict[RepositoryName, str]:
    """Repositories that cannot be used, and why: a vault that is away must not cost the online copy. Raises if none can be used."""
    absent: dict[RepositoryName, str] = {}
    for repository in targets:
        try:
            repository.identity()
        except DrError as error:
            absent[repository.name] = error.message
            if len(absent) == len(targets):
                raise
    return absent


def _require_every_tier(tiers: Sequence[str], targets: Sequence[Repository]) -> None:
    missing = set(tiers) - {r.tier for r in targets}
    if missing:
        raise Refused(
            f"no repository is of tier {', '.join(sorted(missing))}", hint="inventory/repositories.yaml says which tier each is of"
        )


def _read_and_publish(system: SystemName, targets: Sequence[Repository], absent: Mapping[RepositoryName, str], ctx: StepContext) -> Outcome:
    begun = ctx.clock.now()
    set_id = make_set_id(begun, _token(ctx))
    entry = ctx.inventory.systems[system]
    needle = _needle(entry, set_id, begun, ctx)
    work = [(ctx.source(e.kind), _request(system, SourceName(n), entry, needle, ctx)) for n, e in entry.sources.items()]
    for source, request in work:
        if request.entry.needle:
            ctx.progress(f"planting the needle in {request.name}")
            _host(request, ctx).plant(source, request, ctx)
    written = ctx.sets.write(
        system=system,
        set_id=set_id,
        run=ctx.run,
        created=begun,
        to=[repository for repository in targets if repository.name not in absent],
        needle=needle,
        fill=lambda into: _capture(work, into, ctx),
        ctx=ctx,
    )
    failed = {**absent, **written.failed}
    _record(written, failed, targets, ctx)
    review(system, set_id, ctx)
    return Outcome(changed=True, facts=_facts(written.manifest, list(written.committed), failed, reused=written.reused).to_facts())


def _request(system: SystemName, name: SourceName, entry: SystemEntry, needle: str | None, ctx: StepContext) -> CaptureRequest:
    source = entry.sources[name]
    params = ctx.source(source.kind).params.from_facts(source.with_)
    return CaptureRequest(system=system, name=name, entry=source, params=params, needle=needle if source.needle else None)


def _host(request: CaptureRequest, ctx: StepContext) -> Host:
    """Where the source is read: there, not here, is where it works."""
    return ctx.host(HostName(request.entry.host))


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
        for facts in _host(request, ctx).capture(source, request, into, ctx):
            recognise(facts.model_copy(update={"system": request.system, "host": request.entry.host}), ctx)


def _published(system: SystemName, targets: Sequence[Repository], token: str, ctx: StepContext) -> dict[RepositoryName, Manifest]:
    """What an earlier attempt of this very step had published, by repository."""
    found: dict[RepositoryName, Manifest] = {}
    for repository in targets:
        try:
            for owner, set_id in repository.sets(system):
                if owner == system and set_id.endswith(f"-{token[:6]}"):
                    manifest, _, _ = ctx.sets.read_manifest(system, set_id, repository)
                    if manifest.run == ctx.run:
                        found[repository.name] = manifest
        except Stopped:
            raise
        except DrError:  # whatever is wrong there is said when it is written to, as one among several
            continue
    return found


def _complete(
    system: SystemName,
    published: Mapping[RepositoryName, Manifest],
    targets: Sequence[Repository],
    absent: Mapping[RepositoryName, str],
    ctx: StepContext,
) -> Outcome:
    manifest = next(iter(published.values()))
    source = next(r for r in targets if r.name in published)
    failed = dict(absent)
    for repository in targets:
        if repository.name in absent:
            continue
        try:
            if repository.name not in published:
                ctx.sets.copy(system, manifest.set, source, repository, ctx)
            _record_copy(manifest, repository, ctx.clock.now(), ctx)
        except Stopped:
            raise
        except DrError as error:
            failed[repository.name] = error.message
    if len(failed) == len(targets):
        raise Failed(f"set {manifest.set} could be recorded nowhere: {'; '.join(failed.values())}", hint="`dr check` shows what is wrong")
    _report_failed(manifest, failed, targets, ctx)
    review(system, manifest.set, ctx)
    copies = [r.name for r in targets if r.name not in failed]
    return Outcome(changed=True, facts=_facts(manifest, copies, failed, adopted=True).to_facts())


def _record(written: Written, failed: Mapping[RepositoryName, str], targets: Sequence[Repository], ctx: StepContext) -> None:
    for repository in targets:
        if repository.name in written.committed:
            _record_copy(written.manifest, repository, written.committed[repository.name], ctx)
    ctx.records.record_parts([p for p in written.parts if p.repository in written.committed])
    _report_failed(written.manifest, failed, targets, ctx)


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
    failed: Mapping[RepositoryName, str],
    *,
    reused: int = 0,
    adopted: bool = False,
) -> Facts:
    return Facts(
        set=manifest.set,
        system=manifest.system,
        instant=manifest.instant,
        bytes=manifest.plain,
        stored=manifest.stored,
        reused=ByteCount(reused),
        copies=tuple(copies),
        failed={str(name): cause for name, cause in failed.items()},
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
