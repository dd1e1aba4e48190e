"""What a database holds, and which of it is digested: everything is either digested, listed by name as not digested, or unknown."""

from collections.abc import Sequence
from dataclasses import dataclass

from dr.drivers.postgres.connect import Connection
from dr.drivers.postgres.names import qualified, shown

_AS_IS = frozenset({16, 17, 21, 23, 25, 1043, 1082, 2950})
"""bool, bytea, int2, int4, text, varchar, date, uuid: types whose hash sees every bit of the value. int8's folds its halves, numeric's
drops trailing zeros, timestamps hash as int8 does: those, and everything else, go through their output text. (Of versions 1 and 2.)"""
_SENDERS = {20: "int8send", 1114: "timestamp_send", 1184: "timestamptz_send"}
"""int8, timestamp and timestamptz: types of one 64-bit number each, which a dump and a load keep to the bit; their bytes by the function
that sends them over the wire take a fraction of the time that their text does. (Not floats: a NaN of another sign is the same text.)"""
_NO_ROWS = frozenset("viItc")
"""Views, indexes, toast tables, composite types: no rows of their own (toast comes with its table)."""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    as_is: bool
    sender: str = ""
    """The function that gives its bytes, where they say all that its text does."""
    oid: int = 0
    """Of its type."""


@dataclass(frozen=True)
class Table:
    """A table whose rows are digested. `condition`: of an extension's configuration table, the rows that a dump carries."""

    oid: int
    schema: str
    name: str
    columns: tuple[Column, ...]
    size: int
    condition: str | None = None

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def shown(self) -> str:
        return shown(self.schema, self.name)


@dataclass(frozen=True)
class Sequence_:
    schema: str
    name: str


@dataclass(frozen=True)
class Objects:
    """`not_digested`: name to why. `unlisted`: what no rule knows, which fails every proof. `populated`: materialized views."""

    tables: tuple[Table, ...]
    sequences: tuple[Sequence_, ...]
    not_digested: dict[str, str]
    unlisted: tuple[str, ...]
    populated: dict[str, bool]
    extensions: dict[str, str]


@dataclass(frozen=True)
class _Relation:
    oid: int
    schema: str
    name: str
    kind: str
    populated: bool
    extension: str | None
    configured: bool
    condition: str | None
    system: bool
    size: int

    @property
    def shown(self) -> str:
        return shown(self.schema, self.name)


_RELATIONS = """
SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text, c.relispopulated, e.extname::text,
       coalesce(c.oid = ANY (e.extconfig), false), NULLIF(e.extcondition[array_position(e.extconfig, c.oid)], ''),
       n.nspname ~ '^pg_' OR n.nspname = 'information_schema',
       CASE WHEN c.relkind = 'r' THEN coalesce(pg_relation_size(c.oid), 0) ELSE 0 END
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'
  LEFT JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
 WHERE c.relpersistence <> 't' AND (c.oid >= 16384 OR NOT (n.nspname ~ '^pg_' OR n.nspname = 'information_schema'))
 ORDER BY n.nspname, c.relname
"""
_COLUMNS = """
SELECT a.attrelid::int8, a.attname::text, format_type(a.atttypid, a.atttypmod), a.atttypid::int8, coalesce(l.collisdeterministic, true),
       a.attgenerated::text
  FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation
 WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
"""
_STRAY_FUNCTIONS = """
SELECT n.nspname::text, p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.oid >= 16384 AND (n.nspname ~ '^pg_' OR n.nspname = 'information_schema') AND n.nspname !~ '^pg_temp_'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
"""
_REASONS = {"p": "partitioned parent: its leaves are digested", "f": "foreign table: its rows are elsewhere"}


def read_objects(connection: Connection) -> Objects:
    """Everything in the database of this session that can hold rows."""
    relations = [_Relation(*row) for row in connection.execute(_RELATIONS).fetchall()]
    digested = [r for r in relations if r.kind == "r" and _carried(r)]
    columns, virtual = _read_columns(connection, [r.oid for r in digested])
    not_digested = {r.shown: why for r in relations if (why := _why_not(r))}
    not_digested |= {shown(r.schema, r.name, name): "virtual generated column" for r in digested for name in virtual.get(r.oid, ())}
    stray = [f"function {shown(*row)}: in a system schema, so no dump has it" for row in connection.execute(_STRAY_FUNCTIONS).fetchall()]
    return Objects(
        tables=tuple(Table(r.oid, r.schema, r.name, tuple(columns.get(r.oid, ())), r.size, r.condition) for r in digested),
        sequences=tuple(Sequence_(r.schema, r.name) for r in relations if r.kind == "S" and _carried(r)),
        not_digested=not_digested,
        unlisted=tuple([why for r in relations if (why := _unlisted(r))] + stray),
        populated={r.shown: r.populated for r in relations if r.kind == "m"},
        extensions=dict(connection.execute("SELECT extname::text, extversion FROM pg_extension").fetchall()),
    )


def _carried(relation: _Relation) -> bool:
    """Whether a dump carries its rows or position."""
    return not relation.system and (relation.extension is None or relation.configured)


def _why_not(relation: _Relation) -> str | None:
    if relation.extension is not None and not relation.configured and relation.kind not in _NO_ROWS:
        return f"member of extension {shown(relation.extension)}: made anew by it"
    if relation.condition is not None:
        return f"rows outside the configuration condition of extension {shown(relation.extension or '')}"
    if relation.kind == "m":
        return "materialized view: refreshed by the restore"
    return _REASONS.get(relation.kind)


def _unlisted(relation: _Relation) -> str | None:
    if relation.kind not in "rpfmS" and relation.kind not in _NO_ROWS:
        return f"{relation.shown}: a relation of the unknown kind '{relation.kind}'"
    if relation.system and relation.extension is None and relation.kind not in _NO_ROWS:
        return f"{relation.shown}: in a system schema, so no dump has it"
    return None


def _read_columns(connection: Connection, oids: Sequence[int]) -> tuple[dict[int, list[Column]], dict[int, list[str]]]:
    """Columns by table, in order of their names: a dump may reorder those of an inheritance child. And the virtual ones' names."""
    stored: dict[int, list[Column]] = {}
    virtual: dict[int, list[str]] = {}
    for oid, name, type_, type_oid, deterministic, generated in connection.execute(_COLUMNS, (list(oids),)).fetchall():
        if generated in ("", "s"):
            as_is, sender = type_oid in _AS_IS and deterministic, _SENDERS.get(type_oid, "")
            stored.setdefault(oid, []).append(Column(name, type_, as_is, sender, type_oid))
        else:
            virtual.setdefault(oid, []).append(name)
    return {oid: sorted(columns, key=lambda c: c.name.encode()) for oid, columns in stored.items()}, virtual
