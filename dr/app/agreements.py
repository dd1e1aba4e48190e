"""Standbys that belong to somebody else, as `dr check`, `dr hosts check` and `dr status` show them."""

from dr.app.home import App
from dr.model.base import HostName
from dr.model.record import Finding
from dr.policy.agreements import findings, in_force, unagreed, with_agreements


def found(app: App) -> list[Finding]:
    """What is wrong with them today, and soon."""
    return list(findings(app.inventory, app.clock.now()))


def open_findings(app: App, system: str | None) -> list[Finding]:
    """Every open finding, as the agreements are at this moment."""
    return with_agreements(app.records.open_findings(app.system(system) if system else None), app.inventory, app.clock.now())


def shown(app: App, host: str) -> list[tuple[bool, str]]:
    """What `dr hosts check` says of it beside; nothing of a host that is ours, or that the guard already speaks of."""
    party = app.inventory.third_party.get(host)
    return [(True, in_force(party))] if party is not None and HostName(host) not in unagreed(app.inventory, app.clock.now()) else []
