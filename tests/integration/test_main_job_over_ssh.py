"""The main job where every machine is another one: production, the file server and the standby are reached over real sshd.

Each login is for one thing only, by its forced command; sets are decrypted on the standby, which keeps their encrypted parts.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.support.main_job import Home, demo_home
from tests.support.ssh_world import Machine, machine
from tests.support.tcp_proxy import proxy

pytestmark = [pytest.mark.integration, pytest.mark.slow]

STANDBY_ONLY = 'command="{program} agent --root {home}/standby",restrict'
CAPTURE_ONLY = 'command="{program} agent --only capture --root {home}/site",restrict'
STORE_ONLY = 'command="{program} agent --only repository --root {home}/backups",restrict'


@dataclass(frozen=True)
class Spread:
    """The home on this machine, and the others."""

    home: Home
    production: Machine
    files: Machine
    standby: Machine

    @property
    def root(self) -> Path:
        return self.standby.home / "standby"


def only(machine: Machine, options: str) -> Machine:
    """Its login may do that one thing."""
    machine.forced = options.format(program=machine.program, home=machine.home)
    machine.authorise()
    return machine


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spread]:
    with ExitStack() as held:
        home = held.enter_context(demo_home(Path(tmp_path_factory.mktemp("spread")) / "home"))
        production = only(held.enter_context(machine("production")), CAPTURE_ONLY)
        files = only(held.enter_context(machine("files")), STORE_ONLY)
        standby = only(held.enter_context(machine("standby")), STANDBY_ONLY)
        made = Spread(home, production, files, standby)
        _move_site(made)
        _rewrite(made)
        home.dr("repositories", "init", "fileserver")
        for host in ("production", "standby"):
            home.dr("hosts", "enrol", host, "--yes")
        home.dr("run", "nightly")
        yield made


def _move_site(spread: Spread) -> None:
    there = spread.production.home / "site"
    shutil.copytree(spread.home.path / "demo" / "site", there, symlinks=True)
    owner = spread.production.home.stat()
    subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", there], check=True)


def _rewrite(spread: Spread) -> None:
    """hosts.yaml, repositories.yaml and systems.yaml, so that nothing but the vault and the controller is here."""
    folder = spread.home.path / "inventory"
    _edit(folder / "systems.yaml", "demo/site", str(spread.production.home / "site"))
    _edit(folder / "hosts.yaml", "demo/production/pgdata", str(spread.home.path / "demo/production/pgdata"))
    _edit(
        folder / "hosts.yaml",
        "      path: demo/standby\n",
        _words(spread.standby.login(path=str(spread.root), decrypt="standby", keep="1GiB")),
    )
    _edit(
        folder / "hosts.yaml", "    role: production\n    with:\n", f"    role: production\n    with:\n{_words(spread.production.login())}"
    )
    _edit(folder / "hosts.yaml", "kind: local", "kind: ssh")
    stored = _words(spread.files.login(path=str(spread.files.home / "backups")))
    _edit(
        folder / "repositories.yaml",
        "kind: directory\n    tier: online\n    with: {path: demo/fileserver}",
        f"kind: ssh\n    tier: online\n    with:\n{stored}",
    )


def _words(login: dict[str, object]) -> str:
    text: str = yaml.safe_dump(login)
    return "".join(f"      {line}\n" for line in text.splitlines())


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path.name} has no '{old}'"
    path.write_text(text.replace(old, new))


def test_a_night_and_a_drill_are_proven_across_the_network(spread: Spread) -> None:
    """What the plan says: copied from one machine to another, restored on a third, compared, and nothing of it left there."""
    spread.home.dr("check")
    drill = spread.home.dr("drill", "hmis", "--tier", "online")
    assert "PASS" in drill.stdout
    (proven,) = [one for (_, repository), one in spread.home.levels().items() if repository == "fileserver"]
    assert proven == "proven"
    assert list((spread.root / "drills").iterdir()) == []
    assert [entry.event for entry in spread.home.audit() if entry.event == "key.lent"]


@pytest.mark.campaign
def test_the_encrypted_parts_stay_and_cross_once(spread: Spread) -> None:
    """A second drill of the same set fetches none of them again: with the file server's parts out of reach it still passes."""
    spread.home.dr("drill", "hmis", "--tier", "online")
    kept = sorted(entry.name for entry in (spread.root / "parts").iterdir())
    assert kept
    hidden = [part for part in (spread.files.home / "backups").rglob("*.zst.age") if part.name != "index.zst.age"]
    for part in hidden:
        part.rename(part.with_suffix(".away"))
    try:
        again = spread.home.dr("drill", "hmis", "--tier", "online", expect=None)
    finally:
        for part in hidden:
            part.with_suffix(".away").rename(part)
    assert again.returncode == 0, str(again)
    assert "encrypted parts for the next restore" in spread.home.dr("hosts", "check", "standby").stdout


def test_each_login_does_one_thing(spread: Spread) -> None:
    """Production's key cannot write there, the file server's cannot read production: whatever the controller is told to ask."""
    hosts = spread.home.path / "inventory" / "hosts.yaml"
    before = hosts.read_text()
    try:
        hosts.write_text(before.replace(f"{spread.root}", f"{spread.standby.home}/elsewhere"))
        refused = spread.home.dr("hosts", "enrol", "standby", "--yes", expect=None)
        assert refused.returncode == 3
        assert "this login is for the standby in" in refused.stderr
        hosts.write_text(
            before.replace(str(spread.standby.port), str(spread.files.port)).replace(str(spread.standby.place), str(spread.files.place))
        )
        refused = spread.home.dr("drill", "hmis", "--tier", "online", expect=None)
        assert refused.returncode == 3
        assert "its authorized_keys says what it is for" in refused.stdout + refused.stderr
    finally:
        hosts.write_text(before)
    assert not (spread.standby.home / "elsewhere").exists()


def seen(spread: Spread) -> dict[str, tuple[int, int]]:
    """Every file of the standby's own: its size, and when it was written."""
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in spread.root.rglob("*")}


def lent(spread: Spread) -> int:
    return len([entry for entry in spread.home.audit() if entry.event == "key.lent"])


def test_without_an_agreement_nothing_of_a_set_reaches_a_standby_of_others(spread: Spread) -> None:
    """No part, no key, no file: what crosses is the question whether it may be written to. With the agreement it may."""
    hosts = spread.home.path / "inventory" / "hosts.yaml"
    before, lying, keys = hosts.read_text(), seen(spread), lent(spread)
    with proxy(spread.standby.port) as net:
        known = spread.home.path / "keys" / "known-by-proxy"
        known.write_text(f"[127.0.0.1]:{net.port} {' '.join((spread.standby.place / 'host.pub').read_text().split()[:2])}\n")
        there = before.replace(f"port: {spread.standby.port}\n", f"port: {net.port}\n").replace(str(spread.standby.known_hosts), str(known))
        theirs = f"{there}\nthird_party:\n  standby: {{owner: County IT}}\n"
        try:
            hosts.write_text(theirs)
            refused = spread.home.dr("drill", "hmis", "--tier", "online", expect=3)
            crossed = net.passed
            assert "it belongs to County IT, and no agreement with them is on record" in " ".join(refused.stdout.split())
            assert (seen(spread), lent(spread)) == (lying, keys)
            assert 0 < crossed < 60_000 < sum(part.stat().st_size for part in (spread.files.home / "backups").rglob("*.zst.age"))
            agreed = '{owner: County IT, agreement: {document: "BAA 14", signed: 2026-01-15}}'
            hosts.write_text(theirs.replace("{owner: County IT}", agreed))
            assert "'BAA 14' is in force from 2026-01-15" in " ".join(spread.home.dr("hosts", "check", "standby").stdout.split())
        finally:
            hosts.write_text(before)
