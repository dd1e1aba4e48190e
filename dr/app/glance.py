"""A home with very many systems, opened only as far as one look at it needs: no runbook is read, no kind of anything is imported.

Only where the files are the very ones that were checked before; everything else is opened as `App`.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dr import __version__
from dr.app.binding import bind
from dr.app.engines import all_resumable
from dr.app.fleet import Fleet, Many, fleet, renew
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import Clock, SystemClock
from dr.config.home import find_home
from dr.config.known import KEPT, Known, known
from dr.engine.control import pending
from dr.errors import Unreachable
from dr.model.base import RunId, SystemName
from dr.model.inventory import SystemEntry
from dr.model.ports import Repository
from dr.model.written import rests_on

if TYPE_CHECKING:
    from dr.app.home import App

MANY = 20
"""Systems that are shown one after the other; of more, only those that need somebody."""


@dataclass(frozen=True)
class Glance:
    """What `dr status` says of very many systems."""

    organisation: str
    zone: str
    state: Path
    many: Many
    hosts: frozenset[str]
    """Those of the inventory."""

    @property
    def records(self) -> Catalog:
        return self.many.records

    @cached_property
    def fleet(self) -> Fleet:
        return fleet(self.many)

    def interrupted(self) -> list[RunId]:
        return all_resumable(self.state)

    def active(self) -> set[RunId]:
        return set(pending(self.state))


def glance(home: str | None, clock: Clock | None = None) -> Glance | None:
    """None where there are few systems, or the files are not known as they are now. Raises as `App.open`, but for the files."""
    place, clock = find_home(home, os.environ, Path.cwd()), clock or SystemClock()
    found = known(place, place / KEPT, __version__)
    if found is None or len(found.systems) <= MANY:
        return None
    bind(place)
    organisation = found.inventory["organisation"]
    many = _many(place, found, open_catalog(place / "state" / "catalog.db", clock), clock)
    return Glance(str(organisation["name"]), str(organisation["zone"]), place / "state", many, frozenset(found.inventory["hosts"]))


def of_app(app: "App") -> Glance:
    """The same, of a home that was opened whole."""
    systems, organisation = app.inventory.systems, app.inventory.organisation
    names = [SystemName(name) for name in systems]
    many = Many(names, lambda name: systems[name], app.files, app.records, app.clock, app.repositories, app.written)
    return Glance(organisation.name, organisation.zone, app.home / "state", many, frozenset(app.inventory.hosts))


def after(app: "App", system: str | None) -> None:
    """After a run: where there are very many systems, what it changed is judged now, so that whoever looks next need not wait for it."""
    if system is None or len(app.inventory.systems) <= MANY:
        return
    found = known(app.home, app.home / KEPT, __version__)
    if found is None or system not in found.systems:
        return
    with suppress(Unreachable):  # then it is judged when somebody looks
        renew(_many(app.home, found, app.records, app.clock), [SystemName(system)])


def _many(home: Path, found: Known, records: Catalog, clock: Clock) -> Many:
    def repositories() -> list[Repository]:
        from dr.app.home import App

        return App.open(str(home), clock=clock, looking=True).repositories()

    names = [SystemName(name) for name in found.systems]
    return Many(
        names,
        lambda name: SystemEntry.from_json(found.systems[name]),
        found.files,
        records,
        clock,
        repositories,
        rests_on(found.runbooks, found.inventory["hosts"]),
    )
