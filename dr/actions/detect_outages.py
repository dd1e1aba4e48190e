"""`detect-outages`: ask each system from its vantages whether it answers; propose an outage where enough of them agree that it does not.

A person declares it (`dr outage declare --proposed`), unless the inventory says otherwise. Safe to repeat: it is on record once, and the
people it concerns are told once.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from dr.actions.looking import keep
from dr.actions.outage_telling import owe_words
from dr.errors import ConfigError, DrError, Stopped
from dr.model.base import HostName, JsonObject, StrictModel, SystemName, canonical, sha256
from dr.model.outage import Outage, OutageEntry, OutageId
from dr.model.ports import Action, Effect, Outcome, Probe, Rehearsal, RehearseContext, StepContext
from dr.model.record import CheckResult
from dr.model.redundancy import Detection, DetectionProbe, Half, Reading
from dr.policy.detection import Answer, Down, Seen, detect, proposes
from dr.units import visible

PREFIX = "outage-proposed:"
BY = "dr's own watch"
"""Who proposes what no person noticed."""
HERE = "this machine"
_LOOKED_BACK = 500
"""Answers: at one every quarter of an hour, five days."""
_READS: Mapping[str, Answer] = {"whole": "answers", "lost": "fails"}


@runtime_checkable
class AsksThere(Protocol):
    """A host that asks with a `dr` of its own, from where it is."""

    @property
    def known(self) -> Sequence[str]:
        """The host keys that it is known by."""
        ...

    def inquire(self, check: Probe, params: StrictModel, ctx: StepContext) -> CheckResult: ...


class Params(StrictModel):
    system: SystemName | None = None
    """Without one, every system that says how it is detected."""


class Facts(StrictModel):
    asked: int
    failed: int
    any_proposed: bool
    proposed: str
    """What was proposed by this step, a line each."""
    outages: tuple[str, ...]


def run(params: Params, ctx: StepContext) -> Outcome:
    rules = {name: entry.detection for name, entry in ctx.inventory.systems.items() if params.system in (None, name)}
    asked, proposals = list[Reading](), dict[str, str]()
    for name, rule in rules.items():
        if rule is not None:
            seen = _ask_all(SystemName(name), rule, ctx, asked)
            proposals |= _judge(SystemName(name), rule, detect(seen, rule, ctx.clock.now()), ctx)
    facts = Facts(
        asked=len(asked),
        failed=sum(reading.state != "whole" for reading in asked),
        any_proposed=bool(proposals),
        proposed="\n".join(proposals.values()),
        outages=tuple(proposals),
    )
    return Outcome(changed=bool(proposals), facts=facts.to_facts())


# ---------------------------------------------------------------- asking


def marks(name: HostName, ctx: StepContext) -> frozenset[str]:
    """By what a vantage's machine is known: two names of one machine are one witness, also where one of them has only some of its keys."""
    if ctx.inventory.hosts[name].kind == "local":
        return frozenset({HERE})
    host = ctx.host(name)
    return frozenset(host.known) if isinstance(host, AsksThere) else frozenset({str(name)})


def _ask_all(system: SystemName, rule: Detection, ctx: StepContext, asked: list[Reading]) -> dict[str, dict[str, list[Seen]]]:
    """Probe to vantage to what it saw, now and before, newest first."""
    found: dict[str, dict[str, list[Seen]]] = {}
    vantages = list(_once(rule.vantages, ctx))
    for probe, question in rule.probes.items():
        for name in vantages:
            ctx.check_stop()
            ctx.progress(f"asking {system} from {name}")
            key = f"detect:{system}:{probe}:{name}"
            before = [kept for kept in ctx.records.readings(key, limit=_LOOKED_BACK) if kept.run != ctx.run]
            reading = _ask(question, name, ctx)
            asked.append(reading)
            found.setdefault(probe, {})[str(name)] = [_seen(ctx.clock.now(), reading), *(_seen(k.at, k.reading) for k in before)]
            keep(key, reading, before, ctx)
    return found


def _once(vantages: Sequence[HostName], ctx: StepContext) -> Iterator[HostName]:
    """One name for each machine. One that cannot even be named is asked nothing, which is a reading of its own."""
    met: set[str] = set()
    for name in vantages:
        known = _marks_or(name, ctx)
        if not known & met:
            yield name
        met |= known


def _marks_or(name: HostName, ctx: StepContext) -> frozenset[str]:
    try:
        return marks(name, ctx)
    except Stopped:
        raise
    except DrError:
        return frozenset({str(name)})


def _seen(at: datetime, reading: Reading) -> Seen:
    return Seen(at=at, answer=_READS.get(reading.state, "unknown"))


def _ask(question: DetectionProbe, name: HostName, ctx: StepContext) -> Reading:
    """Whole: it answers. Lost: it does not. Unknown: the vantage could not ask, which is not the system's fault."""
    try:
        result = _inquired(question, name, ctx)
    except Stopped:
        if ctx.stop.is_set():
            raise
        return Reading(state="unknown", words="the vantage did not come to an end")
    except DrError as error:
        return Reading(state="unknown", words=visible(error.message))
    state = "whole" if result.passed and result.examined > 0 else "lost"
    return Reading.from_facts(
        {"state": state, "halves": [Half(name=name, state="whole" if state == "whole" else "lost").to_facts()]}
    ).model_copy(update={"words": visible(result.summary)})


def _inquired(question: DetectionProbe, name: HostName, ctx: StepContext) -> CheckResult:
    check: Any = ctx.check(question.check)
    if not isinstance(check, Probe):
        raise ConfigError(f"'{question.check}' looks at a restored system")
    params = check.params.from_facts(question.with_)
    if ctx.inventory.hosts[name].kind == "local":
        return check.probe(params, ctx)
    host = ctx.host(name)
    if not isinstance(host, AsksThere):
        raise ConfigError(f"host '{name}' cannot ask for us", hint="a vantage is a host of kind ssh with dr on it, or this machine")
    return host.inquire(check, params, ctx)


# ---------------------------------------------------------------- judging


def _judge(system: SystemName, rule: Detection, down: Down | None, ctx: StepContext) -> dict[str, str]:
    """What is proposed now: the outage's id, and a line for a person."""
    key, now = f"{PREFIX}{system}", ctx.clock.now()
    if down is None:
        ctx.records.close_finding(key, now, ctx.run)
        return {}
    begun = record.started if (record := ctx.records.run(ctx.run)) else now
    told = any(finding.key == key and finding.at < begun for finding in ctx.records.open_findings())
    others = [
        one for one in ctx.records.outages(open_only=True) if one.system == system and not one.exercise and one.id != _id(system, down)
    ]
    line, made = _line(system, down), dict[str, str]()
    if proposes(down, proposed=told, underway=bool(others)):
        made[_propose(system, rule, down, line, ctx).id] = f"- {line}"
    # Last: it is by this finding that the next look knows that people were told, and a run may end before they are.
    hint = f'if it is so: dr outage declare --system {system} --severity major --what "..."'
    ctx.finding(key, "critical", line, system=system, hint=hint)
    return made


def _id(system: SystemName, down: Down) -> OutageId:
    """The same row of failures is the same outage, also after a crash, and after a person dismissed it."""
    four = sha256(canonical([system, down.probe, down.since.isoformat()]))[:4]
    return OutageId(f"outage-{down.since.strftime('%Y%m%dT%H%M%SZ')}-{four}")


def _line(system: SystemName, down: Down) -> str:
    where = " and ".join(down.vantages)
    return f"{system} does not answer ('{down.probe}'): {down.failures} times in a row, asked from {where}"


def _propose(system: SystemName, rule: Detection, down: Down, line: str, ctx: StepContext) -> Outage:
    """On record first; then whoever is to hear of it is owed a word, and told. A second attempt owes and sends nothing twice."""
    state: Literal["proposed", "declared"] = "declared" if rule.declares == "itself" else "proposed"
    outage = Outage(id=_id(system, down), system=system, severity="major", what=line, state=state, began=down.since, by=BY)
    grave = outage.severity if state == "declared" else None
    entry = OutageEntry(outage=outage.id, key=state, act=state, by=BY, at=ctx.clock.now(), text=line, severity=grave)
    known = ctx.records.open_outage(outage, entry)
    ctx.failpoint("after-proposal")
    owe_words(known, ctx, ctx.clock.now())
    ctx.post.carry(known.id)
    return known


def rehearse(_params: Params, ctx: RehearseContext) -> Rehearsal:
    """Nobody is asked now."""
    asks: dict[str, JsonObject] = {name: entry.detection.to_facts() for name, entry in ctx.inventory.systems.items() if entry.detection}
    return Rehearsal((f"would ask whether {', '.join(asks)} answers" if asks else "no system says how it is detected: nothing is asked",))


ACTION = Action(
    kind="detect-outages", params=Params, facts=Facts, effect=Effect.TELLS, run=run, rehearse=rehearse, failpoints=("after-proposal",)
)
