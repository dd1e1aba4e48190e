"""Names as SQL wants them and as people read them."""

import re

_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quoted(name: str) -> str:
    """As an SQL identifier, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    return f"{quoted(schema)}.{quoted(name)}"


def literal(text: str) -> str:
    """As an SQL string that does not depend on `standard_conforming_strings`."""
    doubled = text.replace("'", "''")
    return " E'" + doubled.replace("\\", "\\\\") + "'" if "\\" in text else "'" + doubled + "'"


def shown(*parts: str) -> str:
    """`public.Client`; a part that is no plain word is quoted and its control characters escaped, so two names never look the same."""
    return ".".join(part if _SIMPLE.fullmatch(part) else _escaped(part) for part in parts)


def _escaped(part: str) -> str:
    body = part.replace("\\", "\\\\").replace('"', '""')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in body) + '"'
