"""Clients: people who do not exist, with names made of syllables, and the gaps that real records have."""

from dataclasses import dataclass

from dr.demo.hmis.dice import LAST_DAY, Dice, iso
from dr.demo.hmis.sheet import Row, Workbook

_FIRST = (
    "Ala",
    "Bo",
    "Cori",
    "Dal",
    "Eni",
    "Fen",
    "Gil",
    "Hal",
    "Iri",
    "Jo",
    "Ka",
    "Lum",
    "Mi",
    "No",
    "Ori",
    "Pel",
    "Qui",
    "Ro",
    "Sul",
    "Ty",
)
_ENDS = ("bix", "dra", "fern", "gon", "la", "mus", "nell", "pip", "quist", "rin", "sby", "tock", "vi", "wick", "zel")
_LAST = ("Amble", "Bramble", "Copper", "Drizzle", "Ember", "Fiddle", "Gravel", "Hazel", "Inkle", "Juniper", "Kettle", "Lantern", "Mitten")
_LAST_ENDS = ("worth", "by", "field", "son", "stone", "wick", "ham", "ley", "-Testcase", "'s-Hollow", "ström", "ež")
_RACES = ("White", "White", "White", "BlackAfAmerican", "BlackAfAmerican", "HispanicLatinao", "AmIndAKNative", "Asian", "MidEastNAfrican")
_ALL_RACES = ("AmIndAKNative", "Asian", "BlackAfAmerican", "HispanicLatinao", "MidEastNAfrican", "NativeHIPacific", "White")
_WARS = ("VietnamWar", "DesertStorm", "AfghanistanOEF", "IraqOIF", "IraqOND", "OtherTheater")
YEAR = 365


@dataclass(frozen=True)
class Person:
    id: str
    born: int
    relation: int
    """To the head of the household: 1 self, 2 child, 3 partner, 4 other relative."""
    veteran: bool
    disabled: bool

    def is_adult(self, day: int) -> bool:
        return day - self.born >= 18 * YEAR


def write_household(book: Workbook, dice: Dice, first_seen: int) -> tuple[Person, ...]:
    """One to six clients who come together for the first time on a day; exactly the first is the head."""
    name = dice.pick(_LAST) + dice.pick(_LAST_ENDS)
    relations = [1]
    if dice.chance(0.28):
        relations += [2] * dice.pick((1, 1, 1, 2, 2, 3)) + ([3] if dice.chance(0.35) else []) + ([4] if dice.chance(0.06) else [])
    return tuple(_client(book, dice, name, relation, first_seen) for relation in relations)


def _client(book: Workbook, dice: Dice, last_name: str, relation: int, day: int) -> Person:
    sheet = book["Client"]
    years = dice.between(0, 17) if relation == 2 else dice.pick((19, 24, 27, 31, 34, 38, 41, 45, 49, 53, 57, 61, 66, 74))
    person = Person(
        id=f"C{sheet.count + 1:07}",
        born=day - years * YEAR - dice.between(0, YEAR),
        relation=relation,
        veteran=relation != 2 and dice.chance(0.08),
        disabled=dice.chance(0.1 if relation == 2 else 0.42),
    )
    row: Row = {"PersonalID": person.id, "Sex": dice.coded((0, 1), 0.03), "RaceNone": None}
    row |= _identity(dice, person, last_name) | _race(dice) | _service(dice, person)
    sheet.add(day, row)
    return person


def _identity(dice: Dice, person: Person, last_name: str) -> Row:
    known = dice.random()
    born: Row = {"DOB": iso(person.born), "DOBDataQuality": "1" if known < 0.9 else "2"}
    if known > 0.985:
        born = {"DOB": None, "DOBDataQuality": "99"}
    # Numbers that begin with 9 were never given to a person.
    ssn: Row = {"SSN": f"9{dice.between(0, 99_999_999):08}", "SSNDataQuality": "1"}
    if dice.chance(0.3):
        ssn = {"SSN": None, "SSNDataQuality": dice.pick(("8", "9", "99"))}
    first = dice.pick(_FIRST) + dice.pick(_ENDS)
    middle = dice.pick("ABCDEFGHJKLM") if dice.chance(0.4) else None
    return {"FirstName": first, "MiddleName": middle, "LastName": last_name, "NameDataQuality": 1 if known < 0.97 else 2, **born, **ssn}


def _race(dice: Dice) -> Row:
    if dice.chance(0.04):
        return {**dict.fromkeys(_ALL_RACES, 0), "RaceNone": dice.pick((8, 9, 99))}
    chosen = {dice.pick(_RACES)} | ({dice.pick(_RACES)} if dice.chance(0.1) else set())
    return {race: int(race in chosen) for race in _ALL_RACES}


def _service(dice: Dice, person: Person) -> Row:
    if not person.is_adult(LAST_DAY):
        return {"VeteranStatus": 0}
    if not person.veteran:
        return {"VeteranStatus": dice.coded((0,), 0.04)}
    year = 1 + (person.born + 19 * YEAR) // YEAR
    served: Row = {"YearEnteredService": year, "YearSeparated": min(year + dice.between(2, 20), 2026)}
    wars = {war: dice.coded((0, 0, 0, 1)) for war in _WARS}
    return {
        "VeteranStatus": 1,
        **served,
        **wars,
        "MilitaryBranch": dice.pick((1, 1, 2, 3, 4, 6)),
        "DischargeStatus": dice.coded((1, 1, 1, 2, 6)),
    }
