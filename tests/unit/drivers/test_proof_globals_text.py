"""Roles, memberships and tablespaces: each is named; passwords and paths are told apart from the rest."""

import pytest

from dr.drivers.postgres.cluster_proof import statements
from dr.drivers.postgres.proof import compare, prove_globals
from dr.errors import Failed
from dr.model.base import JsonObject
from tests.support.proof_databases import said

pytestmark = pytest.mark.unit
HEAD = "--\n-- PostgreSQL database cluster dump\n--\n\n\\restrict abc\n\nSET default_transaction_read_only = off;\n\n-- Roles; of all\n\n"
TAIL = "\n\\unrestrict abc\n\n--\n-- PostgreSQL database cluster dump complete\n--\n"
ROLE = "CREATE ROLE {0};\nALTER ROLE {0} WITH NOSUPERUSER LOGIN NOBYPASSRLS PASSWORD '{1}' VALID UNTIL '2030-01-01';\n"
BASE = ROLE.format("app", "SCRAM;1") + ROLE.format('"odd;name"', "x") + ROLE.format("boss", "b") + "GRANT boss TO app GRANTED BY boss;\n"
SPACE = "CREATE TABLESPACE fast OWNER app LOCATION E'/mnt/a\\\\b;c';\n"


def _proof(sql: str, bootstrap: str = "", server: str = "") -> JsonObject:
    return prove_globals((HEAD + sql + TAIL).encode(), key=b"k", bootstrap=bootstrap, server=server)


def _differences(changed: str, *, bootstrap: str = "", base: str = BASE + SPACE) -> tuple[list[str], list[str]]:
    differences, unproven, examined = compare(_proof(base), _proof(changed, bootstrap))
    assert examined > 0
    return said(differences), said(unproven)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("SCRAM;1", "SCRAM;2", "role: app: password differs"),
        ("GRANT boss TO app GRANTED BY boss;", "", "globals: membership boss TO app: missing"),
        ("LOGIN", "NOLOGIN", "role: app: right to log in differs"),
        ("NOSUPERUSER", "SUPERUSER", "globals: role app: differs"),
        ("NOBYPASSRLS", "BYPASSRLS", "globals: role app: differs"),
        ("2030-01-01", "infinity", "role: app: password's expiry differs"),
        ("CREATE ROLE boss;", "CREATE ROLE boss; ALTER ROLE boss SET role TO 'app';", "globals: role boss: differs"),
        ("OWNER app", "OWNER boss", "globals: tablespace fast: differs"),
    ],
)
def test_every_change_is_named(old: str, new: str, named: str) -> None:
    """Security is part of what *proven* means: a role that may do more than on the source is a difference."""
    assert _differences((BASE + SPACE).replace(old, new, 1))[0] == [named]


def test_a_role_more_is_a_difference() -> None:
    assert _differences(BASE + SPACE + "CREATE ROLE intruder;")[0] == ["globals: role intruder: not on the source"]


def test_the_bootstrap_role_keeps_its_own_login() -> None:
    """The standby's throwaway password is never overwritten: it is listed, and nothing else of that role is let off."""
    changed = BASE.replace("'b'", "'throwaway'") + SPACE
    assert _differences(changed, bootstrap="boss") == ([], ["role: boss: password: the standby's bootstrap role keeps its own"])
    assert _differences(changed.replace("boss WITH NOSUPERUSER", "boss WITH SUPERUSER"), bootstrap="boss")[0] == [
        "globals: role boss: differs"
    ]


def test_a_tablespaces_path_is_mapped() -> None:
    assert _differences((BASE + SPACE).replace("/mnt/a", "/standby/a")) == ([], ["tablespace: fast: its path is mapped on the standby"])


def test_between_majors_a_memberships_spelling_is_listed_not_failed() -> None:
    """PostgreSQL 16 writes a membership's options and grantor in other words; whether it is there is still compared."""
    newer = BASE.replace("GRANTED BY boss", "WITH INHERIT TRUE GRANTED BY postgres")
    differences, unproven, _ = compare(_proof(BASE, server="15.14"), _proof(newer, server="18.4"))
    assert (said(differences), said(unproven)) == ([], ["globals: membership boss TO app: spelled otherwise by another major version"])


def test_statements_are_cut_outside_quotes() -> None:
    """A name or a password may hold a semicolon, a comment's mark or a line end."""
    sql = "CREATE ROLE \"a;--\n\\b\";\n-- not; this\nALTER ROLE x SET y TO E'it''s; -- \\\\ \n ';SET client_encoding = 'UTF8';\n"
    assert list(statements(sql)) == ['CREATE ROLE "a;--\n\\b"', "ALTER ROLE x SET y TO E'it''s; -- \\\\ \n '"]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (HEAD + "CREATE ROLE a", "the globals' text ends inside a statement: it is not whole"),
        ("CREATE ROLE a;", "the globals' text is not pg_dumpall's: its first line is missing"),
        (HEAD + "DROP DATABASE x;", "the globals hold a statement of an unknown kind: DROP DATABASE ..."),
    ],
)
def test_what_is_not_understood_is_never_green(sql: str, why: str) -> None:
    with pytest.raises(Failed) as failed:
        prove_globals(sql.encode(), key=b"k")
    assert str(failed.value) == why
