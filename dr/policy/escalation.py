"""Who is told next of a notice, by which channel, and when one must look again. Pure: the ledger in, what to do out.

A notice that wants no acknowledgement goes to everybody, to each by the first channel that takes it. One that wants it is pursued: after
`acknowledge_within` the next channel, then the next person (their deputy; of a group that is told in turn, whoever comes next), until
somebody says that they saw it. When nobody is left it is unanswered, and begins anew. A channel that failed is followed by the next at
once; who was reached by none is tried again after longer and longer waits. Quiet hours hold back what is not critical.

A clock may run ahead and be set back. What it wrote lies ahead of now: no wait is believed that would last for more than twice its length.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from dr.model.notice_record import Delivery, Mark, Notice, NoticeState
from dr.model.notices import NoticeRules
from dr.policy.call_order import tracks
from dr.policy.gathering import of_runs
from dr.policy.quiet import Person, quiet_until
from dr.policy.words import short

LOOK = timedelta(seconds=30)
"""How soon one looks again at what another process is sending."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Send:
    """One message to one person by one channel, now."""

    contact: str
    channel: int
    mark: Mark
    why: str


@dataclass(frozen=True)
class Waiting:
    """Somebody for whom there is nothing to do until then, and why."""

    contact: str
    until: datetime
    what: str


@dataclass(frozen=True)
class Decision:
    sends: tuple[Send, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    state: NoticeState = "owed"
    round: int = 0
    due: datetime | None = None
    """When one must look again; None: never, it is over."""


@dataclass(frozen=True)
class _Stand:
    """How it stands with one person in this round: one of the first four, or passed on at that time."""

    send: Send | None = None
    wait: Waiting | None = None
    reached: bool = False
    """Told, and no more is wanted of them."""
    silent: bool = False
    """Reached by no channel, though each was tried: whoever comes after them is not kept waiting."""
    passed: datetime | None = None


@dataclass
class _Walk:
    sends: list[Send] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    passed: list[datetime] = field(default_factory=list)
    tracks: int = 0
    ended: int = 0
    met: int = 0


def decide(
    notice: Notice, people: Sequence[Person], everybody: Mapping[str, Person], rules: NoticeRules, now: datetime, *, resumed: bool = False
) -> Decision:
    """`people`: whom it is meant for, in order. `everybody`: those too who may stand in. `resumed`: it was just begun anew."""
    if notice.answered or notice.digest:
        return Decision(state=notice.state, round=notice.round)
    if not people:  # somebody may yet be given that name
        due = now + timedelta(seconds=rules.again) if notice.severity == "critical" else None
        return Decision(state="nobody", round=notice.round, due=due)
    others = everybody if notice.channel is None else {}  # nobody stands in for the test of a channel
    walk = _walk(notice, tracks(people, others, now, together=told_together(notice, rules)), rules, now)
    if notice.acknowledge and walk.ended == walk.tracks and walk.passed and not walk.sends and not walk.waiting:
        return _unanswered(notice, people, everybody, rules, now, max(walk.passed), resumed=resumed)
    dues = [now] if walk.sends else [waiting.until for waiting in walk.waiting]
    return Decision(tuple(walk.sends), tuple(walk.waiting), _state(notice, walk), notice.round, min(dues, default=None))


def told_together(notice: Notice, rules: NoticeRules) -> bool:
    """All at once; else one after the other."""
    if not notice.acknowledge or notice.to in rules.together:
        return True
    return notice.severity == "critical" and notice.to not in rules.in_turn


# ---------------------------------------------------------------- how far it is


def _walk(notice: Notice, beside: Sequence[Sequence[Person]], rules: NoticeRules, now: datetime) -> _Walk:
    walk = _Walk(tracks=len(beside))
    mine = _by_contact(notice.deliveries)
    claimed = {claim.contact for claim in notice.claims}
    for track in beside:
        _go(notice, track, mine, claimed, rules, now, walk)
    return walk


def _go(
    notice: Notice,
    track: Sequence[Person],
    deliveries: Mapping[str, Sequence[Delivery]],
    claimed: AbstractSet[str],
    rules: NoticeRules,
    now: datetime,
    walk: _Walk,
) -> None:
    """Along one track, as far as it may be gone now."""
    for one in track:
        if one.name in claimed:
            walk.waiting.append(Waiting(one.name, now + LOOK, "is being told now"))
            return
        stand = _stand(notice, one, deliveries.get(one.name, ()), rules, now)
        if stand.reached:
            walk.met, walk.ended = walk.met + 1, walk.ended + 1
            return
        if stand.send:
            walk.sends.append(stand.send)
        if stand.wait:
            walk.waiting.append(stand.wait)
        if stand.passed:
            walk.passed.append(stand.passed)
        elif not stand.silent:
            return
    walk.ended += 1


def _by_contact(deliveries: Sequence[Delivery]) -> dict[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        found.setdefault(delivery.contact, []).append(delivery)
    return found


def _stand(notice: Notice, one: Person, ever: Sequence[Delivery], rules: NoticeRules, now: datetime) -> _Stand:
    """With one person whom nobody is telling just now."""
    reached = _reached(notice, ever)
    every = (notice.run is not None or of_runs(notice)) and not notice.acknowledge  # a run's own story goes by every channel
    if reached and not notice.acknowledge and not (every and all(delivery.round == notice.round for delivery in ever)):
        return _Stand(reached=True)
    tried, why = [delivery for delivery in ever if delivery.round == notice.round], ""
    for channel in _channels(notice, one):
        last = next((delivery for delivery in reversed(tried) if delivery.channel == channel), None)
        if last is None:
            return _propose(notice, one, channel, ever, why or _first_why(notice), now)
        if last.state == "unknown":
            return _propose(notice, one, channel, ever, "it is unknown whether it left: who sent it ended too soon", now)
        if last.state == "delivered" and notice.acknowledge:
            ends = _ends(last.at, rules.acknowledge_within, now)
            if now < ends:
                return _Stand(wait=Waiting(one.name, ends, f"was told by channel {channel + 1}; time to acknowledge until"))
            why = f"not acknowledged within {short(rules.acknowledge_within)}"
        elif last.state == "failed":
            why = f"channel {channel + 1} failed"
    if reached and not notice.acknowledge:
        return _Stand(reached=True)
    answers = [_ends(delivery.at, rules.acknowledge_within, now) for delivery in tried if delivery.state == "delivered"]
    return _Stand(passed=max(answers)) if answers else _again(notice, one, tried, ever, rules, now)


def _ends(at: datetime, wait: float, now: datetime) -> datetime:
    """When a wait ends that began then; long ago, where it began further ahead of now than it is long: by a clock that ran ahead."""
    span = timedelta(seconds=wait)
    return at + span if at <= now + span else _LONG_AGO


def _reached(notice: Notice, deliveries: Sequence[Delivery]) -> bool:
    """As it is now: what they were told before it became more severe does not count."""
    return any(delivery.state == "delivered" and delivery.round >= (notice.raised or 0) for delivery in deliveries)


def _channels(notice: Notice, one: Person) -> Sequence[int]:
    return range(one.channels) if notice.channel is None else (notice.channel,)


def _first_why(notice: Notice) -> str:
    if notice.raised is not None and notice.raised == notice.round:
        return "it is more severe than before"
    return "nobody had acknowledged it" if notice.round and notice.acknowledge else ""


def _again(notice: Notice, one: Person, tried: Sequence[Delivery], ever: Sequence[Delivery], rules: NoticeRules, now: datetime) -> _Stand:
    """No channel took it: the one whose wait ends first is tried again, until each has had all of its tries."""
    due: list[tuple[datetime, int]] = []
    for channel in _channels(notice, one):
        failed = [delivery for delivery in tried if delivery.channel == channel and delivery.state == "failed"]
        if failed and len(failed) <= len(rules.retry):
            due.append((_ends(failed[-1].at, rules.retry[len(failed) - 1], now), channel))
    if not due:
        return _Stand(silent=True, passed=max((delivery.at for delivery in tried), default=now))
    at, channel = min(due)
    if at > now:
        return _Stand(silent=True, wait=Waiting(one.name, at, f"no channel reached them; channel {channel + 1} is tried again"))
    return replace(_propose(notice, one, channel, ever, "tried again: no channel had reached them", now), silent=True)


def _propose(notice: Notice, one: Person, channel: int, ever: Sequence[Delivery], why: str, now: datetime) -> _Stand:
    """Unless it is night for them."""
    until = None if notice.severity == "critical" else quiet_until(one, now)
    if until is not None:
        return _Stand(wait=Waiting(one.name, until, "is left alone in the quiet hours"))
    return _Stand(send=Send(one.name, channel, _mark(notice, channel, ever), why))


def _mark(notice: Notice, channel: int, ever: Sequence[Delivery]) -> Mark:
    before = [delivery for delivery in ever if delivery.channel == channel]
    if not before:
        return ""
    if any(delivery.round == notice.round for delivery in before) or not notice.acknowledge:
        return "raised" if notice.raised == notice.round and before[-1].round < notice.round else "repeat"
    return "raised" if notice.raised == notice.round else "again"


# ---------------------------------------------------------------- where it ends


def _unanswered(
    notice: Notice,
    people: Sequence[Person],
    everybody: Mapping[str, Person],
    rules: NoticeRules,
    now: datetime,
    ended: datetime,
    *,
    resumed: bool,
) -> Decision:
    """Everybody was told by everything, and nobody said that they saw it: begun anew after a while, a critical one for ever."""
    if notice.channel is not None or (notice.severity != "critical" and notice.round + 1 >= rules.rounds):
        return Decision(state="unanswered", round=notice.round)
    anew = _ends(ended, rules.again, now)
    if now < anew or resumed:
        waiting = Waiting(notice.to, max(anew, now + LOOK), "nobody acknowledged; all are told again")
        return Decision(waiting=(waiting,), state="unanswered", round=notice.round, due=waiting.until)
    again = notice.model_copy(update={"round": notice.round + 1})
    return replace(decide(again, people, everybody, rules, now, resumed=True), state="unanswered")


def _state(notice: Notice, walk: _Walk) -> NoticeState:
    """Never better than what was delivered, to those who had their turn."""
    if not notice.deliveries:
        return "owed"
    by = _by_contact(notice.deliveries)
    reached = {name for name, all_of in by.items() if _reached(notice, all_of)}
    if not notice.acknowledge:
        if walk.met == walk.tracks:
            return "delivered"
        return "partial" if reached else "owed" if not _tried_and_failed(by, reached) else "failed"
    if not reached:
        return "failed"
    return "partial" if _tried_and_failed(by, reached) else "delivered"


def _tried_and_failed(by: Mapping[str, Sequence[Delivery]], reached: AbstractSet[str]) -> bool:
    return any(name not in reached for name in by)
