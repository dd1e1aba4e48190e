"""Awkward but legal databases come through a dump and a load equal; what is not digested is listed by name."""

from pathlib import Path

import pytest

from dr.drivers.postgres import proof
from dr.drivers.postgres.connect import Dsn
from dr.drivers.postgres.digest import Method
from dr.drivers.postgres.names import shown
from tests.support.proof_databases import AWKWARD, LOUD_SETTINGS, ODD, ODD_NAMES, VIRTUAL, WIDE, Bench, bench, said, types_sql

pytestmark = pytest.mark.integration


def _awkward(server: Dsn, folder: Path, name: str) -> Bench:
    made = bench(server, folder, name)
    return made.make(AWKWARD, ODD_NAMES, WIDE, types_sql(), *([VIRTUAL] if made.major >= 18 else []))


@pytest.mark.parametrize("method", ["fast", "cryptographic"])
def test_an_awkward_database_comes_back_equal(pg: Dsn, tmp_path: Path, method: Method) -> None:
    """Promise 2 must not cry wolf: everything that is legal and was restored is green, by both digests."""
    source = _awkward(pg, tmp_path, "awkward")
    expected = source.prove(method)
    differences, unproven, examined = proof.compare(expected, source.carried_to().prove(method))
    assert said(differences) == []
    assert examined > 90
    listed = {d.name: d.detail for d in unproven if d.kind == "not-digested"}
    virtual = {"public.computed.b": "virtual generated column"} if source.major >= 18 else {}
    assert listed == virtual | {
        "public.events": "partitioned parent: its leaves are digested",
        "public.events_26": "partitioned parent: its leaves are digested",
        "public.faraway": "foreign table: its rows are elsewhere",
        "public.kept": "materialized view: refreshed by the restore",
        "public.unfilled": "materialized view: refreshed by the restore",
    }
    source.drop()


def test_a_hostile_name_and_loud_settings_change_nothing(pg: Dsn, tmp_path: Path) -> None:
    """A database may set how its values print, and be called anything: the digests on both sides are read in one way."""
    source = bench(pg, tmp_path, "plain").make(types_sql())
    plain = source.prove()
    source.drop()
    loud = source.named(ODD.replace("\n", "").replace("\t", "")).make(types_sql())
    for name, value in LOUD_SETTINGS.items():
        loud.setting(name, value)
    expected = loud.prove()
    found = loud.carried_to().prove()
    assert said(proof.compare(expected, found)[0]) == []
    assert {t: e["rows"] for t, e in plain["tables"].items()} == {t: e["rows"] for t, e in expected["tables"].items()}
    loud.setting("datestyle", "'ISO'")
    name = loud.dsn.database
    assert said(proof.compare(expected, loud.prove())[0]) == [f"schema: DATABASE PROPERTIES {name}: differs"]
    loud.drop()


def test_a_loud_setting_leaves_the_digest_as_it_was(pg: Dsn, tmp_path: Path) -> None:
    """The pinned settings win over the database's: the schema's text differs when one is added, no row does."""
    source = bench(pg, tmp_path, "loud").make(types_sql())
    expected = source.prove()
    for name, value in LOUD_SETTINGS.items():
        source.setting(name, value)
    differences = proof.compare(expected, source.prove())[0]
    assert "schema: DATABASE PROPERTIES loud: not on the source" in said(differences)
    assert {d.kind for d in differences} == {"schema"}
    source.drop()


def test_from_15_to_18_is_green_with_what_another_major_spells_otherwise_listed(pg15: Dsn, pg18: Dsn, tmp_path: Path) -> None:
    """A restore onto a newer major is proven where it can be: rows, sequences, large objects, definitions as one pg_dump writes them."""
    source = _awkward(pg15, tmp_path, "moved")
    expected = source.prove("cryptographic")
    target = source.carried_to(bench(pg18, tmp_path, "moved"))
    differences, unproven, _ = proof.compare(expected, target.prove("cryptographic"))
    assert said(differences) == []
    assert not [d for d in unproven if d.kind == "rows"]
    assert not [d for d in unproven if d.kind == "digest"]
    fast = proof.compare(source.prove(), target.prove())
    assert said(fast[0]) == []
    assert [d.detail for d in fast[1] if d.kind == "digest"] == [
        "fast digests were compared between PostgreSQL 15 and 18; only cryptographic ones are exact there"
    ]
    source.drop()
    target.drop()


def test_names_never_look_the_same() -> None:
    """Two tables whose names read alike have proofs of their own."""
    names = [("a.b", "c"), ("a", "b.c"), ("a", "b c"), ("a", 'b"c'), ("a", "b\nc"), ("a", "b\\nc"), ("a", "b\\u000ac"), ("a", "b")]
    assert len({shown(*name) for name in names}) == len(names)
