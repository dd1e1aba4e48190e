"""`select-backup`: resolve 'which backup' to one set, once, and pin it for this run. Later steps use the recorded answer.

Safe to repeat: it only reads, and pins again.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dr.clock import local
from dr.errors import ConfigError, Refused
from dr.model.backup import SET_ID, Copy, ProofLevel
from dr.model.base import Instant, RepositoryName, SetId, StrictModel, SystemName, TierName
from dr.model.ports import Action, Effect, Outcome, RehearseContext, StepContext
from dr.units import parse_duration

CLOCK_TOLERANCE = timedelta(minutes=5)
"""A copy dated further ahead of now than this says that a clock is wrong."""
_LIST = "`dr backups list` shows what there is"
_FORMS = "write newest, 'random-within 7d', 'at 2026-11-01T12:00' or a set's id"


class Params(StrictModel):
    system: SystemName
    tier: TierName
    which: str = "newest"


class Facts(StrictModel):
    set: SetId
    system: SystemName
    tier: TierName
    repository: RepositoryName
    instant: Instant
    level: ProofLevel
    how: str
    """In words, for the evidence."""
    candidates: int


def run(params: Params, ctx: StepContext) -> Outcome:
    good = [c for c in ctx.records.copies(params.system) if not c.damaged]
    copies = [c for c in good if c.tier == params.tier]
    chosen, how = _choose_here(params, copies, good, ctx)
    _pin(chosen, ctx)
    facts = Facts(
        set=chosen.set,
        system=params.system,
        tier=params.tier,
        repository=chosen.repository,
        instant=chosen.as_of,
        level=chosen.level,
        how=f"{how}, from {chosen.repository}; its data is as of {local(chosen.as_of, ctx.inventory.organisation.zone)}",
        candidates=len(copies),
    )
    return Outcome(changed=False, facts=facts.to_facts())


def _choose_here(params: Params, here: Sequence[Copy], good: Sequence[Copy], ctx: StepContext) -> tuple[Copy, str]:
    """Raises Refused as `choose` does, and then says which other tier has what was asked for."""
    now, zone = ctx.clock.now(), ctx.inventory.organisation.zone
    try:
        if not here:
            raise Refused(f"there is no undamaged copy of {params.system} in tier {params.tier}", hint=where_to_look(params.system, ctx))
        return choose(params.which, here, now, zone, seed=ctx.run)
    except Refused as refusal:
        elsewhere = [c for c in good if c.tier != params.tier]
        try:
            other, _ = choose(params.which, elsewhere, now, zone, seed=ctx.run) if elsewhere else (None, "")
        except Refused:
            other = None
        if other is None:
            raise
        said = refusal.message if params.tier in refusal.message else f"{refusal.message} in tier {params.tier}"
        command = f"dr drill {params.system} --tier {other.tier} --select '{params.which}'"
        raise Refused(f"{said}; tier {other.tier} has one (in {other.repository})", hint=f"restore from that tier: {command}") from None


def where_to_look(system: SystemName, ctx: StepContext | RehearseContext) -> str:
    """What to do where no copy was found: before the first backup a list, which is empty then, would help nobody."""
    nightly = ctx.inventory.systems[system].runbooks.nightly
    if ctx.records.copies(system) or nightly is None:
        return _LIST
    return f"no backup of it is on record: `dr run {nightly}` makes one; after a loss of the catalog, `dr catalog rebuild`"


def _pin(chosen: Copy, ctx: StepContext) -> None:
    """Under the lock that a prune decides and removes under: what is pinned was there, and stays."""
    repository = ctx.repository(chosen.repository)
    with repository.locked():
        if (chosen.system, chosen.set) not in repository.sets(chosen.system):
            raise Refused(
                f"the copy of {chosen.set} in {chosen.repository} is gone: removed a moment ago, or lost",
                hint="run it again, or choose another set: `dr backups list` shows what there is",
            )
        ctx.records.pin(chosen.set, ctx.run)


def choose(which: str, copies: Sequence[Copy], now: datetime, zone: str, *, seed: str) -> tuple[Copy, str]:
    """The copy that `which` means, and how it was chosen in words. Raises ConfigError for a form that is none, Refused for no match."""
    ordered = sorted(copies, key=lambda c: (*c.age_order, c.set))
    believed = [c for c in ordered if c.instant <= now + CLOCK_TOLERANCE]
    word, _, rest = which.strip().partition(" ")
    if which.strip() == "newest":
        return _newest(ordered, believed)
    if word == "random-within":
        return _random(rest, believed, now, seed)
    if word == "at":
        return _at(rest, ordered, zone)
    if SET_ID.match(which.strip()):
        return _one([c for c in ordered if c.set == which.strip()], f"there is no undamaged copy of the set {which.strip()}"), "named by id"
    raise ConfigError(f"'{which}' says no backup", hint=_FORMS)


def _newest(ordered: Sequence[Copy], believed: Sequence[Copy]) -> tuple[Copy, str]:
    """A set that a bad clock dated ahead would be the newest of every night to come; where all are ahead, it is our own clock."""
    ahead = len(ordered) - len(believed)
    if not ahead:
        return ordered[-1], f"the newest of {len(ordered)}"
    if not believed:
        return ordered[-1], f"the newest of {len(ordered)}, all dated ahead of now: this machine's clock is behind"
    return believed[-1], f"the newest of {len(ordered)} that is not dated ahead of now ({ahead} left out: a clock is or was wrong)"


def _one(found: Sequence[Copy], otherwise: str) -> Copy:
    if not found:
        raise Refused(otherwise, hint=_LIST)
    return found[-1]


def _random(text: str, ordered: Sequence[Copy], now: datetime, seed: str) -> tuple[Copy, str]:
    """Seeded by the run, so that a step that runs again chooses the same."""
    try:
        within = parse_duration(text)
    except ValueError as error:
        raise ConfigError(str(error), hint=_FORMS) from None
    found = [c for c in ordered if (now - c.instant).total_seconds() <= within]
    _one(found, f"there is no undamaged copy within {text}")
    return random.Random(seed).choice(found), f"one at random of {len(found)} within {text}"  # noqa: S311 - a drill's choice is no secret


def _at(text: str, ordered: Sequence[Copy], zone: str) -> tuple[Copy, str]:
    try:
        wanted = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(f"'{text}' is not a time", hint=_FORMS) from None
    if wanted.tzinfo is None:
        wanted = wanted.replace(tzinfo=ZoneInfo(zone))
    found = [c for c in ordered if c.instant <= wanted]
    return _one(found, f"there is no undamaged copy as old as {local(wanted, zone)}"), f"the newest at or before {local(wanted, zone)}"


ACTION = Action(kind="select-backup", params=Params, facts=Facts, effect=Effect.READS, run=run)
