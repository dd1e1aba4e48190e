"""A home here whose standby is another machine, reached over a network that can break."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from dr.app.agent import units
from tests.support.main_job import Home, demo_home
from tests.support.ssh_drill import left, until
from tests.support.ssh_world import Machine
from tests.support.tcp_proxy import Net


@dataclass(frozen=True)
class Spread:
    """The home here, its standby there, and the network between them."""

    home: Home
    there: Machine
    net: Net

    def units(self) -> list[str]:
        folder = self.there.home / ".local/state/dr-units"
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def begun(self, step: str, drill: "subprocess.Popen[str]") -> str:
        """The run whose step works there now."""

        found: list[str] = []

        def is_there() -> bool:
            found[:] = [name for name in self.units() if name.endswith(f"-{step}") and self._is_linked(name)]
            return bool(found) or drill.poll() is not None

        until(is_there, f"no {step} began there")
        assert found, ended(drill)
        return found[0].removesuffix(f"-{step}")

    def _is_linked(self, name: str) -> bool:
        control = units.connected(self.there.home / ".local/state/dr-units" / name)
        if control is None:
            return False
        with control:
            control.send(b'{"about": true}')
            return json.loads(control.recv(65536) or b"{}").get("away", 0) is None

    def attempts(self, run: str) -> dict[str, int]:
        with self.home.catalog() as catalog:
            return {str(step.step): step.attempt for step in catalog.steps(run)}  # type: ignore[arg-type]


@contextmanager
def spread_over(place: Path, there: Machine, net: Net) -> Iterator[Spread]:
    """Enrolled, by a login that is for that standby alone; nothing is backed up yet."""
    there.forced = f'command="{there.program} agent --root {there.home}/standby",restrict'
    there.authorise()
    login = there.login(path=str(there.home / "standby"), port=net.port, silence="5s")
    words = "".join(f"      {line}\n" for line in yaml.safe_dump(login).splitlines())
    with demo_home(place / "home") as home:
        hosts = home.path / "inventory" / "hosts.yaml"
        before, _, after = hosts.read_text().partition("  standby:\n    kind: local\n")
        assert after
        hosts.write_text(before + "  standby:\n    kind: ssh\n" + after.replace("      path: demo/standby\n", words, 1))
        home.dr("hosts", "enrol", "standby", "--yes")
        yield Spread(home, there, net)


def nothing_is_left(spread: Spread) -> None:
    until(lambda: not left(spread.there), "work goes on that nobody waits for")
    assert spread.units() == []
    assert list((spread.there.home / "standby" / "drills").iterdir()) == []


def ended(drill: "subprocess.Popen[str]") -> str:
    out, err = drill.communicate(timeout=180)
    return out + err
