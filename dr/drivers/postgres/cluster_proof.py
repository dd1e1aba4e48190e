"""What a cluster holds beside its databases, as `pg_dumpall --globals-only` writes it: roles, their settings, memberships, tablespaces."""

import re
from collections.abc import Callable, Iterator

from dr.errors import Failed
from dr.model.base import JsonObject

_TITLE = b"--\n-- PostgreSQL database cluster dump\n"
_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[^\s";,]+)'
_TEXT = r"('(?:[^']|'')*')"
_APART = (
    ("role", "passwords", re.compile(rf"(?<=[A-Z]) PASSWORD E?{_TEXT}")),
    ("role", "expiries", re.compile(rf"(?<=[A-Z']) VALID UNTIL E?{_TEXT}")),
    ("role", "logins", re.compile(r"(?<=[A-Z])( LOGIN| NOLOGIN)(?= )")),
    ("tablespace", "locations", re.compile(rf" LOCATION E?{_TEXT}")),
)
"""Whose statement, which part of the proof, and where it stands."""
_KINDS = (
    ("role", re.compile(rf"(?:CREATE|ALTER|COMMENT ON) ROLE ({_IDENTIFIER})")),
    ("role", re.compile(rf"SECURITY LABEL FOR {_IDENTIFIER} ON ROLE ({_IDENTIFIER})")),
    ("tablespace", re.compile(rf"(?:CREATE|ALTER|COMMENT ON) TABLESPACE ({_IDENTIFIER})")),
    ("tablespace", re.compile(rf"SECURITY LABEL FOR {_IDENTIFIER} ON TABLESPACE ({_IDENTIFIER})")),
    ("tablespace", re.compile(rf"(?:GRANT|REVOKE) [A-Z, ]+ ON TABLESPACE ({_IDENTIFIER})")),
    ("parameter", re.compile(rf"(?:GRANT|REVOKE) [A-Z, ]+ ON PARAMETER ({_IDENTIFIER})")),
    ("membership", re.compile(rf"GRANT ({_IDENTIFIER} TO {_IDENTIFIER})")),
    ("session of", re.compile(rf"(?:SET|RESET) SESSION AUTHORIZATION ?({_IDENTIFIER})?")),
)
_SESSION = re.compile(r"SET \w+ = ")
_PIECES = re.compile(r"""'[^']*'|"[^"]*"|--[^\n]*|\\[^\n]*|;|[^'";\\-]+|.""", re.DOTALL)


def digest_globals(sql: bytes, digest: Callable[[object], str]) -> JsonObject:
    """`{"entries": {name: [digest, ...]}, "passwords": {role: digest}, "expiries": ..., "logins": ..., "locations": {tablespace: digest}}`.

    Passwords (their hashes, as stored), their expiry, whether a role may log in, and tablespace paths are taken out of the statements
    and digested by themselves, since the standby's bootstrap role keeps a login of its own and paths are mapped. Raises Failed on a text
    that is not pg_dumpall's, or holds a statement of an unknown kind.
    """
    if not sql.lstrip().startswith(_TITLE):
        raise Failed("the globals' text is not pg_dumpall's: its first line is missing")
    entries: dict[str, list[str]] = {}
    apart: dict[str, dict[str, str]] = {part: {} for _, part, _ in _APART}
    for statement in statements(sql.decode("utf-8", "backslashreplace")):
        kind, name = _classify(statement)
        rest = statement
        for whose, part, pattern in _APART:
            rest = _take(rest, pattern, apart[part], name, digest) if kind == whose else rest
        entries.setdefault(f"{kind} {name}", []).append(digest(rest))
    return {"entries": {name: sorted(digests) for name, digests in entries.items()}, **apart}


def _take(statement: str, pattern: "re.Pattern[str]", into: dict[str, str], name: str, digest: Callable[[object], str]) -> str:
    found = pattern.search(statement)
    if not found or statement.startswith("COMMENT "):
        return statement
    into[name] = digest(found[1])
    return statement[: found.start()] + statement[found.end() :]


def _classify(statement: str) -> tuple[str, str]:
    for kind, pattern in _KINDS:
        found = pattern.match(statement)
        if found:
            return kind, _readable(found[1] or "default")
    raise Failed(f"the globals hold a statement of an unknown kind: {' '.join(statement.split()[:2])} ...")


def _readable(name: str) -> str:
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in name)


def statements(sql: str) -> Iterator[str]:
    """Cut at the semicolons that stand outside quotes; comments, psql's own lines and the session's settings are left out."""
    pieces: list[str] = []
    for piece in _PIECES.findall(sql):
        if piece.startswith("--") or (piece[0] == "\\" and not "".join(pieces).strip()):
            continue
        if piece != ";":
            pieces.append(piece)
            continue
        statement, pieces = "".join(pieces).strip(), []
        if statement and not _SESSION.match(statement):
            yield statement
    if "".join(pieces).strip():
        raise Failed("the globals' text ends inside a statement: it is not whole")
