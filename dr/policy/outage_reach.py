"""Who was reached by the notices of an outage and who was not, from what the ledger says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dr.model.inventory import Contact
from dr.model.notice_record import Delivery, Notice


@dataclass(frozen=True)
class Reach:
    """One person and one notice. `reached`: None where nobody has tried yet. `how`: by which channels, or why not."""

    contact: str
    name: str
    notice: str
    reached: bool | None
    how: str
    saw: bool = False
    next: datetime | None = None


def reaches(notices: Sequence[Notice], people: Mapping[str, Mapping[str, Contact]]) -> list[Reach]:
    """A line a person, of all these notices the best that is known; that one was tried in vain says more than that another was not tried.

    `people`: whom a notice's `to` means.
    """
    best: dict[str, Reach] = {}
    for notice in notices:
        for contact, known in people.get(notice.to, {}).items():
            found = _of(notice, contact, known.name)
            best[contact] = max(best.get(contact, found), found, key=_worth)
    return list(best.values())


def nobody(notices: Sequence[Notice], people: Mapping[str, Mapping[str, Contact]]) -> list[str]:
    """Groups that no contact belongs to: who was to be told is nobody."""
    return list(dict.fromkeys(notice.to for notice in notices if not people.get(notice.to)))


def counted(notice: Notice, people: Mapping[str, Mapping[str, Contact]]) -> tuple[int, int]:
    """How many of how many were reached by one notice."""
    meant = people.get(notice.to, {})
    return sum(1 for contact, known in meant.items() if _of(notice, contact, known.name).reached), len(meant)


def _worth(one: Reach) -> tuple[bool, int]:
    return one.saw, {True: 2, False: 1, None: 0}[one.reached]


def _of(notice: Notice, contact: str, name: str) -> Reach:
    mine = [delivery for delivery in notice.deliveries if delivery.contact == contact]
    saw = any(one.contact == contact for one in notice.acknowledgements)
    came = [delivery for delivery in mine if delivery.state == "delivered"]
    if came:
        return Reach(contact, name, notice.id, True, ", ".join(dict.fromkeys(one.scheme for one in came)), saw)
    if saw:
        return Reach(contact, name, notice.id, True, "acknowledged", saw)
    if mine:
        return Reach(contact, name, notice.id, False, _why(mine), saw, notice.due)
    return Reach(contact, name, notice.id, None, "not tried yet", saw, notice.due)


def _why(failed: Sequence[Delivery]) -> str:
    last = {delivery.scheme: delivery.detail for delivery in failed}
    return "; ".join(f"{scheme}: {detail}" if detail else scheme for scheme, detail in last.items())
