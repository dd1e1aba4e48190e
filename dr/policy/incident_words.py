"""What is said of an incident, by when its report is owed, and what to do next. Pure. What the law asks for is not known here."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from dr.clock import clock, local
from dr.model.base import AudienceName
from dr.model.duty import Board
from dr.model.incident import Incident, IncidentRules, IncidentStory
from dr.model.inventory import Inventory
from dr.policy.incidents import Exposure
from dr.units import show_duration

_HELD = 3
"""Sets whose hold is spelled out."""


def rules_of(inventory: Inventory) -> IncidentRules:
    """As written; else the administrators, and where there is no such group, everybody."""
    if inventory.incidents is not None:
        return inventory.incidents
    usual, contacts = IncidentRules(), inventory.contacts
    known = {group for contact in contacts.values() for group in contact.groups} | {*contacts}
    there = tuple(one for one in usual.tell if one in known)
    return usual.model_copy(update={"tell": there or tuple(AudienceName(name) for name in contacts) or usual.tell})


def holder(inventory: Inventory, board: Board | None) -> str:
    """The office that holds the duty to report; empty where no such duty is written, or nobody holds it."""
    duty = rules_of(inventory).duty
    if duty is None or duty not in inventory.duties:
        return ""
    held = [each for each in board.assignments if each.duty == duty] if board is not None else []
    return str(held[0].office or "") if held else inventory.duties[duty].office


def told(inventory: Inventory, board: Board | None) -> list[str]:
    """Who is told, as the ledger names them: groups, and the people of the office that owes the report who hear in no group."""
    groups = list(dict.fromkeys(str(one) for one in rules_of(inventory).tell))
    office = holder(inventory, board)
    people = [name for name, each in inventory.contacts.items() if office and each.office == office and not {*each.groups} & {*groups}]
    return list(dict.fromkeys([*groups, *people]))


def deadline(incident: Incident, rules: IncidentRules) -> datetime | None:
    return incident.noticed + timedelta(seconds=rules.report_within) if rules.report_within is not None else None


def owed(incident: Incident, inventory: Inventory) -> str:
    """`Fri 22 Jan 2027, 12:00 CST (60 d after it was noticed)`; empty where no deadline is written."""
    rules = rules_of(inventory)
    at = deadline(incident, rules)
    if at is None or rules.report_within is None:
        return ""
    return f"{local(at, inventory.organisation.zone)} ({show_duration(rules.report_within)} after it was noticed)"


def answer(found: Exposure) -> str:
    """In one sentence: could anything be read?"""
    if not found.reach:
        return "Nothing on record is concerned: no copy and no restore was there at the time."
    restores = sum(each.restored for each in found.reach)
    parts = ((len(found.reach) - restores, "copy", "copies"), (restores, "restore", "restores"))
    said = " and ".join(f"{number:,} {one if number == 1 else many}" for number, one, many in parts if number)
    concerned = f"{said} {'is' if len(found.reach) == 1 else 'are'} concerned"
    if not found.readable:
        return f"{concerned}; nothing can be read with what was exposed."
    which = "it" if len(found.reach) == 1 else f"{found.readable:,} of them" if found.readable < len(found.reach) else "all of it"
    return f"{concerned}; {which} CAN BE READ with what was exposed."


def what_next(incident: Incident, found: Exposure, inventory: Inventory, board: Board | None) -> Iterator[str]:
    """In order, each a sentence with the command where there is one."""
    keys = {one.name for one in incident.exposed if one.kind == "key"}
    for key in ("signing", "drill", "escrow"):
        if key in keys:
            yield f"Make a new {key} key: dr keys rotate {key}. What was made before stays readable by the old one, so guard it too."
    yield from _of_places(incident)
    yield from _hold(incident, found)
    yield from _tell(incident, found, inventory, board)
    yield f'Write down what you find and decide: dr incident note {incident.id} "..."'


def _of_places(incident: Incident) -> Iterator[str]:
    for one in incident.exposed:
        if one.kind == "repository":
            yield f"Change who can reach {one.name}, and its credentials; look whether it is whole: dr verify"
        if one.kind == "host":
            yield f"Restore nothing on {one.name} until it is made anew. Was the drill key lent to it (below)? Then that is exposed."


def _hold(incident: Incident, found: Exposure) -> Iterator[str]:
    sets = list(dict.fromkeys(each.set for each in found.reach if not each.restored))
    for set_id in sets[:_HELD]:
        yield f'Keep it as evidence: dr backups hold {set_id} --reason "{incident.id}"'
    if len(sets) > _HELD:
        yield f"And so, as far as you need them, the {len(sets) - _HELD:,} other sets that are listed."


def _tell(incident: Incident, found: Exposure, inventory: Inventory, board: Board | None) -> Iterator[str]:
    rules = rules_of(inventory)
    office = holder(inventory, board)
    who = f"{inventory.duties[rules.duty].title}: the {inventory.offices[office].title} office" if rules.duty and office else ""
    if who:
        yield f"Give this report to who owes it ({who})."
    elif rules.duty:
        yield "Nobody holds the duty to report: dr duties"
    else:
        yield "Give this report to who answers for privacy: no duty for it is written (incidents.duty in the inventory)."
    by = owed(incident, inventory)
    if by:
        yield f"The report is owed by {by}."
    elif found.readable:
        yield "By when you must report is not written (incidents.report_within): ask who knows your agreements and the law today."


def story(
    incident: Incident, found: Exposure, said: str, inventory: Inventory, now: datetime, *, by: str, lines: Sequence[str], added: bool
) -> IncidentStory:
    """`lines`: what the notice is about; `said`: its own words."""
    return IncidentStory(
        organisation=inventory.organisation.name,
        incident=incident.id,
        what=said,
        noticed=clock(incident.noticed, now, inventory.organisation.zone),
        at=clock(now, now, inventory.organisation.zone),
        by=by,
        exposed=tuple(lines),
        added=added,
        readable=found.readable,
        unreadable=len(found.reach) - found.readable,
        owed=owed(incident, inventory),
    )
