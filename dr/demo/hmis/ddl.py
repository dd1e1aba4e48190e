"""The schema as SQL: what is made before the rows are loaded, and what after (keys and indexes are built faster on full tables)."""

from collections.abc import Iterator
from importlib import resources

from dr.demo.hmis.facts import Code, Column, Schema, Table

SHORT = 5
"""A code list of at most so many codes is a CHECK; a longer one is a foreign key to its table in `lists`."""
_INDEXED = ("DateUpdated", "EntryDate", "ExitDate", "DateProvided", "InformationDate", "HouseholdID", "LastName", "DateDeleted")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(code: Code) -> str:
    return str(code) if isinstance(code, int) else "'" + code.replace("'", "''") + "'"


def before(schema: Schema) -> str:
    """Code lists with their values, and the tables with their columns and short checks."""
    parts = ["CREATE SCHEMA lists;", "CREATE SCHEMA reporting;"]
    parts += [_code_list(name, values) for name, values in schema.lists.items()]
    parts += [_table(table, schema) for table in schema.tables]
    return "\n".join(parts)


def _code_list(name: str, values: tuple[tuple[Code, str], ...]) -> str:
    key = "integer" if all(isinstance(code, int) for code, _ in values) else "varchar(6)"
    rows = ",\n".join(f"({_literal(code)}, {_literal(label)})" for code, label in values)
    table = f"lists.{quoted(name)}"
    return f"CREATE TABLE {table} (code {key} PRIMARY KEY, label text NOT NULL);\nINSERT INTO {table} VALUES\n{rows};"


def _table(table: Table, schema: Schema) -> str:
    lines = [f"{quoted(c.name)} {c.sql_type}{' NOT NULL' if c.required or c.name == table.key else ''}" for c in table.columns]
    lines += [_check(table, c, schema) for c in table.columns if _is_short(c, schema)]
    return f"CREATE TABLE public.{quoted(table.name)} (\n  " + ",\n  ".join(lines) + "\n);"


def _is_short(column: Column, schema: Schema) -> bool:
    """Two quality codes are text in the published format, though their lists are numbers: those cannot be foreign keys."""
    return column.codes is not None and (len(schema.lists[column.codes]) <= SHORT or column.sql_type == "text")


def _check(table: Table, column: Column, schema: Schema) -> str:
    codes = [code for code, _ in schema.lists[column.codes or ""]]
    allowed = ", ".join(_literal(str(code) if column.sql_type == "text" else code) for code in codes)
    return f"CONSTRAINT {quoted(f'{table.name}_{column.name}_code')} CHECK ({quoted(column.name)} IN ({allowed}))"


def after(schema: Schema) -> Iterator[str]:
    """Statements that give the loaded tables their keys, indexes and references: first every key, since references need them."""
    for table in schema.tables:
        yield f"ALTER TABLE public.{quoted(table.name)} ADD PRIMARY KEY ({quoted(table.key)});"
    for table in schema.tables:
        yield from _indexes(table)
        constraints = [*_references(table), *_code_references(table, schema)]
        if constraints:
            yield f"ALTER TABLE public.{quoted(table.name)}\n  " + ",\n  ".join(constraints) + ";"
    yield (
        'CREATE UNIQUE INDEX "Enrollment_one_head_of_household" ON public."Enrollment" ("HouseholdID") '
        'WHERE "RelationshipToHoH" = 1 AND "DateDeleted" IS NULL;'
    )


def _indexes(table: Table) -> Iterator[str]:
    """On references and dates; none on ExportID, which has one value."""
    wanted = {column.name for column in table.references() if column.name != "ExportID"} | set(_INDEXED)
    for column in table.columns:
        if column.name in wanted and column.name != table.key:
            where = f" WHERE {quoted(column.name)} IS NOT NULL" if column.name == "DateDeleted" else ""
            name = quoted(f"{table.name}_{column.name}_idx")
            yield f"CREATE INDEX {name} ON public.{quoted(table.name)} ({quoted(column.name)}){where};"


def _references(table: Table) -> Iterator[str]:
    for column in table.references():
        name = quoted(f"{table.name}_{column.name}_fkey")
        yield f"ADD CONSTRAINT {name} FOREIGN KEY ({quoted(column.name)}) REFERENCES public.{quoted(column.parent or '')}"


def _code_references(table: Table, schema: Schema) -> Iterator[str]:
    for column in table.columns:
        if column.codes and not _is_short(column, schema):
            name = quoted(f"{table.name}_{column.name}_list")
            yield f"ADD CONSTRAINT {name} FOREIGN KEY ({quoted(column.name)}) REFERENCES lists.{quoted(column.codes)}"


def security() -> str:
    """Roles, grants, row security, functions, triggers, views, comments and large objects."""
    return resources.files(__package__).joinpath("security.sql").read_text(encoding="utf-8")
