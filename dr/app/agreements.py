"""Standbys that belong to somebody else, as `dr check` and `dr hosts check` show them."""

from datetime import date
from zoneinfo import ZoneInfo

from dr.app.home import App
from dr.policy.agreements import in_force, unagreed

_SOON = 30
"""Days before its end from which on an agreement is spoken of."""


def refused(app: App) -> list[str]:
    """A line for each standby on which nothing may be restored today."""
    found = unagreed(app.inventory, app.clock.now())
    return [f"nothing may be restored on host '{name}': {why}; write the agreement that is in force" for name, why in found.items()]


def ending(app: App) -> list[str]:
    """A line for each agreement that ends soon."""
    today = app.clock.now().astimezone(ZoneInfo(app.inventory.organisation.zone)).date()
    found = []
    for name, party in app.inventory.third_party.items():
        if party.agreement is not None and party.agreement.until is not None and name not in unagreed(app.inventory, app.clock.now()):
            left = (date.fromisoformat(party.agreement.until) - today).days
            if left <= _SOON:
                found.append(f"in {left} days nothing may be restored on host '{name}' any more: {in_force(party)}")
    return found


def shown(app: App, host: str) -> list[tuple[bool, str]]:
    """What `dr hosts check` says of it beside; nothing of a host that is ours, or that the guard already speaks of."""
    party = app.inventory.third_party.get(host)
    return [(True, in_force(party))] if party is not None and host not in unagreed(app.inventory, app.clock.now()) else []
