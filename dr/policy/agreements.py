"""Whether a set may be restored on a standby that belongs to somebody else: only under an agreement that is in force. Pure."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from dr.model.base import HostName
from dr.model.inventory import Inventory
from dr.model.third_party import ThirdParty


def unagreed(inventory: Inventory, now: datetime) -> dict[HostName, str]:
    """The standbys on which nothing may be restored today, and why."""
    today = now.astimezone(ZoneInfo(inventory.organisation.zone)).date()
    found = {HostName(name): why_not(party, today) for name, party in inventory.third_party.items()}
    return {name: why for name, why in found.items() if why}


def why_not(party: ThirdParty, today: date) -> str:
    """Empty where an agreement is in force on that day, its last one too."""
    signed = party.agreement
    if signed is None:
        return f"it belongs to {party.owner}, and no agreement with them is on record"
    if today < date.fromisoformat(signed.signed):
        return f"it belongs to {party.owner}, and '{signed.document}' is in force only from {signed.signed} on"
    if signed.until is not None and today > date.fromisoformat(signed.until):
        return f"it belongs to {party.owner}, and '{signed.document}' ended on {signed.until}"
    return ""


def in_force(party: ThirdParty) -> str:
    """`it belongs to County IT; 'BAA 2026-014' is in force from 2026-01-15 to 2027-01-15`."""
    signed = party.agreement
    if signed is None:
        return ""
    until = f" to {signed.until}" if signed.until else ", without an end"
    return f"it belongs to {party.owner}; '{signed.document}' is in force from {signed.signed}{until}"
