"""Retention as a person asks for it: what a prune would decide now, and whether anything may expire at all."""

import tempfile
from pathlib import Path
from typing import cast

from dr.actions.prune import EXPIRY, as_it_is
from dr.app.home import App, whoami
from dr.app.rehearse import Context
from dr.catalog.throwaway import open_throwaway
from dr.model.base import RunId, SystemName
from dr.model.ports import StepContext
from dr.model.record import RetentionOutcome


def foresee(app: App, system: SystemName) -> RetentionOutcome:
    """What a prune would decide now, with the catalog and the disks made to agree first, as it does; nothing is written or deleted."""
    catalog = app.home / "state" / "catalog.db"
    with tempfile.TemporaryDirectory(prefix="dr-retention-") as folder, open_throwaway(catalog, Path(folder), app.clock) as records:
        looking = Context(app, records)
        return as_it_is(system, looking.repositories(), cast("StepContext", looking))


def set_expiry(app: App, state: str) -> None:
    """`on` or `off`: whether retention may delete anything; a person's word, so it is audited."""
    app.records.set_setting(EXPIRY, state)
    app.records.audit("expiry.turned", state, {}, actor=whoami(), at=app.clock.now())
    for system in app.inventory.systems:
        if state == "on":
            app.records.close_finding(f"retention:{system}:frozen", app.clock.now(), RunId(""))
            app.records.close_finding(f"rebuilt:{system}", app.clock.now(), RunId(""))
            app.records.close_finding(f"rolled-back:{system}", app.clock.now(), RunId(""))
