"""Schema and security of a database as `pg_dump --schema-only --create` writes them: cut into named entries, each digested.

Both sides should be dumped by the same major version of pg_dump, so that only what the servers hold can differ. What is dropped from the
text: the preamble (settings of the reading session, version lines), the `\\restrict` lines with their random word, the `SET default_...`
lines between entries (their meaning is kept: the tablespace is in the entry's header, the access method is put into the table's entry)
and everything from `\\connect` to the next entry. Nothing else is: lines inside a function's body are never looked at.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dr.errors import Failed
from dr.model.base import JsonObject

_HEADER = re.compile(
    rb"^--\n-- Name: (?P<name>.*?); Type: (?P<type>[A-Z][A-Z ]*?); Schema: (?P<schema>.*?); Owner: (?P<owner>.*?)"
    rb"(?:; Tablespace: (?P<tablespace>.*?))?\n--\n\n?",
    re.MULTILINE,
)
_TITLE = b"--\n-- PostgreSQL database dump\n--\n"
_FOOTER = b"--\n-- PostgreSQL database dump complete\n--"
_CONNECT = b"\n\\connect "
_ENCODING = re.compile(rb"\n\\encoding SQL_ASCII\n$")
"""Written before a name that is not plain ASCII."""
_TOKEN = re.compile(rb"^\\restrict ([A-Za-z0-9]+)$", re.MULTILINE)
_BETWEEN = re.compile(rb"SET (default_tablespace|default_table_access_method|default_with_oids) = (.*);")
_VERSION = {
    "server": re.compile(rb"^-- Dumped from database version (\S+)", re.M),
    "tool": re.compile(rb"^-- Dumped by pg_dump version (\S+)", re.M),
}
_WITH_METHOD = frozenset({"TABLE", "MATERIALIZED VIEW"})
_UNORDERED = frozenset({"ACL", "DEFAULT ACL"})
"""Entries whose statements follow the order in which grants happened to be stored."""


@dataclass(frozen=True)
class Entry:
    """One object's definition, ownership, comment or grants. `kind` is pg_dump's word for it (TABLE, POLICY, ACL, ...)."""

    kind: str
    schema: str
    name: str
    text: bytes

    @property
    def shown(self) -> str:
        """`TABLE public.Client`, `COMMENT DATABASE hmis`; pg_dump writes a space for a line end in a name, so two entries may share one."""
        name = self.name if self.schema == "-" else f"{self.schema}.{self.name}"
        return f"{self.kind} " + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in name)


@dataclass(frozen=True)
class SchemaText:
    """A parsed dump: version of the server and of pg_dump, and the entries in the order they came."""

    server: str
    tool: str
    entries: tuple[Entry, ...]


def parse(sql: bytes) -> SchemaText:
    """Cut a dump's text into entries. Raises Failed if it is none, or was cut short."""
    headers = list(_HEADER.finditer(sql))
    preamble = sql[: headers[0].start()] if headers else sql
    token = _group(_TOKEN.search(preamble)).encode()
    if not preamble.startswith(_TITLE) or not _without_end(sql, token).endswith(_FOOTER):
        raise Failed("the schema's text is not a whole pg_dump: its first or its last line is missing")
    versions = {name: _group(pattern.search(preamble)) for name, pattern in _VERSION.items()}
    return SchemaText(versions["server"], versions["tool"], tuple(_entries(sql, headers, token)))


def _without_end(text: bytes, token: bytes) -> bytes:
    """Without the line that ends psql's restricted mode, which has a new random word in every dump."""
    text = text.rstrip(b"\n")
    return text.removesuffix(rb"\unrestrict " + token).rstrip(b"\n") if token else text


def _group(found: "re.Match[bytes] | None") -> str:
    return found[1].decode("ascii", "replace") if found else ""


def _entries(sql: bytes, headers: "list[re.Match[bytes]]", token: bytes) -> Iterator[Entry]:
    method = b"heap"
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        kind = header["type"].decode("ascii")
        raw = sql[header.end() : following.start() if following else len(sql)]
        text, after = _trim(raw, kind, token, last=following is None)
        prefix = b"-- access method " + method + b"\n" if kind in _WITH_METHOD else b""
        method = after or method
        text = b"\n".join(sorted(text.split(b"\n"))) if kind in _UNORDERED else text
        yield Entry(kind, _text(header["schema"]), _text(header["name"]), header[0].rstrip(b"\n") + b"\n" + prefix + text)


def _trim(raw: bytes, kind: str, token: bytes, *, last: bool) -> tuple[bytes, bytes]:
    """An entry's own statements, and the table access method that is set after them (empty if none is)."""
    text = raw.rstrip(b"\n")
    if last:
        text = _without_end(text, token).removesuffix(_FOOTER).rstrip(b"\n")
    if kind in ("DATABASE", "DATABASE PROPERTIES"):
        text = _before_connect(text, token)
    method = b""
    while found := _BETWEEN.fullmatch(text.rsplit(b"\n", 1)[-1]):
        if found[1] == b"default_table_access_method" and not method:
            method = found[2]
        text = text[: -len(found[0])].rstrip(b"\n")
    return text, method


def _before_connect(text: bytes, token: bytes) -> bytes:
    """Without psql's way into the database that was just made: it leaves the restricted mode, or an older pg_dump's, which has none."""
    marker = rb"\unrestrict " + token + b"\n" if token else _CONNECT
    found = text.rfind(marker)
    return text if found < 0 else _ENCODING.sub(b"", text[:found]).rstrip(b"\n")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def digest_entries(schema: SchemaText, digest: Callable[[object], str]) -> JsonObject:
    """`{name: [digest, ...]}`, sorted: entries may share a name, and their order depends on what was made first."""
    found: dict[str, list[str]] = {}
    for entry in schema.entries:
        found.setdefault(entry.shown, []).append(digest(entry.text.decode("utf-8", "backslashreplace")))
    return {name: sorted(digests) for name, digests in found.items()}
