"""Machines of the tests' own, reached over real sshd: each with its own user, machine-id and host key, in a mount namespace for root.

Where we are not, sshd runs as ourselves, in a user namespace that gives the machine an id of its own.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dr.hosts.lifeline import LIFELINE
from tests.support.postgres import free_port

HERE = Path(__file__).resolve().parents[2]
_UID = 2001

_NAMESPACE = """
set -eu
place=$1; shift
mount --make-rprivate /
mount --bind "$place/machine-id" /etc/machine-id
mount --bind "$place/passwd" /etc/passwd
mount --bind "$place/shadow" /etc/shadow
mount --bind "$place/group" /etc/group
mkdir -p /run/sshd
while [ "$1" != -- ]; do
    hidden=$1; kept=$2; shift 2
    mkdir -p "$place/kept"
    mount --rbind "$kept" "$place/kept"
    mount -t tmpfs -o mode=755 tmpfs "$hidden"
    mkdir -p "$kept"
    mount --rbind "$place/kept" "$kept"
done
shift
exec "$@"
"""
"""Binds the machine's own files over this one's, and lets its user pass to the programs where a folder above them is ours alone."""


@dataclass
class Machine:
    """`start` and `stop` it; `login` is what an inventory's `with` says of it."""

    name: str
    place: Path
    port: int = field(default_factory=free_port)
    machine_id: str = field(default_factory=lambda: secrets.token_hex(16))
    forced: str | None = None
    """What its authorized_keys allows, as options before the key."""
    disks: Mapping[str, str] = field(default_factory=dict)
    """Small file systems in its home: folder to the options of a tmpfs."""
    address: str = "127.0.0.1"
    inside: Sequence[str] = ()
    """Words before a command that start it in the machine's own network, where that is not ours."""
    sshd: "subprocess.Popen[bytes] | None" = None

    @property
    def user(self) -> str:
        return "drstandby" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name

    @property
    def home(self) -> Path:
        return self.place / "home"

    @property
    def key(self) -> Path:
        return self.place / "login"

    @property
    def known_hosts(self) -> Path:
        return self.place / "known_hosts"

    @property
    def program(self) -> Path:
        return self.place / "dr"

    def login(self, **more: object) -> dict[str, object]:
        return {
            "address": self.address,
            "port": self.port,
            "user": self.user,
            "key": str(self.key),
            "known_hosts": str(self.known_hosts),
            "dr": str(self.program),
            **more,
        }

    # ------------------------------------------------------------ making it

    def make(self) -> "Machine":
        self.place.chmod(0o755)
        self.home.mkdir(mode=0o700)
        for disk in self.disks:
            (self.home / disk).mkdir()
        self._keys()
        (self.place / "machine-id").write_text(f"{self.machine_id}\n")
        self._program()
        self._sshd_config()
        if os.geteuid() == 0:
            self._user()
        return self

    def _keys(self) -> None:
        for name in ("host", "login"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.place / name], check=True)
        self.know(f"[{self.address}]:{self.port}")
        self.authorise()

    def know(self, *names: str) -> None:
        """Write known_hosts: this machine's host key, under these names."""
        shown = " ".join((self.place / "host.pub").read_text().split()[:2])
        self.known_hosts.write_text("".join(f"{name} {shown}\n" for name in names))

    def authorise(self) -> None:
        options = f"{self.forced} " if self.forced else ""
        allowed = self.place / "authorized_keys"
        allowed.write_text(f"{options}{(self.place / 'login.pub').read_text()}")
        allowed.chmod(0o644)

    def _program(self) -> None:
        """`dr` as it is installed there: this checkout's."""
        dr = [sys.executable, "-m", "dr"]
        inside = f'cd {HERE} && PYTHONDONTWRITEBYTECODE=1 exec {" ".join(dr)} "$@"'
        self.program.write_text(f"#!/bin/sh\n{inside}\n")
        self.program.chmod(0o755)

    def _sshd_config(self) -> None:
        lines = {
            "Port": self.port,
            "ListenAddress": self.address,
            "HostKey": self.place / "host",
            "AuthorizedKeysFile": self.place / "authorized_keys",
            "PidFile": "none",
            "UsePAM": "no",
            "StrictModes": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PrintMotd": "no",
            "LogLevel": "DEBUG1",
        }
        (self.place / "sshd_config").write_text("".join(f"{key} {value}\n" for key, value in lines.items()))

    def _user(self) -> None:
        entry = f"{self.user}:x:{_UID}:{_UID}::{self.home}:/bin/sh\n"
        (self.place / "passwd").write_text(Path("/etc/passwd").read_text() + entry)
        (self.place / "group").write_text(Path("/etc/group").read_text() + f"{self.user}:x:{_UID}:\n")
        (self.place / "shadow").write_text(Path("/etc/shadow").read_text() + f"{self.user}:*:19000:0:99999:7:::\n")
        (self.place / "shadow").chmod(0o600)
        os.chown(self.home, _UID, _UID)

    # ------------------------------------------------------------ its life

    @property
    def log(self) -> str:
        """What sshd says, in every detail."""
        return (self.place / "sshd.log").read_text(errors="replace")

    def start(self) -> None:
        words: list[str] = [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", str(self.place / "sshd_config")]
        if os.geteuid() == 0:
            own = ["unshare", "--mount", "sh", "-c", _NAMESPACE, "sh", str(self.place), *_opened(), "--"]
            words = [*self.inside, *own, *self._mounting(), *words]
        else:
            words = ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount", *self._mounting(), *words]
        with (self.place / "sshd.log").open("ab") as log:
            self.sshd = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        LIFELINE.hold(self.sshd.pid)
        self._answers()

    def _mounting(self) -> list[str]:
        """A command that mounts the small disks before the one that follows; where we are not root, the machine's own id too."""
        own = [] if os.geteuid() == 0 else [f"mount --bind {self.place}/machine-id /etc/machine-id"]
        owner = f",uid={_UID},gid={_UID}" if os.geteuid() == 0 else ""
        lines = [f"mount -t tmpfs -o mode=700{owner},{options} none {self.home}/{disk}" for disk, options in self.disks.items()]
        return ["sh", "-c", " && ".join([*own, *lines, 'exec "$@"']), "sh"] if own or lines else []

    def _answers(self) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex((self.address, self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"sshd of {self.name} does not answer: {self.log}")

    def processes(self) -> list[int]:
        """What runs on it: sshd and everything below, the restored server too. By its places in words, folder or home, or its login."""
        found, below = [], {self.sshd.pid} if self.sshd else set()
        for entry in sorted((one for one in Path("/proc").iterdir() if one.name.isdecimal()), key=lambda one: int(one.name)):
            if _parent(entry) in below:
                below.add(int(entry.name))
            if (int(entry.name) in below or self._is_mine(entry)) and _lives(entry):
                found.append(int(entry.name))
        return found

    def _is_mine(self, entry: Path) -> bool:
        try:
            words = (entry / "cmdline").read_bytes()
            if words.startswith(b"ssh\0"):  # ours, that reaches it
                return False
            told = words + b"\0" + (entry / "environ").read_bytes()
            here = os.readlink(entry / "cwd")
        except OSError:
            return False
        login = f" {self.address} {self.port}\0".encode() in told.partition(b"SSH_CONNECTION=")[2] + b"\0"
        return login or bytes(self.place) in told or here.startswith(str(self.place))

    def crash(self) -> None:
        """Everything on it at once, as when its power goes."""
        until, quiet = time.monotonic() + 20, 0
        while quiet < 3:  # one that becomes another program just now cannot be told for a moment
            found = self.processes()
            assert time.monotonic() < until, f"they cannot be killed: {found}"
            quiet = 0 if found else quiet + 1
            for pid in found:
                with_gone(pid, signal.SIGKILL)
            time.sleep(0.02)
        self.stop()

    def stop(self) -> None:
        if self.sshd is not None:
            with_gone(-self.sshd.pid, signal.SIGKILL)
            self.sshd.wait()
            LIFELINE.release(self.sshd.pid)
            self.sshd = None

    def remove(self) -> None:
        self.crash()
        shutil.rmtree(self.place, ignore_errors=True)


def _lives(entry: Path) -> bool:
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def with_gone(pid: int, number: int) -> None:
    try:
        if pid < 0:
            os.killpg(-pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        pass


def _opened() -> Sequence[str]:
    """Pairs of a folder that only we may enter and the part of it that the programs need."""
    pairs: list[str] = []
    for needed in (HERE, Path(sys.prefix), Path(sys.base_prefix)):
        shut = next((folder for folder in reversed(needed.parents) if not folder.stat().st_mode & 0o001), None)
        if shut is not None and str(needed) not in pairs:
            pairs += [str(shut), str(needed)]
    return pairs


@contextmanager
def machine(
    name: str,
    *,
    forced: str | None = None,
    disks: Mapping[str, str] | None = None,
    machine_id: str = "",
    address: str = "127.0.0.1",
    inside: Sequence[str] = (),
) -> Iterator[Machine]:
    """A machine that answers, gone at the end with all that ran on it."""
    place = Path(tempfile.mkdtemp(prefix=f"ssh-{name}-"))
    own_id = machine_id or secrets.token_hex(16)
    made = Machine(name, place, forced=forced, disks=disks or {}, machine_id=own_id, address=address, inside=inside).make()
    try:
        made.start()
        yield made
    finally:
        made.remove()
