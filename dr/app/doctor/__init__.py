"""`dr doctor`: what is not as it should be around a home, before a night or a disaster finds it. Reads, and changes nothing.

One file a part of the world, each a function from an `App` to lines; `PARTS` lists them. To add one: a function here or in a file of its
own, and its line in `PARTS`. What a runbook itself would find (damage, chains, proofs) is `dr verify` and `dr status`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from dr.app.doctor.duties import duties
from dr.app.doctor.machine import clock, programs, room
from dr.app.doctor.people import outside, people
from dr.app.doctor.places import hosts, repositories
from dr.app.doctor.records import keys, records, secrets
from dr.app.doctor.timers import timers
from dr.app.home import App
from dr.app.keys import Line
from dr.errors import DrError

PARTS: tuple[tuple[str, Callable[[App], Iterable[Line]]], ...] = (
    ("secrets", secrets),
    ("keys", keys),
    ("clock", clock),
    ("room", room),
    ("programs", programs),
    ("hosts", hosts),
    ("repositories", repositories),
    ("people", people),
    ("duties", duties),
    ("schedules", timers),
    ("outside", outside),
    ("records", records),
)


@dataclass(frozen=True)
class Examined:
    part: str
    lines: tuple[Line, ...]


def examine(app: App) -> Iterator[Examined]:
    """Every part in order. One that cannot be looked at is red, and keeps none of the others from being looked at."""
    said: set[str] = set()
    for name, look in PARTS:
        lines: list[Line] = []
        try:
            lines.extend(look(app))
        except DrError as error:
            lines.append(Line("red", f"could not be looked at: {error.message}", error.hint))
        except OSError as error:
            place = f"{error.filename}: " if isinstance(error.filename, str) else ""
            words = place + (error.strerror or type(error).__name__)
            lines.append(Line("red", f"could not be looked at: {words}", "may you look there? Run dr as the user whose home it is"))
        yield Examined(name, tuple(_once(line, said) for line in lines))


def _once(line: Line, said: set[str]) -> Line:
    """What one cause brings about in many parts has its hint once, so that the one thing to do stands out."""
    known = line.colour == "red" and line.hint in said
    said.add(line.hint)
    return replace(line, hint="") if known else line
