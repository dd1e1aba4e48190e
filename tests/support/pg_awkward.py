"""A small source server with what a dump and a load get wrong most easily, and a description by which two servers are compared."""

from typing import Any

from dr.drivers.postgres.connect import Dsn, connect
from dr.drivers.postgres.names import quoted

HOSTILE = "-Fc a=b $(x) ; ' \" \\ \n://"
ROLE = "r\n'\"x; --"
_ROLES = (
    f"CREATE ROLE {quoted(ROLE)} LOGIN PASSWORD 'known' CONNECTION LIMIT 3 VALID UNTIL '2099-01-01'",
    "CREATE ROLE readers NOLOGIN",
    f"GRANT readers TO {quoted(ROLE)} WITH ADMIN OPTION",
    "COMMENT ON ROLE readers IS E'who; read\\\\''s\nmore'",
    f"ALTER ROLE {quoted(ROLE)} SET search_path TO 'a', \"b\", public",
    "ALTER ROLE ALL SET work_mem = '5MB'",
    'ALTER ROLE ALL SET search_path = "$user", public, extra',
)
_DATABASE = (
    f"CREATE DATABASE {quoted(HOSTILE)} OWNER {quoted(ROLE)} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'",
    f"ALTER DATABASE {quoted(HOSTILE)} CONNECTION LIMIT 7",
    f"COMMENT ON DATABASE {quoted(HOSTILE)} IS 'the; clients'",
    f"ALTER DATABASE {quoted(HOSTILE)} SET datestyle = 'German, DMY'",
    f"ALTER DATABASE {quoted(HOSTILE)} SET default_transaction_read_only = on",
    f"ALTER DATABASE {quoted(HOSTILE)} SET array_nulls = off",
    f"ALTER ROLE readers IN DATABASE {quoted(HOSTILE)} SET statement_timeout = '1s'",
    f"REVOKE ALL ON DATABASE {quoted(HOSTILE)} FROM PUBLIC",
    f"GRANT CONNECT ON DATABASE {quoted(HOSTILE)} TO readers",
    "ALTER DATABASE postgres SET timezone = 'America/Chicago'",
)
_CONTENT = (
    """CREATE TABLE public.clients (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, tags text[],
        twice int GENERATED ALWAYS AS (n * 2) STORED, n int)""",
    """INSERT INTO public.clients (at, tags, n)
        SELECT timestamptz '2026-03-04 05:06:07+00' + g * interval '1 hour', ARRAY[NULL, 'NULL', g::text], g
        FROM generate_series(1, 500) g""",
    "CREATE INDEX ON public.clients (at)",
    "CREATE TABLE public.visits (client int REFERENCES public.clients, span interval, day date) PARTITION BY RANGE (day)",
    "CREATE TABLE public.visits_2026 PARTITION OF public.visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    "INSERT INTO public.visits SELECT id, '-1 day +02:00:00'::interval * id, '2026-05-05' FROM public.clients",
    "CREATE MATERIALIZED VIEW public.busy AS SELECT client, count(*) FROM public.visits GROUP BY client",
    "ALTER TABLE public.clients ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE public.clients FORCE ROW LEVEL SECURITY",
    "CREATE POLICY own ON public.clients TO readers USING (n < 3)",
    "CREATE FUNCTION public.noticed() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$",
    "CREATE EVENT TRIGGER loud ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.noticed()",
    "CREATE SUBSCRIPTION far CONNECTION 'host=127.0.0.1 port=1 dbname=x password=hidden' PUBLICATION p WITH (connect = false)",
    "SELECT lo_from_bytea(0, '\\xdeadbeef')",
    'CREATE TABLE public."odd ""name"", \'x\' \n$1" ("a ""b" int)',
    "CREATE SEQUENCE public.numbers START 41",
    "SELECT nextval('public.numbers')",
)
_DESCRIBED = {
    "databases": """SELECT datname, pg_get_userbyid(datdba),
        pg_encoding_to_char(encoding), datcollate, datctype, datistemplate, datconnlimit,
        (SELECT array_agg(a::text ORDER BY a::text COLLATE "C") FROM unnest(datacl) a),
        shobj_description(oid, 'pg_database')
        FROM pg_database WHERE datname <> 'template0' ORDER BY 1""",
    "settings": """SELECT d.datname, r.rolname, s.setconfig FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
        LEFT JOIN pg_roles r ON r.oid = s.setrole ORDER BY 1, 2""",
    "roles": """SELECT rolname, rolsuper, rolcanlogin, rolconnlimit, rolvaliduntil::text, shobj_description(oid, 'pg_authid'),
        CASE WHEN oid <> 10 THEN rolpassword END FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 1""",
    "memberships": """SELECT pg_get_userbyid(roleid), pg_get_userbyid(member), admin_option FROM pg_auth_members
        WHERE pg_get_userbyid(roleid) !~ '^pg_' ORDER BY 1, 2""",
}
_CONTENTS = {
    "clients": "SELECT id, at AT TIME ZONE 'UTC', tags::text, twice, n FROM public.clients ORDER BY id",
    "visits": "SELECT client, span::text, day::text FROM public.visits ORDER BY client",
    "busy": "SELECT count(*), sum(count) FROM public.busy",
    "policies": "SELECT polname, polrelid::regclass::text, pg_get_expr(polqual, polrelid) FROM pg_policy",
    "odd": "SELECT relname FROM pg_class WHERE relname LIKE 'odd%'",
    "triggers": "SELECT evtname, evtenabled FROM pg_event_trigger",
    "objects": "SELECT encode(lo_get(oid), 'hex') FROM pg_largeobject_metadata",
    "numbers": "SELECT last_value, is_called FROM public.numbers",
    "constraints": """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n' ORDER BY 1""",
    "indexes": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
}


def fill(dsn: Dsn, tablespace: str) -> None:
    """Make it all; `tablespace` is an empty folder that the server may write to."""
    with connect(dsn) as connection:
        for statement in (*_ROLES, f"CREATE TABLESPACE side LOCATION '{tablespace}'", *_DATABASE):
            connection.execute(statement.encode())
    with connect(dsn.at(HOSTILE), options="-c default_transaction_read_only=off -c array_nulls=on") as connection:
        for statement in (*_CONTENT, "CREATE TABLE public.aside (x int) TABLESPACE side"):
            connection.execute(statement.encode())
    with connect(dsn.at("template1")) as connection:
        connection.execute("CREATE TABLE public.in_every_new_database (x int)")


def describe(dsn: Dsn) -> dict[str, Any]:
    """What must be the same on both servers."""
    with connect(dsn) as connection:
        found = {what: connection.execute(query.encode()).fetchall() for what, query in _DESCRIBED.items()}
    with connect(dsn.at(HOSTILE), options="-c intervalstyle=postgres") as connection:
        found |= {what: connection.execute(query.encode()).fetchall() for what, query in _CONTENTS.items()}
        found["tablespace"] = connection.execute(
            "SELECT spcname FROM pg_tablespace t JOIN pg_class c ON c.reltablespace = t.oid WHERE relname = 'aside'"
        ).fetchall()
    with connect(dsn.at("template1")) as connection:
        found["template1"] = connection.execute("SELECT relname FROM pg_class WHERE relname = 'in_every_new_database'").fetchall()
    return found
