"""How ready a system is: per tier its newest copy, its proof, its last drill; red, amber or green, with the reasons in words.

Green is earned, never the default: a tier is green only if it has a proven copy, an RPO within the objective and a passed drill within
its target. Nothing looked at is red.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dr.model.backup import Copy, at_least
from dr.model.base import Seconds, SystemName
from dr.model.exercise import MADE_OUT
from dr.model.forecast import TierForecast
from dr.model.inventory import Objective, SystemEntry
from dr.model.notice_record import Notice
from dr.model.readiness import Colour, DrillFact, NightFact, Readiness, Reason, TierReadiness, worst
from dr.model.record import Finding
from dr.policy.words import short, spoken

PROOF_IS_STALE = timedelta(days=35)
"""A monthly drill may slip by a weekend; a proof older than this is amber, unless the inventory says otherwise for its tier."""
OWED_TOO_LONG = timedelta(minutes=15)
CLOCK_TOLERANCE = timedelta(minutes=5)


def readiness(
    system: SystemName,
    entry: SystemEntry,
    copies: Sequence[Copy],
    drills: Sequence[DrillFact],
    findings: Sequence[Finding],
    notices: Sequence[Notice],
    now: datetime,
    night: NightFact | None = None,
    forecasts: Sequence[TierForecast] = (),
    written: Mapping[str, str] | None = None,
) -> Readiness:
    """Judge one system. `copies` and `findings` of other systems are ignored (findings of none count); `drills` are this system's.

    `findings` are the open ones, `notices` the ledger's latest; all in any order. `night`: the last run of the
    system's nightly runbook that is over, None if there was none; only judged where the system names such a runbook.
    `forecasts` are shown with their tiers; a breach that they foresee is judged by its finding. `written`: every runbook and host of
    the home as `dr.model.written` tells them, for whether the last drills still stand; None: that is not asked.
    """
    own = [c for c in copies if c.system == system]
    names = sorted({*entry.objectives.tiers, *entry.retention})
    foreseen = {one.tier: one for one in forecasts}
    judged = [_tier(name, entry, own, drills, now, written) for name in names]
    tiers = tuple(tier.model_copy(update={"forecast": foreseen.get(tier.tier)}) for tier in judged)
    newest = newest_good(own, now)
    reasons = (*_proof_reasons(own, names), *_night_reasons(entry, night, now), *noticed(system, findings, notices, now))
    return Readiness(
        system=system,
        at=now,
        colour=worst((*(r.colour for r in reasons), *(t.colour for t in tiers))),
        reasons=reasons,
        rpo=_loss(newest, now),
        rpo_objective=entry.objectives.rpo,
        tiers=tiers,
    )


def _tier(
    name: str,
    entry: SystemEntry,
    copies: Sequence[Copy],
    drills: Sequence[DrillFact],
    now: datetime,
    written: Mapping[str, str] | None,
) -> TierReadiness:
    own = [c for c in copies if c.tier == name]
    newest, proven = newest_good(own, now), _newest_proven(own, now)
    held = [d for d in drills if d.tier == name]
    drill = max((d for d in held if d.ended <= now + CLOCK_TOLERANCE), key=lambda d: (d.ended, d.run), default=None)
    objective = entry.objectives.tiers.get(name)
    reasons = (
        *_copy_reasons(own, newest, entry.objectives.rpo, now),
        *_proven_reasons(proven, valid_for(entry, name), now),
        *_drill_reasons(drill, objective, valid_for(entry, name), now),
        *_ahead_reasons(held, now),
        *(_amber(f"needs a drill: {what}") for what in changed_since(drill, written)),
    )
    return TierReadiness(
        tier=name,
        colour=worst(tuple(r.colour for r in reasons)),
        reasons=reasons,
        copies=len(own),
        newest=newest.set if newest else None,
        level=newest.level if newest else None,
        instant=newest.as_of if newest else None,
        rpo=_loss(newest, now),
        proven=proven.set if proven else None,
        proven_at=proven.proven_at if proven else None,
        drill=drill,
        rto_objective=objective.rto if objective else None,
        rto_target=objective.target if objective else None,
    )


def valid_for(entry: SystemEntry, tier: str) -> timedelta:
    """How long a proof of that tier stands for what is there now."""
    said = entry.objectives.proof_valid.get(tier)
    if said is None:
        return PROOF_IS_STALE
    try:
        return timedelta(seconds=said)
    except OverflowError:
        return timedelta.max


def changed_since(drill: DrillFact | None, written: Mapping[str, str] | None) -> list[str]:
    """What the last drill rested on and is written otherwise now, in words; nothing where it failed or never was: then that is said."""
    if drill is None or drill.verdict == "FAIL" or written is None:
        return []
    found = []
    for named, digest in sorted(drill.rests_on.items()):
        noun, _, name = named.partition(" ")
        if named not in written:
            found.append(f"{noun} '{name}', by which the last one was done, is there no more")
        elif written[named] != digest:
            found.append(f"{noun} '{name}' was changed since the last one")
    return found


def newest_good(copies: Sequence[Copy], now: datetime) -> Copy | None:
    """What would come back: intact or better, undamaged, not shrunken, and not dated ahead of now."""
    good = [c for c in copies if at_least(c.level, "intact") and not c.damaged and not c.shrunken and c.instant <= now + CLOCK_TOLERANCE]
    return max(good, key=lambda c: (*c.age_order, c.set, c.repository), default=None)


def _newest_proven(copies: Sequence[Copy], now: datetime) -> Copy | None:
    """Not one that is dated ahead of now: it would be the newest, and its proof fresh, until that day comes."""
    until = now + CLOCK_TOLERANCE
    proven = [c for c in copies if c.level == "proven" and not c.damaged and c.instant <= until and (c.proven_at or now) <= until]
    return max(proven, key=lambda c: (c.instant, c.set, c.repository), default=None)


def _loss(newest: Copy | None, now: datetime) -> Seconds | None:
    return Seconds(max(0.0, (now - newest.as_of).total_seconds())) if newest else None


def _red(text: str) -> Reason:
    return Reason(colour="red", text=text)


def _amber(text: str) -> Reason:
    return Reason(colour="amber", text=text)


def _green(text: str) -> Reason:
    return Reason(colour="green", text=text)


def _proof_reasons(copies: Sequence[Copy], tiers: Sequence[str]) -> list[Reason]:
    if not tiers:
        return [_red("no tier is named, so nothing can be judged")]
    if not any(c.level == "proven" and not c.damaged for c in copies):
        return [_red("no proven copy at all: nothing was ever restored and compared, or what was is gone")]
    return []


def _night_reasons(entry: SystemEntry, night: NightFact | None, now: datetime) -> list[Reason]:
    """Old copies stay good for a while after the nights began to fail: so the nights are looked at themselves."""
    runbook = entry.runbooks.nightly
    if runbook is None:
        return []
    if night is None:
        return [Reason(colour="amber", text="the nightly was never run here", hint=f"dr run {runbook}")]
    when, show = f"{spoken((now - night.ended).total_seconds())} ago", f"dr runs show {night.run}"
    if night.verdict == "FAIL":
        at = f" at {', '.join(night.failed)}" if night.failed else ""
        return [Reason(colour="red", text=f"the last nightly failed{at}, {when} ({night.run})", hint=show)]
    if night.verdict == "INCOMPLETE":
        return [Reason(colour="amber", text=f"the last nightly is incomplete, {when} ({night.run})", hint=show)]
    return _silence_reasons(entry, night, now, show)


def _silence_reasons(entry: SystemEntry, night: NightFact, now: datetime, show: str) -> list[Reason]:
    silence = (now - night.began).total_seconds()
    if night.began > now + CLOCK_TOLERANCE:
        return [Reason(colour="amber", text=f"the last nightly is dated ahead of now: a clock is or was wrong ({night.run})", hint=show)]
    if silence > entry.objectives.rpo:
        words = f"the nightly is overdue: the last one began {spoken(silence)} ago, the objective is {short(entry.objectives.rpo)}"
        return [Reason(colour="amber", text=words, hint=f"is its timer on? By hand: dr run {entry.runbooks.nightly}")]
    return []


def _copy_reasons(copies: Sequence[Copy], newest: Copy | None, rpo: float, now: datetime) -> list[Reason]:
    if newest is None:
        return [_red(_none_good(copies))]
    loss, age = (now - newest.as_of).total_seconds(), spoken((now - newest.as_of).total_seconds())
    words = f"the newest good copy is {age} old, the objective is {short(rpo)}"
    reasons = [_red(f"RPO exceeded: {words}") if loss > rpo else _green(words), *_newer_but_not_good(copies, newest, now)]
    damaged = sum(c.damaged for c in copies)
    return reasons + ([_amber(f"{damaged} damaged " + ("copy" if damaged == 1 else "copies"))] if damaged else [])


def _none_good(copies: Sequence[Copy]) -> str:
    """All that there is of it, in one line."""
    damaged = sum(c.damaged for c in copies)
    stored = [f"{len(copies) - damaged} stored and not verified"] if damaged < len(copies) else []
    if not copies:
        return "no copy"
    if not stored:
        return "no good copy: its only copy is damaged" if damaged == 1 else f"no good copy: all {damaged} copies are damaged"
    return f"no good copy ({', '.join([*stored, *([f'{damaged} damaged'] if damaged else [])])})"


def _newer_but_not_good(copies: Sequence[Copy], newest: Copy, now: datetime) -> list[Reason]:
    if any(c.instant > now + CLOCK_TOLERANCE for c in copies):
        return [_amber("a copy is dated ahead of now: a clock is wrong")]
    newer = [c for c in copies if c.age_order > newest.age_order and not c.damaged]
    if any(c.shrunken for c in newer):
        return [_amber("the newest copy is much smaller than the one before it, so it does not count as good")]
    return [_amber("the newest copy is not verified yet")] if newer else []


def _proven_reasons(proven: Copy | None, valid: timedelta, now: datetime) -> list[Reason]:
    if proven is None:
        return [_amber("no copy here is proven")]
    if proven.proven_at is None or now - proven.proven_at > valid:
        age = spoken((now - proven.proven_at).total_seconds()) if proven.proven_at else "an unknown time"
        return [_amber(f"needs a drill: the newest proof is stale: {age} old, {short(valid.total_seconds())} at most")]
    return [_green(f"proven {spoken((now - proven.proven_at).total_seconds())} ago")]


def _drill_reasons(drill: DrillFact | None, objective: Objective | None, valid: timedelta, now: datetime) -> list[Reason]:
    if drill is None:
        return [_amber("never drilled")]
    when = f"{spoken((now - drill.ended).total_seconds())} ago"
    if drill.verdict == "FAIL":
        return [Reason(colour="red", text=f"the last drill failed, {when} ({drill.run})", hint=f"dr runs show {drill.run}")]
    if drill.verdict == "INCOMPLETE":
        return [_amber(f"the last drill is incomplete, {when} ({drill.run})")]
    stale = [_amber(f"the last drill was {when}")] if now - drill.ended > valid else []
    return [_rto_reason(drill.rto, objective), *stale]


def _ahead_reasons(held: Sequence[DrillFact], now: datetime) -> list[Reason]:
    """Of a drill that a wrong clock dated: it would outlast every later one, those that fail as well, until that day comes."""
    ahead = [d.run for d in held if d.ended > now + CLOCK_TOLERANCE]
    return [_amber(f"a drill does not count, since it is dated ahead of now: a clock is or was wrong ({max(ahead)})")] if ahead else []


def _rto_reason(rto: float | None, objective: Objective | None) -> Reason:
    if objective is None:
        return _amber("no RTO objective to judge the drill by")
    if rto is None:
        return _amber("the last drill passed but measured no RTO")
    took = f"the last drill passed in {spoken(rto)}"
    if rto > objective.rto:
        return _red(f"{took}: over the objective of {short(objective.rto)}")
    if objective.target is not None and rto > objective.target:
        return _amber(f"{took}: within the objective of {short(objective.rto)}, over the target of {short(objective.target)}")
    return _green(f"{took}, the objective is {short(objective.rto)}")


def noticed(system: SystemName | None, findings: Sequence[Finding], notices: Sequence[Notice], now: datetime) -> tuple[Reason, ...]:
    """What speaks against a system (None: against each) beside its own copies, drills and nights; the worst of both is its colour."""
    return (*_finding_reasons(system, findings), *_notice_reasons(notices, now))


def _finding_reasons(system: SystemName | None, findings: Sequence[Finding]) -> list[Reason]:
    own = sorted((f for f in findings if f.system in (None, system)), key=lambda f: (f.at, f.key))
    shades: dict[str, Colour] = {"critical": "red", "warning": "amber"}
    return [Reason(colour=shades[f.severity], text=f.message) for f in own if f.severity in shades]


def _notice_reasons(notices: Sequence[Notice], now: datetime) -> list[Reason]:
    """An undelivered message counts until a later one, to the same people or by the same template, shows that the way works again. One
    that an exercise kept from arriving says nothing of the way."""
    latest: dict[str, Notice] = {}
    counted = [n for n in notices if not any(delivery.detail == MADE_OUT for delivery in n.deliveries)]
    for notice in sorted(counted, key=lambda n: (n.created, n.id)):
        latest[notice.to] = notice
    delivered = [n for n in notices if n.state == "delivered"]
    standing = [n for n in latest.values() if not any(d.template == n.template and d.created > n.created for d in delivered)]
    return [reason for notice in sorted(standing, key=lambda n: n.to) for reason in _notice_reason(notice, now)]


def _held(notice: Notice, now: datetime) -> bool:
    """By the quiet hours, or until the flood is told in one."""
    return bool(notice.digest) or (notice.due is not None and notice.due > now)


def _notice_reason(notice: Notice, now: datetime) -> list[Reason]:
    when = f"{spoken((now - notice.created).total_seconds())} ago"
    if notice.state == "nobody":
        return [_red(f"a notice to {notice.to} reached nobody, {when}: no contact or group has that name")]
    if notice.state == "failed":
        return [_red(f"a notice to {notice.to} was not delivered, {when}")]
    if notice.state == "partial":
        return [_amber(f"a notice to {notice.to} reached only some of them, {when}")]
    if notice.state == "unanswered" and notice.channel is None and not notice.exercise:
        return [_red(f"a notice to {notice.to} was acknowledged by nobody, {when}")]
    if notice.state == "owed" and now - notice.created > OWED_TOO_LONG and not _held(notice, now):
        return [_red(f"a notice to {notice.to} is still owed, {when}")]
    return []
