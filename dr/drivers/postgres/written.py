"""The definitions of a restored database as its restore wrote them: what `neutralise` switched off afterwards, on again, in words only.

A digest of the source says what was there; a restored event trigger that is switched off would differ from it. So its one word is put
back into the text before that is digested: its definition, its function, its owner, and every other setting, are compared as they are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dr.drivers.postgres.names import literal, quoted
from dr.drivers.postgres.schema import Entry, SchemaText
from dr.model.base import JsonObject

RUNS_CODE = re.compile(
    r"session_preload_libraries|local_preload_libraries|dynamic_library_path|extension_control_path|event_triggers|cron\..*"
    r"|.*\.(start_proc|on_init|on_plperlu?_init)",
    re.I | re.S,
)
"""Settings of a database or a role by which a session loads or runs something before it asked for anything."""
_IDENT = r'(?:"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*)'
_SET = re.compile(rf"ALTER (?:DATABASE|ROLE ({_IDENT}) IN DATABASE) {_IDENT} SET ({_IDENT}) TO ")
_STATEMENT = re.compile(r"(?:[^'\";]|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")*;")
"""pg_dump writes a backslash in an E string, and doubles it."""
_ASLEEP = re.compile(rf"\n\n(ALTER EVENT TRIGGER {_IDENT} )DISABLE;(?=\n\n\n|$)".encode())
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_WORDS = {"O": "", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}
_LISTS = ("session_preload_libraries", "local_preload_libraries")


@dataclass
class Kept:
    """What was switched off: by database, its event triggers' states; by database (empty: of roles everywhere), its settings in order."""

    event_triggers: dict[str, dict[str, str]] = field(default_factory=dict)
    settings: dict[str, list[list[str | None]]] = field(default_factory=dict)
    """`[role or None, name, value]`."""

    def to_facts(self) -> JsonObject:
        return {"event_triggers": self.event_triggers, "settings": self.settings}

    @classmethod
    def of(cls, facts: JsonObject) -> "Kept":
        return cls(dict(facts["event_triggers"]), dict(facts["settings"]))


def alter(database: str | None, role: str | None) -> str:
    """The beginning of a statement that sets or resets something there."""
    if database is None:
        return f"ALTER ROLE {quoted(role) if role else 'ALL'}"
    return f"ALTER ROLE {quoted(role)} IN DATABASE {quoted(database)}" if role else f"ALTER DATABASE {quoted(database)}"


def as_restored(schema: SchemaText, kept: Kept, database: str) -> SchemaText:
    """The text of `pg_dump --schema-only --create` as it would be with everything of `kept` on."""
    states = {_one_line(name): state for name, state in kept.event_triggers.get(database, {}).items()}
    settings = kept.settings.get(database, [])
    entries = [_awake(entry, states) for entry in schema.entries]
    if settings and any(entry.kind == "DATABASE" for entry in entries):  # not for a name with a line end, which gets no such entries
        entries = _with_settings(entries, database, settings)
    return replace(schema, entries=tuple(entries))


def globals_as_restored(sql: bytes, kept: Kept) -> bytes:
    """The text of `pg_dumpall --globals-only` with the settings of roles that were switched off; their order does not count."""
    lines = [
        f"ALTER ROLE {_ident(role) if role else 'ALL'} SET {_ident(str(name))} TO {_value(str(name), str(value))};\n"
        for role, name, value in kept.settings.get("", [])
        if RUNS_CODE.fullmatch(str(name))
    ]
    return sql + "".join(lines).encode()


def _one_line(name: str) -> str:
    """As pg_dump writes a name into a comment."""
    return name.replace("\n", " ").replace("\r", " ")


def _awake(entry: Entry, states: dict[str, str]) -> Entry:
    if entry.kind != "EVENT TRIGGER" or entry.name not in states:
        return entry
    word = _WORDS[states[entry.name]]
    state = rb"\n\n\1" + word.encode() + b";" if word else b""
    return replace(entry, text=_ASLEEP.sub(state, entry.text, count=1))  # one that somebody woke has no such line, and differs


def _with_settings(entries: list[Entry], database: str, settings: Sequence[Sequence[str | None]]) -> list[Entry]:
    own = [e for e in entries if e.kind == "DATABASE PROPERTIES"]
    made = own[0] if own else _empty_properties(next(e for e in entries if e.kind == "DATABASE"))
    head, end, body = made.text.partition(b"\n--\n")
    statements = [found[0].strip() for found in _STATEMENT.finditer(body.decode("utf-8", "surrogateescape"))]
    there = {_key(found): s for s in statements if (found := _SET.match(s))}
    rest = [s for s in statements if not _SET.match(s)]
    lines: list[str] = []
    for role, name, value in settings:
        key = (role or "", str(name))
        if key in there:
            lines.append(there.pop(key))
        elif RUNS_CODE.fullmatch(str(name)):
            lines.append(_line(database, role, str(name), str(value)))
    text = "\n".join([*rest, *lines, *there.values()]).encode("utf-8", "surrogateescape")
    whole = replace(made, text=head + end + text)
    return [whole if e is made else e for e in entries] if own else [*entries, whole]


def _empty_properties(database: Entry) -> Entry:
    """pg_dump writes this entry only for a database with properties, right after the database's own, with the same owner."""
    header = database.text.split(b"\n--\n", 1)[0].split(b"; Tablespace: ")[0] + b"\n--\n"
    return replace(database, kind="DATABASE PROPERTIES", text=header.replace(b"; Type: DATABASE; ", b"; Type: DATABASE PROPERTIES; ", 1))


def _line(database: str, role: str | None, name: str, value: str) -> str:
    where = f"ROLE {_ident(role)} IN DATABASE {_ident(database)}" if role else f"DATABASE {_ident(database)}"
    return f"ALTER {where} SET {_ident(name)} TO {_value(name, value)};"


def _key(found: "re.Match[str]") -> tuple[str, str]:
    return (_unquoted(found[1]) if found[1] else "", _unquoted(found[2]))


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _ident(name: str) -> str:
    """As pg_dump writes it: plain where it can be. A keyword would differ, and be a difference that is seen."""
    return name if _PLAIN.fullmatch(name) else quoted(name)


def _value(name: str, value: str) -> str:
    if name not in _LISTS:
        return literal(value).strip()
    parts = re.findall(r'"((?:[^"]|"")*)"|([^,\s"]+)', value)
    return ", ".join(literal((a or b).replace('""', '"')).strip() for a, b in parts) or "''"
