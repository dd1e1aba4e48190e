"""The same work as a careful administrator scripts it: PostgreSQL's own programs, tar, zstd, age, a hash; nothing of `dr`'s."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import blake3

from benchlib.watch import Failed
from dr.drivers.postgres import binaries, load
from dr.drivers.postgres.cluster import Cluster, configure, initialise, start, stop
from dr.drivers.postgres.connect import Dsn, tool_environment
from dr.hosts.process import LocalRunner

JOBS = 2
_BLOCK = 1 << 20
_RESTORE_SETTINGS = {"max_locks_per_transaction": "256"}
_PASSWORD = "restored-by-hand"  # noqa: S105 - of a throwaway server
_BACKUP = r"""
set -euo pipefail
rm -rf "$dump" "$online" "$vault"
mkdir -p "$online" "$vault"
to=()
for one in $recipients; do to+=(-r "$one"); done
"$bin/pg_dumpall" --globals-only --no-sync | zstd -q | age "${to[@]}" | tee "$online/globals.sql.zst.age" > "$vault/globals.sql.zst.age"
"$bin/pg_dump" -Fd -j2 -Z0 --no-sync -f "$dump" hmis
tar -C "$dump" -cf - . | zstd -q -3 | age "${to[@]}" | tee "$online/hmis.tar.zst.age" > "$vault/hmis.tar.zst.age"
sync "$online"/* "$vault"/* "$online" "$vault"
"""
"""`pg_dump --no-sync`: the dump is staging, as it is `dr`'s; what is kept is synced, as `dr` does."""
_GLOBALS = '"$bin/pg_dumpall" --globals-only --no-sync'


def embedded() -> str:
    """The folder of the programs that both sides use: the server's own version."""
    found = binaries.embedded()
    if found is None:
        raise Failed("the embedded PostgreSQL is not installed")
    return str(found)


@dataclass(frozen=True)
class ByHand:
    """`place`: where it works; `dsn`: the source; `recipients`: to whom it encrypts."""

    place: Path
    dsn: Dsn
    recipients: tuple[str, ...]

    @property
    def dump(self) -> Path:
        return self.place / "dump"

    def backup(self) -> None:
        """Into two folders; leaves the dump, which `restore` loads."""
        self.place.mkdir(exist_ok=True)
        places = {"dump": str(self.dump), "online": str(self.place / "online"), "vault": str(self.place / "vault")}
        with tool_environment(self.dsn) as env:
            _bash(_BACKUP, {**env, **places, "bin": embedded(), "recipients": " ".join(self.recipients)})

    def stored(self) -> int:
        """Bytes of one copy."""
        return sum(path.stat().st_size for path in (self.place / "online").iterdir())

    def cluster(self) -> Cluster:
        return Cluster(str(self.place / "pgdata"), self.dsn.port + 7, embedded(), str(self.place / "postgres.log"))

    def fresh_cluster(self) -> Dsn:
        """A new, running server, configured as `dr` configures its own for a load, with the source's roles."""
        cluster, runner = self.cluster(), LocalRunner()
        self.remove_cluster()
        initialise(cluster, runner, password=_PASSWORD, sync=False)
        configure(cluster, _RESTORE_SETTINGS)
        start(cluster, runner, options=load.load_settings())
        target = Dsn("127.0.0.1", cluster.port, cluster.user, "postgres", _PASSWORD)
        with tool_environment(self.dsn) as env:
            roles = _bash(_GLOBALS, {**env, "bin": embedded()})
        with tool_environment(target) as env:
            kept = b"\n".join(line for line in roles.splitlines() if b"ROLE postgres" not in line)
            _bash('"$bin/psql" -qX -v ON_ERROR_STOP=1 -f - postgres', {**env, "bin": embedded()}, kept)
        return target

    def restore(self, target: Dsn) -> None:
        """`pg_restore` alone: it leaves a server that is not durable, without statistics."""
        with tool_environment(target) as env:
            words = '"$bin/pg_restore" --exit-on-error --create -j2 -d postgres "$dump"'
            _bash(words, {**env, "bin": embedded(), "dump": str(self.dump)})

    def finish(self, target: Dsn) -> None:
        """What must follow before anybody may use it: first statistics, on the disk, running with durable settings."""
        with tool_environment(target, options="-c default_statistics_target=1") as env:
            _bash('"$bin/vacuumdb" --analyze-only --quiet -j2 hmis', {**env, "bin": embedded()})
        cluster, runner = self.cluster(), LocalRunner()
        stop(cluster.data, timeout=600)
        _bash('sync --file-system "$place"', {"place": str(self.place)})
        start(cluster, runner)

    def remove_cluster(self) -> None:
        stop(self.cluster().data)
        shutil.rmtree(self.cluster().data, ignore_errors=True)

    def hash_rows(self, tables: Sequence[tuple[str, int]]) -> int:
        """COPY's text of every table (name, bytes on disk) through BLAKE3, in as many sessions as `dr` uses; the bytes that were hashed."""
        with ThreadPoolExecutor(JOBS) as pool:
            return sum(pool.map(self._hash, _shares(tables)))

    def _hash(self, tables: list[str]) -> int:
        hasher, count = blake3.blake3(), 0
        commands = [word for table in tables for word in ("-c", f"COPY {table} TO STDOUT")]
        with tool_environment(self.dsn) as env:
            argv = [f"{embedded()}/psql", "-qX", *commands]
            with subprocess.Popen(argv, env={**os.environ, **env}, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                while block := process.stdout.read(_BLOCK):
                    hasher.update(block)
                    count += len(block)
        if process.returncode != 0:
            raise Failed("psql could not read every table")
        return count


def _shares(tables: Sequence[tuple[str, int]]) -> list[list[str]]:
    """As even as whole tables allow: the biggest first, each to who has least."""
    shares, loads = [list[str]() for _ in range(JOBS)], [0] * JOBS
    for name, size in sorted(tables, key=lambda table: table[1], reverse=True):
        least = loads.index(min(loads))
        shares[least].append(name)
        loads[least] += size
    return [share for share in shares if share]


def _bash(script: str, env: dict[str, str], given: bytes = b"") -> bytes:
    done = subprocess.run(["bash", "-c", script], env={**os.environ, **env}, input=given, capture_output=True, check=False)
    if done.returncode != 0:
        raise Failed(f"by hand, this failed:\n{script}\n{done.stderr.decode(errors='replace')}")
    return done.stdout
