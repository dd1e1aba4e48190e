"""Notices and evidence, as a step asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dr.model.base import JsonObject, RunId
from dr.model.record import (
    Notice,
    Severity,
)

if TYPE_CHECKING:
    from dr.model.ports.step import StepContext


@dataclass(frozen=True)
class Telling:
    """A notice to be written: who, by which template, about what. The body is rendered from the run's own facts."""

    to: str
    template: str
    severity: Severity = "info"
    note: str = ""


class Notifier(Protocol):
    def tell(self, telling: Telling, ctx: StepContext) -> Notice:
        """Ledger first, then every channel; the state is never better than what was delivered."""
        ...


class Reporter(Protocol):
    def write(self, run: RunId, ctx: StepContext) -> JsonObject:
        """Write the evidence of a run (signed JSON, one HTML page); gives back `{json, html, sha256, verdict}`."""
        ...
