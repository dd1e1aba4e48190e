"""What a recovery may still do on the host that it made production: settle the markers, let users in. It removes nothing but a marker.

A server that was restored is confined and listens on loopback with a throwaway password. `accept` gives it its settings, its networks and
its password, and starts it anew without the confinement; it is safe to repeat.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dr.drivers.postgres import cluster
from dr.drivers.postgres.connect import Dsn, connect, dsn_of
from dr.errors import Damaged, Failed, Refused, Unreachable
from dr.hosts import by_hand, marker
from dr.hosts.alone import alone
from dr.hosts.durably import write_durably
from dr.hosts.guard import Target
from dr.hosts.marker import InService
from dr.hosts.places import Place, look
from dr.hosts.production import machine, protected
from dr.hosts.removal import opened
from dr.hosts.swap import Grounds, Swap, stands_at
from dr.hosts.unit import Scope, put_in_force, unit_of
from dr.model.base import HostPath, JsonObject, RunId
from dr.model.ports import Runner, Standing

_OPENED = "# dr open: in service"
"""The last line of a server's settings once they are production's."""
_OF_OPEN = "\n# dr open\n"
"""What comes after it in a server's settings was written here."""
_KEPT = {"unix_socket_directories": "''", "password_encryption": "'scram-sha-256'", "max_locks_per_transaction": "256"}
"""Of what a drill's server is given, what production's keeps: the last is room for its next dump."""
_NETWORKS = "# dr: the networks that users come from\n"
_COVERS_LOOPBACK = frozenset({"*", "0.0.0.0", "127.0.0.1", "localhost"})  # noqa: S104 - what it is told to listen at


class Serving:
    """`dr.model.ports.ServingHost`. Made only for the run that the signed in-service marker names."""

    def __init__(self, target: Target, said: InService, place: Place, runner: Runner, grounds: Grounds) -> None:
        self._target, self._said, self._place, self._runner, self._grounds = target, said, place, runner, grounds

    def close(self) -> None:
        """Nothing is held."""

    def settled(self) -> JsonObject:
        """See `dr.model.ports.ServingHost.settled`."""
        with opened(self._target.root) as root, contextlib.suppress(FileNotFoundError):
            os.unlink(marker.STANDBY, dir_fd=root)  # a crash may have come between the two markers
            os.fsync(root)
        return {"set": self._said.set, "since": self._said.since.isoformat(), **_recognised(self._target, self._place)}

    def accept(self, how: JsonObject) -> JsonObject:
        """See `dr.model.ports.ServingHost.accept`. Raises Failed if a server does not start, Unreachable if it takes no password."""
        with alone(self._place.path):
            return {"servers": [_Server(source, told, self._place, self._runner).accept(how) for source, told in _servers(self._place)]}

    def swap_in(self, source: str, place: HostPath) -> JsonObject:
        """See `dr.model.ports.ServingHost.swap_in`."""
        told = dict(_file_sets(self._place)).get(source)
        if told is None:
            raise Refused(f"run {self._said.run} restored no file set '{source}' here", hint="name a source of kind files")
        return Swap(source, told, place, self._said.run, self._place.path, self._grounds, self._runner).step()


def serving(target: Target, standing: Standing, run: RunId, runner: Runner, places: Sequence[HostPath] = ()) -> Serving | None:
    """The handle of the host that this run made production; None if it did not, or another did. Raises Damaged for a forged marker.

    `places`: outside of the root, what a restored file set may be put at.
    """
    try:
        with opened(target.root) as root:
            said = marker.read(root, marker.IN_SERVICE, InService, standing.keys)
    except OSError:
        return None
    if said is None or (said.organisation, said.host, said.run) != (standing.organisation, target.name, run):
        return None
    content = look(os.path.realpath(target.root), standing.organisation, target.name, standing.keys)
    place = next((one for one in content.places if one.run == run), None)
    if place is None or place.adopted is None or place.adopted.set != said.set:
        raise Damaged(f"host '{target.name}' is in service for {run}, but what it restored is not there", hint="look at its folder by hand")
    grounds = Grounds(target.root, places, protected(standing.production, remote=target.remote))
    return Serving(target, said, place, runner, grounds)


def _servers(place: Place) -> Iterator[tuple[str, JsonObject]]:
    told = place.adopted.places.items() if place.adopted else ()
    return ((source, one) for source, one in told if isinstance(one, dict) and "data_directory" in one)


def _file_sets(place: Place) -> Iterator[tuple[str, str]]:
    """Source to where it was restored."""
    told = place.adopted.places.items() if place.adopted else ()
    return ((source, str(one["path"])) for source, one in told if isinstance(one, dict) and "path" in one)


def _recognised(target: Target, place: Place) -> JsonObject:
    """What production is recognised by from now on: the standby's whole root too, so that nothing else is ever made in it."""
    facts: JsonObject = {"machine": machine(), "paths": [_path(target.root)]}
    for _, told in _servers(place):
        at = _path(str(told["data_directory"]))
        facts |= {"data_directory": at["path"], "device": at["device"], "inode": at["inode"]}
        facts |= {"port": told["port"], "address": target.address, "system_identifier": told["system_identifier"]}
    facts["paths"] += [_path(stands_at(place.path, source, path)) for source, path in _file_sets(place)]
    return facts


def _path(path: str) -> JsonObject:
    at = Path(path).stat()
    return {"path": os.path.realpath(path), "device": at.st_dev, "inode": at.st_ino}


@dataclass(frozen=True)
class _Server:
    source: str
    told: Mapping[str, object]
    place: Place
    runner: Runner

    def accept(self, how: JsonObject) -> JsonObject:
        wanted = self._settings(how)
        if not self._is_accepting(wanted):
            if cluster.postmaster(self._data) is None:  # the machine was started anew meanwhile
                self._start()
            self._set_password(self._own_password(how))
            self._let_in(how, wanted)
            cluster.stop(self._data, timeout=600)
            self._start()
        if self._own_password(how) is not None:
            Path(str(self.told["passfile"])).unlink(missing_ok=True)
        shown = {"source": self.source, "port": self.told["port"], "user": self.told["user"], "listen": list(how["listen"])}
        return {**shown, "by_hand": [*by_hand.left(self._cluster, self.told, _listens(how)), *self._with_the_machine(how)]}

    def _with_the_machine(self, how: JsonObject) -> list[str]:
        asked = _scope(how.get("unit"))
        unit = unit_of(self._cluster, f"{how.get('name') or 'dr'}-{self.source}", by_hand.whoever(), asked)
        return [put_in_force(unit, self.place.path, self.runner, asked=asked)] if unit else []

    @property
    def _data(self) -> str:
        return str(self.told["data_directory"])

    @property
    def _cluster(self) -> cluster.Cluster:
        return cluster.Cluster(self._data, int(str(self.told["port"])), _binaries(self._data), f"{self.place.path}/log/postgres.log")

    def _settings(self, how: JsonObject) -> dict[str, str]:
        """All that is not initdb's. No socket: where its build puts one, its user may be unable to write."""
        listen = f"'{', '.join(_listens(how))}'"
        return {"listen_addresses": listen, "port": str(self.told["port"]), **_KEPT}

    def _is_accepting(self, wanted: Mapping[str, str]) -> bool:
        """Whether it runs, and was started after it was given these very settings."""
        conf = Path(self._data) / "postgresql.conf"
        lines = conf.read_text(encoding="utf-8").splitlines()
        last = [line for line in lines if line.startswith("listen_addresses = ")][-1:]
        if last != [f"listen_addresses = {wanted['listen_addresses']}"] or lines[-1:] != [_OPENED]:
            return False
        try:
            begun = int((Path(self._data) / "postmaster.pid").read_bytes().splitlines()[2])
        except (OSError, ValueError, IndexError):
            return False
        return cluster.postmaster(self._data) is not None and begun > conf.stat().st_mtime

    def _start(self) -> None:
        cluster.start(self._cluster, self.runner, timeout=600)

    def _own_password(self, how: JsonObject) -> str | None:
        """None where the user is another role, which has the password that it had: that came with the set."""
        return how.get("password") if how.get("user") == self.told["user"] else None

    def _set_password(self, password: str | None) -> None:
        if password is None:
            return
        user = str(self.told["user"])
        with connect(self._reached(password), application="dr open") as connection:
            verifier = connection.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256").decode()
            connection.execute(_alter(user, verifier))

    def _reached(self, password: str) -> Dsn:
        """With the throwaway password; where a crash came after it was replaced, with the new one."""
        there = {**self.told, "host": "127.0.0.1"}
        new = Dsn("127.0.0.1", int(str(self.told["port"])), str(self.told["user"]), "postgres", password)
        try:
            throwaway = dsn_of(there)
            connect(throwaway).close()
        except (Failed, Unreachable):
            return new
        return throwaway

    def _let_in(self, how: JsonObject, wanted: Mapping[str, str]) -> None:
        hba = Path(self._data) / "pg_hba.conf"
        lines = "".join(f"host all all {network} scram-sha-256\n" for network in how["allow"])
        before = hba.read_text(encoding="utf-8").partition(_NETWORKS)[0]
        write_durably(hba, before + (_NETWORKS + lines if lines else ""))
        conf = Path(self._data) / "postgresql.conf"
        own = cluster.unconfigured(conf.read_text(encoding="utf-8")).partition(_OF_OPEN)[0]
        said = "".join(f"{key} = {value}\n" for key, value in wanted.items())
        write_durably(conf, f"{own}{_OF_OPEN}{said}{_OPENED}\n")


def _listens(how: JsonObject) -> list[str]:
    """Where it listens: on loopback too, where its next backups are read from, and by whoever mends it there."""
    asked = list(how["listen"])
    return asked if _COVERS_LOOPBACK & {*asked} else [*asked, "127.0.0.1"]


def _scope(said: object) -> Scope:
    """As it was asked for by a controller, maybe on another machine."""
    match said:
        case "system" | "user":
            return said
    return "none"


def _alter(user: str, verifier: str) -> bytes:
    from psycopg import sql

    return sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), sql.Literal(verifier)).as_bytes()


def _binaries(data: str) -> str:
    """The folder of the programs that the restore started it with. Raises Refused where that is not on record."""
    try:
        program = (Path(data) / "postmaster.opts").read_text(encoding="utf-8").partition(' "')[0].strip()
    except OSError:
        program = ""
    if not program or not Path(program).is_file():
        raise Refused(f"{data} does not say by which PostgreSQL it was served", hint="start it by hand, with programs of its major version")
    return str(Path(program).parent)
