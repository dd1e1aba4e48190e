"""Who is asked to take a duty, in which order, and why not the others. Pure.

Asked are offices that no loss touches, whose people who are there have the skills that the duty needs. First come those in their hours,
then those with room left, then those that nobody must get to know again, then the duty's own order, then the least loaded. Nobody is left
out for being asleep, full, or just back: better asleep than unheld.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dr.model.base import OfficeName
from dr.model.duty import Board, PassedOver
from dr.model.inventory import Duty
from dr.policy.roster import Roster, is_away, is_open, load_of, present


@dataclass(frozen=True)
class Candidate:
    """An office that can be asked. `rank`: lower is sooner. `later`: what moved it behind its place in the order, if anything did."""

    office: OfficeName
    reasons: tuple[str, ...]
    rank: tuple[bool, bool, bool, int, int]
    later: str = ""


@dataclass(frozen=True)
class Candidates:
    """Everybody there is: in the order in which they are asked, and those who are not."""

    able: tuple[Candidate, ...]
    passed: tuple[PassedOver, ...]

    @property
    def behind(self) -> tuple[PassedOver, ...]:
        """Who is not the first to be asked though the order would have had it so, or not at all."""
        later = (PassedOver(office=each.office, why=f"comes later: {each.later}") for each in self.able[1:] if each.later)
        return (*self.passed, *later)


def candidates(roster: Roster, board: Board, duty: str, affected: Mapping[str, str]) -> Candidates:
    """Every office of the roster is in exactly one of the two."""
    able, passed = [], []
    said = board.of(duty)
    before = {str(each.office): each for each in (said.passed if said else ())}
    for office in _order(roster, roster.duties[duty]):
        why = affected.get(office) or (before[office].why if office in before else _unable(roster, board, duty, office))
        if why:
            passed.append(PassedOver(office=OfficeName(office), why=why))
        else:
            able.append(_candidate(roster, board, duty, office))
    return Candidates(tuple(sorted(able, key=lambda each: each.rank)), tuple(passed))


def _order(roster: Roster, duty: Duty) -> tuple[str, ...]:
    """Whoever holds it in normal times, the succession, all others."""
    named = (duty.office, *duty.succession, *roster.offices)
    return tuple(dict.fromkeys(name for name in named if name in roster.offices))


def _unable(roster: Roster, board: Board, duty: str, office: str) -> str:
    """Why an office cannot hold a duty though nothing happened to it; nothing where it can."""
    here = present(roster, board, office)
    if not here:
        away = [person.name for name, person in roster.people.items() if person.office == office and is_away(board, name)]
        return f"nobody is there: {', '.join(away)} away" if away else "no contact belongs to it"
    missing = [skill for skill in roster.duties[duty].needs if not _having(roster, here, skill)]
    return f"nobody there has {' or '.join(missing)}{_would(roster, board, office, missing)}" if missing else ""


def _would(roster: Roster, board: Board, office: str, missing: list[str]) -> str:
    """Who would have it, but is away."""
    away = [
        person.name
        for name, person in roster.people.items()
        if person.office == office and is_away(board, name) and set(missing) & set(person.skills)
    ]
    return f" ({', '.join(away)} away)" if away else ""


def _having(roster: Roster, contacts: tuple[str, ...], skill: str) -> tuple[str, ...]:
    return tuple(roster.people[name].name for name in contacts if skill in roster.people[name].skills)


def _candidate(roster: Roster, board: Board, duty: str, office: str) -> Candidate:
    wanted = roster.duties[duty]
    carried = load_of(roster, board, office, without=duty)
    capacity = roster.offices[office].capacity
    awake = is_open(roster, office, board.at)
    room = capacity is None or carried + wanted.load <= capacity
    stranger = any(each.office == office for each in board.returned)
    carries = _carries(carried, wanted.load, capacity)
    asleep = () if awake else ("it is outside its hours now",)
    back = ("it is just back from being lost",) if stranger else ()
    reasons = (_place(wanted, office), *_skills(roster, board, wanted, office), *asleep, carries, *back)
    later = " and ".join((*asleep, *(() if room else (carries,)), *back))
    return Candidate(OfficeName(office), reasons, (not awake, not room, stranger, _position(wanted, office), carried), later)


def _position(duty: Duty, office: str) -> int:
    named = list(dict.fromkeys((duty.office, *duty.succession)))
    return named.index(office) if office in named else len(named)


def _place(duty: Duty, office: str) -> str:
    if office == duty.office:
        return "it holds it in normal times"
    if office not in duty.succession:
        return "not in its succession, but able"
    return f"in place {duty.succession.index(office) + 1} of {len(duty.succession)} of its succession"


def _skills(roster: Roster, board: Board, duty: Duty, office: str) -> Iterator[str]:
    here = present(roster, board, office)
    for skill in duty.needs:
        yield f"{skill}: {', '.join(_having(roster, here, skill))}"


def _carries(carried: int, more: int, capacity: int | None) -> str:
    if capacity is None:
        return f"it would carry {carried + more}"
    over = ", which is more than it can" if carried + more > capacity else ""
    return f"it would carry {carried + more} of {capacity}{over}"
