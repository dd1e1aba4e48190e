"""Kind `ssh`: a machine across a network, where `dr agent` does the work with the very code that a local host has.

So the guard, the claims, the restore and the scrub are one implementation, and run beside the data; what crosses is the questions, the
artifacts' bytes and the answers (`dr/wire`). Nothing is sent to a machine whose SSH host key is not known, or is one of production's.
"""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cached_property

from dr.errors import Damaged, DrError, Refused
from dr.hosts import looks, sent
from dr.hosts.desk import About, Desk
from dr.hosts.secrets_in import secrets_in
from dr.hosts.session import Session
from dr.hosts.ssh_login import SshHost, address, fingerprints, require_other_key
from dr.hosts.ssh_serving import ServingSsh
from dr.hosts.told import believed, believed_damage, certificate, lines, result
from dr.hosts.turns import TURNS, Turns
from dr.hosts.units import unit_of
from dr.model.base import HostName, HostPath, JsonObject, RunId, SetId, StrictModel
from dr.model.ports import (
    ArtifactReader,
    CaptureRequest,
    Check,
    HostKind,
    HostRequest,
    Looking,
    OpenSet,
    Probe,
    Redundant,
    ReplayOrder,
    Replays,
    Restored,
    Runner,
    ServingHost,
    SetWriter,
    Source,
    Standing,
    StepContext,
)
from dr.model.record import CheckResult, ProductionFacts, ScrubCertificate
from dr.model.redundancy import Reading
from dr.wire.rejoin import Unit


class Ssh:
    """`dr.model.ports.Host` on another machine."""

    def __init__(self, request: HostRequest, standing: Standing | None = None, run: RunId | None = None) -> None:
        self.name: HostName = request.name
        self.role = request.role
        self.settings: StrictModel = request.params
        self._request = request
        self._desk = Desk(request, run, standing)
        self._unit: Unit | None = None
        """What is done there, where it outlives the link."""

    @cached_property
    def known(self) -> tuple[str, ...]:
        """Fingerprints of its host keys, as the known_hosts file has them."""
        return fingerprints(self._request)

    @cached_property
    def _session(self) -> Session:
        self.known  # noqa: B018 - refused before anything is started
        settings: SshHost = self._request.params
        return Session(address(self._request), settings.command(), self._request, self._desk, self._unit)

    def close(self) -> None:
        """End the connection, and with it what is done there."""
        if "_session" in self.__dict__:
            self.__dict__.pop("_session").close()

    def runner(self) -> Runner:
        return self._session.runner()

    def path(self, path: HostPath) -> HostPath:
        return HostPath(str(self._session.ask("path", {"path": path})["path"]))

    def facts(self) -> ProductionFacts:
        settings: SshHost = self._request.params
        return self._believed(self._session.ask("facts"), [settings.path] if settings.path else [])

    def _believed(self, facts: JsonObject, folders: Sequence[str]) -> ProductionFacts:
        """What it says of itself, as far as that is its to say."""
        settings: SshHost = self._request.params
        return believed(facts, self.name, self.known, self._request.clock.now(), settings.postgres, folders)

    def look(self, kind: Redundant, params: StrictModel, at: Looking) -> Reading:
        return looks.look(self._session, self.name, kind, params, at)

    def inquire(self, check: Probe, params: StrictModel, ctx: StepContext) -> CheckResult:
        return looks.inquire(self._session, check, params, ctx)

    def plant(self, source: Source, request: CaptureRequest, ctx: StepContext) -> None:  # noqa: ARG002 - `dr` there has its own
        with self._at_work(ctx, About(request.system, request), request.entry.with_):
            self._session.submit("plant", {"request": sent.captured(request), "step": self._step(ctx, request.system)})

    def capture(
        self,
        source: Source,  # noqa: ARG002 - as above
        request: CaptureRequest,
        into: SetWriter,
        ctx: StepContext,
    ) -> Sequence[ProductionFacts]:
        asked = {"request": sent.captured(request), "set": into.set, "key": into.key.hex(), "step": self._step(ctx, request.system)}
        with self._at_work(ctx, About(request.system, request), request.entry.with_):
            self._desk.into = into
            try:
                found = self._session.submit("capture", asked)
            finally:
                self._desk.into = None
        path = request.entry.with_.get("path")
        return [self._believed(one, [path] if isinstance(path, str) else []) for one in found["facts"]]

    def _step(self, ctx: StepContext, system: str | None) -> JsonObject:
        return sent.step(ctx, self.name, system)

    def _at_work(self, ctx: StepContext, about: About, *written: JsonObject) -> AbstractContextManager[None]:
        return self._desk.at_work(ctx, about, frozenset().union(*(secrets_in(one) for one in written)))

    def ask(self, verb: str, **args: object) -> JsonObject:
        """One question about the host as it stands."""
        return self._session.ask(verb, args)

    def introduce(self, standing: Standing, run: RunId | None) -> None:
        """Say for which run is asked, and what the host is judged by. No writable handle comes of it."""
        self._session.introduce(standing, run)


class WritableSsh(Ssh):
    """`dr.model.ports.WritableHost` on another machine. The guard asks there; what only the controller knows is asked here, first."""

    def __init__(self, request: HostRequest, standing: Standing, run: RunId, turns: Turns = TURNS) -> None:
        super().__init__(request, standing, run)
        self.run, self._standing = run, standing
        require_other_key(self.name, self.known, standing)
        self._unit = unit_of(request, standing, run)
        self._turn = weakref.finalize(self, turns.take(request, run))
        try:
            self._session.open(standing, run)
        except BaseException:
            self.close()  # now: the next step asks for the same standby
            raise

    def close(self) -> None:
        """As any host, and the next step of the run may have it."""
        super().close()
        self._turn()

    def claim(self, set_id: SetId) -> HostPath:
        return HostPath(str(self._session.ask("claim", {"set": set_id})["path"]))

    def holds(self, set_id: SetId) -> bool:
        return self._session.ask("holds", {"set": set_id})["holds"] is True

    def adopt(self, set_id: SetId, places: JsonObject) -> None:
        self._session.ask("adopt", {"set": set_id, "places": places})

    def place(self) -> HostPath:
        return HostPath(str(self._session.ask("place")["path"]))

    def places(self) -> JsonObject:
        return dict(self._session.ask("places")["places"])

    def bring(self, source: Source, artifacts: Sequence[ArtifactReader], ctx: StepContext, opened: OpenSet | None = None) -> JsonObject:
        system = opened.manifest.system if opened else ctx.plan.system
        handed = [{"artifact": one.artifact.to_facts(), "index": one.index.to_facts()} for one in artifacts]
        asked = {"kind": source.kind, "artifacts": handed, "step": self._step(ctx, system), "sealed": self._sealed(opened, ctx)}
        with self._at_work(ctx, About(system)):
            self._desk.hand(artifacts, opened if asked["sealed"] else None)
            try:
                return dict(self._session.submit("bring", asked)["places"])
            except Damaged as error:
                raise self._desk.damage or believed_damage(error, self.name, artifacts if asked["sealed"] else (), ctx) from None
            finally:
                self._desk.hand((), None)

    def _sealed(self, opened: OpenSet | None, ctx: StepContext) -> JsonObject | None:
        """Where the set is decrypted over there, what it takes to open it; None where it is decrypted here."""
        settings: SshHost = self._request.params
        if settings.decrypt == "controller" or opened is None:
            return None
        manifest = opened.manifest
        of = {"organisation": ctx.inventory.organisation.name, "system": manifest.system, "set": manifest.set}
        return {**of, "repository": opened.repository, "tier": opened.tier, "keep": int(settings.keep)}

    def prove(self, check: Check, params: StrictModel, restored: Restored, ctx: StepContext) -> CheckResult:
        opened = restored.set
        asked = {
            "check": check.kind,
            "params": params.to_facts(),
            "files": sent.files(check, params.to_facts(), ctx.home),
            "manifest": opened.manifest.to_facts(),
            "index": opened.index.to_facts(),
            "recipient": opened.recipient,
            "repository": opened.repository,
            "tier": opened.tier,
            "places": restored.places,
            "step": self._step(ctx, opened.manifest.system),
        }
        began = self._request.clock.now()
        with self._at_work(ctx, About(opened.manifest.system), params.to_facts()):
            found = dict(self._session.submit("prove", asked)["result"])
        names = [artifact.name for artifact in opened.manifest.artifacts]
        return result(found, self.name, check.kind, getattr(check, "proves", False) is True, names, began, self._request.clock.now())

    def replay(self, source: Replays, place: JsonObject, order: ReplayOrder, ctx: StepContext) -> list[int]:
        told = {"database": order.database, "templates": order.templates, "requests": [list(one) for one in order.requests]}
        asked = {"kind": source.kind, "place": place, "order": told, "step": self._step(ctx, ctx.plan.system)}
        with self._at_work(ctx, About(ctx.plan.system)):
            return [int(count) for count in self._session.submit("replay", asked)["rows"]]

    def recheck(self) -> None:
        self._session.ask("recheck")

    def require_space(self, needed: int) -> None:
        self._session.ask("space", {"needed": needed})

    def scrub(self, canaries: Sequence[bytes]) -> ScrubCertificate:
        found = self._session.ask("scrub", {"canaries": [canary.hex() for canary in canaries]})
        return certificate(dict(found["certificate"]), self.name, self.run, canaries, self._standing, self._request.clock.now())

    def enter_service(self, set_id: SetId) -> None:
        """As on a local host."""
        self._session.ask("enter-service", {"set": set_id})


# ---------------------------------------------------------------- the kind


@contextmanager
def _introduced(request: HostRequest, standing: Standing) -> Iterator[Ssh]:
    """The host, told what it is judged by, for the length of a block."""
    host = Ssh(request, standing)
    if request.role == "standby":
        require_other_key(request.name, host.known, standing)
    with closing(host):
        host.introduce(standing, None)
        yield host


def _enrol(request: HostRequest, standing: Standing) -> ProductionFacts | None:
    if request.role not in ("production", "standby"):
        raise Refused(f"host '{request.name}' has role '{request.role}'", hint="only production and standby hosts are enrolled")
    if request.role == "standby":
        with _introduced(request, standing) as host:
            host.ask("enrol")
        return None
    with closing(Ssh(request, standing)) as host:
        return host.facts()


def _check(request: HostRequest, standing: Standing) -> Sequence[tuple[bool, str]]:
    try:
        with _introduced(request, standing) as host:
            return lines(host.ask("check"))
    except DrError as error:
        return [(False, f"{error.message}; {error.hint}" if error.hint else error.message)]


def _foresee(request: HostRequest, standing: Standing) -> Sequence[tuple[bool, str]]:
    with _introduced(request, standing) as host:
        told = host.ask("foresee")
    met = f"{request.params.user}@{address(request).known_as} let us in; its host key is {', '.join(host.known)}"
    return [(True, met), *lines(told)]


def _swappable(request: HostRequest, standing: Standing, places: Sequence[HostPath]) -> Sequence[tuple[bool, str]]:
    with _introduced(request, standing) as host:
        return lines(host.ask("swappable", places=list(places)))


def _serving(request: HostRequest, standing: Standing, run: RunId) -> ServingHost | None:
    host = Ssh(request, standing, run)
    try:
        host.introduce(standing, run)
        if host.ask("serving")["serving"] is True:
            return ServingSsh(host)
    except BaseException:
        host.close()
        raise
    host.close()
    return None


KIND = HostKind(
    kind="ssh",
    params=SshHost,
    open=Ssh,
    open_writable=WritableSsh,
    enrol=_enrol,
    check=_check,
    foresee=_foresee,
    serving=_serving,
    swappable=_swappable,
)
