"""`fill` a database with an HMIS of invented people, and `change` it as a day's work does. The same for the same seed."""

from collections.abc import Callable

from psycopg import sql

from dr.demo.hmis import ddl
from dr.demo.hmis.dice import LAST_DAY, Dice, iso
from dr.demo.hmis.facts import schema
from dr.demo.hmis.people import write_household
from dr.demo.hmis.places import USERS, write_places
from dr.demo.hmis.sheet import Workbook
from dr.demo.hmis.stays import first_days, write_stays
from dr.drivers.postgres.connect import Connection, Dsn, connect
from dr.errors import Refused

HOUSEHOLDS = 3300
"""At scale 1: about ROWS rows."""
ROWS = 320_000
Progress = Callable[[str, int, int], None]
"""What, done, of how many."""


def _silent(what: str, done: int, total: int) -> None:
    """For who does not want to be told."""


def fill(dsn: Dsn, *, seed: int = 20261122, scale: float = 1.0, progress: Progress = _silent) -> dict[str, int]:
    """Fill an empty database; gives back the rows of each of the 24 tables. `scale` 1.0 is about 320,000 rows.

    All or nothing: it is one transaction. Raises Refused if the database has tables, Unreachable if there is none.
    """
    with connect(dsn, application="dr demo", autocommit=False) as connection:
        _prepare(connection, dsn)
        connection.execute(ddl.before(schema()).encode())
        counts = _rows(connection, seed, max(1, round(HOUSEHOLDS * scale)), progress)
        statements = list(ddl.after(schema()))
        for done, statement in enumerate(statements):
            progress("keys, indexes and references", done, len(statements))
            connection.execute(statement.encode())
        connection.execute(ddl.security().encode())
    with connect(dsn, application="dr demo") as connection:
        connection.execute("VACUUM ANALYZE")
    return counts


def _prepare(connection: Connection, dsn: Dsn) -> None:
    found = connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'").fetchone()
    if found and found[0]:
        raise Refused(f"the database '{dsn.database}' already has {found[0]} tables; only an empty one is filled")
    connection.execute("SET LOCAL synchronous_commit = off")
    connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
    # A setting of the database's own, which a restore must bring back.
    zone = sql.SQL("ALTER DATABASE {} SET TimeZone = 'America/Chicago'").format(sql.Identifier(dsn.database))
    connection.execute(zone)


def _rows(connection: Connection, seed: int, households: int, progress: Progress) -> dict[str, int]:
    dice = Dice(seed)
    book = Workbook(schema(), dice, USERS, connection)
    projects = write_places(book, dice)
    for done, day in enumerate(first_days(dice, households)):
        if done % 50 == 0:
            progress("households", done, households)
        people = write_household(book, dice, day)
        write_stays(book, dice, people, projects, day)
    return book.close()


_SERVICES = """
INSERT INTO public."Services" ("ServicesID", "EnrollmentID", "PersonalID", "DateProvided", "RecordType", "TypeProvided",
  "DateCreated", "DateUpdated", "UserID", "ExportID")
SELECT 'N' || nextval('public."RecordNumber"'), "EnrollmentID", "PersonalID", %(day)s, 200, 200, %(at)s, %(at)s, %(user)s, 'DEMO'
FROM public."Enrollment" WHERE "EnrollmentID" = ANY(%(enrollments)s) ORDER BY "EnrollmentID"
"""
_MISTAKES = 'UPDATE public."Services" SET "DateDeleted" = %(at)s, "DateUpdated" = %(at)s WHERE "ServicesID" = ANY(%(services)s)'
_NAMES = (
    'UPDATE public."Client" SET "MiddleName" = %(name)s, "NameDataQuality" = 1, "DateUpdated" = %(at)s, "UserID" = %(user)s '
    'WHERE "PersonalID" = ANY(%(clients)s)'
)


def change(dsn: Dsn, *, seed: int = 1, day: int = LAST_DAY + 1) -> int:
    """A day's work: bed nights entered, mistakes deleted, names corrected; gives back how many rows were touched (some hundred)."""
    dice = Dice(seed)
    with connect(dsn, application="dr demo", autocommit=False) as connection:
        facts = {"day": iso(day), "at": dice.at(day), "user": dice.pick(USERS), "name": f"Q{seed}"}
        chosen = {
            "enrollments": _some(connection, dice, "Enrollment", "EnrollmentID", 250),
            "services": _some(connection, dice, "Services", "ServicesID", 40),
            "clients": _some(connection, dice, "Client", "PersonalID", 60),
        }
        return sum(connection.execute(statement, facts | chosen).rowcount for statement in (_SERVICES, _MISTAKES, _NAMES))


def _some(connection: Connection, dice: Dice, table: str, key: str, most: int) -> list[str]:
    rows = connection.execute(f'SELECT "{key}" FROM public."{table}" WHERE "DateDeleted" IS NULL ORDER BY 1')
    keys = [row[0] for row in rows]
    return sorted({dice.pick(keys) for _ in range(most)}) if keys else []
