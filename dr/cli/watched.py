"""A watched run in words: its steps, the clock, and what a person should know or do."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from dr.cli.show import MARKS, coloured, paragraph, wrapped
from dr.clock import local
from dr.units import show_duration, show_size, visible

if TYPE_CHECKING:
    from dr.app.watching import Stage, Watched
    from dr.model.record import Comment

_SILENT = 15.0
"""Seconds without a sign of life from which on that is said."""
_NEAR = 600.0
"""Seconds from now within which a time of day is told to the second."""
_COMMENTS = 3
"""The newest ones, that are shown while it runs."""
_BAR = 12
"""Columns of a step's bar."""
_SIGNS = {"to come": "·", "running": "…", "done": MARKS["PASS"], "failed": MARKS["FAIL"], "skipped": "-", "cancelled": MARKS["INCOMPLETE"]}
_HEADS = {"on_failure": "because something failed:", "always": "in any case, at the end:"}


def draw(seen: "Watched", zone: str, columns: int) -> list[str]:
    """How it stands, in lines of at most `columns`."""
    what = " ".join(filter(None, [seen.system, f"from {seen.tier}" if seen.tier else ""]))
    by = f", asked for by {seen.requested_by}" if seen.requested_by else ""
    begun = f"{what + ', ' if what else ''}begun {local(seen.started, zone)}{by}"
    lines = [click.style(line, bold=True) for line in wrapped(seen.title, columns, first="▶ ", rest="  ")]
    lines += [f"  {seen.run}", *wrapped(begun, columns, first="  ", rest="  "), ""]
    section = "steps"
    for stage in seen.stages:
        if stage.section != section:
            section = stage.section
            lines.append(click.style(f"  {_HEADS[section]}", dim=True))
        lines.append(_cut(stage_line(stage, _wide(seen)), columns))
    lines.append("")
    return [*lines, *objective(seen, zone, columns), *standing(seen, zone, columns)]


def _wide(seen: "Watched") -> int:
    return max((len(_name(stage)) for stage in seen.stages), default=0)


def _name(stage: "Stage") -> str:
    return stage.step if stage.phase in ("", stage.step) else f"{stage.step} ({stage.phase})"


def stage_line(stage: "Stage", wide: int = 0) -> str:
    sign = coloured(_SIGNS[stage.state], {"done": "done", "failed": "failed", "cancelled": "amber"}.get(stage.state, ""))
    again = f"x{stage.attempt}" if stage.attempt > 1 else ""
    words = [f"{_name(stage):<{wide}}", again, *_how_far(stage)]
    return f"  {sign} " + "  ".join(word for word in words if word)


def _how_far(stage: "Stage") -> Iterator[str]:
    if stage.state == "to come":
        yield f"budget {show_duration(stage.budget)}" if stage.budget else ""
        return
    yield show_duration(stage.took) if stage.took is not None else ""
    if stage.later:
        yield coloured(f"failed; again in {stage.later}", "amber")
    elif stage.state == "running":
        yield from _counting(stage)
    elif stage.what:
        yield _one_line(stage.what)


def _counting(stage: "Stage") -> Iterator[str]:
    if stage.done is not None:
        of = show_size if stage.unit == "bytes" else "{:,}".format
        if stage.total:
            share = min(1.0, stage.done / stage.total)
            yield "█" * round(share * _BAR) + "░" * (_BAR - round(share * _BAR)) + f" {share * 100:3.0f} %"
        yield of(stage.done) + (f" of {of(stage.total)}" if stage.total else "")
        if stage.rate and stage.unit == "bytes":
            yield f"{show_size(int(stage.rate))}/s"
        if stage.rest is not None and stage.rest >= 1:
            yield f"{show_duration(stage.rest)} left"
    if stage.budget_left is not None:
        over = stage.budget_left < 0
        left = f"OVER BUDGET by {show_duration(-stage.budget_left)}" if over else f"budget left {show_duration(stage.budget_left)}"
        yield coloured(left, "red", bold=True) if over else left
    if stage.heard is not None and stage.heard > _SILENT:
        yield coloured(f"no sign of life for {show_duration(stage.heard)}", "amber")
    if stage.what:
        yield _one_line(stage.what)


def objective(seen: "Watched", zone: str, columns: int) -> list[str]:
    """The clock: what has passed, what is left, when a user will be back, and when it is too late."""
    said, word = _objective(seen, zone)
    mark = f"  {MARKS[word]} " if word else "  "
    return [coloured(line, word, bold=True) if word else line for line in wrapped(said, columns, first=mark, rest="    ")]


def _objective(seen: "Watched", zone: str) -> tuple[str, str]:
    """In words, and in which colour."""
    passed = f"elapsed {show_duration(seen.elapsed)}"
    if seen.objective is None or seen.deadline is None:
        return passed, ""
    goal = f"of {show_duration(seen.objective)}"
    if seen.usable is not None:
        return f"{passed}; usable again after {show_duration(seen.usable)} {goal}: the clock has stopped", ""
    if seen.left is None:
        return f"{passed} {goal}", ""
    missed = _clock(seen.deadline, seen.at, zone)
    if seen.left < 0:
        return f"{passed}; the objective {goal} was MISSED at {missed}, {show_duration(-seen.left)} ago", "red"
    back = f"back about {_clock(seen.back, seen.at, zone)}" if seen.back else "when it will be back cannot be said yet"
    if seen.kind == "recovery":
        back = f"{_not_open(seen)}{back}"
    return f"{passed} {goal}, {show_duration(seen.left)} left; {back}; the objective is missed at {missed}", "amber" if seen.late else ""


def _not_open(seen: "Watched") -> str:
    """What was restored and proved helps nobody yet."""
    if any(stage.action == "open" and stage.state == "done" for stage in seen.stages):
        return "open, not looked at as a user would; "
    return f"not open yet; the clock runs; {'waits for approval; ' if seen.waiting else ''}"


def _clock(at: datetime, now: datetime, zone: str) -> str:
    """`07:25`; with its day where that is not today; to the second where it is near."""
    there, here = (one.astimezone(ZoneInfo(zone)) for one in (at, now))
    day = "" if there.date() == here.date() else "%a "
    return there.strftime(day + ("%H:%M:%S" if abs((at - now).total_seconds()) < _NEAR else "%H:%M"))


def standing(seen: "Watched", zone: str, columns: int) -> Iterator[str]:
    """What a person should know or do: a warning, a pause, a question, that nobody carries it, what others noted."""
    if seen.warning:
        yield from _marked(f"warned: {seen.warning}", columns)
    if not seen.carried:
        yield from _marked(f"interrupted, nobody carries it now; go on with: dr runs resume {seen.run}", columns)
    if seen.paused_by and seen.paused_since:
        since = local(seen.paused_since, zone)
        yield from _marked(f"paused by {seen.paused_by} since {since}; go on with: dr runs unpause {seen.run}", columns)
    for question in seen.waiting:
        who = f"somebody other than {question.not_by}" if question.not_by else "anybody"
        yield from _marked(f"{question.step} waits for {who}, until {local(question.until, zone)}:", columns)
        for line in question.instructions.splitlines():
            yield from paragraph(line, columns, indent="      ")
        yield f"      {question.typed}"
        yield "      or, to refuse, the same with --deny"
    yield from noted(seen.comments[-_COMMENTS:], zone, columns)


def noted(comments: "Sequence[Comment]", zone: str, columns: int) -> Iterator[str]:
    """What people noted, when and who."""
    for one in comments:
        yield from wrapped(f"{local(one.at, zone)}, {one.by}: {' '.join(one.text.split())}", columns, first="  » ", rest="    ")


def _marked(text: str, columns: int) -> Iterator[str]:
    for line in wrapped(text, columns, first=f"  {MARKS['amber']} ", rest="    "):
        yield coloured(line, "amber")


def _cut(line: str, columns: int) -> str:
    """Of a step's line the words come last and are cut first; one that has a colour in what would be cut is left whole."""
    plain = click.unstyle(line)
    if len(plain) < columns:
        return line
    spare = len(plain) - columns + 2
    return line[:-spare] + "…" if "\033" not in line[-spare:] else plain[: columns - 2] + "…"


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))
