"""What PostgreSQL's programs and servers say when they fail, told without what they quote.

A server's message may quote a client's value (`invalid input syntax for type integer: "..."`), its detail a whole row. So nothing is
passed on but what is listed here: the kind of failure and the names of objects. What is not listed is said to be withheld.
To add one: a line in `_KNOWN`; a group may only stand where the message names an object.
"""

import re

import psycopg

from dr.errors import Failed

_NAME = r'"((?:[^"\n]|"")*)"'
_OBJECT = "table|relation|view|sequence|schema|database|role|tablespace|type|function|extension|column|constraint|index|language|collation"
_KNOWN: tuple[tuple[str, str], ...] = (
    (rf"({_OBJECT}|publication|subscription|server|policy|trigger|parameter) {_NAME} already exists", "{0} '{1}' already exists"),
    (rf"({_OBJECT}|publication|server|access method) {_NAME} does not exist", "{0} '{1}' does not exist"),
    (rf"({_OBJECT}) {_NAME} is not available", "{0} '{1}' is not available"),
    (rf"permission denied for ([a-z ]+) {_NAME}", "permission denied for {0} '{1}'"),
    (r"permission denied for ([a-z ]+) (\w+)", "permission denied for {0} '{1}'"),
    (rf"permission denied to grant privileges as role {_NAME}", "permission denied to grant privileges as role '{0}'"),
    (rf"must be owner of ([a-z ]+) {_NAME}", "must be owner of {0} '{1}'"),
    (r"must be superuser|only superusers? ", "only a superuser may do this"),
    (rf"duplicate key value violates unique constraint {_NAME}", "duplicate key for unique constraint '{0}'"),
    (rf"could not create unique index {_NAME}", "unique index '{0}' cannot be made: there are duplicates"),
    (rf"violates foreign key constraint {_NAME}", "a row violates foreign key '{0}'"),
    (rf"new row for relation {_NAME} violates check constraint {_NAME}", "a row of '{0}' violates check constraint '{1}'"),
    (rf"check constraint {_NAME} of relation {_NAME} is violated", "a row of '{1}' violates check constraint '{0}'"),
    (rf"null value in column {_NAME} of relation {_NAME}", "a NULL in column '{0}' of '{1}', which forbids it"),
    (rf"value for domain {_NAME} violates check constraint {_NAME}", "a value of domain '{0}' violates '{1}'"),
    (r"invalid input syntax for type ([\w ]+)", "a value that type {0} does not take"),
    (r"invalid byte sequence for encoding", "bytes that are not of the database's encoding"),
    (r"has no equivalent in encoding", "a character that the database's encoding does not have"),
    (r"canceling statement due to lock timeout", "a lock was not to be had in time"),
    (r"canceling statement due to statement timeout", "a statement ran out of time"),
    (r"canceling statement due to conflict with recovery", "the server, itself a replica, cancelled the read"),
    (r"canceling statement due to user request", "a person or program cancelled the statement"),
    (
        r"terminating connection|server closed the connection|connection to server was lost|connection not open",
        "the server ended the connection",
    ),
    (
        r"the connection is (?:closed|lost)|could not receive data from server|SSL connection has been closed",
        "the server ended the connection",
    ),
    (r"the database system is (starting up|shutting down|in recovery mode|not yet accepting connections)", "the server is {0}"),
    (r"Connection refused", "the server does not listen"),
    (r"could not translate host name", "the host's name is not known"),
    (r"password authentication failed", "the server refused the password"),
    (r"no pg_hba.conf entry", "the server's pg_hba.conf does not let this user in"),
    (r"(?:too many clients already|remaining connection slots are reserved|too many connections)", "the server has no connection left"),
    (r"No space left on device", "the disk is full"),
    (r"Disk quota exceeded", "the disk quota is used up"),
    (r"Read-only file system", "the file system is read-only"),
    (r"out of shared memory", "the server's lock table is full"),
    (r"out of memory", "memory is used up"),
    (rf"invalid snapshot identifier|snapshot {_NAME} does not exist|could not import the requested snapshot", "the snapshot is gone"),
    (r"source process with PID \d+ is not running anymore", "the snapshot is gone"),
    (r"invalid (?:locale name|LC_COLLATE|LC_CTYPE)", "the locale is not on this machine"),
    (r"could not create locale", "the locale is not on this machine"),
    (r"ICU is not supported in this build", "this PostgreSQL is built without ICU"),
    (rf"encoding {_NAME} does not match locale", "the locale is of another encoding"),
    (rf"collation {_NAME} for encoding {_NAME} does not exist", "collation '{0}' does not exist for encoding '{1}'"),
    (r"could not open extension control file", "the extension is not installed"),
    (r"could not access file", "a library of the database is not installed"),
    (r"server version mismatch", "the program is older than the server"),
    (r"unsupported version \(([\d.]+)\) in file header", "the dump's format {0} is newer than the program"),
    (rf"unrecognized configuration parameter {_NAME}", "setting '{0}' is not known"),
    (rf"invalid value for parameter {_NAME}", "setting '{0}' does not take this value"),
    (r"cannot execute (\w[\w ]*) in a read-only transaction", "the server is read-only ({0})"),
    (rf"database {_NAME} is not currently accepting connections", "database '{0}' takes no connections"),
    (r"query would be affected by row-level security", "row security hides rows from this user"),
    (r"invalid page in block", "a page of the database is damaged"),
    (r"could not read blocks? ", "a file of the database cannot be read"),
    (r"missing chunk number|unexpected chunk number", "a large value of the database is damaged"),
    (r"cache lookup failed", "an object vanished meanwhile"),
    (r"deadlock detected", "a deadlock"),
    (r"invalid (?:role|database|schema) name", "a name that PostgreSQL does not take"),
    (r"(?:database|role) name contains a newline or carriage return", "a name holds a line end"),
    (r"unterminated |syntax error", "a statement that PostgreSQL does not understand"),
)
_PATTERNS = tuple((re.compile(pattern), text) for pattern, text in _KNOWN)
_ENTRY = re.compile(r"from TOC entry \d+; \d+ \d+ ([^\n]+)")
_FAILED = re.compile(r"(?:error|fatal|panic|FATAL|ERROR|PANIC):")
_QUIET = ("DETAIL:", "CONTEXT:", "HINT:", "STATEMENT:", "QUERY:", "Command was:", "LINE ")
_WITHHELD = "an error that is not quoted, since it may hold data"


def explain(tool: str, stderr: bytes) -> str:
    """Why `tool` failed, in one sentence without quoted data: `pg_restore: relation 'clients' already exists (at TABLE clients hmis)`."""
    if not stderr.strip():
        return f"{tool}: it ended without a word, as when it is killed"
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if not line.strip().startswith(_QUIET)]
    reason = next((known for known in map(_known, filter(_FAILED.search, lines)) if known), None)
    reason = reason or next((known for known in map(_known, lines) if known), None) or _WITHHELD
    entry = next((found for found in map(_ENTRY.search, lines) if found), None)
    return f"{tool}: {reason}" + (f" (at {shown(entry[1])})" if entry else "")


def explain_error(error: psycopg.Error) -> str:
    """The same for an error of a connection of our own, with its SQLSTATE."""
    said = error.diag.message_primary or str(error).splitlines()[0] if str(error) else ""
    reason = _known(said) or _WITHHELD
    return f"{reason} (SQLSTATE {error.sqlstate})" if error.sqlstate else reason


def failed(what: str, tool: str, stderr: bytes, *, hint: str = "") -> Failed:
    """The error to raise when a program ended with another exit code than 0."""
    reason = explain(tool, stderr)
    return Failed(f"{what}: {reason}", hint=hint or _hint(reason))


def shown(name: str) -> str:
    """A name as it may stand in a message: printable, bounded."""
    plain = name.encode("unicode_escape").decode("ascii")
    return plain if len(plain) <= 120 else plain[:117] + "..."


def _known(line: str) -> str | None:
    for pattern, text in _PATTERNS:
        found = pattern.search(line)
        if found:
            return text.format(*(shown(group or "") for group in found.groups()))
    return None


_HINTS = (
    ("disk is full", "make room where the staging folder or the data directory lies"),
    ("locale is not on this machine", "install the source's locales on the standby (locale-gen), then restore again"),
    ("built without ICU", "the source uses ICU collations: set 'binaries' of the standby to a PostgreSQL that has ICU"),
    ("lock table is full", "raise max_locks_per_transaction on the server"),
    ("extension", "install the packages of the source's extensions on the standby"),
    ("library of the database", "install the packages of the source's extensions on the standby"),
    ("lock was not to be had", "another session holds a table exclusively; try again, or raise 'lock_wait' of the source"),
    ("only a superuser", "give the user of the host superuser rights: roles and all rows are read"),
    ("ended the connection", "did the server restart or fail? its log says why"),
)


def _hint(reason: str) -> str:
    return next((hint for word, hint in _HINTS if word in reason), "the server's own log has the full words")
