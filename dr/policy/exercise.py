"""How well an exercise went, from what is on record afterwards: the messages with their outcomes, and every turn of its duties. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from dr.model.base import ContactName, Instant, Seconds
from dr.model.duty import Assignment
from dr.model.duty_events import Ask, Assign, Lost, Release, Turn
from dr.model.exercise import DutyScore, Gap, Measure, PersonScore, Scenario, Scorecard
from dr.model.notice_record import Notice
from dr.model.notices import NoticeRules
from dr.policy.exercise_gaps import Seen, gaps
from dr.policy.roster import Roster

PROMISED = Seconds(60.0)
"""Within which whoever is owed a message is told."""
_USUAL = NoticeRules()


def score(
    roster: Roster,
    began: Instant,
    notices: Sequence[Notice],
    turns: Sequence[Turn],
    *,
    played: Scenario | None = None,
    rules: NoticeRules = _USUAL,
    seek: Callable[[Seen], Iterable[Gap]] = gaps,
) -> Scorecard:
    """`began`: when it was declared, on the real clock, as the messages are timed; `turns` are timed by the hour that was played.

    `notices`, `turns`: of this exercise only. `played`: what was made out to be so, and is no gap. `seek` looks for the gaps.
    """
    duties = _duties(roster, turns, played)
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
    card = card.model_copy(update={"measures": tuple(_measures(roster, card, rules, notices))})
    found = seek(Seen(roster, card, notices, turns, played))
    return card.model_copy(update={"gaps": tuple(dict.fromkeys(found))})


def _since(began: datetime, at: datetime | None) -> Seconds | None:
    return Seconds(max(0.0, (at - began).total_seconds())) if at is not None else None


def _last(times: Sequence[Seconds | None]) -> Seconds | None:
    """The latest; None where there is none, or where one of them has not come."""
    known = [each for each in times if each is not None]
    return max(known) if known and len(known) == len(times) else None


def _answered(notice: Notice) -> datetime | None:
    return min((each.at for each in notice.acknowledgements), default=None) if notice.answered else None


# ------------------------------------------------------------ duties


def _duties(roster: Roster, turns: Sequence[Turn], played: Scenario | None) -> tuple[DutyScore, ...]:
    """Every duty that somebody lost or was asked for."""
    moved = [each.duty for turn in turns for each in turn.transitions if isinstance(each, Release | Ask)]
    return tuple(_duty(roster, turns, said, played) for said in (turns[-1].board.assignments if turns else ()) if said.duty in moved)


def _duty(roster: Roster, turns: Sequence[Turn], said: Assignment, played: Scenario | None) -> DutyScore:
    lost = next((turn.board.at for turn in turns if isinstance(turn.event, Lost)), turns[0].board.at)
    began = played.at if played is not None else lost
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
        asked=any(notice.acknowledge and any(each.contact == name for each in notice.deliveries) for notice in notices),
        reached=_since(began, min(reached, default=None)),
        acknowledged=_since(began, min(seen, default=None)),
    )


# ------------------------------------------------------------ what was meant


def _measures(roster: Roster, card: Scorecard, rules: NoticeRules, notices: Sequence[Notice]) -> Iterator[Measure]:
    yield Measure(what="first notice", took=card.first_notice, expected=PROMISED, why="everybody who is owed a word has it then")
    if any(notice.acknowledge for notice in notices):
        why = "then the next channel or person is tried"
        yield Measure(what="first acknowledgement", took=card.first_acknowledgement, expected=rules.acknowledge_within, why=why)
    if card.duties:
        slowest = Seconds(max(_within(roster, each.duty) for each in card.duties))
        why = "by then an office that is asked has answered"
        yield Measure(what="full assignment", took=card.full_assignment, expected=slowest, why=why)


def _within(roster: Roster, duty: str) -> float:
    own = roster.duties[duty].accept_within if duty in roster.duties else None
    return roster.failover.accept_within if own is None else own
