"""Notices on their way: what is due is claimed in the ledger, sent, and its outcome recorded, many people beside each other.

A claim is written before a message leaves and goes with its outcome, in one transaction that no other process is in: two who carry at once
tell nobody twice. What a process that ended had claimed may have left: it is recorded as unknown, and sent again as a repeat.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from dr.clock import Clock
from dr.errors import DrError
from dr.model.inventory import Inventory, SecretRef
from dr.model.notice_record import Claim, Delivery, Notice
from dr.model.ports.notices import Ledger
from dr.notify.alive import carrying, lives
from dr.notify.audience import audience
from dr.notify.channel import Sent, scheme_of, send_worded
from dr.notify.codes import Codes
from dr.notify.webhooks import forbidden, provider_of
from dr.notify.wording import Wording, wording
from dr.policy.escalation import Decision, Send, decide
from dr.policy.quiet import Person, person

WORKERS = 24
A_PROVIDER = 8
"""Messages on their way to one provider at a time: one that hangs keeps nobody else's from leaving."""
_AHEAD = 32
"""Claims of one notice at a time; of a big audience a fortieth. What a kill may repeat is at most these."""
_SLOW = 0.5
"""Seconds that an outcome waits for others at most, to be recorded with them; of a notice to very many, longer: see `_RESTS`."""
_RESTS = 10
"""So many times as long as it took to record outcomes of a notice, it is not done again while messages of it are on their way: of 10,000
people it takes a third of a second, and would be half of all the work."""
_LOST = "who sent it ended before it was known whether it left"
Teller = Callable[[str, Wording, Notice], Sent]
"""One message through one channel: its URL, what it says, and what it is about."""
Blocked = Callable[[Notice, Claim], str]
"""Why a message may not go by that channel, in words; empty where it may."""


GOOD_NEWS = frozenset({"outage-resolved", "redundancy-regained", "nightly-recovered", "drill-passed", "recovered"})
"""Templates of what is well again: how urgent they are is one thing, that they are not shown in an alarm's red another."""


def send_form(url: str, message: Wording, notice: Notice) -> Sent:
    return send_worded(url, message, severity=notice.severity, good=notice.template in GOOD_NEWS)


@dataclass(frozen=True)
class Errand:
    notice: Notice
    claim: Claim
    url: str
    trouble: str = ""
    """Why it cannot be sent at all."""
    code: str = ""


@dataclass
class _Round:
    """What one call is about."""

    by: str
    pool: ThreadPoolExecutor
    waiting: deque[Errand] = field(default_factory=deque)
    going: dict["Future[Delivery]", Errand] = field(default_factory=dict)
    busy: Counter[str] = field(default_factory=Counter)
    out: Counter[str] = field(default_factory=Counter)
    """Notice to how many of its messages are claimed, and not back."""
    back: dict[str, list[Delivery]] = field(default_factory=dict)
    """What came back and is not recorded yet: of many an eighth at a time."""
    since: dict[str, float] = field(default_factory=dict)
    """When the first of that came back."""
    looked: dict[str, tuple[float, float]] = field(default_factory=dict)
    """When a notice was last looked at, and how long that took."""

    def is_worth_a_look(self, notice: str) -> bool:
        if not self.out[notice]:
            return True
        last, took = self.looked.get(notice, (0.0, 0.0))
        if time.monotonic() - last < _RESTS * took:
            return False
        return time.monotonic() - self.since[notice] >= _SLOW or len(self.back[notice]) >= self.out[notice] // 8


class Carrier:
    """Sends what is due. `secret` reads a channel's URL when it is used; `codes` None: nothing can be acknowledged.

    `blocked`: what an exercise makes out to be down.
    """

    def __init__(
        self,
        inventory: Inventory,
        ledger: Ledger,
        clock: Clock,
        secret: Callable[[SecretRef], str],
        *,
        codes: Codes | None = None,
        teller: Teller = send_form,
        blocked: Blocked = lambda *_: "",
        workers: int = WORKERS,
    ) -> None:
        self._inventory, self._ledger, self._clock, self._secret = inventory, ledger, clock, secret
        self._codes, self._teller, self._blocked, self._workers = codes, teller, blocked, workers
        self._everybody = {name: person(inventory, name, contact) for name, contact in inventory.contacts.items()}

    def carry(self, notices: Sequence[str], after_send: Callable[[], None] = lambda: None, stop: Callable[[], None] = lambda: None) -> None:
        """Until nothing of these is to be sent now. `after_send` is called between a message's leaving and its record; `stop` may raise."""
        with carrying() as by, ThreadPoolExecutor(self._workers, thread_name_prefix="notices") as pool:
            now = _Round(by, pool)
            try:
                for notice in notices:
                    stop()
                    self._look(notice, (), now)
                    self._dispatch(now, after_send)
                    self._take_in({future for future in now.going if future.done()}, now)
                while now.going or now.waiting or now.back:
                    stop()
                    self._dispatch(now, after_send)
                    done, _ = wait(now.going, return_when=FIRST_COMPLETED, timeout=_SLOW)
                    self._take_in(done, now)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                self._give_up(now)
                raise

    def _take_in(self, done: set["Future[Delivery]"], now: _Round) -> None:
        """What came back is recorded, with what came back beside it; then it is decided what follows. Raises what sending raised."""
        failed = next((error for error in map(Future.exception, done) if error is not None), None)
        if failed is not None:
            raise failed
        for future in done:
            errand = now.going.pop(future)
            now.busy[provider_of(errand.url)] -= 1
            now.out[errand.notice.id] -= 1
            if errand.notice.id not in now.back:
                now.since[errand.notice.id] = time.monotonic()
            now.back.setdefault(errand.notice.id, []).append(future.result())
        for notice in [each for each in now.back if now.is_worth_a_look(each)]:
            self._look(notice, now.back.pop(notice), now)

    def _give_up(self, now: _Round) -> None:
        """What came back is recorded; what never left is nobody's any more. The rest may have left: its claim stays, and outlives us."""
        never = [*now.waiting, *(errand for future, errand in now.going.items() if future.cancelled())]
        for errand in never:
            self._ledger.amend(errand.notice.id, partial(_unclaimed, claim=errand.claim))
        for future, errand in now.going.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                now.back.setdefault(errand.notice.id, []).append(future.result())
        for notice, came_back in now.back.items():
            self._ledger.amend(notice, partial(_with, came_back=came_back))

    # ------------------------------------------------------------ what follows

    def _look(self, notice: str, came_back: Sequence[Delivery], now: _Round) -> None:
        """One transaction: outcomes in, the next decision, its claims written."""
        new: list[Claim] = []
        began = time.monotonic()

        def change(known: Notice) -> Notice:
            known, people = _without_dead(_with(known, came_back), self._clock), self._people(known)
            decision = decide(known, people, self._everybody, self._inventory.notices, self._clock.now())
            room = max(_AHEAD, len(people) // 40) - len(known.claims)
            new.extend(self._claim(send, now.by) for send in decision.sends[: max(0, room)])
            return _decided(known, decision, new)

        kept = self._ledger.amend(notice, change)
        now.looked[notice] = time.monotonic(), time.monotonic() - began
        now.out[notice] += len(new)
        now.waiting.extend(self._errands(kept, new))

    def _people(self, notice: Notice) -> list[Person]:
        return [self._everybody[name] for name in audience(self._inventory, notice.to)]

    def _claim(self, send: Send, by: str) -> Claim:
        return Claim(contact=send.contact, channel=send.channel, by=by, at=self._clock.now(), mark=send.mark, why=send.why)

    def _errands(self, notice: Notice, claims: Sequence[Claim]) -> list[Errand]:
        """With a code each, where one is wanted: the codes are kept before any message with one leaves. Where the home's key cannot be
        read, messages leave without one: that nobody can say that they saw it is better than that nobody does."""
        errands = [self._errand(notice, claim) for claim in claims]
        if not notice.acknowledge or self._codes is None or not claims:
            return errands
        try:
            return list(self._coded(notice, errands, self._codes))
        except DrError:  # each round of `dr notices carry` fails by it, and says why
            return errands

    def _coded(self, notice: Notice, errands: Sequence[Errand], codes: Codes) -> Iterator[Errand]:
        """Drawn anew where chance made one that another message has, or had: whoever typed it would answer that one."""
        expires = self._clock.now() + timedelta(seconds=self._inventory.notices.code_valid)
        while errands:
            made = [(each, *codes.make(notice, each.claim.contact, each.claim.channel, each.url, expires)) for each in errands]
            taken = set(self._ledger.record_codes([kept for _, _, kept in made]))
            yield from (replace(each, code=code) for each, code, kept in made if kept.digest not in taken)
            errands = [each for each, _, kept in made if kept.digest in taken]

    def _errand(self, notice: Notice, claim: Claim) -> Errand:
        try:
            url = self._secret(self._inventory.contacts[claim.contact].channels[claim.channel])
        except (DrError, LookupError):
            return Errand(notice, claim, "", "its address is a secret that could not be read")
        return Errand(notice, claim, url, forbidden(url, self._inventory.notices.webhooks) or self._blocked(notice, claim))

    # ------------------------------------------------------------ on its way

    def _dispatch(self, now: _Round, after_send: Callable[[], None]) -> None:
        """As many as may be on their way, none of them more than its provider is given at a time."""
        later: deque[Errand] = deque()
        while now.waiting and len(now.going) < self._workers:
            errand = now.waiting.popleft()
            provider = provider_of(errand.url)
            if now.busy[provider] >= A_PROVIDER:
                later.append(errand)
                continue
            now.busy[provider] += 1
            now.going[now.pool.submit(self._tell, errand, after_send)] = errand
        now.waiting.extendleft(reversed(later))

    def _tell(self, errand: Errand, after_send: Callable[[], None]) -> Delivery:
        claim, notice = errand.claim, errand.notice
        trouble = Sent(False, errand.trouble) if errand.trouble else None
        sent = trouble or self._teller(errand.url, wording(notice, claim.mark, errand.code), notice)
        after_send()
        earlier = sum((each.contact, each.channel) == (claim.contact, claim.channel) for each in notice.deliveries)
        return Delivery(
            contact=claim.contact,
            channel=claim.channel,
            scheme=scheme_of(errand.url),
            state="delivered" if sent.delivered else "failed",
            attempt=earlier + 1,
            at=self._clock.now(),
            detail=sent.detail,
            round=notice.round,
            mark=claim.mark,
            why=claim.why,
        )


def _with(notice: Notice, came_back: Sequence[Delivery]) -> Notice:
    if not came_back:
        return notice
    ended = {(delivery.contact, delivery.channel) for delivery in came_back}
    claims = tuple(claim for claim in notice.claims if (claim.contact, claim.channel) not in ended)
    return notice.model_copy(update={"claims": claims, "deliveries": (*notice.deliveries, *came_back)})


def _unclaimed(notice: Notice, claim: Claim) -> Notice:
    left = tuple(each for each in notice.claims if each != claim)
    return notice.model_copy(update={"claims": left, "due": claim.at})  # whoever comes by next may take it


def _without_dead(notice: Notice, clock: Clock) -> Notice:
    """What was claimed by a process that is no more may have left or not."""
    dead = [claim for claim in notice.claims if not lives(claim.by)]
    if not dead:
        return notice
    lost = [
        Delivery(
            contact=claim.contact,
            channel=claim.channel,
            scheme="unknown",
            state="unknown",
            attempt=1 + sum((each.contact, each.channel) == (claim.contact, claim.channel) for each in notice.deliveries),
            at=clock.now(),
            detail=_LOST,
            round=notice.round,
            mark=claim.mark,
            why=claim.why,
        )
        for claim in dead
    ]
    return _with(notice, lost)


def _decided(notice: Notice, decision: Decision, claims: Sequence[Claim]) -> Notice:
    """What nobody acknowledged to the end stays due, as when it was owed, until that was said aloud: see `post`."""
    names = dict.fromkeys((*notice.begun, *(claim.contact for claim in claims)))
    given_up = decision.due is None and decision.state in ("unanswered", "nobody") and notice.acknowledge and notice.channel is None
    update = {"state": decision.state, "round": decision.round, "due": notice.created if given_up else decision.due, "begun": tuple(names)}
    return notice.model_copy(update={**update, "claims": (*notice.claims, *claims)})
