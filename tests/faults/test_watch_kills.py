"""Promise 1, of a watch: killed anywhere, what got worse is told all the same, and an outage is proposed once."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dr.app import failpoint_names
from dr.config.init import init_home
from tests.support.main_job import KILLED, Home
from tests.support.receiver import receiving
from tests.support.ssh_world import machine

pytestmark = [pytest.mark.fault, pytest.mark.slow]
LOOK = (
    "watch-redundancy.before-effect",
    "watch-redundancy.after-reading",
    "watch-redundancy.after-effect",
    "watch-redundancy.after-record",
)
DETECT = (
    "detect-outages.before-effect",
    "detect-outages.after-proposal",
    "detect-outages.after-effect",
    "detect-outages.after-record",
)
ROUTERS = """\
redundancy:
  routers:
    kind: pair
    title: the core routers
    with: {routers: {left: {host: 127.0.0.2, port: LEFT}, right: {host: 127.0.0.3, port: 9}}}
"""
DETECTION = """\
    detection:
      vantages: [production, lookout]
      probes: {web: {check: tcp-answers, with: {host: 127.0.0.1, port: 9, timeout: 1s}}}
      failures: 2
    runbooks:
"""


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, str]]]]:
    with receiving() as (url, seen):
        yield url, seen


@pytest.fixture
def home(tmp_path: Path, told: tuple[str, list[dict[str, str]]]) -> Home:
    path = tmp_path / "home"
    init_home(path, "Harbor", "America/Chicago")
    for name in (
        "production-postgres.password",
        *(f"notify-{who}.url" for who in ("system-administrator", "help-desk-lead", "executive-director")),
    ):
        file = path / "keys" / name
        file.write_text(told[0] if name.endswith("url") else "secret word")
        file.chmod(0o600)
    return Home(path)


@pytest.fixture
def left() -> Iterator[int]:
    """The port at which each address of this machine answers: 127.0.0.2 is the left router, 127.0.0.3 the right one once it is mended."""
    with socket.create_server(("", 0)) as server:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def shoot(home: Home, log: Path, points: Sequence[str]) -> None:
    """One run of the watch, killed at each point in turn, then taken up a last time."""
    words = ["run", "watch"]
    for point in points:
        done = home.dr(*words, env={"DR_FAILPOINT": point, "DR_FAILPOINT_LOG": str(log)}, expect=None)
        assert done.returncode == KILLED, f"was not killed at {point}: {done}"
        words = ["runs", "resume"]
    home.dr(*words)


def test_every_failpoint_of_a_watch_is_shot_here() -> None:
    """A new one brings its name."""
    assert sorted({*LOOK, *DETECT}) == sorted(
        name for name in failpoint_names() if name.startswith(("watch-redundancy.", "detect-outages."))
    )


def test_a_half_that_is_lost_is_told_once_though_the_look_is_killed_everywhere(
    home: Home, left: int, told: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    """Readings of the killed attempts are there already: the change is told against the looks of other runs. The next look says nothing."""
    (home.path / "inventory" / "redundancy.yaml").write_text(ROUTERS.replace("LEFT", str(left)))
    shoot(home, tmp_path / "fired", LOOK)
    subject = "routers (the core routers) is DEGRADED"
    assert [notice["title"] for notice in told[1]] == [subject, subject], "two administrators, one notice each"
    assert "is DEGRADED: right lost (nothing listens at 127.0.0.3:9)" in told[1][0]["message"]
    home.dr("run", "watch")
    assert len(told[1]) == 2
    (shown,) = home.json("redundancy", expect=1)
    assert (shown["stands"], [half["state"] for half in shown["last"]["reading"]["halves"]]) == ("degraded", ["whole", "lost"])
    assert "routers (the core routers) is DEGRADED" in home.dr("status", expect=1).stdout
    status = ROUTERS.replace("LEFT", str(left)).replace("127.0.0.3, port: 9", f"127.0.0.3, port: {left}")
    (home.path / "inventory" / "redundancy.yaml").write_text(status)
    home.dr("run", "watch")
    assert [notice["title"] for notice in told[1][2:]] == ["Whole again: routers (the core routers)"] * 2
    assert "DEGRADED" not in home.dr("status", expect=1).stdout


@pytest.mark.campaign
def test_an_outage_is_proposed_once_though_the_detection_is_killed_everywhere(
    home: Home, told: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    """From this machine and from a lookout over ssh: the first look proposes nothing, the second does, whatever becomes of it."""
    with machine("lookout", forced="") as there:
        there.forced = f'command="{there.program} agent --only watch",restrict'
        there.authorise()
        systems, hosts = home.path / "inventory" / "systems.yaml", home.path / "inventory" / "hosts.yaml"
        systems.write_text(systems.read_text().replace("    runbooks:\n", DETECTION, 1))
        lookout = {"kind": "ssh", "role": "office", "with": there.login()}
        hosts.write_text(hosts.read_text().replace("hosts:\n", f"hosts:\n  lookout: {json.dumps(lookout)}\n", 1))
        (home.path / "inventory" / "redundancy.yaml").write_text(
            "redundancy:\n  disk: {kind: disk-growth, with: {paths: [/], least: 1B, least_percent: 0}}\n"
        )
        home.dr("run", "watch")
        with home.catalog() as catalog:
            assert catalog.outages() == []
        shoot(home, tmp_path / "fired", DETECT)
        home.dr("run", "watch")
        with home.catalog() as catalog:
            (outage,) = catalog.outages()
        assert (outage.state, outage.system, outage.by) == ("proposed", "hmis", "dr's own watch")
        fresh = [notice["title"] for notice in told[1] if "(repeat)" not in notice["title"]]
        assert len(fresh) == 2, "each administrator is asked once"
        assert "out? It seems so since" in fresh[0]
