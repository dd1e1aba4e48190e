"""What did not go as the plan has it in an exercise, in words, each with what to do about it. Pure.

Grave is what on a real day would have left a duty with nobody, or everybody without a word. The rest is what one learns from.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dr.model.base import OfficeName
from dr.model.duty_events import Turn, Withdraw
from dr.model.exercise import Gap, Scenario, Scorecard
from dr.model.notice_record import Notice
from dr.policy.roster import Roster
from dr.units import show_duration


@dataclass(frozen=True)
class Seen:
    """What is on record of an exercise."""

    roster: Roster
    card: Scorecard
    notices: Sequence[Notice]
    turns: Sequence[Turn]
    played: Scenario | None = None

    @property
    def reached(self) -> set[str]:
        return {str(person.contact) for person in self.card.people if person.reached is not None}

    def name(self, contact: str) -> str:
        return self.roster.people[contact].name if contact in self.roster.people else contact

    def office(self, office: OfficeName) -> str:
        return self.roster.office_title(office)

    def is_away(self, contact: str) -> bool:
        return self.played is not None and contact in self.played.away

    def is_down(self, contact: str, channel: int) -> bool:
        """As the scenario has it."""
        return self.played is not None and any((each.contact, each.channel) == (contact, channel) for each in self.played.down)


def gaps(seen: Seen) -> Iterator[Gap]:
    """The worst first: that nobody knows, duties that nobody holds, people who do not know, then what took long."""
    found = [*_told(seen), *_unheld(seen), *_unanswered(seen), *_unreached(seen), *_channels(seen), *_late(seen), *_offices(seen)]
    yield from sorted(found, key=lambda gap: not gap.grave)


def _unheld(seen: Seen) -> Iterator[Gap]:
    for said in seen.turns[-1].board.assignments if seen.turns else ():
        title, asked = seen.roster.duty_title(said.duty), said.asked
        if said.state == "unheld":
            text = f"nobody holds {title}: no office was left to ask"
            yield _grave(text, "let another office learn it, and write its skills into inventory/contacts.yaml; dr doctor")
        elif said.state == "proposed" and asked is not None and asked.accepted:
            text = f"nobody holds {title}: {seen.office(asked.office)} accepted, and the store of claims has not answered"
            yield _grave(text, "bring the store back: dr repositories check")
        elif said.state == "proposed" and asked is not None:
            text = f"nobody holds {title} yet: {seen.office(asked.office)} is asked"
            yield _grave(text, f"ask {seen.office(asked.office)} what kept them from answering; dr duties --exercise")


def _told(seen: Seen) -> Iterator[Gap]:
    if seen.card.first_notice is None:
        yield _grave("nobody was told anything", "mend the channels, then try each: dr contacts check")
    elif seen.card.first_acknowledgement is None:
        yield _grave("nobody said that they saw anything", "let everybody practise it: dr contacts check, then dr ack CODE")
    for notice in seen.notices:
        if notice.state == "nobody":
            text = f"nothing was sent to {notice.to}: no contact or group has that name"
            yield _grave(text, "write them into inventory/contacts.yaml; dr check")


def _unanswered(seen: Seen) -> Iterator[Gap]:
    """What nobody could answer, since nobody had it, is said already."""
    for notice in seen.notices if seen.reached else ():
        alone = notice.to in seen.roster.people
        if not notice.acknowledge or notice.answered or notice.digest or (alone and seen.is_away(notice.to)):
            continue
        if not alone:
            text = f"nobody of {notice.to} said that they saw '{notice.subject}'"
            yield _grave(text, f"add somebody to {notice.to} who answers, or a deputy: inventory/contacts.yaml")
        elif notice.to in seen.reached:
            yield _small(f"{seen.name(notice.to)} did not say that they saw it", f"ask them why; dr contacts check {notice.to}")


def _unreached(seen: Seen) -> Iterator[Gap]:
    for person in seen.card.people:
        if person.reached is None and seen.card.first_notice is not None:
            text = f"{seen.name(person.contact)} was not reached by any channel"
            how = f"give {person.contact} another channel (inventory/contacts.yaml), then: dr contacts check {person.contact}"
            yield _small(text, how)


def _channels(seen: Seen) -> Iterator[Gap]:
    """What failed though the person was reached by something else: it would have been missed on a worse day. What was played is no gap."""
    works = {(each.contact, each.channel) for notice in seen.notices for each in notice.deliveries if each.state == "delivered"}
    for each in (each for notice in seen.notices for each in notice.deliveries):
        here = (each.contact, each.channel)
        if each.state == "delivered" or each.contact not in seen.reached or here in works or seen.is_down(*here):
            continue
        text = f"channel {each.channel + 1} of {seen.name(each.contact)} ({each.scheme}) failed"
        yield _small(text, f"mend it, then: dr contacts check {each.contact}")


def _late(seen: Seen) -> Iterator[Gap]:
    for measure in seen.card.measures:
        if measure.took is not None and not measure.within:
            text = f"{measure.what} took {show_duration(measure.took)}; {show_duration(measure.expected)} is what was meant ({measure.why})"
            yield _small(text, "look where the time went: dr outage show, dr notices")


def _offices(seen: Seen) -> Iterator[Gap]:
    """Offices that were asked in vain."""
    for turn in seen.turns:
        for each in turn.transitions:
            if isinstance(each, Withdraw) and each.why.startswith(("refused", "was silent")):
                text = f"{seen.office(each.office)}, asked for {seen.roster.duty_title(each.duty)}, {each.why}"
                yield _small(text, "if it were so on a real day too, ask another first: succession in inventory/duties.yaml")


def _grave(text: str, following: str) -> Gap:
    return Gap(text=text, next=following, grave=True)


def _small(text: str, following: str) -> Gap:
    return Gap(text=text, next=following, grave=False)
