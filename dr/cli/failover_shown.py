"""A failover that goes on elsewhere, on a screen: what it waits for, how it goes on without this terminal, each change as it comes."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from dr.cli.duty_shown import clock
from dr.cli.run import tell
from dr.cli.show import coloured, print_json, say, screen, wrapped
from dr.cli.watched import standing
from dr.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.failover_begun import Carried, Onlooker
    from dr.app.watching import Watched

_LOOK_EVERY = 0.5
_COLOURS = {"held": "green", "asked": "", "nobody": "red"}


def follow_failover(app: "App", carried: "Carried", *, exercise: bool, as_json: bool) -> NoReturn:
    """Look on until it is over; leave with its exit code. A Ctrl-C leaves it, and it goes on."""
    from dr.app import leave
    from dr.app.failover_begun import Onlooker

    say_begun(carried, " --exercise" if exercise else "")
    try:
        look_on(Onlooker(app, carried), app.inventory.organisation.zone)
    except KeyboardInterrupt:
        say(f"left; {carried.run} goes on in the background. Look again: dr duties{' --exercise' if exercise else ''}")
        leave(EXIT_INTERRUPTED)
    record = app.run_record(carried.run)
    if record.state == "running":
        say(f"what carried {carried.run} ended; what it said is in {carried.by.log}. It goes on: dr runs resume {carried.run}")
        leave(EXIT_INTERRUPTED)
    if as_json:
        print_json(app.run_facts(record.run))
    else:
        tell(app, record)
    leave(app.exit_code(record))


def say_begun(carried: "Carried", flag: str) -> None:
    """What is waited for, that nobody need stay for it, and what to type."""
    say()
    say(coloured(f"▶ {carried.run} is under way in the background", "", bold=True))
    for line in wrapped(
        "It waits until an office has accepted each duty, and asks the next where one is silent or says no. You need not stay: "
        "Ctrl-C, or closing this terminal, ends nothing.",
        screen(),
        first="  ",
        rest="  ",
    ):
        say(line)
    for head, command in (
        ("an office says yes:", f"dr office accept DUTY --office OFFICE{flag}"),
        ("or no:", f'dr office refuse DUTY --office OFFICE --because "why"{flag}'),
        ("look again:", f"dr duties{flag}"),
        ("end it unfinished:", f"dr runs cancel {carried.run}"),
    ):
        say(f"  {head:<20}{command}")
    say()


def look_on(onlooker: "Onlooker", zone: str, pause: Callable[[], None] = lambda: time.sleep(_LOOK_EVERY)) -> None:
    """Until it is over, or nobody carries it any more: a line for each change, and for each thing that a person must do."""
    said: set[str] = set()
    while True:
        alive = onlooker.carried.by.ended is None
        seen = onlooker.seen()
        for change in onlooker.fresh():
            _changed(change.kind, change.words, clock(seen.at, zone, seen.at))
        for line in _wanted(seen, zone):
            if line not in said:
                said.add(line)
                say(line)
        if seen.state != "running" or not (alive or seen.carried):
            return
        pause()


def _changed(kind: str, words: str, at: str) -> None:
    for line in wrapped(words, screen(), first=f"  {at}  ", rest=" " * 9):
        say(coloured(line, _COLOURS[kind], bold=kind == "nobody"))


def _wanted(seen: "Watched", zone: str) -> list[str]:
    return [*standing(seen, zone, screen())] if seen.carried else []
