"""The published schema, as the demo carries it, hangs together."""

import pytest

from dr.demo.hmis import ddl
from dr.demo.hmis.dice import FIRST_DAY, LAST_DAY, Dice
from dr.demo.hmis.facts import schema
from dr.demo.hmis.sheet import Sheet, text

pytestmark = pytest.mark.unit


def test_the_schema_is_the_published_one() -> None:
    """24 tables; spot checks of columns, limits, required flags and lists that FY 2026 changed."""
    tables = {table.name: table for table in schema().tables}
    assert len(tables) == 24
    assert {name: len(tables[name].columns) for name in ("Client", "Enrollment", "IncomeBenefits", "Exit")} == {
        "Client": 38,
        "Enrollment": 67,
        "IncomeBenefits": 77,
        "Exit": 44,
    }
    sex = next(column for column in tables["Client"].columns if column.name == "Sex")
    assert [code for code, _ in schema().lists[sex.codes or ""]] == [0, 1, 8, 9, 99]


def test_every_list_that_a_column_names_is_there_and_every_key_is_a_column() -> None:
    """A misspelt list would silently be no check at all."""
    for table in schema().tables:
        assert table.key in [column.name for column in table.columns]
        for column in table.columns:
            assert column.codes is None or column.codes in schema().lists
    used = {column.codes for table in schema().tables for column in table.columns}
    assert set(schema().lists) <= used


def test_every_reference_becomes_a_foreign_key_with_an_index() -> None:
    """Real systems have them, and they are what a restore spends its time on."""
    statements = "\n".join(ddl.after(schema()))
    assert 'ADD CONSTRAINT "Services_EnrollmentID_fkey" FOREIGN KEY ("EnrollmentID") REFERENCES public."Enrollment"' in statements
    assert 'ON public."Services" ("EnrollmentID")' in statements
    assert statements.count("PRIMARY KEY") == 24


def test_free_text_is_escaped_as_copy_wants_it() -> None:
    """A tab in an answer must not become a column."""
    assert text("a\tb\nc\\d\re") == "a\\tb\\nc\\\\d\\re"


def test_chance_repeats_and_winter_is_fuller() -> None:
    """The same seed, the same choices; and January sees more arrivals than June."""
    assert [Dice(3).winter_day(FIRST_DAY, LAST_DAY) for _ in range(5)] == [Dice(3).winter_day(FIRST_DAY, LAST_DAY) for _ in range(5)]
    from datetime import date

    dice = Dice(4)
    months = [date.fromordinal(dice.winter_day(FIRST_DAY, LAST_DAY)).month for _ in range(4000)]
    assert months.count(1) > 1.5 * months.count(6)


def test_a_sheet_signs_its_rows() -> None:
    """Every row says who entered it, when, and when it was last changed, never before it was entered."""
    sent: list[list[str]] = []
    table = next(table for table in schema().tables if table.name == "Event")
    sheet = Sheet(table, lambda _, lines: sent.append(lines), Dice(1), ("U1", "U2"))
    for number in range(400):
        sheet.add(FIRST_DAY + number, {"EventID": f"R{number}", "Event": 1})
    sheet.flush()
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, line.split("\t"), strict=True)) for line in sent[0]]
    assert all(row["DateCreated"][:10] <= row["DateUpdated"][:10] for row in rows)
    assert {row["UserID"] for row in rows} == {"U1", "U2"}
    assert any(row["DateDeleted"] != "\\N" for row in rows)
    assert {row["ExportID"] for row in rows} == {"DEMO"}
