"""A source's roles and tablespaces, fitted to a cluster of our own."""

import pytest

from dr.drivers.postgres.globals import adapt, made, statements
from dr.errors import Failed

pytestmark = pytest.mark.unit
SQL = rb"""--
-- PostgreSQL database cluster dump; with a quote ' in a comment
--

\restrict abcdef

SET default_transaction_read_only = off;
SET client_encoding = 'UTF8';

CREATE ROLE "bo;""ss";
ALTER ROLE "bo;""ss" WITH SUPERUSER NOLOGIN REPLICATION PASSWORD 'SCRAM-SHA-256$4096:x' VALID UNTIL '2020-01-01 00:00:00+00';
ALTER ROLE "bo;""ss" SET search_path TO 'a', 'b';
CREATE ROLE clerk;
ALTER ROLE clerk WITH NOSUPERUSER LOGIN PASSWORD 'md5abc';
COMMENT ON ROLE clerk IS E'a\\;''
b';
CREATE TABLESPACE fast OWNER clerk LOCATION '/mnt/it''s';
GRANT clerk TO "bo;""ss" WITH ADMIN OPTION GRANTED BY clerk;

\unrestrict abcdef
"""


def test_statements_are_cut_outside_quotes_only() -> None:
    """A name or a comment with a semicolon does not tear a statement."""
    found = list(statements(SQL))
    assert len(found) == 10
    assert found[2] == 'CREATE ROLE "bo;""ss"'
    assert found[7] == "COMMENT ON ROLE clerk IS E'a\\\\;''\nb'"


def test_a_torn_text_is_refused() -> None:
    """Half of the roles are not all of the roles."""
    with pytest.raises(Failed) as caught:
        list(statements(SQL[: SQL.index(b"md5abc")]))
    assert caught.value.message == "the source's roles and settings end inside a statement: they are not whole"


def test_the_bootstrap_role_keeps_its_login_and_password() -> None:
    """The throwaway password of a drill's cluster is never overwritten by the source's; other verifiers come back as they are."""
    adapted = adapt(SQL, bootstrap='bo;"ss', tablespaces="/place/tablespaces", source_major=15, target_major=18)
    assert adapted.statements == (
        "SET default_transaction_read_only = off",
        'ALTER ROLE "bo;""ss" WITH SUPERUSER LOGIN REPLICATION',
        "ALTER ROLE \"bo;\"\"ss\" SET search_path TO 'a', 'b'",
        "CREATE ROLE clerk",
        "ALTER ROLE clerk WITH NOSUPERUSER LOGIN PASSWORD 'md5abc'",
        "COMMENT ON ROLE clerk IS E'a\\\\;''\nb'",
        "CREATE TABLESPACE fast OWNER clerk LOCATION '/place/tablespaces/000'",
        'GRANT clerk TO "bo;""ss" WITH ADMIN OPTION',
    )
    assert adapted.tablespaces == ("/place/tablespaces/000",)
    assert adapted.mapped == (
        "role 'bo;\"ss': login, password and its expiry are this cluster's own",
        "tablespace 'fast': lies in the place of the restore",
        "role memberships: their grantor is the bootstrap role",
    )


@pytest.mark.positive_control
def test_with_another_bootstrap_name_the_password_would_be_overwritten() -> None:
    """The mapping above is what keeps the password out."""
    adapted = adapt(SQL, bootstrap="somebody else", tablespaces="/t", source_major=15, target_major=15)
    assert any("SCRAM-SHA-256" in statement for statement in adapted.statements)
    assert any("GRANTED BY clerk" in statement for statement in adapted.statements)


def test_what_a_dump_may_need_is_told_from_settings() -> None:
    """A changed password is no vanished role."""
    assert made(SQL) == {'CREATE ROLE "bo;""ss"', "CREATE ROLE clerk", "CREATE TABLESPACE fast"}
