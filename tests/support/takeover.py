"""The main office is lost: its duties are taken over by others, from any home, as people would type it."""

import signal
import subprocess

from tests.support.main_job import Home
from tests.support.patience import LONG

TAKEN = {"system-administration": "milwaukee", "privacy": "green-bay", "data-quality": "green-bay"}
"""Which office answers for which of Madison's duties, in the example of `dr init`."""


def takes_over(home: Home) -> None:
    """By one person, whose terminal is closed as soon as it is begun; then offices answer, and it ends by itself."""
    terminal = home.start("office", "lost", "madison", "--only", "--alone", "the main office burnt", "--yes")
    run = _asked(terminal)
    terminal.send_signal(signal.SIGHUP)
    terminal.communicate(timeout=LONG)
    assert terminal.returncode == -signal.SIGHUP
    for duty, office in TAKEN.items():
        home.dr("office", "accept", duty, "--office", office)
    assert "✔ PASS  office-failover finished" in home.dr("runs", "watch", run).stdout


def _asked(terminal: "subprocess.Popen[str]") -> str:
    """The run's name, once the last of its duties is asked for."""
    assert terminal.stderr is not None
    said: list[str] = []
    run = ""
    for line in terminal.stderr:
        said.append(line)
        if "is under way in the background" in line:
            run = line.split()[1]
        if run and "Data quality and reporting: Green Bay is asked" in line:
            return run
    raise AssertionError("it ended before anybody was asked:\n" + "".join(said))
