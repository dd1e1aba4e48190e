"""A whole drill onto a standby over real sshd: its link is cut, its process killed, a person leaves it; it passes, and nothing is left."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ssh_drill import left, until
from tests.support.ssh_spread import Spread, ended, nothing_is_left, spread_over
from tests.support.ssh_world import machine
from tests.support.tcp_proxy import proxy

pytestmark = [pytest.mark.campaign, pytest.mark.fault, pytest.mark.needs("ssh", "/usr/sbin/sshd")]


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spread]:
    with machine("standby") as there, proxy(there.port) as net:
        there.know(f"[127.0.0.1]:{net.port}")
        with spread_over(Path(tmp_path_factory.mktemp("units")), there, net) as made:
            made.home.dr("run", "nightly")
            yield made


def test_a_drill_whose_link_is_cut_passes_at_its_first_attempt(spread: Spread) -> None:
    with spread.home.start("drill", "hmis", "--tier", "online") as drill:
        run = spread.begun("restore", drill)
        spread.net.cut()
        spread.begun("prove", drill)
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
        run = spread.begun(step, drill)
        drill.send_signal(how)
        ended(drill)
    if how is signal.SIGINT:
        until(lambda: not left(spread.there), "Ctrl-C left its work there")
    done = spread.home.dr("runs", "resume", run, expect=None)
    assert done.returncode == 0, str(done)
    assert "PASS" in done.stdout
    nothing_is_left(spread)


def test_a_drill_is_resumed_after_the_signing_key_was_rotated(spread: Spread) -> None:
    """Its work there is known by what no rotation changes, and is no stranger's."""
    with spread.home.start("drill", "hmis", "--tier", "online") as drill:
        run = spread.begun("prove", drill)
        drill.kill()
    spread.home.dr("keys", "rotate", "signing")
    done = spread.home.dr("runs", "resume", run)
    assert "PASS" in done.stdout
    nothing_is_left(spread)
