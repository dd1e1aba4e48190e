"""The continuum itself: the export's own row, its users, organizations, projects, beds and money. Names are invented."""

from dataclasses import dataclass
from datetime import date

from dr.demo.hmis.dice import FIRST_DAY, LAST_DAY, Dice, iso
from dr.demo.hmis.sheet import Row, Workbook

USERS = tuple(f"U{number:02}" for number in range(1, 15))
COCS = ("WI-500", "WI-501", "WI-502", "WI-503")
_TOWNS = ("Exampleton", "Port Sample", "Mockwood", "Testbury Falls", "Specimen Bay", "Placeholder Rapids", "Dummy Prairie")
_ORGANIZATIONS = ("Lantern House", "Open Kettle", "North Porch", "Second Key", "Blue Mitten", "Warm Shovel", "Long Table", "Paper Boat")
_OPENED = date(2015, 1, 1).toordinal()
NIGHT_BY_NIGHT, ENTRY_EXIT, OUTREACH = 1, 0, 4
_TYPES = (1, 1, 1, 1, 0, 0, 0, 13, 13, 13, 2, 2, 3, 3, 4, 4, 9, 12, 14, 6, 8, 11)
_TITLES = {
    0: "Shelter",
    1: "Night Shelter",
    2: "Transitional House",
    3: "Supportive Homes",
    4: "Street Team",
    6: "Services",
    8: "Safe Haven",
}
_FUNDERS = {0: 8, 1: 9, 2: 22, 3: 2, 4: 21, 13: 3, 9: 20, 12: 33, 14: 44}


@dataclass(frozen=True)
class Project:
    id: str
    kind: int
    coc: str

    @property
    def is_shelter(self) -> bool:
        return self.kind in (NIGHT_BY_NIGHT, ENTRY_EXIT)


def write_places(book: Workbook, dice: Dice) -> tuple[Project, ...]:
    """Everything that is there before the first client comes; gives back the projects."""
    _export(book)
    for number, user in enumerate(USERS, start=1):
        names: Row = {"UserFirstName": f"Staff {number}", "UserLastName": "Invented", "UserEmail": f"staff{number}@example.org"}
        book["User"].add(_OPENED + number, {"UserID": user, **names}, keep=True)
    for number, name in enumerate(_ORGANIZATIONS, start=1):
        row: Row = {"OrganizationID": f"O{number}", "OrganizationName": f"{name} (invented)", "VictimServiceProvider": int(number == 8)}
        book["Organization"].add(_OPENED, row, keep=True)
    projects = tuple(_project(book, dice, number, kind) for number, kind in enumerate(_TYPES, start=1))
    shelters = [project for project in projects if project.is_shelter]
    for number, project in enumerate((p for p in projects if p.kind == 6), start=1):
        row = {"AffiliationID": f"A{number}", "ProjectID": project.id, "ResProjectID": shelters[0].id}
        book["Affiliation"].add(_OPENED, row, keep=True)
    return projects


def _export(book: Workbook) -> None:
    book["Export"].add(
        LAST_DAY,
        {
            "ExportID": "DEMO",
            "SourceType": 1,
            "SourceID": "WI-500",
            "SourceName": "Invented Continuum of Care",
            "SourceContactEmail": "hmis@example.org",
            "ExportDate": f"{iso(LAST_DAY)} 23:00:00",
            "ExportStartDate": iso(FIRST_DAY),
            "ExportEndDate": iso(LAST_DAY),
            "SoftwareName": "dr demo",
            "CSVVersion": "2026 v1",
            "ExportPeriodType": 3,
            "ExportDirective": 2,
            "HashStatus": 1,
            "ImplementationID": "demo",
        },
    )


def _project(book: Workbook, dice: Dice, number: int, kind: int) -> Project:
    project = Project(f"P{number:02}", kind, dice.pick(COCS))
    town = dice.pick(_TOWNS)
    row: Row = {
        "ProjectID": project.id,
        "OrganizationID": f"O{dice.between(1, len(_ORGANIZATIONS))}",
        "ProjectName": f"{town} {_TITLES.get(kind, 'Housing')} {number}",
        "OperatingStartDate": iso(_OPENED + 30 * number),
        "ContinuumProject": 1,
        "ProjectType": kind,
        "RRHSubType": 2 if kind == 13 else None,
        "HousingType": dice.pick((1, 1, 2, 3)) if kind in (0, 1, 2, 3, 8, 9, 13) else None,
        "ResidentialAffiliation": 1 if kind == 6 else None,
        "TargetPopulation": 4,
        "PITCount": dice.between(8, 90),
    }
    book["Project"].add(_OPENED + 30 * number, row, keep=True)
    _around(book, dice, project, number, town)
    return project


def _around(book: Workbook, dice: Dice, project: Project, number: int, town: str) -> None:
    """What every project has: where it is, who pays, its beds, and how it takes part."""
    day = _OPENED + 30 * number
    here: Row = {"ProjectID": project.id}
    place: Row = {
        "CoCCode": project.coc,
        "Geocode": f"55{number:04}",
        "City": town,
        "State": "WI",
        "ZIP": f"5{number:04}",
        "GeographyType": 1,
    }
    book["ProjectCoC"].add(day, {"ProjectCoCID": f"PC{number}", **here, **place, "GeographyType": 1}, keep=True)
    grant: Row = {"Funder": _FUNDERS.get(project.kind, 46), "GrantID": f"GRANT-{number:03}", "StartDate": iso(day)}
    book["Funder"].add(day, {"FunderID": f"F{number}", **here, **grant, "OtherFunder": "Invented fund"}, keep=True)
    if project.kind in (0, 1, 2, 3, 8, 9, 13):
        beds = dice.between(10, 80)
        beds_row: Row = {"HouseholdType": dice.pick((1, 3)), "Availability": 1, "UnitInventory": beds // 2, "BedInventory": beds}
        kind: Row = {"ESBedType": 1 if project.is_shelter else None, "InventoryStartDate": iso(day), "CoCCode": project.coc}
        book["Inventory"].add(day, {"InventoryID": f"I{number}", **here, **beds_row, **kind}, keep=True)
    takes_part: Row = {"HMISParticipationType": 1, "HMISParticipationStatusStartDate": iso(day)}
    book["HMISParticipation"].add(day, {"HMISParticipationID": f"HP{number}", **here, **takes_part}, keep=True)
    entry: Row = {"AccessPoint": int(project.kind in (1, 4, 14)), "ReceivesReferrals": int(project.kind in (3, 9, 13))}
    started: Row = {"CEParticipationStatusStartDate": iso(day), "CrisisAssessment": int(project.kind == 14), "HousingAssessment": 0}
    book["CEParticipation"].add(day, {"CEParticipationID": f"CE{number}", **here, **entry, **started}, keep=True)
