"""What PostgreSQL says when it fails is told without what it quotes."""

import pytest

from dr.drivers.postgres.messages import explain, failed, shown

pytestmark = pytest.mark.unit
CANARY = "123-45-6789"
SAID = {
    b'pg_restore: error: could not execute query: ERROR:  relation "clients" already exists\nCommand was: CREATE TABLE clients': (
        "pg_restore: relation 'clients' already exists"
    ),
    b"pg_restore: while PROCESSING TOC:\npg_restore: from TOC entry 3321; 0 16389 TABLE DATA clients hmis\n"
    b'pg_restore: error: COPY failed for table "clients": ERROR:  invalid input syntax for type integer: "123-45-6789"\n'
    b'CONTEXT:  COPY clients, line 1, column ssn: "123-45-6789"': (
        "pg_restore: a value that type integer does not take (at TABLE DATA clients hmis)"
    ),
    b'pg_restore: error: could not execute query: ERROR:  could not create unique index "ssn_key"\n'
    b"DETAIL:  Key (ssn)=(123-45-6789) is duplicated.": "pg_restore: unique index 'ssn_key' cannot be made: there are duplicates",
    b'ERROR:  new row for relation "clients" violates check constraint "ssn_ok"\nDETAIL:  Failing row contains (1, 123-45-6789).': (
        "pg_restore: a row of 'clients' violates check constraint 'ssn_ok'"
    ),
    b"pg_restore: error: ERROR:  the applicant 123-45-6789 has been refused": (
        "pg_restore: an error that is not quoted, since it may hold data"
    ),
    b'pg_restore: error: ERROR:  database "123-45-6789\n" is being accessed by other users': (
        "pg_restore: an error that is not quoted, since it may hold data"
    ),
    b'pg_restore: error: COPY failed: ERROR:  value "123-45-6789" is out of range': (
        "pg_restore: an error that is not quoted, since it may hold data"
    ),
    b"\xff\xfe nonsense 123-45-6789": "pg_restore: an error that is not quoted, since it may hold data",
    b"": "pg_restore: it ended without a word, as when it is killed",
}


@pytest.mark.parametrize("stderr", SAID)
def test_a_failure_is_named_and_no_value_is_quoted(stderr: bytes) -> None:
    """Promise 7: no client data in a message, whatever a tool prints."""
    told = explain("pg_restore", stderr)
    assert told == SAID[stderr]
    assert CANARY not in told


@pytest.mark.positive_control
def test_the_canary_is_in_what_the_tools_say() -> None:
    """The guard above would have something to leak."""
    assert sum(CANARY.encode() in stderr for stderr in SAID) >= 6


def test_a_full_disk_says_what_to_do() -> None:
    """An operator is told the next step, not only the cause."""
    error = failed("database 'hmis' was not dumped", "pg_dump", b"pg_dump: error: could not write to file: No space left on device")
    assert str(error) == (
        "database 'hmis' was not dumped: pg_dump: the disk is full\n   HINT: make room where the staging folder or the data directory lies"
    )


def test_a_name_with_control_characters_cannot_forge_lines() -> None:
    """A hostile object name stays on its line and is bounded."""
    assert shown("a\nERROR: \x1b[2J") == "a\\nERROR: \\x1b[2J"
    assert len(shown("x" * 500)) == 120
