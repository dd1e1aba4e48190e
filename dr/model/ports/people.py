"""Notices and evidence, as a step asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from dr.model.base import JsonObject, RunId, StrictModel
from dr.model.notice_record import Notice
from dr.model.record import Severity

if TYPE_CHECKING:
    from dr.model.ports.step import StepContext


@dataclass(frozen=True)
class Telling:
    """A notice to be written: who, by which template, about what. The body is rendered from the run's own facts."""

    to: str
    template: str
    severity: Severity = "info"
    note: str = ""
    acknowledge: bool = False
    """Pursued until somebody says that they saw it: see `Notice.acknowledge`."""
    question: str = ""
    """What whoever reads it is asked, in a sentence; empty where nobody is."""
    until: datetime | None = None
    """And until when an answer counts."""


class Notifier(Protocol):
    def tell(self, telling: Telling, ctx: StepContext) -> Notice:
        """Ledger first, then every channel; the state is never better than what was delivered. `owed`: it waits to be told in one with
        what other runs tell."""
        ...


@dataclass(frozen=True)
class Word:
    """A notice that no run's story is behind: about an outage, a duty, a contact's own channel."""

    id: str
    """Stable: the same word owed twice is one notice."""
    to: str
    template: str
    story: StrictModel
    """The fields that its template may use, typed and named: no client's data can enter one."""
    severity: Severity = "info"
    outage: str | None = None
    acknowledge: bool = False
    exercise: bool = False
    channel: int | None = None
    """The only channel that it is to go by: a test of it."""


@dataclass(frozen=True)
class Carried:
    """What one round of carrying did: the notices that it touched, as they are now, and when the next one is due."""

    notices: tuple[Notice, ...] = ()
    next: datetime | None = None


class Post(Protocol):
    """Notices outside of runs: owed first, carried as often as it takes, by whoever comes by (a command, a timer, an outage's run)."""

    def owe(self, word: Word) -> Notice:
        """Into the ledger, sent to nobody yet. Safe to repeat."""
        ...

    def carry(self, outage: str | None = None) -> Carried:
        """Send what is due now (of one outage, or all), every person's channels beside the others', each result recorded before the next.

        Who acknowledged, and who was reached by what needs no acknowledgement, is left alone; two who carry at once tell nobody twice.
        """
        ...


class Reporter(Protocol):
    def write(self, run: RunId, ctx: StepContext) -> JsonObject:
        """Write the evidence of a run (signed JSON, one HTML page); gives back `{json, html, sha256, verdict}`."""
        ...
