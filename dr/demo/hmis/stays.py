"""Stays: a household's enrollments in one project, from entry to exit, with everything that is recorded on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dr.demo.hmis import answers
from dr.demo.hmis.dice import FIRST_DAY, LAST_DAY, Dice, iso
from dr.demo.hmis.people import Person
from dr.demo.hmis.places import NIGHT_BY_NIGHT, OUTREACH, Project
from dr.demo.hmis.sheet import Row, Workbook, text

ENTRY, UPDATE, EXIT, ANNUAL = 1, 2, 3, 5
_NIGHTS = {1: (2, 130), 0: (3, 120), 2: (60, 500), 3: (200, 1500), 13: (60, 400), 4: (5, 200)}
_ARRIVED_FROM = (116, 116, 116, 101, 101, 302, 329, 335, 336, 435, 207, 206, 205, 410)
_LEFT_FOR = (116, 101, 101, 410, 410, 422, 423, 421, 302, 312, 313, 329, 30, 30, 206, 207, 24)
_PLACES = (
    "by the north bridge",
    "camp at the old mill\tsouth side",
    'called "the Loft"',
    "car, lot C",
    "under Pier 3 \\ ramp",
    "бывший склад",
)


@dataclass(frozen=True)
class Stay:
    """One client's enrollment."""

    id: str
    household: str
    person: Person
    project: Project
    entry: int
    exit: int | None

    @property
    def keys(self) -> Row:
        return {"EnrollmentID": self.id, "PersonalID": self.person.id}

    @property
    def last(self) -> int:
        return LAST_DAY if self.exit is None else self.exit


def write_stays(book: Workbook, dice: Dice, people: Sequence[Person], projects: Sequence[Project], first: int) -> None:
    """All stays of a household, one after the other; most have one or two."""
    beds = [project for project in projects if project.kind == NIGHT_BY_NIGHT]
    day = first
    while True:
        project = dice.pick(beds if dice.chance(0.5) else projects)
        low, high = _NIGHTS.get(project.kind, (20, 300))
        leaves = day + dice.between(low, low + int((high - low) * dice.random()))
        stay_together(book, dice, people, project, (day, leaves if leaves <= LAST_DAY else None))
        if leaves > LAST_DAY - 30 or dice.chance(0.55):
            return
        day = dice.winter_day(leaves + 1, LAST_DAY)


def stay_together(book: Workbook, dice: Dice, people: Sequence[Person], project: Project, days: tuple[int, int | None]) -> None:
    """One household's enrollments in one project."""
    household = f"H{book['Enrollment'].count + 1:07}"
    for person in people:
        stay = Stay(f"E{book['Enrollment'].count + 1:07}", household, person, project, *days)
        _enrollment(book, dice, stay)
        _stages(book, dice, stay)
        _services(book, dice, stay)
        if person.relation == 1:
            _coordinated_entry(book, dice, stay)
        if stay.exit is not None:
            _exit(book, dice, stay, stay.exit)


def _enrollment(book: Workbook, dice: Dice, stay: Stay) -> None:
    person, head = stay.person, stay.person.relation == 1
    row: Row = {
        **stay.keys,
        "ProjectID": stay.project.id,
        "EntryDate": iso(stay.entry),
        "HouseholdID": stay.household,
        "RelationshipToHoH": person.relation,
        "EnrollmentCoC": stay.project.coc if head else None,
        "DisablingCondition": dice.coded((int(person.disabled),), 0.05),
    }
    if person.is_adult(stay.entry):
        came_from = dice.coded(_ARRIVED_FROM, 0.04)
        row |= {"LivingSituation": came_from, "LengthOfStay": dice.coded((2, 3, 4, 5, 10, 11)), "PreviousStreetESSH": dice.pick((0, 1))}
        row["RentalSubsidyType"] = dice.pick((428, 419, 431, 433, 434)) if came_from == 435 else None
        row |= {
            "TimesHomelessPastThreeYears": dice.coded((1, 1, 2, 3, 4)),
            "MonthsHomelessPastThreeYears": dice.coded(tuple(range(101, 114))),
        }
        row["DateToStreetESSH"] = iso(stay.entry - dice.between(0, 400)) if came_from == 116 else None
    if stay.project.kind in (3, 9, 13) and dice.chance(0.8):
        row["MoveInDate"] = iso(min(stay.entry + dice.between(0, 45), stay.last))
    if stay.project.kind == OUTREACH:
        row["DateOfEngagement"] = iso(min(stay.entry + dice.between(0, 30), stay.last))
    book["Enrollment"].add(stay.entry, row, keep=True)


def _stages(book: Workbook, dice: Dice, stay: Stay) -> None:
    """What is asked at entry, once a year, and at exit."""
    moments = [(stay.entry, ENTRY)]
    moments += [(day, ANNUAL) for day in range(stay.entry + 365, stay.last, 365)]
    if stay.exit is not None:
        moments.append((stay.exit, EXIT))
    for day, stage in moments:
        answers.write_disabilities(book, dice, stay.keys, stay.person, day, stage)
        answers.write_health(book, dice, stay.keys, day, stage)
        if stay.person.is_adult(day):
            answers.write_income(book, dice, stay.keys, day, stage)
        if dice.chance(0.35):
            answers.write_education(book, dice, stay.keys, stay.person, day, stage)


def _services(book: Workbook, dice: Dice, stay: Stay) -> None:
    """A bed night for most nights in a night shelter; now and then something else."""
    sheet = book["Services"]
    if stay.project.kind == NIGHT_BY_NIGHT:
        for day in range(stay.entry, min(stay.last, stay.entry + 400)):
            if dice.chance(0.86):
                row: Row = {**stay.keys, "ServicesID": f"S{sheet.count + 1:08}", "DateProvided": iso(day)}
                sheet.add(day, row | {"RecordType": 200, "TypeProvided": 200})
    for _ in range(dice.pick((0, 0, 1, 2))):
        day = dice.between(stay.entry, stay.last)
        row = {**stay.keys, "ServicesID": f"S{sheet.count + 1:08}", "DateProvided": iso(day), **answers.service(dice, stay.person)}
        sheet.add(day, row)


def _coordinated_entry(book: Workbook, dice: Dice, stay: Stay) -> None:
    if stay.project.kind in (OUTREACH, NIGHT_BY_NIGHT) or dice.chance(0.2):
        for day in range(stay.entry, min(stay.last, stay.entry + 90) + 1, 30):
            where = dice.coded((116, 116, 101, 302, 336, 37))
            note = text(dice.pick(_PLACES)) if where == 116 else None
            row: Row = {"CurrentLivingSitID": f"L{book['CurrentLivingSituation'].count + 1:07}", **stay.keys}
            row |= {"InformationDate": iso(day), "CurrentLivingSituation": where, "LocationDetails": note}
            book["CurrentLivingSituation"].add(day, row)
    if dice.chance(0.45):
        answers.write_assessment(book, dice, stay.keys, stay.entry)
    if dice.chance(0.4):
        answers.write_event(book, dice, stay.keys, min(stay.entry + dice.between(0, 20), stay.last))


def _exit(book: Workbook, dice: Dice, stay: Stay, day: int) -> None:
    to = dice.coded(_LEFT_FOR, 0.05)
    row: Row = {"ExitID": f"X{book['Exit'].count + 1:07}", **stay.keys, "ExitDate": iso(day), "Destination": to}
    row["OtherDestination"] = text("with a friend's band, \\\\on tour") if to == 17 else None
    row["HousingAssessment"] = dice.coded((1, 2, 3, 4, 5, 6)) if stay.project.kind == 12 else None
    book["Exit"].add(day, row)


def first_days(dice: Dice, households: int) -> list[int]:
    """When each household comes for the first time, in order."""
    days = sorted(dice.winter_day(FIRST_DAY, LAST_DAY - 1) for _ in range(households))
    assert all(earlier <= later for earlier, later in pairwise(days))
    return days
