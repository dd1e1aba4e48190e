"""That a person saw it: by a code that is used up, recorded, told to those who were waiting, and then nobody is asked any more."""

from dataclasses import dataclass
from datetime import datetime

from dr.clock import Clock, local
from dr.errors import Refused
from dr.model.base import RunId
from dr.model.inventory import Inventory
from dr.model.notice_record import Acknowledgement, Notice
from dr.model.ports.notices import Code, Ledger
from dr.model.ports.people import Word
from dr.notify.codes import Codes, used_already
from dr.notify.post import Audit, LedgerPost
from dr.notify.proven import prove
from dr.notify.stories import AcknowledgedStory
from dr.notify.wording import unmarked

FEW = 20
"""Others who were told are told each by name that somebody saw it; more of them as the group that they are."""


@dataclass(frozen=True)
class Seen:
    """What was acknowledged, by whom, and who is told so."""

    notice: Notice
    contact: str
    others: tuple[str, ...] = ()
    """Who had it too."""
    owed: tuple[str, ...] = ()
    """The notices that tell them."""


class Book:
    """Where a code is taken down. Nobody is told: that needs no inventory, and works while there is none that can be read."""

    def __init__(self, ledger: Ledger, clock: Clock, codes: Codes, audit: Audit) -> None:
        self._ledger, self._clock, self._codes, self._audit = ledger, clock, codes, audit
        self._zone = "UTC"

    def acknowledge(self, typed: str, comment: str = "", outage: str | None = None) -> Seen:
        """Record it, and owe the others word of it, where one can. Raises Refused for a code that acknowledges nothing (any more); see
        `Codes.find`."""
        now = self._clock.now()
        code = self._codes.find(typed, now, outage, self._used)
        notice = self._ledger.notice(code.notice)
        if notice is None:
            raise Refused("the message of that code is not in the ledger any more", hint="`dr notices` shows those that are")
        after = self._ledger.amend(notice.id, lambda known: _answered(known, _one(known, code, comment, now)))
        one = _one(after, code, comment, now)
        self._record(after, one, code)
        first = next(each for each in after.acknowledgements if each.round >= (after.raised or 0))
        others, owed = self._tell(after, first) if (first.contact, after.channel) == (code.contact, None) else ((), ())
        self._codes.use(code, now, self._used)  # last: after a kill it is typed again, and does what is left
        self._audit("notice.acknowledged", notice.id, {"contact": code.contact, "channel": code.channel, "comment": comment})
        return Seen(after, code.contact, others, owed)

    def _record(self, notice: Notice, one: Acknowledgement, code: Code) -> None:
        now = self._clock.now()
        if notice.gathered:
            self._ledger.amend_gathered(notice.id, lambda member: _answered(member, one))
        self._ledger.close_finding(f"unanswered:{notice.id}", now, RunId(""))
        prove(self._ledger, code.contact, code.address, now)

    def _used(self, code: Code) -> Refused:
        """When, and by whom; whether that is all there is to do."""
        notice = self._ledger.notice(code.notice)
        said = [one for one in notice.acknowledgements if one.contact == code.contact] if notice is not None else []
        if notice is None or not said:
            return used_already(code)
        what = f"that code was used already: {self._name(code.contact)} acknowledged it, {local(said[-1].at, self._zone)}"
        if notice.answered:
            return Refused(f"{what}; nothing more to do", hint=f"all of it: dr notices show {notice.id}")
        return Refused(f"{what}; it has become more severe since", hint="take the newest message's code")

    def _name(self, contact: str) -> str:
        return contact

    def _tell(self, notice: Notice, first: Acknowledgement) -> tuple[tuple[str, ...], tuple[str, ...]]:  # noqa: ARG002
        """Who else had it, and the notices that tell them who saw it."""
        return (), ()


class Desk(Book):
    """Where codes are brought to, and whoever else was told hears who saw it."""

    def __init__(self, inventory: Inventory, ledger: Ledger, clock: Clock, codes: Codes, post: LedgerPost) -> None:
        super().__init__(ledger, clock, codes, post.audit)
        self._inventory, self._post, self._zone = inventory, post, inventory.organisation.zone

    def _name(self, contact: str) -> str:
        known = self._inventory.contacts.get(contact)
        return known.name if known else contact

    def _tell(self, notice: Notice, first: Acknowledgement) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who was told, or may have been, waits to hear whether anybody saw it."""
        others = tuple(name for name in notice.begun if name != first.contact and name in self._inventory.contacts)
        to = others if len(others) <= FEW else (notice.to,)
        words = [
            Word(
                id=f"{notice.id}:acknowledged:{notice.round}:{name}",
                to=name,
                template="acknowledged",
                story=self._story(notice, first),
                outage=notice.outage,
                exercise=notice.exercise,
            )
            for name in to
        ]
        return others, tuple(self._post.owe(word).id for word in words)

    def _story(self, notice: Notice, one: Acknowledgement) -> AcknowledgedStory:
        return AcknowledgedStory(
            organisation=self._inventory.organisation.name,
            subject=unmarked(notice.subject) if notice.exercise else notice.subject,
            by=self._name(one.contact),
            at=local(one.at, self._zone),
            comment=one.comment,
            notice=notice.id,
        )


def _one(notice: Notice, code: Code, comment: str, now: datetime) -> Acknowledgement:
    """Of the message as it is now. Raises Refused where the code came with a lesser one: looked at while nobody can raise it."""
    if code.round < (notice.raised or 0):
        raise Refused("that code is of an earlier message: it has become more severe since", hint="take the newest message's code")
    return Acknowledgement(contact=code.contact, at=now, comment=comment, channel=code.channel, round=notice.round)


def _answered(notice: Notice, one: Acknowledgement) -> Notice:
    if any((each.contact, each.round) == (one.contact, one.round) for each in notice.acknowledgements):
        return notice
    state = "delivered" if notice.state in ("unanswered", "owed") else notice.state
    return notice.model_copy(update={"acknowledgements": (*notice.acknowledgements, one), "due": None, "state": state})
