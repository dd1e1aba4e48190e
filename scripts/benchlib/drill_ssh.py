"""A drill onto a standby over SSH (real sshd, another user, on this machine): beside the local drill, and beside the work by hand.

By hand is: the dump copied with `tar | ssh tar`, then `pg_restore -j2`, statistics, durable. All machines share these cores, and loopback
is faster than any network, so what is measured is what `dr` and ssh cost, not what a line does.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchlib import changed
from benchlib.backup_restore import Measured, run_dr
from benchlib.byhand import ByHand
from benchlib.table import Report
from benchlib.watch import timed
from benchlib.world import BACKUP, DRILL, RUNBOOKS, Say, database_size, settle
from dr.app import App
from dr.app.hosts import enrol
from dr.demo.world import World
from dr.units import show_size
from dr.wire import openssh
from dr.wire.login import Login
from tests.support.postgres import free_port
from tests.support.ssh_world import Machine, machine

PLAIN, SEALED, KEPT = "bench-drill-plain", "bench-drill-sealed", "bench-drill-kept"
_WAYS = {PLAIN: "plain", SEALED: "sealed", KEPT: "kept"}
_MEANT = {PLAIN: {"decrypt": "controller"}, SEALED: {"decrypt": "standby"}, KEPT: {"decrypt": "standby", "keep": "100GiB"}}


def measure(world: World, repetitions: int, say: Say) -> tuple[Measured, int, tuple[int, dict[str, tuple[int, int]]]]:
    """The seconds, the database's size, and what was sent: of a first drill, and after changes. Raises Failed, from either side."""
    found, size = Measured(), database_size(world)
    recipients = App.open(str(world.home)).inventory.organisation.keys.recipients
    by_hand = ByHand(world.home.parent / "by-hand", world.dsn, recipients)
    with _standby(world, say) as there:
        run_dr(world, BACKUP, found)
        by_hand.backup()
        whole = changed.first(world, there, KEPT)
        try:
            for number in range(1, repetitions + 1):
                say(f"repetition {number} of {repetitions}")
                for runbook in (DRILL, PLAIN, SEALED, KEPT):
                    settle(world)
                    run_dr(world, runbook, found)
                    found.seconds[f"{runbook}: until proven"].append(_until_proven(found, runbook))
                _by_hand(world, by_hand, there, found)
        finally:
            by_hand.remove_cluster()
        sent = changed.measure(world, there, KEPT, say)
    return found, size, (whole, sent)


def _until_proven(found: Measured, runbook: str) -> float:
    return sum(found.steps[f"{runbook}: {step}"][-1] for step in ("restore", "prove"))


def _by_hand(world: World, by_hand: ByHand, there: Machine, found: Measured) -> None:
    target = by_hand.fresh_cluster()
    settle(world)
    copied = timed(lambda: _copied(by_hand.dump, there))[0]
    found.seconds["by hand: copied"].append(copied)
    restored = timed(lambda: by_hand.restore(target))[0] + timed(lambda: by_hand.finish(target))[0]
    found.seconds["by hand: copied and usable"].append(copied + restored)
    by_hand.remove_cluster()


def _copied(dump: Path, there: Machine) -> None:
    login = Login.from_facts({**there.login(), "known_hosts": str(there.known_hosts)})
    words = openssh.argv(
        login.reached("standby", "/"), ["rm", "-rf", "by-hand", "&&", "mkdir", "by-hand", "&&", "tar", "-C", "by-hand", "-xf", "-"]
    )
    with subprocess.Popen(["tar", "-C", str(dump), "-cf", "-", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(words, stdin=tar.stdout, check=True)


@contextmanager
def _standby(world: World, say: Say) -> Iterator[Machine]:
    """One machine, three standbys on it, enrolled, each with its runbook."""
    say("starting an sshd and enrolling three standbys behind it")
    with machine("bench") as there:
        hosts = world.home / "inventory" / "hosts.yaml"
        before = hosts.read_text()
        try:
            hosts.write_text(before + "".join(_host(there, way, _MEANT[runbook]) for runbook, way in _WAYS.items()))
            for runbook, way in _WAYS.items():
                text = (
                    RUNBOOKS[DRILL]
                    .replace("bench-drill", runbook)
                    .replace("onto: standby", f"onto: {way}")
                    .replace("host: standby", f"host: {way}")
                )
                (world.home / "runbooks" / f"{runbook}.yaml").write_text(text)
            app = App.open(str(world.home))
            for way in _WAYS.values():
                enrol(app, way)
            app.records.close()
            yield there
        finally:
            hosts.write_text(before)
            for runbook in _WAYS:
                (world.home / "runbooks" / f"{runbook}.yaml").unlink(missing_ok=True)


def _host(there: Machine, way: str, more: dict[str, str]) -> str:
    settings = {**there.login(path=str(there.home / way)), **more}
    lines = [f"      {name}: {value}" for name, value in settings.items()]
    return "\n".join(
        [f"  {way}:", "    kind: ssh", "    role: standby", "    with:", *lines, "      postgres:", f"        port: {free_port()}", ""]
    )


def report(found: Measured, size: int, sent: tuple[int, dict[str, tuple[int, int]]], repetitions: int) -> Report:
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    title = f"A database of {show_size(size)}; {repetitions} repetitions, interleaved; {cores} cores for all machines, load {load:.1f}"
    hand, said = "by hand: copied and usable", "tar over ssh, pg_restore -j2, statistics, durable"
    names = {
        DRILL: "local drill",
        PLAIN: "over ssh, decrypted here",
        SEALED: "over ssh, decrypted there",
        KEPT: "the same, parts kept there",
    }
    pairs = [found.pair(f"{what}: until proven", f"{runbook}: until proven", said, hand) for runbook, what in names.items()]
    pairs += [found.pair(f"{what}: whole", runbook, "the local drill", DRILL) for runbook, what in names.items() if runbook != DRILL]
    steps = [(f"step {name}, seconds", ", ".join(f"{s:.1f}" for s in seconds), "") for name, seconds in found.steps.items()]
    made = Report(title, pairs, steps)
    changed.add(made, *sent)
    return made
