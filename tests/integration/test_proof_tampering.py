"""The proof's own proof: whatever is changed after a restore turns it red, and is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.drivers.postgres import proof
from dr.drivers.postgres.connect import Dsn
from dr.model.base import JsonObject
from tests.support.proof_databases import AWKWARD, Bench, bench, said, types_sql

pytestmark = pytest.mark.integration
HIDDEN = "CREATE FUNCTION pg_catalog.hidden() RETURNS int LANGUAGE sql AS 'SELECT 1'"
BODY = "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$"
HEADER = "\n--\n-- Name: forged; Type: TABLE; Schema: public; Owner: postgres\n--\n\n"
FORGED = f"\nBEGIN{HEADER}SET default_tablespace = 'x';\nRETURN NEW; END $$"
TAMPERED = {
    "a value swapped between two rows": (
        "ALTER PUBLICATION out DROP TABLE made; UPDATE collated SET t = 'b'; UPDATE made SET price = (3 - id) / 3.0 WHERE id < 3",
        [
            "rows: public.collated: content differs",
            "rows: public.made: content differs",
            "schema: PUBLICATION TABLE public.out made: missing",
        ],
    ),
    "a row duplicated": ("INSERT INTO quick TABLE quick", ["rows: public.quick: 1 row more"]),
    "a row of nothing removed": (
        "DELETE FROM nothing; DROP RULE quiet ON nothing; DELETE FROM nothing",
        [
            "rows: public.nothing: 2 rows fewer",
            "schema: RULE public.nothing quiet: missing",
        ],
    ),
    "a leaf's row removed": ("DELETE FROM events_26_a", ["rows: public.events_26_a: 1 row fewer"]),
    "a row replaced by another's duplicate": (
        "DELETE FROM secret WHERE owner = 'x'; INSERT INTO secret TABLE secret",
        ["rows: public.secret: content differs"],
    ),
    "a row moved from a child to its parent": (
        "INSERT INTO parent SELECT a, b, later FROM ONLY child; DELETE FROM ONLY child",
        ["rows: public.child: 1 row fewer", "rows: public.parent: 1 row more"],
    ),
    "a NULL moved": (
        "UPDATE events_25 SET tall = NULL; UPDATE events_other SET tall = 't'",
        ["rows: public.events_25: content differs", "rows: public.events_other: content differs"],
    ),
    "a policy loosened": ("ALTER POLICY own ON secret USING (true)", ["schema: POLICY public.secret own: differs"]),
    "a policy lost": ("DROP POLICY own ON secret", ["schema: POLICY public.secret own: missing"]),
    "row security switched off": (
        "ALTER TABLE secret DISABLE ROW LEVEL SECURITY",
        ["schema: ROW SECURITY public.secret: missing"],
    ),
    "row security no longer forced": ("ALTER TABLE secret NO FORCE ROW LEVEL SECURITY", ["schema: TABLE public.secret: differs"]),
    "a grant lost": ("REVOKE SELECT ON made FROM dr_test_reader", ["schema: ACL public.TABLE made: differs"]),
    "a column's grant lost": (
        "REVOKE SELECT (note) ON secret FROM dr_test_reader",
        ["schema: ACL public.COLUMN secret.note: missing"],
    ),
    "a default grant lost": (
        "ALTER DEFAULT PRIVILEGES FOR ROLE dr_test_app REVOKE SELECT ON TABLES FROM dr_test_reader",
        ["schema: DEFAULT ACL DEFAULT PRIVILEGES FOR TABLES: missing"],
    ),
    "an owner changed": ("ALTER FUNCTION watch() OWNER TO dr_test_app", ["schema: FUNCTION public.watch(): differs"]),
    "a trigger switched off": ("ALTER TABLE made DISABLE TRIGGER touched", ["schema: TRIGGER public.made touched: differs"]),
    "a trigger lost": ("DROP TRIGGER touched ON made", ["schema: TRIGGER public.made touched: missing"]),
    "an event trigger switched off": ("ALTER EVENT TRIGGER watcher DISABLE", ["schema: EVENT TRIGGER watcher: differs"]),
    "a function's body changed": (
        BODY + "BEGIN RETURN NULL; END $$",
        ["schema: TABLE public.forged: missing", "schema: FUNCTION public.touch(): differs"],
    ),
    "a function's body changed in a line that looks like pg_dump's": (BODY + FORGED, ["schema: TABLE public.forged: differs"]),
    "a constraint lost": ("ALTER TABLE shop.types DROP CONSTRAINT types_pkey", ["schema: CONSTRAINT shop.types types_pkey: missing"]),
    "a domain's constraint lost": (
        "ALTER DOMAIN shop.positive DROP CONSTRAINT positive_check",
        ["schema: DOMAIN shop.positive: differs"],
    ),
    "a column's default changed": (
        "ALTER TABLE parent ALTER later SET DEFAULT 'm'",
        ["schema: DEFAULT public.child later: differs", "schema: TABLE public.parent: differs"],
    ),
    "an extension lost": ("DROP EXTENSION pg_trgm", ["schema: COMMENT EXTENSION pg_trgm: missing", "schema: EXTENSION pg_trgm: missing"]),
    "a table more": ("CREATE TABLE extra ()", ["rows: public.extra: not on the source", "schema: TABLE public.extra: not on the source"]),
    "a table lost": ("DROP TABLE quick", ["rows: public.quick: missing", "schema: TABLE public.quick: missing"]),
    "a materialized view emptied": (
        "REFRESH MATERIALIZED VIEW kept WITH NO DATA",
        ["materialized-view: public.kept: not populated"],
    ),
    "a sequence set back": ("SELECT setval('lone', 30)", ["sequence: public.lone: behind by 10"]),
    "a sequence moved on": ("SELECT nextval('lone'), nextval('lone')", ["sequence: public.lone: ahead by 2"]),
    "a descending sequence set back": ("SELECT setval('made_other_seq', -4)", ["sequence: public.made_other_seq: behind by 150"]),
    "a sequence that would give its last value again": (
        "SELECT setval('lone', 40, false)",
        ["sequence: public.lone: behind: its last value counts as not given out"],
    ),
    "a large object's byte changed": (
        "SELECT lo_put(4242, 100, '\\x01')",
        ["large-object: 4242: content, owner, grants or comment differ"],
    ),
    "a large object's owner changed": (
        "ALTER LARGE OBJECT 4243 OWNER TO dr_test_app",
        ["large-object: 4243: content, owner, grants or comment differ"],
    ),
    "a large object's grant lost": (
        "REVOKE SELECT ON LARGE OBJECT 4242 FROM dr_test_reader",
        ["large-object: 4242: content, owner, grants or comment differ"],
    ),
    "a large object lost, another made": (
        "SELECT lo_unlink(4243), lo_create(77)",
        ["large-object: 4243: missing", "large-object: 77: not on the source"],
    ),
    "something where no dump looks": (HIDDEN, ["unlisted: function pg_catalog.hidden: in a system schema, so no dump has it: here"]),
    "a table where no dump looks": (
        "SET allow_system_table_mods = on; CREATE TABLE pg_catalog.den (a int)",
        ["unlisted: pg_catalog.den: in a system schema, so no dump has it: here"],
    ),
}


@pytest.fixture(scope="module")
def model(pg18: Dsn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, JsonObject]]:
    """A database, its proof as a source would make it, and `tampered_model` to copy it from."""
    made = bench(pg18, Path(tmp_path_factory.mktemp("tampered")), "tampered").make(AWKWARD, types_sql())
    expected = made.prove()
    model = made.named("tampered_model").make(template="tampered")
    yield made, expected
    made.drop()
    model.drop()


def test_an_untouched_copy_is_green(model: tuple[Bench, JsonObject]) -> None:
    """What turns red below does so because of what was changed."""
    made, expected = model
    assert proof.compare(expected, made.make(template="tampered_model").prove())[0] == []


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_is_named(model: tuple[Bench, JsonObject], what: str) -> None:
    """Promise 2: *proven* means compared; each single change is a difference of its own, by name."""
    made, expected = model
    script, named = TAMPERED[what]
    copy = made.make(script, template="tampered_model")
    assert said(proof.compare(expected, copy.prove())[0]) == named


def test_a_database_under_another_name_is_not_the_same(model: tuple[Bench, JsonObject]) -> None:
    """A proof is of one database: another's equal content does not pass for it."""
    made, expected = model
    differences = proof.compare(expected, made.named("tampered_model").prove())[0]
    assert "database: tampered_model: another name than on the source" in said(differences)
