"""SQL of the organisation's own, run on a restored database with one value bound: `:key`. The value never becomes part of a text."""

import re
from collections.abc import Sequence

import psycopg

from dr.drivers.postgres.connect import Dsn, connect
from dr.drivers.postgres.messages import explain_error
from dr.errors import ConfigError, Failed

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)
      | (?P<dollar>\$(?P<tag>[A-Za-z_][A-Za-z0-9_]*)?\$.*?\$(?(tag)(?P=tag))\$)
      | (?P<quoted>[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<cast>::)
      | (?P<name>:[A-Za-z_][A-Za-z0-9_]*)
      | (?P<end>;)
      | (?P<rest>[^-/$'"eE:;]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ENDS = re.compile(r"(BEGIN|COMMIT|ROLLBACK|END|ABORT|START|SAVEPOINT|RELEASE|PREPARE|VACUUM)\b", re.I)
_HINT = "it holds statements that end in ';', and :key wherever the person's key belongs; see `dr suppress --help`"


def prepare(template: str, what: str) -> tuple[str, ...]:
    """The statements of a template as psycopg binds them. `what` names it. Raises ConfigError for one that cannot be run safely."""
    pieces: list[str] = []
    found: list[str] = []
    for match in _TOKEN.finditer(template):
        kind, text = match.lastgroup, match[0]
        if match["comment"] is not None:
            pieces.append(" ")
        elif match["end"] is not None:
            found.append("".join(pieces).strip())
            pieces = []
        elif match["name"] is not None:
            if text != ":key":
                raise ConfigError(f"{what} names {text}; the only parameter is :key", hint=_HINT)
            pieces.append("%(key)s")
        else:
            if kind in ("quoted", "dollar", "tag") and re.search(r"(?<!:):key\b", text):
                raise ConfigError(f"{what} has :key within quotes, where nothing can be bound", hint="write it outside of them")
            pieces.append(text.replace("%", "%%"))
    found.append("".join(pieces).strip())
    statements = tuple(text for text in found if text)
    _require_sane(statements, what)
    return statements


def _require_sane(statements: Sequence[str], what: str) -> None:
    if not any("%(key)s" in text for text in statements):
        raise ConfigError(f"{what} does not say :key anywhere: it would do the same for everybody", hint=_HINT)
    own = next((text for text in statements if _ENDS.match(text)), None)
    if own is not None:
        raise ConfigError(f"{what} begins or ends a transaction of its own", hint="all requests are replayed in one; take it out")


def replay(dsn: Dsn, requests: Sequence[tuple[Sequence[str], str]]) -> list[int]:
    """Run each request's statements with its key, all in one transaction; the rows that each touched. Raises Failed, Unreachable.

    Names without a schema are found in `public`. No value and no statement is quoted by an error.
    """
    touched: list[int] = []
    with connect(dsn, application="dr suppress") as connection:
        try:
            with connection.transaction():
                connection.execute("SET LOCAL search_path TO public")
                for statements, key in requests:
                    rows = [connection.execute(text.encode(), {"key": key}).rowcount for text in statements]
                    touched.append(sum(count for count in rows if count > 0))
        except psycopg.Error as error:
            raise Failed(
                f"request {len(touched) + 1} of {len(requests)} could not be replayed, so none was: {explain_error(error)}",
                hint="try the system's SQL template by hand, on a database of invented data",
            ) from None
    return touched
