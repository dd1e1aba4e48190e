"""Whom we do not know gets nothing; whom we know gets no more than its login is for. By what a real sshd saw (its log at DEBUG)."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dr.errors import NotProvablyStandby, Refused, Unreachable
from dr.hosts.ssh import KIND, Ssh
from dr.model.base import HostName
from dr.model.ports import HostRequest
from dr.sources.postgres_logical import SOURCE, PostgresLogical
from tests.support.host_world import RUN, STANDBY, World, make_world
from tests.support.pg_world import MemorySet, request
from tests.support.postgres import PASSWORD, server
from tests.support.ssh_drill import DrillStep, until
from tests.support.ssh_hosts import over_ssh, request_of, writable
from tests.support.ssh_world import HERE, Machine, machine

pytestmark = [pytest.mark.fault, pytest.mark.needs("ssh", "/usr/sbin/sshd")]
NOTHING = ("userauth-request", "Accepted", "Starting session", "dr agent")
"""What sshd says once somebody offers a name, a key or a command."""


@pytest.fixture(scope="module")
def there() -> Iterator[Machine]:
    with machine("standby") as made:
        until(lambda: "Connection closed by" in made.log)  # by the look whether it answers
        yield made


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@contextmanager
def meanwhile(there: Machine) -> Iterator[list[str]]:
    """What sshd says while the block runs."""
    before, said = len(there.log), list[str]()
    yield said
    said.append(there.log[before:])


def everything(request: HostRequest, world: World) -> list[Refused]:
    """Each of the ways to ask a host something; what they raise."""
    caught = []
    for ask in (
        lambda: KIND.open(request).facts(),
        lambda: KIND.enrol(request, world.standing()),
        lambda: KIND.foresee(request, world.standing()),
        lambda: KIND.open_writable(request, world.standing(), RUN),
    ):
        with pytest.raises(Refused) as one:
            ask()
        caught.append(one.value)
    return caught


def other_key(place: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / "other"], check=True)
    return " ".join((place / "other.pub").read_text().split()[:2])


# ---------------------------------------------------------------- host keys


@pytest.mark.parametrize("known", ["no file", "empty", "another machine", "the name without the port"])
def test_an_unknown_host_is_not_even_called(there: Machine, world: World, known: str) -> None:
    """Promise 6: no credential, no command, no data; not one packet."""
    key = (there.place / "host.pub").read_text()
    file = world.home / "known_hosts"
    text = {"empty": "", "another machine": f"[127.0.0.2]:{there.port} {key}", "the name without the port": f"127.0.0.1 {key}"}
    if known in text:
        file.write_text(text[known])
    with meanwhile(there) as said:
        errors = everything(over_ssh(world, there, known_hosts=str(file)), world)
    expected = f"host 'standby': no SSH host key is known for [127.0.0.1]:{there.port}, so nothing is sent to it"
    assert {error.message for error in errors} == {expected}
    assert "Connection from" not in said[0]


def test_a_host_that_shows_another_key_gets_nothing(there: Machine, world: World) -> None:
    """A machine that was replaced, or one in between. It sees a connection and no more."""
    file = world.home / "known_hosts"
    file.write_text(f"[127.0.0.1]:{there.port} {other_key(world.home)}\n")
    with meanwhile(there) as said:
        errors = everything(over_ssh(world, there, known_hosts=str(file)), world)
    assert {type(error) for error in errors} == {NotProvablyStandby}
    assert "shows an SSH host key that is not the known one, so nothing was sent to it" in errors[0].message
    assert "Connection from" in said[0]
    assert [word for word in NOTHING if word in said[0]] == []


def test_a_key_that_is_known_for_the_name_alone_opens_no_other_port(there: Machine, world: World) -> None:
    """OpenSSH itself falls back to the name without the port where another kind of key is known for the port; we do not."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", world.home / "ecdsa"], check=True)
    ecdsa = " ".join((world.home / "ecdsa.pub").read_text().split()[:2])
    shown = " ".join((there.place / "host.pub").read_text().split()[:2])
    file = world.home / "known_hosts"
    file.write_text(f"[127.0.0.1]:{there.port} {ecdsa}\n127.0.0.1 {shown}\n")
    with meanwhile(there) as said:
        errors = everything(over_ssh(world, there, known_hosts=str(file)), world)
    assert {type(error) for error in errors} == {NotProvablyStandby}
    assert [word for word in NOTHING if word in said[0]] == []


@pytest.mark.positive_control
def test_the_known_host_is_let_know_who_we_are(there: Machine, world: World) -> None:
    """The twin: sshd's log does show an authentication and a session where there is one."""
    with meanwhile(there) as said:
        KIND.foresee(over_ssh(world, there), world.standing())
    assert [word for word in NOTHING if word not in said[0]] == ["dr agent"]  # DEBUG does not tell commands


# ---------------------------------------------------------------- programs that are not ours


def instead(there: Machine, script: str) -> str:
    program = there.place / "instead"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def told(request: HostRequest, world: World, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        KIND.foresee(request, world.standing())
    return str(caught.value)


def test_a_login_that_prints_before_dr_is_named(there: Machine, world: World) -> None:
    said = told(over_ssh(world, there, dr=instead(there, f'echo "Welcome to $(hostname)"; exec {there.program} "$@"')), world, Unreachable)
    assert said == (
        "host 'standby': the other side does not speak dr's language\n"
        "   HINT: something there prints before dr does: see that login's profile"
    )


@pytest.mark.positive_control
def test_what_is_printed_beside_the_stream_hurts_nobody(there: Machine, world: World) -> None:
    program = instead(there, f'echo "Welcome" >&2; exec {there.program} "$@"')
    assert KIND.foresee(over_ssh(world, there, dr=program), world.standing())[-1][0]


@pytest.mark.parametrize("program", ["/nowhere/dr", "no-such-program-of-anybody"])
def test_a_machine_without_dr_is_said(there: Machine, world: World, program: str) -> None:
    said = told(over_ssh(world, there, dr=program), world, Unreachable)
    assert said == (
        "host 'standby': there is no dr where it is looked for\n"
        "   HINT: install the same version of dr there; `dr:` in the inventory names it, or the forced command in authorized_keys there, "
        "which wins"
    )


def test_a_dr_that_the_login_may_not_run_is_not_called_absent(there: Machine, world: World) -> None:
    """It is there; what is wrong is another thing to mend."""
    shut = there.place / "shut"
    shut.write_text("#!/bin/sh\n")
    shut.chmod(0o644)
    said = told(over_ssh(world, there, dr=str(shut)), world, Unreachable)
    assert said.startswith(f"host 'standby': user {there.user} may not run the dr there\n   HINT: ")
    assert "forced command in authorized_keys" in said


def test_another_version_is_refused_before_anything_is_asked(there: Machine, world: World) -> None:
    """Its answers would mean something else."""
    speak = (
        "import sys; from dr.wire import frames; from dr.wire.frames import Kind; r, w = sys.stdin.buffer, sys.stdout.buffer\n"
        "while True:\n"
        "  f = frames.read(r)\n"
        "  if f is None: break\n"
        "  if f[0] is Kind.CALL:\n"
        '    w.write(frames.pack(Kind.REPLY, f[1], b\'{"ok": {"protocol": 99, "version": "9.9.9\\\\u001b[2J"}}\')); w.flush()\n'
    )
    (there.place / "speak.py").write_text(speak)
    python = (there.program.read_text().split("exec ")[-1]).split(" -m ")[0]
    program = instead(there, f"cd {HERE} && PYTHONPATH=. exec {python} {there.place}/speak.py")
    said = told(over_ssh(world, there, dr=program), world, Refused)
    assert said.startswith("host 'standby' has dr 9.9.9\\u001b[2J, which does not understand this one (")
    assert said.endswith("\n   HINT: install the same version there")


def test_who_is_not_let_in_is_told_what_to_look_at(there: Machine, world: World, tmp_path: Path) -> None:
    other_key(tmp_path)
    said = told(over_ssh(world, there, key=str(tmp_path / "other")), world, Unreachable)
    assert f"user {there.user} is not let in with the key {tmp_path}/other" in said


# ---------------------------------------------------------------- logins that are for one thing


WRITING = ("claim", "holds", "adopt", "place", "places", "recheck", "space", "scrub", "enter-service", "bring", "prove", "replay")


@contextmanager
def forced(there: Machine, options: str) -> Iterator[None]:
    there.forced = f'command="{there.program} agent {options}",restrict'
    there.authorise()
    try:
        yield
    finally:
        there.forced = None
        there.authorise()


def test_a_login_for_captures_does_nothing_else(there: Machine, world: World) -> None:
    """The production side's authorized_keys: whoever has that key can read a backup there, and write nowhere."""
    mark = there.home / "touched"
    request = over_ssh(world, there, "only-capture")
    with forced(there, "--only capture"):
        for lines in (KIND.foresee(request, world.standing()), KIND.check(request, world.standing())):
            assert not lines[-1][0]
            assert lines[-1][1].startswith("this login may not restore, enrol or scrub: its authorized_keys says `--only capture`")
        for verb, ask in (
            ("enrol", lambda: KIND.enrol(request, world.standing())),
            ("open", lambda: KIND.open_writable(request, world.standing(), RUN)),
            ("run", lambda: KIND.open(request).runner().run(["touch", str(mark)])),
        ):
            with pytest.raises(Refused) as caught:
                ask()
            assert str(caught.value) == f"this login may not be asked for '{verb}'\n   HINT: its authorized_keys says what it is for"
        host = KIND.open(request)
        assert isinstance(host, Ssh)
        for verb in WRITING:
            with pytest.raises(Refused, match=f"this login may not be asked for '{verb}'"):
                host.ask(verb)
        by_hand: list[str | Path] = [
            "ssh",
            "-F",
            "none",
            "-i",
            there.key,
            "-o",
            f"UserKnownHostsFile={there.known_hosts}",
            "-p",
            str(there.port),
        ]
        subprocess.run([*by_hand, f"{there.user}@127.0.0.1", f"touch {mark}"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert not mark.exists()
    assert not (there.home / "only-capture").exists()


@pytest.mark.positive_control
def test_a_login_for_everything_does_it(there: Machine, world: World) -> None:
    mark = there.home / "touched"
    KIND.open(over_ssh(world, there)).runner().run(["touch", str(mark)])
    assert mark.exists()
    mark.unlink()


def test_a_login_for_one_root_knows_no_other(there: Machine, world: World) -> None:
    with forced(there, f"--root {there.home}/mine"):
        for other in ("another", "mine/below", "mine/../another", "mine/"):
            request = request_of(world, STANDBY, there.login(path=f"{there.home}/{other}", postgres={"port": world.port}))
            with pytest.raises(Refused) as caught:
                KIND.enrol(request, world.standing())
            assert caught.value.message == f"this login is for the standby in {there.home}/mine, not for {there.home}/{other}"
        assert not (there.home / "another").exists()
        assert KIND.enrol(over_ssh(world, there, "mine"), world.standing()) is None
        with writable(over_ssh(world, there, "mine"), world.standing()) as handle:
            handle.recheck()
            with pytest.raises(Refused, match="this login puts nothing at"):
                handle.ask("swap-in", source="site", place=f"{there.home}/another")


# ---------------------------------------------------------------- secrets


def test_productions_password_is_in_nothing_that_another_user_or_a_log_shows(there: Machine, world: World, tmp_path: Path) -> None:
    """Promise 7, over a link: it is asked for when it is needed, and is in no argument, environment, log or file of that machine."""
    world.secret = lambda ref: PASSWORD
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for pid in there.processes():
                for what in ("cmdline", "environ"):
                    try:
                        if PASSWORD.encode() in Path(f"/proc/{pid}/{what}").read_bytes():
                            seen.add(f"{what} of {Path(f'/proc/{pid}/cmdline').read_bytes()[:80]!r}")
                    except OSError:
                        continue

    watching = threading.Thread(target=watch)
    watching.start()
    kept, step = MemorySet(), DrillStep()
    with server(tmp_path / "server") as dsn:
        params = there.login(postgres={"port": dsn.port, "password": {"file": "keys/production.password"}})
        host = KIND.open(request_of(world, HostName("server"), params, role="production"))
        try:
            facts = host.capture(SOURCE, request(PostgresLogical(jobs=1)), kept.as_writer(), step.as_context())
        finally:
            over.set()
            watching.join()
    assert len(kept.whole) >= 2
    assert {one.machine for one in facts} != {None}
    assert seen == set()
    assert PASSWORD not in there.log
    files = [path for path in there.home.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert files == []
