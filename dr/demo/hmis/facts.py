"""The schema as it is published: tables, columns, keys and code lists, read from `fy2026.json`."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_COLUMN = re.compile(r"(?P<name>\w+) (?P<type>dt|d|i|s)(?P<limit>\d*)(?P<required>!?)(?: -> (?P<codes>\w+))?")
_PARENTS = {
    "ExportID": "Export",
    "UserID": "User",
    "OrganizationID": "Organization",
    "ProjectID": "Project",
    "ResProjectID": "Project",
    "PersonalID": "Client",
    "EnrollmentID": "Enrollment",
    "AssessmentID": "Assessment",
}

Code = int | str


@dataclass(frozen=True)
class Column:
    name: str
    sql_type: str
    required: bool
    codes: str | None
    """The code list that its values are of."""

    @property
    def parent(self) -> str | None:
        """The table that it refers to, if its name is that of a key."""
        return _PARENTS.get(self.name)


@dataclass(frozen=True)
class Table:
    name: str
    key: str
    columns: tuple[Column, ...]

    def references(self) -> list[Column]:
        """The columns that refer to another table."""
        return [column for column in self.columns if column.parent and column.name != self.key]


@dataclass(frozen=True)
class Schema:
    tables: tuple[Table, ...]
    lists: dict[str, tuple[tuple[Code, str], ...]]
    """Code list to its codes and their labels."""


def _column(text: str) -> Column:
    found = _COLUMN.fullmatch(text)
    if found is None:
        raise ValueError(f"fy2026.json: '{text}' is not a column")
    text_type = f"varchar({found['limit']})" if found["limit"] else "text"
    sql_type = {"dt": "timestamp(0)", "d": "date", "i": "integer", "s": text_type}[found["type"]]
    return Column(found["name"], sql_type, bool(found["required"]), found["codes"])


@cache
def schema() -> Schema:
    """The FY 2026 schema; raises ValueError if its file is not in the form that it describes itself."""
    raw = json.loads(resources.files(__package__).joinpath("fy2026.json").read_text(encoding="utf-8"))
    tables = tuple(Table(name, table["key"], tuple(map(_column, table["columns"]))) for name, table in raw["tables"].items())
    lists = {name: tuple((code, label) for code, label in values) for name, values in raw["lists"].items()}
    return Schema(tables, lists)
