"""Who is told when; who holds which duty, and who takes it over."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from dr.clock import local
from dr.model.base import OfficeName
from dr.model.duty import Assignment, Board, LostOffice
from dr.model.inventory import Contact, Duty
from dr.model.outage import OutageSeverity
from dr.policy.affected import affected
from dr.policy.call_order import tracks
from dr.policy.candidates import Candidate, candidates
from dr.policy.failover import open_board
from dr.policy.outages import rules_of
from dr.policy.quiet import Person, person
from dr.policy.roster import Roster, roster_of
from dr.policy.words import short
from dr.report.plan_document.blocks import Block, Chapter, Points, Text, counted, grid, joined
from dr.report.plan_document.facts import Facts
from dr.report.tables import Cell, Table


def told(facts: Facts) -> Chapter:
    if not facts.inventory.contacts:
        return Chapter("told", "Who is told, and when", "Told", (Text("NOBODY: the inventory names no contact.", "bad"),))
    blocks: list[Block] = [
        Points(tuple(_outages(facts)), "When something is out:"),
        Points(tuple(_pursued(facts)), "Nobody is taken to know it because a message was sent:"),
        _groups(facts),
        _rehearsed(facts, "An outage", facts.outage_rehearsed),
        _proven(facts),
        *_elsewhere(facts),
    ]
    return Chapter("told", "Who is told, and when", "Told", tuple(blocks))


def _outages(facts: Facts) -> Iterator[Text]:
    rules = rules_of(facts.inventory)
    severities: tuple[OutageSeverity, ...] = ("major", "minor")
    for severity in severities:
        people = joined([_audience(facts, one) for one in rules.groups(severity)])
        night = " at once, at night too" if severity == "major" else ""
        often, silence = short(rules.cadence.of(severity)), short(rules.silence.of(severity))
        yield Text(
            f"A {severity} one: {people} are told{night}. While it lasts, {_audience(facts, rules.hears)} hear at least every "
            f"{often}, even when nothing changed. After {silence} without a word from a person, who has it in hand is asked for one."
        )


def _audience(facts: Facts, name: str) -> str:
    """A group by its name; one person by theirs, where it may be said."""
    contact = facts.inventory.contacts.get(name)
    return name if contact is None else contact.name


def _pursued(facts: Facts) -> Iterator[Text]:
    rules = facts.inventory.notices
    yield Text(
        f"Who is told is asked to say that they saw it, by a code. After {short(rules.acknowledge_within)} of silence the next channel is "
        "tried, then the next person, or who stands in for them."
    )
    yield Text(
        f"When nobody is left it begins anew after {short(rules.again)}: a critical message until somebody answers, any other "
        f"{counted(rules.rounds, 'time')}. A message that reached nobody is red, never silent."
    )
    if rules.quiet:
        yield Text(f"From {rules.quiet.replace('-', ' to ')}, on their own clock, people are left alone with what is not critical.")
    own = sum(contact.quiet is not None for contact in facts.inventory.contacts.values())
    if own:
        yield Text(f"{counted(own, 'person has', 'people have')} quiet hours of their own; what is critical comes through.")


def _groups(facts: Facts) -> Table:
    people = {name: person(facts.inventory, name, contact) for name, contact in facts.inventory.contacts.items()}
    names = dict.fromkeys(group for contact in facts.inventory.contacts.values() for group in contact.groups)
    rows: list[tuple[Cell, ...]] = []
    for group in names:
        own = [people[name] for name, contact in facts.inventory.contacts.items() if group in contact.groups]
        rows.append((Cell(group), Cell(_how(facts, group)), Cell(_order(facts, own, people))))
    alone = [people[name] for name, contact in facts.inventory.contacts.items() if not contact.groups]
    if alone:
        rows.append((Cell("in no group"), Cell("as staff of their office"), Cell(_order(facts, alone, people))))
    return grid("The call tree", ("group", "how", "in this order"), rows)


def _how(facts: Facts, group: str) -> str:
    rules = facts.inventory.notices
    if group in rules.in_turn:
        return "all at once; one after the other where an answer is asked for"
    return "all at once" + ("" if group in rules.together else "; one after the other where an answer is asked for and it is not critical")


def _order(facts: Facts, own: Sequence[Person], everybody: dict[str, Person]) -> str:
    wanted = {one.name for one in own}
    order = [one for track in tracks(own, everybody, facts.at, together=False) for one in track]
    seen = [f"{number}. {_who(facts, one)}{'' if one.name in wanted else ', who stands in'}" for number, one in enumerate(order, 1)]
    return "; ".join(seen)


def _who(facts: Facts, one: Person) -> str:
    contact = facts.inventory.contacts[one.name]
    office = facts.inventory.offices.get(contact.office or "")
    where = f" in {office.title}" if office else ""
    if not facts.internal:
        return f"{contact.name}{where}"
    return f"{contact.name}{f' ({office.title})' if office else ''}{_own(facts, one, contact)}"


def _own(facts: Facts, one: Person, contact: Contact) -> str:
    """How they are reached and when not, for the organisation's own people."""
    ways = [f"{way.kind}{'' if way.valid else ', NOT proven'}" for way in facts.ways if way.contact == one.name]
    said = [f"by {joined(ways, 'then')}"] if ways else []
    said += [f"quiet {one.quiet}"] if one.quiet else []
    said += [f"away {absence.from_} to {absence.until}" for absence in contact.away]
    return f": {', '.join(said)}" if said else ""


def _proven(facts: Facts) -> Text:
    good, valid = sum(way.valid for way in facts.ways), short(facts.inventory.notices.contact_valid)
    if not facts.ways:
        return Text("NO CHANNEL is written by which anybody could be told.", "bad")
    if good == 0:
        return Text(f"NONE of {counted(len(facts.ways), 'channel')} is proven: nobody acknowledged a test within {valid}.", "warn")
    words = f"{good} of {counted(len(facts.ways), 'channel')} {'is' if good == 1 else 'are'} proven: within {valid} somebody acknowledged"
    return Text(f"{words} a test that came by {'it' if good == 1 else 'them'}.", "" if good == len(facts.ways) else "warn")


def _rehearsed(facts: Facts, what: str, last: datetime | None) -> Text:
    if last is None:
        return Text(f"{what} was NEVER REHEARSED.", "warn")
    return Text(f"{what} was last rehearsed on {local(last, facts.zone)}.")


def _elsewhere(facts: Facts) -> list[Block]:
    """Who misses what is not told, when this machine is what was lost."""
    if not facts.inventory.pings:
        return [Text("Nobody outside notices when the machine that runs all this is silent.", "warn")]
    books = joined([f"“{facts.books[name].title}”" if name in facts.books else name for name in facts.inventory.pings])
    return [Text(f"A service outside is told whenever {books} passed, and raises the alarm when it hears nothing.")]


# ---------------------------------------------------------------- duties


def duties(facts: Facts) -> Chapter:
    title = "Who does what, and who takes over"
    if not facts.inventory.duties:
        words = "No duties are written: it is nowhere said who takes over whose work when an office, or a person, is lost."
        return Chapter("duties", title, "Duties", (Text(words, "warn"),))
    roster, rules = roster_of(facts.inventory), facts.inventory.failover
    rows = [_duty(facts, roster, name, duty) for name, duty in facts.inventory.duties.items()]
    two = "two people must say so" if rules.confirm > 1 else "one person says so"
    blocks: list[Block] = [
        Text(
            "If an office is lost, each of its duties is asked of the next office. An office holds a duty once it said yes and the shared "
            f"record has it under a new number, so that never two hold it. An office that is silent for {short(rules.accept_within)}, or "
            f"for as long as its duty says, is passed over. That an office is lost a person says; where the main office is silent, {two}. "
            "An office that is back is handed its duties again, one by one, by agreement."
        ),
        grid("Duties", ("duty", "held by", "needs", "then asked, in this order"), rows),
        _offices(facts, roster),
        _rehearsed(facts, "The loss of an office", facts.office_rehearsed),
    ]
    return Chapter("duties", title, "Duties", tuple(blocks))


def _duty(facts: Facts, roster: Roster, name: str, duty: Duty) -> tuple[Cell, ...]:
    return Cell(duty.title), _holder(facts, roster, facts.board.of(name), duty), Cell(joined(duty.needs) or "–"), _next(facts, roster, name)


def _holder(facts: Facts, roster: Roster, held: Assignment | None, duty: Duty) -> Cell:
    if held is None:
        return Cell(roster.office_title(duty.office))
    if held.state != "held" or held.office is None:
        return Cell(f"NOBODY since {local(held.since, facts.zone)}", "bad")
    title = roster.office_title(held.office)
    if held.office == duty.office:
        return Cell(title)
    return Cell(f"{title}, since {local(held.since, facts.zone)} (in normal times {roster.office_title(duty.office)})", "warn")


def _next(facts: Facts, roster: Roster, name: str) -> Cell:
    """Were its own office lost, with nobody away and whatever the hour."""
    own = roster.duties[name].office
    lost = Board(at=facts.at, lost=(LostOffice(office=OfficeName(own), since=facts.at, by=""),))
    board = open_board(roster, facts.at)
    able = [each for each in candidates(roster, board, name, {}).able if each.office != own]
    touched = set(affected(roster, lost))
    order = sorted(able, key=lambda each: (each.office in touched, *each.rank[1:]))
    if not order:
        return Cell("NOBODY could take it over", "bad")
    return Cell("; ".join(f"{number}. {_asked(roster, name, each, own, touched)}" for number, each in enumerate(order, 1)))


def _asked(roster: Roster, name: str, each: Candidate, own: str, touched: set[str]) -> str:
    duty = roster.duties[name]
    place = "" if each.office in duty.succession else ", not in its order, but able"
    later = f", once it said that it works: it shares something with {roster.office_title(own)}" if each.office in touched else ""
    return f"{roster.office_title(each.office)}{place}{later}"


def _offices(facts: Facts, roster: Roster) -> Table:
    rows = []
    for name, office in facts.inventory.offices.items():
        people = [contact for contact in facts.inventory.contacts.values() if contact.office == name]
        skills = joined(tuple(dict.fromkeys(skill for contact in people for skill in contact.skills)))
        hours = ", ".join(office.hours) if office.hours else "always"
        shares = _shares(facts, roster, name)
        rows.append((Cell(f"{office.title}{' (main)' if office.main else ''}"), Cell(hours), Cell(skills or "–"), Cell(shares)))
    return grid("Offices", ("office", "people are there", "what they can do", "lost together with, if what they share failed"), rows)


def _shares(facts: Facts, roster: Roster, name: str) -> str:
    """With which offices; by what, for the organisation's own people."""
    here, said = facts.inventory.offices[name], []
    for other, office in facts.inventory.offices.items():
        shared = [one for one in here.depends if one in office.depends]
        shared += ["the building"] if here.building and here.building == office.building else []
        if other != name and shared:
            said.append(f"{roster.office_title(other)}{f' ({joined(shared)})' if facts.internal else ''}")
    return joined(said) or "none"
