"""Kind `local`: this machine. Production and standby may share it, never a data directory or a port.

A standby's root holds `dr-standby.json` (the signed marker that `dr hosts enrol` wrote) and `drills/<run>/{claim.json, pgdata/,
site/<source>/, staging/, log/, secret/, adopted.json}`.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from dr.errors import NotProvablyStandby, Refused
from dr.hosts import enrol
from dr.hosts.guard import Target
from dr.hosts.identify import Postgres, placed, production_facts
from dr.hosts.postgres import HostPostgres
from dr.hosts.production import identifies, protected
from dr.hosts.serving import serving
from dr.hosts.standby import Drills
from dr.hosts.swap import Grounds, swappable
from dr.model.base import HostName, HostPath, JsonObject, RunId, SetId, StrictModel
from dr.model.places import Folder, Place, Server
from dr.model.ports import (
    ArtifactReader,
    CaptureRequest,
    Check,
    HostKind,
    HostRequest,
    OpenSet,
    ReplayOrder,
    Replays,
    Restored,
    Runner,
    ServingHost,
    SetWriter,
    Source,
    Standing,
    StepContext,
    WritableHost,
)
from dr.model.record import CheckResult, ProductionFacts, ScrubCertificate
from dr.model.swapping import PlacePath


class LocalHost(StrictModel):
    """`with` of a host of kind local."""

    path: HostPath | None = None
    """The standby's root; required for role standby. Of a production host: a folder to protect, beside what its sources name."""
    postgres: HostPostgres | None = None
    places: tuple[PlacePath, ...] = ()
    """Of a standby: the folders outside of its root at which `swap-in` may put a restored file set. Nothing else is ever touched."""


def places(params: LocalHost, home: str) -> Sequence[Place]:
    """What the parameters say of where it is: its folder, its server, the server's data, and where restored file sets may go."""
    found: list[Place] = []
    if params.path:
        found.append(Folder(("path",), _below(home, params.path)))
    if params.postgres:
        found.append(Server(("postgres", "port"), params.postgres.host, params.postgres.port))
        if params.postgres.data_directory:
            found.append(Folder(("postgres", "data_directory"), _below(home, params.postgres.data_directory)))
    return found + [Folder(("places", number), place, swap=True) for number, place in enumerate(params.places)]


class Local:
    """`dr.model.ports.Host` on this machine."""

    def __init__(self, request: HostRequest) -> None:
        self.name: HostName = request.name
        self.role = request.role
        self.settings: StrictModel = request.params
        self._request = request

    def runner(self) -> Runner:
        return self._request.runner

    def path(self, path: HostPath) -> HostPath:
        return absolute(path, self._request)

    def facts(self) -> ProductionFacts:
        """Raises Unreachable if it has a server that does not answer."""
        settings: LocalHost = self._request.params
        folder = absolute(settings.path, self._request) if settings.path else None
        found = production_facts(self.name, _postgres(self._request), folder, self._request.clock.now())
        return placed(found, remote=self._request.remote)

    def close(self) -> None:
        """Nothing is held."""

    def plant(self, source: Source, request: CaptureRequest, ctx: StepContext) -> None:
        source.plant(request, ctx)

    def capture(self, source: Source, request: CaptureRequest, into: SetWriter, ctx: StepContext) -> Sequence[ProductionFacts]:
        return [placed(facts, remote=self._request.remote) for facts in source.capture(request, into, ctx)]


class WritableLocal(Local):
    """`dr.model.ports.WritableHost` on this machine."""

    def __init__(self, request: HostRequest, standing: Standing, run: RunId) -> None:
        super().__init__(request)
        self.run = run
        self._drills = Drills(target(request), standing, run, request.clock)

    def claim(self, set_id: SetId) -> HostPath:
        return self._drills.claim(set_id)

    def require_turn(self) -> None:
        """Raises StandbyInUse if this run has nothing here and another that lives has."""
        self._drills.require_turn()

    def holds(self, set_id: SetId) -> bool:
        return self._drills.holds(set_id)

    def adopt(self, set_id: SetId, places: JsonObject) -> None:
        self._drills.adopt(set_id, places)

    def place(self) -> HostPath:
        return self._drills.place()

    def places(self) -> JsonObject:
        return self._drills.places()

    def bring(
        self,
        source: Source,
        artifacts: Sequence[ArtifactReader],
        ctx: StepContext,
        opened: OpenSet | None = None,  # noqa: ARG002 - here it is read as it was opened
    ) -> JsonObject:
        return source.restore(artifacts, self, ctx)

    def prove(self, check: Check, params: StrictModel, restored: Restored, ctx: StepContext) -> CheckResult:
        return check.run(params, restored, ctx)

    def replay(self, source: Replays, place: JsonObject, order: ReplayOrder, ctx: StepContext) -> list[int]:
        self.recheck()
        return source.replay(place, order, ctx)

    def recheck(self) -> None:
        self._drills.recheck()

    def require_space(self, needed: int) -> None:
        self._drills.require_space(needed)

    def scrub(self, canaries: Sequence[bytes]) -> ScrubCertificate:
        return self._drills.scrub(canaries)

    def enter_service(self, set_id: SetId) -> None:
        """See `Drills.enter_service`."""
        self._drills.enter_service(set_id)


def absolute(path: HostPath, request: HostRequest) -> HostPath:
    return HostPath(_below(request.home, path))


def _below(home: str, path: HostPath) -> str:
    return os.path.normpath(Path(home) / Path(path).expanduser())


def target(request: HostRequest) -> Target:
    """The standby that the inventory describes. Raises NotProvablyStandby if it has no `path`."""
    settings: LocalHost = request.params
    if settings.path is None:
        raise NotProvablyStandby(
            f"host '{request.name}' may not be written to: it has no standby folder", hint="a standby has `with: {path: ...}`"
        )
    postgres = settings.postgres
    return Target(
        name=request.name,
        role=request.role,
        root=absolute(settings.path, request),
        address=postgres.host if postgres else "127.0.0.1",
        port=postgres.port if postgres else None,
        user=postgres.user if postgres else "postgres",
        home=str(Path(request.home).absolute()),
        remote=request.remote,
    )


def _postgres(request: HostRequest) -> Postgres | None:
    settings: LocalHost = request.params
    if settings.postgres is None:
        return None
    given = settings.postgres
    return Postgres(
        host=given.host,
        port=given.port,
        user=given.user,
        password=request.secret(given.password) if given.password else None,
        data_directory=absolute(given.data_directory, request) if given.data_directory else None,
        password_from=given.password.place if given.password else "",
    )


def _open(request: HostRequest) -> Local:
    return Local(request)


def _open_writable(request: HostRequest, standing: Standing, run: RunId) -> WritableHost:
    return WritableLocal(request, standing, run)


def _enrol(request: HostRequest, standing: Standing) -> ProductionFacts | None:
    if request.role == "standby":
        enrol.enrol_standby(target(request), standing, request.clock.now())
        return None
    if request.role != "production":
        raise Refused(f"host '{request.name}' has role '{request.role}'", hint="only production and standby hosts are enrolled")
    facts = Local(request).facts()
    if not identifies(facts):
        raise Refused(
            f"host '{request.name}' says nothing by which it could be recognised", hint="give it `with: {postgres: ...}` or `path`"
        )
    return facts


def _check(request: HostRequest, standing: Standing) -> Sequence[tuple[bool, str]]:
    if request.role == "standby":
        return enrol.check_standby(lambda: target(request), standing)
    if request.role != "production":
        return [(True, "it is this machine")]
    return enrol.check_production(Local(request).facts, standing)


def _foresee(request: HostRequest, standing: Standing) -> Sequence[tuple[bool, str]]:
    if request.role == "standby":
        return enrol.foresee_standby(target(request), standing)
    facts = _enrol(request, standing)  # of a production host: only asked, the caller records
    if facts is None or not facts.port:
        return [(True, "it is this machine")]
    return [(True, f"it answers at {facts.address}:{facts.port}")]


def _serving(request: HostRequest, standing: Standing, run: RunId) -> ServingHost | None:
    return serving(target(request), standing, run, request.runner, request.params.places)


def _swappable(request: HostRequest, standing: Standing, places: Sequence[HostPath]) -> Sequence[tuple[bool, str]]:
    where = target(request)
    return swappable(Grounds(where.root, request.params.places, protected(standing.production, remote=where.remote)), places)


KIND = HostKind(
    kind="local",
    params=LocalHost,
    open=_open,
    open_writable=_open_writable,
    enrol=_enrol,
    check=_check,
    foresee=_foresee,
    serving=_serving,
    swappable=_swappable,
)
