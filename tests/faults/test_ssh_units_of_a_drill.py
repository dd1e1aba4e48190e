"""A whole drill onto a standby over real sshd: its link is cut, its process killed, a person leaves it; it passes, and nothing is left."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from dr.app.agent import units
from tests.support.main_job import Home, demo_home
from tests.support.ssh_drill import left, until
from tests.support.ssh_world import Machine, machine
from tests.support.tcp_proxy import Proxy, proxy

pytestmark = [pytest.mark.campaign, pytest.mark.fault, pytest.mark.needs("ssh", "/usr/sbin/sshd")]


@dataclass(frozen=True)
class Spread:
    """The home here, its standby there, and the network between them."""

    home: Home
    there: Machine
    net: Proxy

    def units(self) -> list[str]:
        folder = self.there.home / ".local/state/dr-units"
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def begun(self, step: str) -> str:
        """The run whose step works there now."""
        until(lambda: any(name.endswith(f"-{step}") and self._is_linked(name) for name in self.units()), f"no {step} began there")
        (name,) = [one for one in self.units() if one.endswith(f"-{step}")]
        return name.removesuffix(f"-{step}")

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


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spread]:
    with ExitStack() as held:
        home = held.enter_context(demo_home(Path(tmp_path_factory.mktemp("units")) / "home"))
        there = held.enter_context(machine("standby"))
        net = held.enter_context(proxy(there.port))
        there.know(f"[127.0.0.1]:{net.port}")
        there.forced = f'command="{there.program} agent --root {there.home}/standby",restrict'
        there.authorise()
        login = there.login(path=str(there.home / "standby"), port=net.port, silence="5s")
        words = "".join(f"      {line}\n" for line in yaml.safe_dump(login).splitlines())
        hosts = home.path / "inventory" / "hosts.yaml"
        before, _, after = hosts.read_text().partition("  standby:\n    kind: local\n")
        assert after
        hosts.write_text(before + "  standby:\n    kind: ssh\n" + after.replace("      path: demo/standby\n", words, 1))
        home.dr("hosts", "enrol", "standby", "--yes")
        home.dr("run", "nightly")
        yield Spread(home, there, net)


def nothing_is_left(spread: Spread) -> None:
    until(lambda: not left(spread.there), "work goes on that nobody waits for")
    assert spread.units() == []
    assert list((spread.there.home / "standby" / "drills").iterdir()) == []


def ended(drill: "subprocess.Popen[str]") -> str:
    out, err = drill.communicate(timeout=180)
    return out + err


def test_a_drill_whose_link_is_cut_passes_at_its_first_attempt(spread: Spread) -> None:
    with spread.home.start("drill", "hmis", "--tier", "online") as drill:
        run = spread.begun("restore")
        spread.net.cut()
        spread.begun("prove")
        spread.net.cut()
        said = ended(drill)
        assert drill.returncode == 0, said
    assert "PASS" in said
    attempts = spread.attempts(run)
    assert (attempts["restore"], attempts["prove"]) == (1, 1)
    nothing_is_left(spread)


@pytest.mark.parametrize("step", ["restore", "prove"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_drill_that_is_killed_or_left_is_resumed_and_passes(spread: Spread, step: str, how: signal.Signals) -> None:
    """Killed, its work there waits to be taken up; left by Ctrl-C, it is ended. Either way the run is resumed, and passes."""
    with spread.home.start("drill", "hmis", "--tier", "online") as drill:
        run = spread.begun(step)
        drill.send_signal(how)
        ended(drill)
    if how is signal.SIGINT:
        until(lambda: not left(spread.there), "Ctrl-C left its work there")
    done = spread.home.dr("runs", "resume", run, expect=None)
    assert done.returncode == 0, str(done)
    assert "PASS" in done.stdout
    nothing_is_left(spread)
