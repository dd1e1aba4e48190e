"""Verbs that must reach people, while a line of the inventory is wrong: they go on by what it said before, and say so loudly."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dr.cli.show import Drawn, coloured, say, screen, wrapped
from dr.clock import local
from dr.model.base import RunId

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.opening import ConfigProblems, Lapse
    from dr.model.record import Progress


def opened(
    home: str | None,
    act: str = "",
    *,
    looking: bool = False,
    watch: "Callable[[Progress], None] | None" = None,
    run: str | None = None,
    hushed: bool = False,
) -> "App":
    """The home, for a verb that goes on while its files are wrong. `act`: what is put on the trail then; empty for who only looks.

    `hushed`: nothing is said before `admit`, by whoever comes by each minute. `run`: the run that it is about, where it is about one.
    Raises ConfigError where the files are wrong, and none are kept that can be believed, or that run is more than telling and asking
    people.
    """
    from dr.app import App
    from dr.app.opening import own_up

    app = App.open(home, watch=watch or (lambda _: None), looking=looking, enduring=True)
    if app.lapse is not None and run is not None:
        app.require_whole(app.records.plan(RunId(run)))
    if not hushed:
        admit(app)
    if act:
        own_up(app, act)
    return app


def admit(app: "App") -> None:
    """Say by what it goes, where that is not what is written now."""
    if app.lapse is not None:
        warn(lapsed(app.lapse, app.inventory.organisation.zone))


def warn(lines: Iterator[Drawn]) -> None:
    for text, word in lines:
        say(coloured(text, word, bold=True) if word else text)


def lapsed(lapse: "Lapse", zone: str) -> Iterator[Drawn]:
    """What a person must know who acts by what is not written there any more."""
    yield from _said(f"{_many(lapse.problems)}. To reach people, this goes by what was right last, of {local(lapse.since, zone)}.", "amber")
    yield from _first(lapse.problems)
    yield from _said("Who was added since then is not told. Until it is mended nothing is backed up, drilled or recovered.", "")
    yield from _said("HINT: dr check shows every problem", "")


def unheard(problems: "ConfigProblems") -> Iterator[Drawn]:
    """Where an acknowledgement was taken down, and nothing is kept by which the others could be told."""
    yield from _said(f"{_many(problems)}, and nothing is kept of when it was right: those who wait were NOT told that you saw it", "red")
    yield from _first(problems)
    yield from _said("HINT: tell them yourself; dr check shows every problem", "")


def _many(problems: "ConfigProblems") -> str:
    folders = dict.fromkeys(one.file.partition("/")[0] + "/" for one in problems.problems)
    count = len(problems.problems)
    return f"{count} problem{'s' if count > 1 else ''} in {' and '.join(folders)}"


def _said(text: str, word: str) -> Iterator[Drawn]:
    first = {"amber": "▲ ", "red": "✖ "}.get(word, "   ")
    for line in wrapped(text, screen(), first=first, rest="   "):
        yield line, word


def _first(problems: "ConfigProblems") -> Iterator[Drawn]:
    """The place unbroken, so that an editor opens it."""
    one = problems.problems[0]
    place = f"{one.file}:{one.line}:{one.col}" if one.line else one.file
    yield from _said(f"{place}: {one.message}", "")
