"""Retention as a person asks for it: what a prune would decide now, and whether anything may expire at all."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dr.actions.prune import EXPIRY, as_it_is
from dr.app.home import App, whoami
from dr.app.rehearse import Context
from dr.catalog.throwaway import open_throwaway
from dr.model.base import JsonObject, RunId, SystemName
from dr.model.ports import StepContext
from dr.model.record import Finding, RetentionOutcome, Severity

_LOOK = RunId("retention-dry-run")


@dataclass
class _Looking(Context):
    """What a prune reaches of `StepContext` before it deletes: the catalog is a throwaway copy, the repositories only read."""

    run: RunId = _LOOK

    def check_stop(self) -> None:
        """Nobody stops it: it is short, and Ctrl-C ends it."""

    def finding(self, key: str, severity: Severity, message: str, *, system: SystemName | None = None, hint: str = "") -> None:
        at = self.clock.now()
        self.records.finding(Finding(key=key, severity=severity, system=system, message=message, hint=hint, run=self.run, at=at))

    def audit(self, event: str, subject: str, facts: JsonObject | None = None) -> None:
        self.records.audit(event, subject, facts or {}, actor=whoami(), at=self.clock.now())


def foresee(app: App, system: SystemName) -> RetentionOutcome:
    """What a prune would decide now, with the catalog and the disks made to agree first, as it does; nothing is written or deleted."""
    catalog = app.home / "state" / "catalog.db"
    with tempfile.TemporaryDirectory(prefix="dr-retention-") as folder, open_throwaway(catalog, Path(folder), app.clock) as records:
        looking = _Looking(app, records)
        return as_it_is(system, looking.repositories(), cast("StepContext", looking))


def set_expiry(app: App, state: str) -> None:
    """`on` or `off`: whether retention may delete anything; a person's word, so it is audited."""
    app.records.set_setting(EXPIRY, state)
    app.records.audit("expiry.turned", state, {}, actor=whoami(), at=app.clock.now())
    for system in app.inventory.systems:
        if state == "on":
            app.records.close_findings(f"retention:{system}:frozen", [], app.clock.now(), RunId(""))
            app.records.close_findings(f"rebuilt:{system}", [], app.clock.now(), RunId(""))
            app.records.close_findings(f"rolled-back:{system}", [], app.clock.now(), RunId(""))
