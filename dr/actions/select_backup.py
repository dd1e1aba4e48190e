"""`select-backup`: resolve 'which backup' to one set, once, and pin it for this run. Later steps use the recorded answer.

A draw at random is made with a recorded seed, the run's own name, so that a run that is resumed, and whoever reads its evidence, says the
same set. Safe to repeat: it only reads, and pins again.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import field_validator

from dr.clock import local
from dr.errors import ConfigError, Refused
from dr.model.backup import SET_ID, Copy, ProofLevel
from dr.model.base import Instant, RepositoryName, SetId, StrictModel, SystemName, TierName
from dr.model.ports import Action, Effect, Outcome, RehearseContext, StepContext
from dr.units import parse_duration

CLOCK_TOLERANCE = timedelta(minutes=5)
"""A copy dated further ahead of now than this says that a clock is wrong."""
_LIST = "`dr backups list` shows what there is"
_RANDOM = "random-within"
_FORMS = "write newest, 'random-within 7d', 'at 2026-11-01T12:00' or a set's id"


class Params(StrictModel):
    system: SystemName
    tier: TierName
    which: str = "newest"
    """`newest`, `random-within 7d`, `at 2026-11-01T12:00` (of that time or before, in the organisation's zone), or a set's id."""

    @field_validator("which")
    @classmethod
    def _says_one(cls, text: str) -> str:
        problem = wrong_form(text)
        if problem:
            raise ValueError(f"{problem}; {_FORMS}")
        return text


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
    seed: str = ""
    """Of a draw at random: the same seed draws the same from the same sets."""


def run(params: Params, ctx: StepContext) -> Outcome:
    good = [c for c in ctx.records.copies(params.system) if not c.damaged]
    copies = [c for c in good if c.tier == params.tier]
    chosen, how = _choose_here(params, copies, good, ctx)
    seed = str(ctx.run) if at_random(params.which) else ""
    how += f", drawn with seed {seed}" if seed else ""
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
        seed=seed,
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


def wrong_form(which: str) -> str:
    """What is wrong with how a backup was named; empty where it names one, whether or not there is such a set."""
    word, _, rest = which.strip().partition(" ")
    try:
        if word == _RANDOM:
            parse_duration(rest)
        elif word == "at":
            datetime.fromisoformat(rest.strip())
        elif which.strip() != "newest" and not SET_ID.match(which.strip()):
            return f"'{which}' says no backup"
    except ValueError as error:
        return str(error) if word == _RANDOM else f"'{rest}' is not a time"
    return ""


def at_random(which: str) -> bool:
    """Whether it is a draw, which another run makes anew."""
    return which.strip().startswith(_RANDOM)


def choose(which: str, copies: Sequence[Copy], now: datetime, zone: str, *, seed: str) -> tuple[Copy, str]:
    """The copy that `which` means, and how it was chosen in words. Raises ConfigError for a form that is none, Refused for no match."""
    ordered = sorted(copies, key=lambda c: (*c.age_order, c.set))
    believed = [c for c in ordered if c.instant <= now + CLOCK_TOLERANCE]
    problem = wrong_form(which)
    if problem:
        raise ConfigError(problem, hint=_FORMS)
    word, _, rest = which.strip().partition(" ")
    if which.strip() == "newest":
        return _newest(ordered, believed)
    if word == _RANDOM:
        return _random(rest, believed, now, seed)
    if word == "at":
        return _at(rest, ordered, zone)
    return _one([c for c in ordered if c.set == which.strip()], f"there is no undamaged copy of the set {which.strip()}"), "named by id"


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
    within = parse_duration(text)
    found = [c for c in ordered if (now - c.instant).total_seconds() <= within]
    _one(found, f"there is no undamaged copy within {text}")
    return random.Random(seed).choice(found), f"one at random of {len(found)} within {text}"  # noqa: S311 - a drill's choice is no secret


def _at(text: str, ordered: Sequence[Copy], zone: str) -> tuple[Copy, str]:
    wanted = _instant(text.strip(), zone)
    found = [c for c in ordered if c.as_of <= wanted]
    return _one(found, f"there is no undamaged copy as old as {local(wanted, zone)}"), f"the newest at or before {local(wanted, zone)}"


def _instant(text: str, zone: str) -> datetime:
    """Of a time as the organisation's clocks show it. Raises ConfigError for one that they skip in spring, or show twice in autumn."""
    wanted = datetime.fromisoformat(text)
    if wanted.tzinfo is not None:
        return wanted
    first, second = (wanted.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    either = " or ".join(f"'at {one.astimezone(UTC).astimezone(ZoneInfo(zone)).isoformat(timespec='minutes')}'" for one in (first, second))
    there = first.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wanted
    what = "was twice" if there else "never was: the clocks went forward over it"
    raise ConfigError(f"{text} {what} in {zone}", hint=f"say which is meant: {either}")


ACTION = Action(kind="select-backup", params=Params, facts=Facts, effect=Effect.READS, run=run)
