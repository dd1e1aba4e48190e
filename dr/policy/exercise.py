"""How well an exercise went, from what is on record afterwards: the messages with their outcomes, and every turn of its duties. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from dr.model.base import ContactName, Instant, OfficeName, Seconds
from dr.model.duty import Assignment
from dr.model.duty_events import Ask, Assign, Lost, Release, Turn, Withdraw
from dr.model.exercise import DutyScore, PersonScore, Scorecard
from dr.model.record import Notice
from dr.policy.roster import Roster

PROMISED = 60.0
"""Seconds within which whoever is owed a message is told."""


def score(roster: Roster, began: Instant, notices: Sequence[Notice], turns: Sequence[Turn]) -> Scorecard:
    """`began`: when it was declared, on the real clock, as the messages are timed; `turns` are timed by the hour that was played.

    `notices`, `turns`: of this exercise only.
    """
    duties = _duties(roster, turns)
    reached = [each.at for notice in notices for each in notice.deliveries if each.state == "delivered"]
    seen = [each.at for notice in notices for each in notice.acknowledgements]
    people = _people(began, notices)
    card = Scorecard(
        began=began,
        first_notice=_since(began, min(reached, default=None)),
        first_acknowledgement=_since(began, min(seen, default=None)),
        full_assignment=_last([each.after for each in duties]),
        all_acknowledged=_last([_since(began, _answered(notice)) for notice in notices if notice.acknowledge]),
        duties=duties,
        people=people,
    )
    return card.model_copy(update={"gaps": tuple(dict.fromkeys(_gaps(roster, card, notices, turns)))})


def _since(began: datetime, at: datetime | None) -> Seconds | None:
    return Seconds(max(0.0, (at - began).total_seconds())) if at is not None else None


def _last(times: Sequence[Seconds | None]) -> Seconds | None:
    """The latest; None where there is none, or where one of them has not come."""
    known = [each for each in times if each is not None]
    return max(known) if known and len(known) == len(times) else None


def _answered(notice: Notice) -> datetime | None:
    return min((each.at for each in notice.acknowledgements), default=None) if notice.answered else None


# ------------------------------------------------------------ duties


def _duties(roster: Roster, turns: Sequence[Turn]) -> tuple[DutyScore, ...]:
    """Every duty that somebody lost or was asked for."""
    moved = [each.duty for turn in turns for each in turn.transitions if isinstance(each, Release | Ask)]
    return tuple(_duty(roster, turns, said) for said in (turns[-1].board.assignments if turns else ()) if said.duty in moved)


def _duty(roster: Roster, turns: Sequence[Turn], said: Assignment) -> DutyScore:
    began = next((turn.board.at for turn in turns if isinstance(turn.event, Lost)), turns[0].board.at)
    held = [turn.board.at for turn in turns for each in turn.transitions if isinstance(each, Assign) and each.duty == said.duty]
    asked = [each.office for turn in turns for each in turn.transitions if isinstance(each, Ask) and each.duty == said.duty]
    after = _since(began, held[-1]) if said.state == "held" and held else None
    return DutyScore(duty=said.duty, title=roster.duty_title(said.duty), office=said.office, after=after, asked=tuple(dict.fromkeys(asked)))


# ------------------------------------------------------------ people


def _people(began: datetime, notices: Sequence[Notice]) -> tuple[PersonScore, ...]:
    """Whoever a message was sent to, or who said that they saw one."""
    told = [each.contact for notice in notices for each in notice.deliveries]
    names = dict.fromkeys([*told, *(each.contact for notice in notices for each in notice.acknowledgements)])
    return tuple(_person(began, notices, name) for name in names)


def _person(began: datetime, notices: Sequence[Notice], name: str) -> PersonScore:
    reached = [each.at for notice in notices for each in notice.deliveries if each.contact == name and each.state == "delivered"]
    seen = [each.at for notice in notices for each in notice.acknowledgements if each.contact == name]
    return PersonScore(
        contact=ContactName(name),
        reached=_since(began, min(reached, default=None)),
        acknowledged=_since(began, min(seen, default=None)),
    )


# ------------------------------------------------------------ gaps


def _gaps(roster: Roster, card: Scorecard, notices: Sequence[Notice], turns: Sequence[Turn]) -> Iterator[str]:
    """The worst first: duties that nobody holds, people who do not know, then what took long."""
    yield from _unheld(roster, turns)
    yield from _told(roster, card, notices)
    yield from _answers(roster, turns)


def _unheld(roster: Roster, turns: Sequence[Turn]) -> Iterator[str]:
    for said in turns[-1].board.assignments if turns else ():
        title, asked = roster.duty_title(said.duty), said.asked
        if said.state == "unheld":
            yield f"nobody holds {title}: no office was left to ask"
        elif said.state == "proposed" and asked is not None and asked.accepted:
            yield f"nobody holds {title}: {_office(roster, asked.office)} accepted, and the store of claims has not answered"
        elif said.state == "proposed" and asked is not None:
            yield f"nobody holds {title} yet: {_office(roster, asked.office)} is asked"


def _told(roster: Roster, card: Scorecard, notices: Sequence[Notice]) -> Iterator[str]:
    if card.first_notice is None:
        yield "nobody was told anything"
    elif card.first_notice > PROMISED:
        yield f"the first message took {card.first_notice:.0f} s; {PROMISED:.0f} s is what was promised"
    for person in card.people:
        if person.reached is None and card.first_notice is not None:
            yield f"{_name(roster, person.contact)} was not reached by any channel"
    yield from _channels(roster, card, notices)
    for notice in notices:
        if not notice.deliveries and not notice.digest:
            yield f"nothing was sent to {notice.to}: '{notice.subject}'"
        elif notice.acknowledge and not notice.answered:
            yield f"nobody of {notice.to} said that they saw '{notice.subject}'"


def _channels(roster: Roster, card: Scorecard, notices: Sequence[Notice]) -> Iterator[str]:
    """What failed though the person was reached by something else: it would have been missed on a worse day."""
    reached = {person.contact for person in card.people if person.reached is not None}
    works = {(each.contact, each.channel) for notice in notices for each in notice.deliveries if each.state == "delivered"}
    for notice in notices:
        for each in notice.deliveries:
            if each.state != "delivered" and each.contact in reached and (each.contact, each.channel) not in works:
                yield f"channel {each.channel + 1} of {_name(roster, each.contact)} ({each.scheme}) failed"


def _answers(roster: Roster, turns: Sequence[Turn]) -> Iterator[str]:
    """Offices that were asked in vain."""
    for turn in turns:
        for each in turn.transitions:
            if isinstance(each, Withdraw) and each.why.startswith(("refused", "was silent")):
                yield f"{_office(roster, each.office)}, asked for {roster.duty_title(each.duty)}, {each.why}"


def _office(roster: Roster, office: OfficeName) -> str:
    return roster.office_title(office)


def _name(roster: Roster, contact: str) -> str:
    return roster.people[contact].name if contact in roster.people else contact
