"""Rows on their way into a table: placed by column name, kept as COPY's own text, sent in blocks."""

from collections.abc import Callable, Mapping

from dr.demo.hmis.dice import LAST_DAY, Dice
from dr.demo.hmis.facts import Schema, Table
from dr.drivers.postgres.connect import Connection

_BLOCK = 4000
"""Rows a COPY: some hundred kB."""
_NULL = "\\N"
Value = str | int | None
Row = dict[str, Value]


def text(value: str) -> str:
    """Free text as COPY wants it. Names and codes of the generator's own need no escape."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


class Sheet:
    """One table's rows. `add` takes what a row has; every other column is NULL."""

    def __init__(self, table: Table, send: Callable[[Table, list[str]], None], dice: Dice, users: tuple[str, ...]) -> None:
        self.table, self.count = table, 0
        self._send, self._dice, self._users = send, dice, users
        self._lines: list[str] = []
        names = [column.name for column in table.columns]
        self._at = {name: place for place, name in enumerate(names)}
        self._blank = [_NULL] * len(names)
        self._trail = tuple(self._at[name] for name in ("DateCreated", "DateUpdated", "DateDeleted") if name in self._at)
        self._user = self._at.get("UserID") if table.key != "UserID" else None
        if "ExportID" in self._at:
            self._blank[self._at["ExportID"]] = "DEMO"

    def add(self, day: int, values: Mapping[str, Value], *, keep: bool = False) -> None:
        """A row entered on `day` (an ordinal), with its trail of edits; one in eighty was deleted later unless `keep`."""
        row = self._blank.copy()
        places = self._at
        for name, value in values.items():
            if value is not None:
                row[places[name]] = value if type(value) is str else str(value)
        if self._trail:
            self._sign(row, day, keep=keep)
        self._lines.append("\t".join(row))
        self.count += 1
        if len(self._lines) >= _BLOCK:
            self.flush()

    def _sign(self, row: list[str], day: int, *, keep: bool) -> None:
        """Who entered it and when, and when it was last changed."""
        dice = self._dice
        created, updated, deleted = self._trail
        row[created] = row[updated] = dice.at(day)
        if day < LAST_DAY and dice.chance(0.3):
            row[updated] = dice.at(dice.between(day + 1, min(day + 60, LAST_DAY)))
        if not keep and day < LAST_DAY and dice.chance(0.0125):
            row[deleted] = row[updated] = dice.at(dice.between(day + 1, LAST_DAY))
        if self._user is not None:
            row[self._user] = dice.pick(self._users)

    def flush(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            self._send(self.table, lines)


class Workbook:
    """A sheet for every table, sent to one connection."""

    def __init__(self, schema: Schema, dice: Dice, users: tuple[str, ...], connection: Connection) -> None:
        self._cursor = connection.cursor()
        self._sheets = {table.name: Sheet(table, self._copy, dice, users) for table in schema.tables}

    def __getitem__(self, table: str) -> Sheet:
        return self._sheets[table]

    def _copy(self, table: Table, lines: list[str]) -> None:
        with self._cursor.copy(f'COPY public."{table.name}" FROM STDIN') as copy:
            copy.write("\n".join(lines) + "\n")

    def close(self) -> dict[str, int]:
        """Send what is left; gives back the rows of each table."""
        for sheet in self._sheets.values():
            sheet.flush()
        self._cursor.close()
        return {name: sheet.count for name, sheet in self._sheets.items()}

    @property
    def rows(self) -> int:
        return sum(sheet.count for sheet in self._sheets.values())
