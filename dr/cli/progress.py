"""What a person sees while a run goes on: on a terminal the steps with a moving line, in a pipe one line an event. To stderr, always."""

import shutil
import sys
import threading
import time

import click

from dr.cli.show import MARKS, coloured
from dr.model.record import Progress
from dr.units import show_duration, show_size

_PIPE_EVERY = 5.0
"""Seconds between two signs of life of one step in a pipe."""


class Watcher:
    """Call it with every Progress of a run; any thread may."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._lock = threading.Lock()
        self._begun: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._rates: dict[str, tuple[float, int]] = {}
        self._open = False

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            getattr(self, "_" + progress.event.replace("-", "_"))(progress)

    def _line(self, text: str) -> None:
        if self._open:
            click.echo("\r\033[K", err=True, nl=False)
            self._open = False
        click.echo(text, err=True)

    def _run_started(self, p: Progress) -> None:
        self._line(coloured(f"▶ {p.what or p.run}", "", bold=True) + f"  ({p.run})")

    def _started(self, p: Progress) -> None:
        self._begun[p.step] = time.monotonic()
        self._rates.pop(p.step, None)
        if not self._live:
            self._line(f"  … {p.step}")

    def _working(self, p: Progress) -> None:
        now = time.monotonic()
        quiet = 0.1 if self._live else _PIPE_EVERY
        if now - self._last.get(p.step, 0.0) < quiet:
            return
        self._last[p.step] = now
        text = f"  … {p.step}: {p.what}{self._amount(p, now)}{self._budget(p)}"
        if self._live:
            click.echo("\r\033[K" + text[: shutil.get_terminal_size().columns - 1], err=True, nl=False)
            self._open = True
        else:
            self._line(text)

    def _amount(self, p: Progress, now: float) -> str:
        if p.done is None:
            return ""
        if p.unit != "bytes":
            return f"  {p.done}/{p.total}" if p.total else f"  {p.done}"
        since, had = self._rates.setdefault(p.step, (now, p.done))
        rate = f"  {show_size(int((p.done - had) / (now - since)))}/s" if now - since > 0.5 else ""
        whole = f" of {show_size(p.total)}" if p.total else ""
        return f"  {show_size(p.done)}{whole}{rate}"

    def _budget(self, p: Progress) -> str:
        if not p.budget:
            return ""
        left = p.budget - (p.elapsed or 0.0)
        words = f"budget left {show_duration(left)}" if left >= 0 else f"OVER BUDGET by {show_duration(-left)}"
        return "  " + (words if left >= 0 else coloured(words, "red", bold=True))

    def _took(self, p: Progress) -> str:
        begun = self._begun.get(p.step)
        return f"  {show_duration(time.monotonic() - begun)}" if begun is not None else ""

    def _done(self, p: Progress) -> None:
        self._line(coloured(f"  {MARKS['PASS']} {p.step}", "done") + self._took(p) + (f"  {p.what}" if p.what else ""))

    def _failed(self, p: Progress) -> None:
        self._line(coloured(f"  {MARKS['FAIL']} {p.step}", "failed", bold=True) + self._took(p) + (f"  {p.what}" if p.what else ""))

    def _skipped(self, p: Progress) -> None:
        self._line(f"  - {p.step}  skipped" + (f"  {p.what}" if p.what else ""))

    def _retry(self, p: Progress) -> None:
        self._line(coloured(f"  ↻ {p.step}", "amber") + f"  {p.what}")

    def _run_ended(self, p: Progress) -> None:
        self._line(f"  {p.what}" if p.what else "")
