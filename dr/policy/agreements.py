"""Whether a set may be restored on a standby that belongs to somebody else: only under an agreement that is in force. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dr.model.base import HostName
from dr.model.inventory import Inventory
from dr.model.record import Finding
from dr.model.third_party import ThirdParty

SOON = 30
"""Days before its end from which on an agreement is spoken of."""
FINDING = "third-party:"
"""How the key of a finding about a standby of others begins."""
_MEND = "agree with {} anew, and write it under third_party in the inventory"


def unagreed(inventory: Inventory, now: datetime) -> dict[HostName, str]:
    """The standbys on which nothing may be restored today, and why."""
    today = now.astimezone(ZoneInfo(inventory.organisation.zone)).date()
    found = {HostName(name): why_not(party, today) for name, party in inventory.third_party.items()}
    return {name: why for name, why in found.items() if why}


def ending(inventory: Inventory, now: datetime) -> dict[HostName, int]:
    """The standbys whose agreement is in force, and ends soon: in how many days; 0: this is the last."""
    today = now.astimezone(ZoneInfo(inventory.organisation.zone)).date()
    ends = {
        HostName(name): (date.fromisoformat(party.agreement.until) - today).days
        for name, party in inventory.third_party.items()
        if party.agreement is not None and party.agreement.until is not None and not why_not(party, today)
    }
    return {name: left for name, left in ends.items() if left <= SOON}


def findings(inventory: Inventory, now: datetime) -> Iterator[Finding]:
    """What is wrong with them: a warning before an agreement ends; grave where none is in force, since nothing can be restored there."""
    for name, why in unagreed(inventory, now).items():
        hint = _MEND.format(inventory.third_party[name].owner)
        yield Finding(
            key=f"{FINDING}{name}", severity="critical", message=f"nothing may be restored on host '{name}': {why}", hint=hint, at=now
        )
    for name, left in ending(inventory, now).items():
        party = inventory.third_party[name]
        when = {0: "after today", 1: "after tomorrow"}.get(left, f"in {left} days")
        words, hint = f"{when} nothing may be restored on host '{name}' any more: {in_force(party)}", _MEND.format(party.owner)
        yield Finding(key=f"{FINDING}{name}", severity="warning", message=words, hint=hint, at=now)


def with_agreements(known: Sequence[Finding], inventory: Inventory, now: datetime) -> list[Finding]:
    """What is open, with how the agreements are at this moment, and since when that is known: a night may have passed since."""
    since = {(one.key, one.severity): one.at for one in known}
    fresh = [one.model_copy(update={"at": since.get((one.key, one.severity), now)}) for one in findings(inventory, now)]
    return [*(one for one in known if not one.key.startswith(FINDING)), *fresh]


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
