"""What is answered: an office that was asked says yes or no, two agree on a hand-back, the shared store took a claim or did not. Pure."""

from dr.model.duty import Asked, Assignment, PassedOver
from dr.model.duty_events import Accepted, Claimed, HandedBack, Moved, RaceLost, Refused
from dr.policy.sitting import Sitting

Answer = Accepted | Refused | HandedBack | Claimed | RaceLost | Moved


def heed(sitting: Sitting, event: Answer) -> None:
    said = sitting.board.of(event.duty)
    if said is None or event.duty not in sitting.roster.duties:
        sitting.reject(f"'{event.duty}' is not a duty", duty=event.duty)
    elif isinstance(event, Accepted):
        _accepted(sitting, said, event)
    elif isinstance(event, Refused):
        _refused(sitting, said, event)
    elif isinstance(event, HandedBack):
        _handed_back(sitting, said, event)
    else:
        _stored(sitting, said, event)


def _accepted(sitting: Sitting, said: Assignment, event: Accepted) -> None:
    title = sitting.roster.office_title(event.office)
    if (said.office, said.number) == (event.office, event.number):
        sitting.note(f"{title} holds it already")
    elif why := sitting.rules.not_asked(said, event.office, event.number):
        _late(sitting, said, event, why)
    elif said.asked is not None and said.asked.accepted:
        sitting.note(f"{title} accepted already; the shared store has not answered yet")
    else:
        at, until = (said.asked.since, said.asked.until) if said.asked is not None else (sitting.board.at, sitting.board.at)
        sitting.claim(said, Asked(office=event.office, number=event.number, since=at, until=until, accepted=True, by=event.by))


def _late(sitting: Sitting, said: Assignment, event: Accepted, why: str) -> None:
    """A yes that comes too late does not count, but it is one: the office is among those that can be asked again, by a new number."""
    willing = [each for each in said.passed if each.office == event.office]
    if willing and event.number <= said.issued:
        sitting.put(said, passed=tuple(each for each in said.passed if each.office != event.office))
    sitting.reject(why, duty=event.duty, office=event.office)


def _refused(sitting: Sitting, said: Assignment, event: Refused) -> None:
    words = f"{event.by}: {event.why}" if event.why else event.by
    asked = said.asked
    if asked is not None and (asked.office, asked.number) == (event.office, event.number):
        if asked.accepted:
            sitting.reject(f"accepted by {asked.by} already; the shared store has not answered yet", duty=event.duty, office=event.office)
        else:
            sitting.withdraw(said, f"refused ({words})", passing=True)
    elif said.office == event.office and said.number == event.number:
        freed = sitting.release(said, f"{sitting.roster.office_title(event.office)} gave it up ({words})")
        sitting.put(freed, passed=(*freed.passed, PassedOver(office=event.office, why=f"gave it up ({words})")))
    else:
        sitting.reject(f"number {event.number} is not one by which it is asked or holds", duty=event.duty, office=event.office)


def _handed_back(sitting: Sitting, said: Assignment, event: HandedBack) -> None:
    why = _no_agreement(sitting, said, event)
    if why:
        sitting.reject(why, duty=event.duty, office=event.to)
    elif said.office == event.to:
        sitting.note(f"{sitting.roster.office_title(event.to)} holds it already")
    elif said.asked is not None:
        sitting.note(f"it is being handed to {sitting.roster.office_title(said.asked.office)}; the shared store has not answered yet")
    else:
        at, both = sitting.board.at, f"{event.given_by} and {event.taken_by}"
        asked = Asked(office=event.to, number=sitting.rules.next_number(said), since=at, until=at, accepted=True, by=both)
        sitting.claim(said, asked)


def _no_agreement(sitting: Sitting, said: Assignment, event: HandedBack) -> str:
    """Why it is none; nothing where it is one."""
    if event.to not in sitting.roster.offices:
        return f"'{event.to}' is not an office"
    if said.office is None:
        return "nobody holds it, so nobody can hand it over; it is asked for"
    if event.number != said.number:
        return f"number {event.number} is stale: it is held by number {said.number}"
    if not event.given_by or not event.taken_by or event.given_by == event.taken_by:
        return "two people must agree: who gives it and who takes it"
    lost = sitting.affected.get(event.to)
    return f"{sitting.roster.office_title(event.to)} {lost}" if lost else ""


def _stored(sitting: Sitting, said: Assignment, event: Claimed | RaceLost | Moved) -> None:
    """What the shared store says is so: its newest number decides, whoever's it is. What is older than the board says nothing new."""
    number = event.taken if isinstance(event, RaceLost) else event.number
    title = sitting.roster.office_title(event.office)
    asked = said.asked
    own = asked is not None and asked.accepted and (asked.office, asked.number) == (event.office, number)
    if number > said.number:
        if asked is not None and not own:
            said = sitting.withdraw(said, f"{title} has it by number {number}, claimed elsewhere", passing=False)
        sitting.hold(said, event.office, number, f"accepted by {asked.by}" if own and asked else f"number {number} was claimed elsewhere")
    elif number == said.number and said.office not in (None, event.office):
        sitting.reject(f"number {number} is {title}'s there, and another's here: two stores?", duty=event.duty, office=event.office)
    elif isinstance(event, RaceLost) and asked is not None and asked.accepted and asked.number == event.number:
        sitting.reject(
            f"the shared store's newest is {number}, no newer than {said.number}: it was rolled back, or is another", duty=event.duty
        )
    else:
        sitting.note(f"number {number} of {title} is known")
