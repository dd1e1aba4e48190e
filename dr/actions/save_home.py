"""`save-home`: store the home itself in every repository of some tiers, so that whoever has a repository and the escrow key has all of it.

In it: inventory, runbooks, evidence, a snapshot of the catalog, and keys/ with its secrets: passwords, channel URLs, the signing key and
the digest key. They are meant to be there. The home is encrypted to the same recipients as the client data, so it is in no worse hands,
and at 3 in the morning in another office they are what is missing. Only the age private keys stay out: they are what opens it.

Beside it, as every night, the journals of what must not come back (`dr suppress`) are compared, and written where one lacks something.

Safe to repeat: a home's name is its run's and step's; where it is whole already it is left alone, elsewhere it is written anew.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO, cast

from pydantic import Field

from dr.actions.journal import settle
from dr.errors import Damaged, DrError, Failed, Refused
from dr.model.backup import make_set_id
from dr.model.base import ByteCount, HostPath, JsonValue, RepositoryName, StrictModel, TierName, canonical, sha256
from dr.model.home import HomeManifest
from dr.model.ports import Action, Effect, Outcome, Repository, StepContext
from dr.stream import home as stored
from dr.stream.encode import Encoder
from dr.stream.homepack import pack


class Params(StrictModel):
    to: tuple[TierName, ...] = Field(min_length=1)
    """Every repository of these tiers gets it."""
    keep: int = Field(default=stored.KEPT, ge=1)
    """How many homes a repository keeps."""


class Facts(StrictModel):
    home: str
    bytes: ByteCount
    """Of the tar stream; 0 where an interrupted attempt had stored all of it."""
    files: int
    copies: tuple[RepositoryName, ...]
    failed: dict[str, str] = Field(default_factory=dict)
    """Repository to cause; the next night stores it there."""
    left_out: tuple[str, ...] = ()
    """What of keys/ is not in it: the age private keys, and what is no plain file."""
    outside: tuple[str, ...] = ()
    """Secrets that the inventory keeps elsewhere on this machine, so that they must be brought back by hand."""


def run(params: Params, ctx: StepContext) -> Outcome:
    targets = ctx.repositories(params.to)
    if not targets:
        raise Refused(f"no repository is of tier {', '.join(params.to)}", hint="inventory/repositories.yaml says which tier each is of")
    name = home_name(ctx)
    failed, whole, lacking = _look(name, targets, ctx)
    facts = Facts(home=name, bytes=ByteCount(0), files=0, copies=())
    try:
        facts = _store(name, lacking, failed, ctx) if lacking else facts
    except Failed as error:
        if not whole:
            raise
        failed |= {repository.name: error.message for repository in lacking}
    facts = facts.model_copy(update={"copies": tuple(r.name for r in targets if r.name not in failed), "failed": dict(failed)})
    for repository in (r for r in targets if r.name not in failed):
        _settle(name, repository, params.keep, ctx)
    _say(name, failed, targets, ctx)
    settle(ctx)
    if not facts.copies:
        raise Failed(f"the home was stored nowhere: {'; '.join(failed.values())}", hint="`dr repositories check` says what is wrong")
    return Outcome(changed=bool(lacking) or not whole, facts=facts.to_facts())


def home_name(ctx: StepContext) -> str:
    """Like a set's id: when the run began, and a token of run and step, so that a step that is run again finds its own."""
    record = ctx.records.run(ctx.run)
    begun = record.started if record else ctx.clock.now()
    return make_set_id(begun, sha256(canonical([ctx.run, ctx.step])))


def _look(
    name: str, targets: Sequence[Repository], ctx: StepContext
) -> tuple[dict[RepositoryName, str], list[Repository], list[Repository]]:
    """Which repositories cannot be used and why, which have this home already, which lack it."""
    failed: dict[RepositoryName, str] = {}
    whole: list[Repository] = []
    lacking: list[Repository] = []
    for repository in targets:
        try:
            (whole if _is_whole(name, repository, ctx) else lacking).append(repository)
        except DrError as error:
            failed[repository.name] = error.message
    return failed, whole, lacking


def _is_whole(name: str, repository: Repository, ctx: StepContext) -> bool:
    repository.identity()
    if name not in stored.names(repository):
        return False
    try:
        stored.require_whole(repository, stored.read_manifest(repository, name, ctx.inventory.organisation.name))
    except Damaged:
        stored.drop(repository, name)  # what an interrupted attempt left
        return False
    return True


def _store(name: str, to: Sequence[Repository], failed: dict[RepositoryName, str], ctx: StepContext) -> Facts:
    parts = stored.HomeParts(name, Encoder(ctx.keys.recipients), to, lambda: ctx.failpoint("after-part"))
    named = _secret_files(ctx.inventory.to_facts())
    inside = [path for path in named if not path.startswith("/") and ".." not in PurePosixPath(path).parts]
    ctx.progress("storing the home")
    with ctx.staging("home") as staging:
        snapshot = Path(staging) / "catalog.db"
        head = ctx.records.audit_head()
        ctx.records.snapshot(HostPath(str(snapshot)))
        packed = pack(Path(ctx.home), snapshot, inside, cast("IO[bytes]", parts))
    parts.finish()
    ctx.failpoint("before-manifest")
    manifest = HomeManifest(
        organisation=ctx.inventory.organisation.name,
        name=name,
        run=ctx.run,
        created=ctx.clock.now(),
        tool="dr",
        recipients=ctx.keys.recipients,
        public=_public(ctx),
        plain=ByteCount(parts.plain),
        parts=tuple(parts.sealed),
        audit=head,
    )
    stored.seal(parts, manifest, ctx.keys.sign)
    ctx.failpoint("after-publish")
    failed |= parts.failed
    outside = tuple(path for path in named if path not in inside)
    return Facts(home=name, bytes=manifest.plain, files=packed.files, copies=(), left_out=tuple(packed.left_out), outside=outside)


def _secret_files(facts: JsonValue) -> list[str]:
    """Every file that the inventory names as the place of a secret."""
    if isinstance(facts, dict):
        file = facts.get("file")
        if isinstance(file, str) and set(facts) <= {"file", "env", "credential"}:
            return [file]
        return sorted({path for value in facts.values() for path in _secret_files(value)})
    return sorted({path for value in facts for path in _secret_files(value)}) if isinstance(facts, list) else []


def _public(ctx: StepContext) -> str:
    """The trusted public key whose private half signs here, in hex. Raises Refused if there is none: nobody could believe this home."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    probe = b"dr: which key signs here?"
    signature = ctx.keys.sign(probe)
    for name in ctx.inventory.organisation.keys.trusted:
        key = load_pem_public_key((Path(ctx.home) / name).read_bytes())
        if isinstance(key, Ed25519PublicKey):
            try:
                key.verify(signature, probe)
            except InvalidSignature:
                continue
            return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    raise Refused("the signing key is none of the trusted keys", hint="list its public half under organisation.keys.trusted")


def _settle(name: str, repository: Repository, keep: int, ctx: StepContext) -> None:
    """Read what was stored back; only then let go of an older one."""
    manifest = stored.read_manifest(repository, name, ctx.inventory.organisation.name)
    stored.require_whole(repository, manifest)
    gone = stored.keep_newest(repository, name, keep=keep)
    digest = sha256(canonical(manifest.to_facts()))
    ctx.audit("home.stored", f"{repository.name}/{name}", {"manifest": digest, "removed": gone})


def _say(name: str, failed: dict[RepositoryName, str], targets: Sequence[Repository], ctx: StepContext) -> None:
    for repository in targets:
        key = f"home-not-stored:{repository.name}"
        if repository.name in failed:
            message = f"tonight's home {name} is not in {repository.name}: {failed[repository.name]}"
            ctx.finding(key, "warning", message, hint="mend the repository; the next nightly stores the home there")
        else:
            ctx.records.close_finding(key, ctx.clock.now(), ctx.run)


ACTION = Action(
    kind="save-home",
    params=Params,
    facts=Facts,
    effect=Effect.WRITES,
    run=run,
    failpoints=("after-part", "before-manifest", "after-publish"),
)
