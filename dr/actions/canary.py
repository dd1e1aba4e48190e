"""`canary`: where this home has a drill key, it still opens the newest set of each tier; and the escrow key was tried in time.

A key that was lost, replaced or mistyped shows the next morning, not on the day of the fire. Safe to repeat: it only reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import Field

from dr.clock import local
from dr.errors import DrError, Failed, Stopped, Unreachable
from dr.model.base import HostPath, Instant, RepositoryName, SetId, StrictModel, SystemName, TierName
from dr.model.inventory import Inventory
from dr.model.ports import Action, Effect, Outcome, Records, Rehearsal, RehearseContext, Repository, Sets, StepContext
from dr.stream.encode import Decoder

ESCROW_EVERY = timedelta(days=183)
"""An escrow key that nobody used for half a year may be lost without anybody knowing."""
ROTATED = "keys.rotated"
"""In the audit trail, about `keys/escrow`: when there was a new escrow key."""
_LATEST = 400
NO_KEY = "this home has no drill key, so nothing can be opened here; the machine where drills run tries it"


class Params(StrictModel):
    system: SystemName
    tiers: tuple[TierName, ...] = Field(min_length=1)


class Opened(StrictModel):
    set: SetId
    repository: RepositoryName
    tier: str
    recipient: str
    """The public half of the key that opened it."""


class Facts(StrictModel):
    opened: tuple[Opened, ...] = ()
    empty: tuple[RepositoryName, ...] = ()
    """Repositories that hold no set of the system."""
    left_out: str = ""
    """Why nothing was tried; empty where something was."""
    escrow_last: Instant | None = None
    """When a drill last restored with the escrow key; None: never."""
    escrow_due: Instant | None = None
    """By when one must; None where there is no set yet."""


@dataclass(frozen=True)
class EscrowDue:
    """`last`: when a drill last restored with today's escrow key. `due`: by when one must; None before the first set."""

    last: datetime | None
    due: datetime | None


def run(params: Params, ctx: StepContext) -> Outcome:
    if ctx.inventory.organisation.keys.identity is None:
        return Outcome(changed=False, facts=Facts(left_out=NO_KEY).to_facts())
    mine = _mine(ctx)
    escrow = escrow_recipients(ctx.inventory.organisation.keys.recipients, mine, noted_escrow(ctx.home))
    opened, empty, wrong, unseen = _try(params, ctx)
    if any(one.recipient in escrow - mine for one in opened):
        said = "this process works with the escrow key, as a drill was asked to; the drill key is tried by the next run"
        return Outcome(changed=False, facts=Facts(left_out=said).to_facts())
    due = escrow_due(params.system, escrow, ctx.records)
    _say_due(params.system, due, ctx)
    if wrong:
        raise Failed(f"the drill key does not open {'; '.join(wrong)}", hint="`dr keys check` looks at every key")
    if unseen:
        raise unseen[0]
    facts = Facts(opened=tuple(opened), empty=tuple(empty), escrow_last=due.last, escrow_due=due.due)
    return Outcome(changed=False, facts=facts.to_facts())


def _mine(ctx: StepContext) -> frozenset[str]:
    """The public half of the home's own key; nothing where it cannot be read, which opening a set then says."""
    named = ctx.inventory.organisation.keys.identity
    try:
        return Decoder(ctx.secret(named)).recipients if named else frozenset()
    except DrError:
        return frozenset()


def _try(params: Params, ctx: StepContext) -> tuple[list[Opened], list[RepositoryName], list[str], list[DrError]]:
    """What the key opened, which repositories hold no set, what it did not open and why, and who did not answer."""
    opened: list[Opened] = []
    empty: list[RepositoryName] = []
    wrong: list[str] = []
    unseen: list[DrError] = []
    for repository in ctx.repositories(params.tiers):
        ctx.check_stop()
        ctx.progress(f"opening the newest set of {repository.name}")
        try:
            found = open_newest(params.system, repository, ctx.sets)
        except Stopped:
            raise
        except Unreachable as error:
            unseen.append(error)
            continue
        except DrError as error:
            wrong.append(f"the newest set of {repository.name}: {error.message}")
            _say_wrong(params.system, repository, error, ctx)
            continue
        ctx.records.close_finding(_key(params.system, repository), ctx.clock.now(), ctx.run)
        if found is None:
            empty.append(repository.name)
        else:
            opened.append(found)
    return opened, empty, wrong, unseen


def open_newest(system: SystemName, repository: Repository, sets: Sets) -> Opened | None:
    """Decrypt the index of the newest set there; None where there is no set. Raises Damaged, Refused or ConfigError if it does not open."""
    repository.identity()
    held = [set_id for _, set_id in repository.sets(system)]
    if not held:
        return None
    found = sets.open(system, held[-1], repository)
    return Opened(set=held[-1], repository=repository.name, tier=repository.tier, recipient=found.recipient)


def _key(system: SystemName, repository: Repository) -> str:
    return f"canary:{system}:{repository.name}"


def _say_wrong(system: SystemName, repository: Repository, error: DrError, ctx: StepContext) -> None:
    message = f"the drill key does not open the newest set of {system} in {repository.name}: {error.message}"
    hint = "until it does, only the escrow key brings this back: `dr keys check`; a kept key is keys/drill-*.agekey"
    ctx.finding(_key(system, repository), "critical", message, system=system, hint=hint)


# ---------------------------------------------------------------- the escrow key


def noted_escrow(home: HostPath) -> str | None:
    """The escrow key's public half, as `dr init` and `dr keys rotate` write it down."""
    path = Path(home) / "keys" / "recipients.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return next((key for label, _, key in (line.partition(" ") for line in lines) if label == "escrow"), None)


def escrow_recipients(recipients: Sequence[str], mine: frozenset[str], noted: str | None) -> frozenset[str]:
    """The one that was noted, if it is a recipient; else those that are not the drill key's; none where that cannot be told either."""
    if noted in recipients:
        return frozenset({str(noted)})
    return frozenset(recipients) - mine if not mine.isdisjoint(recipients) else frozenset()


def escrow_due(system: SystemName, escrow: frozenset[str], records: Records) -> EscrowDue:
    """Counted from the last drill that restored with today's escrow key; before the first, from that key's first set or its rotation.

    Only what a restore step recorded counts: which key read all of the set.
    """
    instants = records.set_instants(system)
    if not instants or not escrow:
        return EscrowDue(None, None)
    last = _last_exercise(system, escrow, records)
    rotated = [entry.at for entry in records.audit_of("keys/escrow") if entry.event == ROTATED]
    return EscrowDue(last, (last or max([instants[0], *rotated])) + ESCROW_EVERY)


def _last_exercise(system: SystemName, escrow: frozenset[str], records: Records) -> datetime | None:
    for run in records.runs(system=system, kind="drill", limit=_LATEST):
        for step in records.steps(run.run):
            if step.action == "restore" and step.state == "done" and step.facts.get("recipient") in escrow:
                return run.started
    return None


def _say_due(system: SystemName, due: EscrowDue, ctx: StepContext) -> None:
    key, now = f"escrow-due:{system}", ctx.clock.now()
    if due.due is None:
        return  # what is open stays open: today nobody can tell
    if now <= due.due:
        ctx.records.close_finding(key, now, ctx.run)
        return
    zone = ctx.inventory.organisation.zone
    last = f"was last tried on {local(due.last, zone)}" if due.last else "was never tried by a drill"
    message = f"the escrow key of {system} {last}; a drill with it was due on {local(due.due, zone)}"
    ctx.finding(key, "warning", message, system=system, hint=how_to_try(system, ctx.inventory))


def how_to_try(system: SystemName, inventory: Inventory) -> str:
    """What to type to use the escrow key once: a drill from the last tier that the inventory names one for."""
    entry = inventory.systems.get(system)
    tiers = tuple(entry.runbooks.drill) if entry else ()
    if not tiers:
        return f"bring the key, and name a drill of {system} under `runbooks` in the inventory: it takes --key FILE"
    return f"bring the key: dr drill {system} --tier {tiers[-1]} --key FILE"


# ---------------------------------------------------------------- beforehand


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:
    """As `run`, without its findings."""
    if ctx.inventory.organisation.keys.identity is None:
        return Rehearsal((f"would open nothing: {NO_KEY}",))
    says, problems = [], []
    for repository in ctx.repositories(params.tiers):
        try:
            found = open_newest(params.system, repository, ctx.sets)
        except DrError as error:
            problems.append(f"the drill key does not open the newest set of {repository.name}: {error.message}")
            continue
        says.append(f"the drill key opens {found.set} in {repository.name}" if found else f"{repository.name} holds no set yet")
    return Rehearsal(tuple(says), problems=tuple(problems))


ACTION = Action(kind="canary", params=Params, facts=Facts, effect=Effect.READS, run=run, rehearse=rehearse)
