"""In which order people are told: as the group has them, who is away last, and who stands in beside whom they stand in for. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from dr.policy.quiet import Person, away


def tracks(people: Sequence[Person], everybody: Mapping[str, Person], now: datetime, *, together: bool) -> list[list[Person]]:
    """Each track is gone along one person after the other; the tracks beside each other. Everybody is in one of them, and once."""
    there = sorted(people, key=lambda one: away(one, now) and _present_deputy(one, everybody, now) is None)
    own = {one.name for one in people}
    seen: set[str] = set()
    found = [[one for one in _seat(person, everybody, now) if _wanted(one.name, person.name, own, seen)] for person in there]
    return found if together else [[one for track in found for one in track]]


def _wanted(name: str, seat: str, own: set[str], seen: set[str]) -> bool:
    """Who has a seat of their own sits there; who stands in for several does it for the first."""
    if name == seat:
        return True
    new = name not in own and name not in seen
    seen.add(name)
    return new


def _seat(one: Person, everybody: Mapping[str, Person], now: datetime) -> Iterator[Person]:
    """They and who stands in for them, or the other way round while they are away."""
    deputies = list(_deputies(one, everybody))
    if away(one, now):
        deputies = [deputy for deputy in deputies if not away(deputy, now)]
        yield from deputies
        yield one  # a message to somebody on a journey is better than none
    else:
        yield one
        yield from sorted(deputies, key=lambda deputy: away(deputy, now))


def _deputies(one: Person, everybody: Mapping[str, Person]) -> Iterator[Person]:
    """One stands in for the other, until it goes in a circle."""
    seen, name = {one.name}, one.deputy
    while name is not None and name not in seen and name in everybody:
        seen.add(name)
        yield everybody[name]
        name = everybody[name].deputy


def _present_deputy(one: Person, everybody: Mapping[str, Person], now: datetime) -> Person | None:
    return next((deputy for deputy in _deputies(one, everybody) if not away(deputy, now)), None)
