"""A disaster to rehearse, made from a seed and the inventory: which office is lost, why, at what hour, who is away, what is down. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from dr.model.base import ContactName, Instant, OfficeName
from dr.model.duty import Absence, Board
from dr.model.exercise import DownChannel, ExerciseKind, Scenario
from dr.policy.failover import open_board
from dr.policy.roster import Roster

T = TypeVar("T")
_HOURS = (10, 2, 15, 19, 23, 8)
"""Of the day, on the organisation's clock: work, night, evening."""
_AWAY = 4
"""One of so many people."""


def scenario(roster: Roster, channels: Mapping[str, int], seed: int, kind: ExerciseKind, now: Instant, office: str = "") -> Scenario:
    """`channels`: how many each contact has; `office`: the lost one, where it is not left to the seed. The hour is one of the week that
    follows `now`'s day. Raises ValueError without an office."""
    dice = _Dice(seed)
    holding = {duty.office for duty in roster.duties.values()}
    offices: list[str] = [name for name in roster.offices if name in holding] or list(roster.offices)
    if not offices:
        raise ValueError("no office is written down, so none can be lost")
    office = office or dice.pick("office", offices)
    depends = [(name,) for name in roster.offices[office].depends]
    away = _away(roster, dice, office)
    return Scenario(
        seed=seed,
        kind=kind,
        office=OfficeName(office),
        through=dice.pick("through", [None, (), *depends]),
        at=_hour(roster, dice, now),
        away=away,
        down=_down(dice, channels, away),
    )


def stage(roster: Roster, played: Scenario) -> Board:
    """How everything stands when the exercise begins: normal times, on a board of its own, without those who are away."""
    board = open_board(roster, played.at, exercise=True)
    return board.model_copy(update={"away": tuple(Absence(contact=name) for name in played.away)})


def played_at(played: Scenario, began: Instant, now: Instant) -> Instant:
    """The hour that is played, by the real clock: what happens in an exercise is told to its board with this one."""
    return played.at + (now - began)


def told(roster: Roster, played: Scenario) -> tuple[str, ...]:
    """In words, for whoever leads the exercise."""
    here = played.at.astimezone(ZoneInfo(roster.zone))
    names = [roster.people[name].name for name in played.away if name in roster.people]
    downs = [(roster.people[each.contact].name, each.channel + 1) for each in played.down if each.contact in roster.people]
    return (
        f"It is {here:%A, %H:%M}. {roster.office_title(played.office)} is lost{_because(played)}.",
        *((f"Away: {', '.join(names)}.",) if names else ()),
        *(f"Channel {place} of {name} is down." for name, place in downs),
    )


def _because(played: Scenario) -> str:
    if played.through is None:
        return ", and nobody knows why"
    return f": {' and '.join(played.through)} failed" if played.through else ": the office only"


def _hour(roster: Roster, dice: "_Dice", now: Instant) -> Instant:
    zone = ZoneInfo(roster.zone)
    day = now.astimezone(zone).date() + timedelta(days=1 + dice.roll("day") % 7)
    minute = dice.roll("minute") % 60
    return datetime.combine(day, time(dice.pick("hour", _HOURS), minute), zone)


def _away(roster: Roster, dice: "_Dice", lost: str) -> tuple[ContactName, ...]:
    """Some, but never everybody of the offices that are left: nobody learns from that."""
    away = [name for name in roster.people if dice.roll(f"away {name}") % _AWAY == 0]
    left = [name for name, person in roster.people.items() if person.office not in (None, lost)]
    if left and set(left) <= set(away):
        away.remove(dice.pick("there", left))
    return tuple(ContactName(name) for name in away)


def _down(dice: "_Dice", channels: Mapping[str, int], away: Sequence[str]) -> tuple[DownChannel, ...]:
    """One channel of one person who is there: the first, since that is the one that is tried first."""
    having = [name for name, count in channels.items() if count > 0]
    names = [name for name in having if name not in away] or having
    return (DownChannel(contact=ContactName(dice.pick("down", names)), channel=0),) if names else ()


class _Dice:
    """Numbers that follow from a seed and a question alone: whatever else is asked, and in whatever release of Python."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def roll(self, question: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self._seed}:{question}".encode()).digest()[:8], "big")

    def pick(self, question: str, items: Sequence[T]) -> T:
        return items[self.roll(question) % len(items)]
