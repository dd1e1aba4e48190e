"""Names that look like options, shell words or line breaks, all the way to a standby across a network and through the proof."""

from pathlib import Path

import pytest

from dr import plugins
from dr.drivers.postgres.connect import connect
from dr.hosts.ssh import KIND
from tests.support.host_world import make_world
from tests.support.postgres import server
from tests.support.ssh_drill import Drill, DrillStep, captured, load
from tests.support.ssh_hosts import writable
from tests.support.ssh_world import Machine
from tests.support.tcp_proxy import Proxy

pytestmark = [pytest.mark.campaign, pytest.mark.fault, pytest.mark.needs("ssh", "/usr/sbin/sshd")]
CHECK = plugins.CHECKS["content-equals-source"]
NAMES = ["-Fc", "$(touch x)", 'it\'s "q"\\;', "two\nlines", "é" * 31 + "x"]
"""The last is 63 bytes."""
FOLDER = "-rf $(touch x) 'it''s' \"q\" \\ é"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def test_hostile_names_reach_the_standby_and_are_proven(there: Machine, net: Proxy, tmp_path: Path) -> None:
    """Databases, schemas, tables, columns, roles and the standby's own folder: no name is ever read as a word of a shell or an option."""
    assert len(NAMES[-1].encode()) == 63
    with server(tmp_path / "server", major=18) as dsn:
        with connect(dsn) as connection:
            for name in NAMES:
                connection.execute(f"CREATE ROLE {quoted(name)}".encode())
            connection.execute(f"CREATE DATABASE {quoted(NAMES[0])}".encode())
            connection.execute(f"CREATE DATABASE {quoted(NAMES[2])} OWNER {quoted(NAMES[3])}".encode())
        for database in (NAMES[0], NAMES[2]):
            with connect(dsn.at(database)) as connection:
                for name in NAMES:
                    schema, column = quoted(name), quoted(name)
                    connection.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {quoted(name)}".encode())
                    connection.execute(
                        f"CREATE TABLE {schema}.{quoted(name)} AS SELECT g AS {column} FROM generate_series(1, 9) g".encode()
                    )
        system = captured(dsn, tmp_path)
    drill = Drill(there, net, system, make_world(tmp_path), FOLDER)
    KIND.enrol(drill.request, drill.standing)
    with writable(drill.request, drill.standing) as handle:
        step = DrillStep()
        places = load(handle, system, step)
        assert {NAMES[0], NAMES[2]} <= set(places["database"]["databases"])
        found = handle.prove(CHECK, CHECK.params(), system.restored(handle), step.as_context())
        assert found.passed, found
        assert found.examined >= 2 * len(NAMES)
        assert handle.scrub([b"canary-of-nobody"]).found == 0
        assert handle.runner().run(["ls", "-A", f"{drill.root}/drills"]).stdout == b""
