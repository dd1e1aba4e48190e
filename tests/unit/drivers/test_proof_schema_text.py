"""A dump's text is cut into entries that depend on what the server holds, and on nothing else."""

import pytest

from dr.drivers.postgres.large_objects import keyed
from dr.drivers.postgres.schema import digest_entries, parse
from dr.errors import Failed

pytestmark = pytest.mark.unit


def _dump(*entries: str, token: str = "abc123", tool: str = "18.6") -> bytes:
    head = f"--\n-- PostgreSQL database dump\n--\n\n\\restrict {token}\n\n-- Dumped from database version 15.14 (Debian)\n"
    head += f"-- Dumped by pg_dump version {tool}\n\nSET statement_timeout = 0;\n\n"
    return (head + "".join(entries) + f"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict {token}\n\n").encode()


def _entry(name: str, kind: str, text: str, schema: str = "public") -> str:
    return f"--\n-- Name: {name}; Type: {kind}; Schema: {schema}; Owner: me\n--\n\n{text}\n\n\n"


def _digests(sql: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = digest_entries(parse(sql), keyed(b"k"))
    return found


TABLE = _entry("t", "TABLE", "CREATE TABLE public.t (\n    a integer\n);")
VIEW = _entry("v", "VIEW", "CREATE VIEW public.v AS\n SELECT 1;")


def test_versions_and_names() -> None:
    """The entries are named as pg_dump names them; both versions are read."""
    schema = parse(_dump(TABLE, VIEW, _entry("d", "DATABASE", "CREATE DATABASE d;", "-")))
    assert (schema.server, schema.tool) == ("15.14", "18.6")
    assert [entry.shown for entry in schema.entries] == ["TABLE public.t", "VIEW public.v", "DATABASE d"]


def test_the_random_word_and_the_order_mean_nothing() -> None:
    """Two dumps of one database differ in their restrict token; a restored one's may differ in order."""
    assert _digests(_dump(TABLE, VIEW)) == _digests(_dump(VIEW, TABLE, token="other9", tool="18.9"))


def test_settings_between_entries_belong_to_none() -> None:
    """`SET default_tablespace` stands behind whatever entry came before; a table's access method stays with the table."""
    between = "SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n"
    assert _digests(_dump(VIEW, between, TABLE)) == _digests(_dump(TABLE, VIEW))
    other = "SET default_table_access_method = columnar;\n\n"
    changed = _digests(_dump(VIEW, other, TABLE))
    assert changed["VIEW public.v"] == _digests(_dump(VIEW))["VIEW public.v"]
    assert changed["TABLE public.t"] != _digests(_dump(TABLE))["TABLE public.t"]


@pytest.mark.parametrize("encoding", ["", "\\encoding SQL_ASCII\n"])
def test_the_way_into_the_new_database_belongs_to_none(encoding: str) -> None:
    """What follows a database's own statements up to the next entry holds a random word, and settings of the reader."""
    database = _entry("d", "DATABASE", "CREATE DATABASE d;", "-")
    jump = f"\\unrestrict abc123\n{encoding}\\connect d\n\\restrict abc123\n\nSET statement_timeout = 0;\n\n"
    assert _digests(_dump(database, jump, TABLE)) == _digests(_dump(database, TABLE))


def test_no_line_of_a_body_is_dropped() -> None:
    """A body may look like pg_dump's own lines: whatever changes in it is seen."""

    def body(line: str) -> dict[str, list[str]]:
        return _digests(_dump(_entry("f()", "FUNCTION", f"CREATE FUNCTION f() AS $$\n{line}\n$$;")))

    lines = [
        "SET default_tablespace = '';",
        "\\restrict abc",
        "\\connect x",
        "-- Dumped by pg_dump version 1",
        "SET row_security = off;",
        "",
    ]
    found = [str(body(line)) for line in lines]
    assert len(set(found)) == len(lines)


def test_entries_of_one_name_are_all_kept() -> None:
    """pg_dump writes a space for a line end in a name, so two objects may share a header: neither hides the other."""
    twice = _digests(_dump(TABLE, _entry("t", "TABLE", "CREATE TABLE public.t2 ();")))
    assert len(twice["TABLE public.t"]) == 2


def test_grants_are_equal_in_any_order() -> None:
    """The order in which grants are stored is no difference; a grant more is."""
    grants = ["GRANT SELECT ON TABLE public.t TO a;", "GRANT SELECT ON TABLE public.t TO b;"]
    one, other = (_digests(_dump(_entry("TABLE t", "ACL", "\n".join(order)))) for order in (grants, grants[::-1]))
    assert one == other
    assert one != _digests(_dump(_entry("TABLE t", "ACL", grants[0])))


@pytest.mark.parametrize("damaged", [_dump(TABLE)[:-80], b"", _dump(TABLE)[10:]])
def test_a_text_that_is_not_whole_is_refused(damaged: bytes) -> None:
    """Half a schema compared with half a schema would be green."""
    with pytest.raises(Failed) as failed:
        parse(damaged)
    assert str(failed.value) == "the schema's text is not a whole pg_dump: its first or its last line is missing"
