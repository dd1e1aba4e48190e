"""Verbs that must reach people, while a line of the inventory is wrong: they go on by what it said before, and say so loudly."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dr.cli.show import Drawn, coloured, say, screen, wrapped
from dr.clock import local

if TYPE_CHECKING:
    from dr.app import App
    from dr.app.opening import ConfigProblems, Lapse
    from dr.model.record import Progress


def opened(home: str | None, act: str = "", *, looking: bool = False, watch: "Callable[[Progress], None] | None" = None) -> "App":
    """The home, for a verb that goes on while its files are wrong. `act`: what is put on the trail then; empty for who only looks.

    Raises ConfigError where the files are wrong and none are kept that can be believed.
    """
    from dr.app import App
    from dr.app.opening import own_up

    app = App.open(home, watch=watch or (lambda _: None), looking=looking, enduring=True)
    if app.lapse is not None:
        warn(lapsed(app.lapse, app.inventory.organisation.zone))
    if act:
        own_up(app, act)
    return app


def warn(lines: Iterator[Drawn]) -> None:
    for text, word in lines:
        say(coloured(text, word, bold=True) if word else text)


def lapsed(lapse: "Lapse", zone: str) -> Iterator[Drawn]:
    """What a person must know who acts by what is not written there any more."""
    yield from said(f"{_many(lapse.problems)}: to reach people, this goes on with what was written when all of it was right", "amber")
    yield from _first(lapse.problems)
    yield from said(f"that is of {local(lapse.since, zone)}; what was changed since then does not count: who was added is not told", "")
    yield from _hint("dr check shows every problem; until they are mended nothing is backed up, drilled or recovered")


def unheard(problems: "ConfigProblems") -> Iterator[Drawn]:
    """Where an acknowledgement was taken down, and nothing is kept by which the others could be told."""
    yield from said(f"{_many(problems)}, and nothing is kept of when it was right: those who wait were NOT told that you have it", "red")
    yield from _first(problems)
    yield from _hint("tell them yourself: dr check shows every problem")


def _many(problems: "ConfigProblems") -> str:
    folders = dict.fromkeys(one.file.partition("/")[0] + "/" for one in problems.problems)
    count = len(problems.problems)
    return f"{count} problem{'s' if count > 1 else ''} in {' and '.join(folders)}"


def said(text: str, word: str) -> Iterator[Drawn]:
    first = {"amber": "▲ ", "red": "✖ "}.get(word, "   ")
    for line in wrapped(text, screen(), first=first, rest="   "):
        yield line, word


def _first(problems: "ConfigProblems") -> Iterator[Drawn]:
    """The place unbroken, so that an editor opens it."""
    one = problems.problems[0]
    place = f"{one.file}:{one.line}:{one.col}" if one.line else one.file
    yield from said(f"{place}: {one.message}", "")


def _hint(text: str) -> Iterator[Drawn]:
    for line in wrapped(text, screen(), first="   HINT: ", rest="   "):
        yield line, ""
