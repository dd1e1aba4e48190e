"""What a person sees while a run goes on: on a terminal the ended steps above one moving line for each that works, in a pipe one line an
event. To stderr, always.

The run does not hang on whoever reads it: a pipe that broke or a terminal that is gone is not written to, and one that takes nothing just
now (Ctrl-S, a full pipe) is not waited for.
"""

import contextlib
import os
import select
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO
from zoneinfo import ZoneInfo

import click

from dr.cli.show import MARKS, coloured, marked, paragraph, wrapped
from dr.model.base import RunId
from dr.model.record import Progress
from dr.units import show_duration, show_size, visible

_LIVE_EVERY = 0.1
_PIPE_EVERY = 5.0
"""Seconds between two signs of life of one step, on a terminal and in a pipe."""
_SAME_EVERY = 180.0
"""In a pipe, where a step says the same again and counts nothing: it waits, and the line again and again helps nobody."""
_NEAR = 600.0
"""Seconds from now within which a time of day is told to the second."""
_PATIENCE = 0.3
"""Seconds for which a reader that takes nothing is waited for, once."""
_UNSAID = 500
"""Lines that are kept for such a reader, the last ones."""
_WORDS = 24
"""Columns that a moving line keeps for its words."""
_RATE_AFTER = 0.5
"""Seconds of work before a rate means something."""
_TYPED = " runs approve "
"""In a line that somebody copies."""
_SHARE = 0.02
"""Of the whole that must be done before the rest is foreseen."""


@dataclass
class _Rate:
    """Since when a step has been counting, and from what."""

    since: float
    had: int
    last: int
    total: int | None


class Watcher:
    """Call it with every Progress of a run; any thread may."""

    def __init__(
        self,
        out: TextIO | None = None,
        *,
        live: bool | None = None,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`live`: whether lines may move; None finds out whether `out` (stderr) is a terminal that can."""
        self._out = out or sys.stderr
        self._live = live if live is not None else self._out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._columns, self._now = columns, now
        self._lock = threading.Lock()
        self._begun: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._said: dict[str, str] = {}
        self._rates: dict[str, _Rate] = {}
        self._moving: dict[str, str] = {}
        self._drawn = 0
        self._unsaid: deque[str] = deque(maxlen=_UNSAID)
        self._deaf = False
        self._hinted: set[tuple[str, str]] = set()
        self._interrupted: set[RunId] = set()
        self._taken_up: set[RunId] = set()
        self._zone = "UTC"

    def live_in(self, zone: str) -> None:
        """The zone in which its times are read."""
        self._zone = zone

    def expect(self, interrupted: Collection[RunId]) -> None:
        """Runs that were interrupted and may be taken up beside the one that is asked for: that is said, and their lines bear their id."""
        self._interrupted |= set(interrupted)

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            if progress.run in self._interrupted:
                progress = self._of_another(progress)
            getattr(self, "_" + progress.event.replace("-", "_"))(progress)

    def _of_another(self, p: Progress) -> Progress:
        if p.run not in self._taken_up:
            self._taken_up.add(p.run)
            self._print(f"taking up {p.run}, which was interrupted")
        if p.event == "run-ended":
            return p.model_copy(update={"what": f"{p.run}: {p.what}"})
        return p.model_copy(update={"step": f"{p.run} {p.step}"})

    # ------------------------------------------------------------ events

    def _run_started(self, p: Progress) -> None:
        self._print(click.style(f"▶ {visible(p.what) or p.run}", bold=True) + f"  ({p.run})")

    def _started(self, p: Progress) -> None:
        self._begun[p.step] = self._now()
        self._rates.pop(p.step, None)
        self._move(p.step, f"  … {p.step}", [])

    def _working(self, p: Progress) -> None:
        now = self._now()
        same = p.done is None and self._said.get(p.step) == p.what
        if p.step in self._last and now - self._last[p.step] < (_LIVE_EVERY if self._live else _SAME_EVERY if same else _PIPE_EVERY):
            return
        self._last[p.step], self._said[p.step] = now, p.what
        amount, rest = self._amount(p, now)
        self._move(p.step, f"  … {p.step}: {_one_line(p.what)}", [*amount, *self._budget(p, rest), *self._objective(p)])

    def _late(self, p: Progress) -> None:
        """The objective will be missed: said once, before it is, and to stay."""
        self._print(coloured(f"  {MARKS['amber']} {p.step}: ", "amber", bold=True) + _one_line(p.what))

    def _waiting(self, p: Progress) -> None:
        """A person is asked: what, until when, and what to type; whole and to stay. On a terminal as it is written, line by line; what is
        to be typed is not broken, since it is copied."""
        head = coloured(f"  {MARKS['amber']} {p.step} waits for a person: ", "amber", bold=True)
        if not self._live:
            self._print(head + _one_line(p.what))
            return
        wide = self._columns()
        lines = [
            piece
            for line in p.what.splitlines()
            for piece in ([f"      {line}"] if _TYPED in line else paragraph(line, wide, indent="      "))
        ]
        self._print("\n".join([head.rstrip(), *lines]))

    def _done(self, p: Progress) -> None:
        self._settle(p, coloured(f"{MARKS['PASS']} {p.step}", "done"), "")

    def _failed(self, p: Progress) -> None:
        """Of a list of reasons its head; the run's end says the whole, once. Its hint at once: it may be mended before the end."""
        first = p.model_copy(update={"what": p.what.partition(":\n")[0]})
        self._settle(first, coloured(f"{MARKS['FAIL']} {p.step}", "failed", bold=True), "failed")

    def _skipped(self, p: Progress) -> None:
        self._settle(p, f"- {p.step}", "skipped")

    def _retry_later(self, p: Progress) -> None:
        self._print(coloured(f"  ↻ {p.step}", "amber") + f"  again in {_one_line(p.what)} (Ctrl-C is safe: `dr runs resume` goes on)")

    def _retry(self, p: Progress) -> None:
        self._print(coloured(f"  ↻ {p.step}", "amber") + "  again, now")
        self._move(p.step, f"  … {p.step}", [])

    def _run_ended(self, p: Progress) -> None:
        self._moving.clear()
        self._print("  " + (marked(p.what) if p.what in MARKS else visible(p.what)) if p.what else "")

    # ------------------------------------------------------------ words

    def _amount(self, p: Progress, now: float) -> tuple[list[str], float | None]:
        """How far it is, how fast and for how much longer; and the seconds that the rest takes at that rate, where that can be said."""
        if p.done is None:
            return [], None
        rate = self._rate(p, p.done, now)
        of, per = (show_size, show_size(int(rate or 0)) + "/s") if p.unit == "bytes" else (lambda n: f"{n:,}", "")
        whole = f" of {of(p.total)}" if p.total else ""
        speed = [per] if rate and per else []
        told = p.total and p.done - self._rates[p.step].had >= _SHARE * p.total
        rest = max(0, p.total - p.done) / rate if rate and p.total and told else None
        left = [f"{show_duration(rest)} left"] if rest is not None and rest >= 1 else []
        return [*speed, f"{of(p.done)}{whole}", *left], rest

    def _rate(self, p: Progress, done: int, now: float) -> float | None:
        """Units a second, since this count began; one that falls back or changes its total has begun anew."""
        seen = self._rates.get(p.step)
        if seen is None or done < seen.last or p.total != seen.total:
            self._rates[p.step] = _Rate(now, done, done, p.total)
            return None
        seen.last = done
        passed = now - seen.since
        return (done - seen.had) / passed if passed > _RATE_AFTER and done > seen.had else None

    def _budget(self, p: Progress, rest: float | None) -> list[str]:
        if not p.budget:
            return []
        left = p.budget - (p.elapsed or 0.0)
        if left < 0:
            return [coloured(f"OVER BUDGET by {show_duration(-left)}", "red", bold=True)]
        late = (
            [coloured(f"▲ late by {show_duration(rest - left)} at this rate", "amber", bold=True)]
            if rest is not None and rest > left
            else []
        )
        return [f"budget left {show_duration(left)}", *late]

    def _objective(self, p: Progress) -> list[str]:
        """While a drill's clock runs: when a user will be back, as far as can be seen, and until when that is in time."""
        if p.deadline is None:
            return []
        until = f"objective until {self._clock(p.deadline, p.at)}"
        back = f"back about {self._clock(p.back, p.at)}, {until}" if p.back else until
        return [coloured(f"▲ {back}", "amber", bold=True) if p.late else back]

    def _clock(self, at: datetime, now: datetime) -> str:
        """`07:25`; with its day where that is not today; to the second where it is near."""
        there, here = (one.astimezone(ZoneInfo(self._zone)) for one in (at, now))
        day = "" if there.date() == here.date() else "%a "
        return there.strftime(day + ("%H:%M:%S" if abs((at - now).total_seconds()) < _NEAR else "%H:%M"))

    def _settle(self, p: Progress, head: str, word: str) -> None:
        """A step's last line. On a terminal a long message is wrapped below it; in a pipe an event stays one line."""
        begun = self._begun.get(p.step)
        took = show_duration(self._now() - begun) if begun is not None and p.event in ("done", "failed") else word
        said, hint = _one_line(p.what), self._new_hint(p)
        self._moving.pop(p.step, None)
        line = f"  {head}  {took}".rstrip()
        if not self._live:
            self._print("  ".join(filter(None, [line, said, hint])))
            return
        beside = len(click.unstyle(line)) + len(said) + 2 <= self._columns()
        lines = [f"{line}  {said}".rstrip()] if beside else [line, *wrapped(said, self._columns(), first="      ", rest="      ")]
        self._print("\n".join([*lines, *wrapped(hint, self._columns(), first="      ", rest="            ")]))

    def _new_hint(self, p: Progress) -> str:
        """A failure's hint, the first time that the step gives it."""
        if not p.hint or (p.step, p.hint) in self._hinted:
            return ""
        self._hinted.add((p.step, p.hint))
        return f"HINT: {_one_line(p.hint)}"

    # ------------------------------------------------------------ lines

    def _move(self, step: str, head: str, tail: list[str]) -> None:
        """Where the line is too long its words are cut; then the numbers go, the first first: the last ones matter most."""
        if not self._live:
            self._print("  ".join([head, *tail]))
            return
        most = self._columns() - 1
        while tail and _wide(tail) > most - _WORDS:
            tail = tail[1:]
        room = most - _wide(tail)
        self._moving[step] = "  ".join([head if len(head) <= room else head[: room - 1] + "…", *tail])
        self._print()

    def _print(self, text: str | None = None) -> None:
        """Write a line that stays (or nothing), and the moving ones again below it."""
        if text is not None:
            self._unsaid.append(text)
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more: that is no fault of the run's
            if self._is_heard():
                self._write()

    def _write(self) -> None:
        erase = f"\033[{self._drawn}A\r\033[J" if self._drawn else ""
        self._drawn = 0
        if erase:
            self._out.write(erase)  # not by click, which takes it for a colour
        while self._unsaid and self._is_heard():
            click.echo(self._unsaid[0] + "\n", file=self._out, nl=False, color=None)
            self._unsaid.popleft()
        moving = list(self._moving.values()) if self._live and not self._unsaid else []
        self._drawn = len(moving)
        click.echo("".join(line + "\n" for line in moving), file=self._out, nl=False, color=None)
        self._out.flush()

    def _is_heard(self) -> bool:
        """Whether what is written now is taken; what is no file of the system's always takes it."""
        try:
            taking = select.poll()
            taking.register(self._out.fileno(), select.POLLOUT)
        except (OSError, ValueError):
            return True
        self._deaf = not taking.poll(0 if self._deaf else _PATIENCE * 1000)
        return not self._deaf


def _wide(tail: list[str]) -> int:
    return sum(2 + len(click.unstyle(piece)) for piece in tail)


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))
