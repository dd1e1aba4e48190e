"""`postgres_logical`, there and back, on real servers: what a restore gives equals what was read."""

import json
import os
import socket
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dr.drivers.postgres import binaries, globals, neutralise, proof, written
from dr.drivers.postgres.connect import Dsn, connect, dsn_of
from dr.drivers.postgres.dump import schema_sql
from dr.drivers.postgres.needle import read_needles
from dr.drivers.postgres.schema import parse
from dr.errors import Unreachable
from dr.hosts.process import LocalRunner
from dr.model.base import JsonObject
from dr.model.record import ProductionFacts
from dr.sources.postgres_logical import PostgresLogical, PostgresLogicalSource
from tests.support.pg_awkward import HOSTILE, describe, fill
from tests.support.pg_world import KEY, MemorySet, PgStep, request, standby, step_for
from tests.support.postgres import PASSWORD, server

pytestmark = pytest.mark.integration
NEEDLE = '{"set": "20261122T070000Z-7f3a9c", "signature": "00"}'


@dataclass
class Journey:
    """A source that was captured and restored."""

    source: Dsn
    restored: Dsn
    set: MemorySet
    step: PgStep
    facts: ProductionFacts
    places: JsonObject
    place: Path
    host: Any


@pytest.fixture(scope="module", params=[(15, 15), (18, 18), (15, 18)], ids=lambda p: f"{p[0]}-to-{p[1]}")
def journey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    origin, target = request.param
    root = Path(tmp_path_factory.mktemp(f"journey{origin}{target}"))
    (root / "side").mkdir(mode=0o700)
    folder = str(Path(binaries.find("postgres", exactly=target)).parent)
    with server(root / "source", major=origin, user="boss") as dsn, standby(root, binaries=folder) as host:
        fill(dsn, str(root / "side"))
        yield travel(dsn, root, host)


def travel(dsn: Dsn, root: Path, host: Any) -> Journey:
    source, step, kept = PostgresLogicalSource(), step_for(dsn, root), MemorySet()
    asked = request(PostgresLogical(digest="cryptographic"), needle=None)
    (facts,) = source.capture(asked, kept.as_writer(), step.as_context())
    places = source.restore(kept.readers(), host, step.as_context())
    return Journey(dsn, dsn_of(places), kept, step, facts, places, Path(host.place()), host)


def test_everything_comes_back(journey: Journey) -> None:
    """Databases with their encoding, owner, settings, rights and limits; roles with their verifiers; rows; security; template1."""
    there, here = describe(journey.source), describe(journey.restored)
    there["triggers"] = [(name, "D") for name, _ in there["triggers"]]  # switched off, until a person lets them go
    for what, expected in there.items():
        assert here[what] == expected, what


def test_the_content_proof_finds_no_difference(journey: Journey) -> None:
    """Promise 2, for this source: the proof made beside the dump equals one made on the restored server."""
    for sink, _, _ in journey.set.whole.values():
        content = sink.described["content"]
        if "database" in content:
            differences, _, examined = proof.compare(content["proof"], prove(journey, content["database"]))
            assert examined > 0
            assert [difference.name for difference in differences] == [], content["database"]


def prove(journey: Journey, database: str) -> JsonObject:
    dsn, tool = journey.restored.at(database), binaries.newest("pg_dump")
    text = schema_sql(dsn, journey.place, runner=LocalRunner(), pg_dump=tool, snapshot=None, watch=lambda: None)
    return proof.prove_database(
        dsn,
        snapshot=None,
        key=KEY,
        workers=2,
        stop=threading.Event(),
        progress=lambda what, done, total: None,
        method="cryptographic",
        schema_sql=written.as_restored(parse(text), neutralise.kept(journey.place / "secret"), database),
    )


def test_the_globals_proof_finds_no_difference(journey: Journey) -> None:
    """Roles, memberships, settings and tablespaces equal the source's, but for what is mapped."""
    content = journey.set.whole["database-globals"][0].described["content"]
    tool = binaries.newest("pg_dumpall")
    text = globals.globals_sql(journey.restored, journey.place, runner=LocalRunner(), pg_dumpall=tool, watch=lambda: None)
    found = proof.prove_globals(text, key=KEY, bootstrap="boss", server=journey.places["server_version"])
    differences, unproven, _ = proof.compare(content["globals"], found)
    assert differences == []
    assert {d.name for d in unproven} >= {"boss", "side"}


def test_the_restored_server_is_durable_private_and_reaches_nothing(journey: Journey) -> None:
    """Loaded with fsync off, it serves with fsync on; it listens on loopback; no subscription is enabled; its password is its own."""
    with connect(journey.restored.at(HOSTILE)) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}".encode()).fetchall()[0][0]
            for name in ("fsync", "full_page_writes", "wal_level", "autovacuum", "listen_addresses", "unix_socket_directories")
        }
        enabled = connection.execute("SELECT count(*) FROM pg_subscription WHERE subenabled").fetchone()
        statistics = connection.execute("SELECT count(*) FROM pg_stats WHERE schemaname = 'public'").fetchone()
    assert shown == {
        "fsync": "on",
        "full_page_writes": "on",
        "wal_level": "replica",
        "autovacuum": "on",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
    }
    assert enabled == (0,)
    assert statistics is not None and statistics[0] > 0
    with pytest.raises(Unreachable):
        connect(Dsn("127.0.0.1", journey.restored.port, "boss", "postgres", PASSWORD))


def test_names_of_databases_stay_inside(journey: Journey) -> None:
    """What is stored in clear names no database: artifacts are numbered, and their identity is public."""
    assert list(journey.set.whole) == ["database-00", "database-01", "database-02", "database-globals"]
    for sink, kind, source in journey.set.whole.values():
        assert (kind, source) == ("postgres_logical", "database")
        assert set(sink.described["identity"]) == {"system_identifier", "server_version"}
    named = [sink.described["content"].get("database") for sink, _, _ in journey.set.whole.values()]
    assert named == [HOSTILE, "postgres", "template1", None]


def test_the_artifacts_can_be_restored_by_hand(journey: Journey) -> None:
    """A database's tar begins with what a person needs to make it; pg_dump's files follow, owner and times taken out."""
    reader = journey.set.readers()[0]
    with reader.stream() as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        members = []
        for member in archive:
            members.append(member)
            if member.name == "database.json":
                described = json.loads(archive.extractfile(member).read())  # type: ignore[union-attr]
    assert described["name"] == HOSTILE
    assert (described["encoding"], described["collate"], described["ctype"]) == ("UTF8", "C", "C.UTF-8")
    assert members[0].name == "database.json"
    assert "dump/toc.dat" in [m.name for m in members]
    assert {(m.mtime, m.uid, m.gid, m.mode) for m in members} == {(0, 0, 0, 0o600)}
    assert all(reader.artifact.plain % 512 == 0 for reader in journey.set.readers())


def test_nothing_is_left_lying_about(journey: Journey) -> None:
    """Dumps in the clear are gone from both stagings; the place is private, its password file too."""
    assert journey.step.staged and not any(folder.exists() for folder in journey.step.staged)
    assert list((journey.place / "staging").iterdir()) == []
    for private, mode in {"secret": 0o700, "log": 0o700, "staging": 0o700, "secret/superuser.pgpass": 0o600}.items():
        assert (journey.place / private).stat().st_mode & 0o777 == mode


def test_the_facts_identify_production(journey: Journey) -> None:
    """What the guard compares against: data directory by device and inode, port, system identifier."""
    status = os.stat(journey.facts.data_directory or "")
    assert (journey.facts.device, journey.facts.inode) == (status.st_dev, status.st_ino)
    assert (journey.facts.port, journey.facts.address) == (journey.source.port, "127.0.0.1")
    assert journey.facts.system_identifier == journey.set.readers()[0].artifact.identity["system_identifier"]
    assert journey.places["system_identifier"] != journey.facts.system_identifier


def test_the_restores_facts_hold_no_secret(journey: Journey) -> None:
    """Promise 7: the password is in its file only."""
    told = json.dumps(journey.places)
    assert dsn_of(journey.places).password not in told
    assert journey.places["databases"] == [HOSTILE, "postgres", "template1"]
    assert any("tablespace 'side'" in words for words in journey.places["mapped"])
    with socket.create_connection((journey.places["host"], journey.places["port"]), timeout=5):
        pass


def test_the_guard_is_asked_right_before(journey: Journey) -> None:
    """Promise 5: before the cluster is made, and before the first statement is sent to it."""
    assert journey.host.rechecked == 2


def test_a_database_without_a_needle_says_so(journey: Journey) -> None:
    """No needle was planted, so none is found, and that is no error."""
    assert read_needles(journey.restored.at(HOSTILE)) == []
