"""The questions that a controller may ask, each answered by the local host's own code."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from dr import __version__, plugins
from dr.app.agent import looks, units
from dr.app.agent.allowed import Allowed, plain
from dr.app.agent.caller import Caller
from dr.app.agent.clock import ControllersClock
from dr.app.agent.commands import run
from dr.app.agent.context import AskedKeys, HandedArtifact, RemoteStep, SentSet, ToldSet
from dr.app.agent.kept import KeptParts
from dr.app.agent.places import laid_out, private_folder
from dr.app.agent.works import Works
from dr.errors import Refused
from dr.hosts import local
from dr.hosts.local import Local, LocalHost, WritableLocal
from dr.hosts.process import LocalRunner
from dr.model.base import HostName, HostPath, JsonObject, JsonValue, RunId, SetId, SystemName
from dr.model.inventory import SecretRef, SourceEntry
from dr.model.places import Folder
from dr.model.ports import ArtifactReader, CaptureRequest, HostRequest, ReplayOrder, Replays, Restored, ServingHost, Standing
from dr.model.record import ProductionFacts
from dr.stream.layout import LONGEST
from dr.units import show_size
from dr.wire.link import Call

_LONG = frozenset({"plant", "capture", "bring", "prove", "replay"})
"""Questions that tell what a set's index says, or the whole inventory: they cross as bytes."""


class Verbs:
    """One controller's questions."""

    def __init__(
        self, link: Caller, clock: ControllersClock, stop: threading.Event, allowed: Allowed, silence: float, works: Works | None = None
    ) -> None:
        """`silence`: seconds after which a connection is dead; `works`: what outlives the link, where anything does."""
        self._works = works
        self.link, self._clock, self.stop, self._allowed, self._silence = link, clock, stop, allowed, silence
        self._request: HostRequest
        self._standing: Standing | None = None
        self._run: RunId | None = None
        self._handle: WritableLocal | None = None
        self._verbs: Mapping[str, Callable[[JsonObject], JsonObject]] = {
            "host": self._host,
            "path": lambda args: {"path": self._here().path(HostPath(str(args["path"])))},
            "facts": lambda _: self._here().facts().to_facts(),
            "check": self._check,
            "foresee": lambda _: {"lines": self._lines(local.KIND.foresee(self._request, self._given()))},
            "enrol": self._enrol,
            "open": self._open,
            "claim": lambda args: {"path": self._claim(SetId(str(args["set"])))},
            "holds": lambda args: {"holds": self._held().holds(SetId(str(args["set"])))},
            "adopt": self._adopt,
            "place": lambda _: {"path": self._held().place()},
            "places": lambda _: {"places": self._held().places()},
            "recheck": self._recheck,
            "space": self._space,
            "scrub": self._scrub,
            "enter-service": self._enter_service,
            "serving": lambda _: {"serving": self._serving() is not None},
            "settled": lambda _: self._served().settled(),
            "accept": lambda args: self._served().accept(self._allowed.opened(dict(args["how"]))),
            "swap-in": self._swap_in,
            "swappable": self._swappable,
            "run": lambda args: run(args, self.stop),
            "plant": self._plant,
            "capture": self._capture,
            "bring": self._bring,
            "prove": self._prove,
            "replay": self._replay,
            **looks.verbs(clock, stop, HostPath(str(Path.home())), self._secret, allowed),
        }

    def serve(self, call: Call) -> JsonObject:
        """Raises Refused for what nobody knows."""
        verb = self._verbs.get(call.verb)
        if verb is None:
            raise Refused(f"this dr ({__version__}) knows no '{call.verb}'", hint="install the same version of dr on both machines")
        args = call.long_args(LONGEST) if call.verb in _LONG else call.args
        return verb(args) if self._works is None else self._works.answered(call.verb, args, self.link, self, lambda: verb(args))

    # ------------------------------------------------------------ who and what

    def _host(self, args: JsonObject) -> JsonObject:
        params = LocalHost.from_facts({key: args[key] for key in ("path", "postgres", "places") if args.get(key) is not None})
        self._allowed.host(str(args["role"]), params)
        self._request = HostRequest(
            name=HostName(str(args["name"])),
            role=str(args["role"]),
            params=params,
            home=HostPath(str(Path.home())),
            clock=self._clock,
            runner=LocalRunner(self.stop),
            secret=self._secret,
            remote=True,
        )
        self._run = RunId(plain(str(args["run"]))) if args.get("run") else None
        self._standing = self._stand(dict(args["standing"])) if args.get("standing") else None
        return {}

    def _secret(self, ref: SecretRef) -> str:
        return str(self.link.call("secret", {"ref": ref.to_facts()})["secret"])

    def _stand(self, told: JsonObject) -> Standing:
        return Standing(
            organisation=str(told["organisation"]),
            keys=AskedKeys(self.link),
            production=[ProductionFacts.from_facts(facts) for facts in told["production"]],
            expected=[HostName(str(name)) for name in told["expected"]],
            unagreed={HostName(str(name)): str(why) for name, why in dict(told["unagreed"]).items()},
            active=lambda: {RunId(str(run)) for run in self.link.call("active")["runs"]},
        )

    def _given(self) -> Standing:
        if self._standing is None:
            raise Refused("the controller did not say what this host is judged by")
        return self._standing

    def _here(self) -> Local:
        return cast("Local", local.KIND.open(self._request))

    def _enrol(self, _args: JsonObject) -> JsonObject:
        local.KIND.enrol(self._request, self._given())
        return {}

    # ------------------------------------------------------------ the writable handle

    def _open(self, _args: JsonObject) -> JsonObject:
        if self._run is None:
            raise Refused("the controller did not say for which run")
        handle = cast("WritableLocal", local.KIND.open_writable(self._request, self._given(), self._run))
        known = self._works.root if self._works else None
        folder = units.alone(local.target(self._request).root, self._silence, self._is_over(self._run)) if known is None else known
        try:
            handle.require_turn()  # a run that only waits must be in nobody's way meanwhile
        except BaseException:
            if known is None:
                os.close(folder)
            raise
        if self._works is not None:
            self._works.root = folder
        self._handle = handle  # and the folder stays locked until this process ends
        return {}

    def _claim(self, set_id: SetId) -> HostPath:
        """What a process before this one loads, or has loaded, is left as it is: `bring` takes it up."""
        if self._works is not None and self._works.claimed(self, set_id):
            return self._held().place()
        return self._held().claim(set_id)

    def _is_over(self, run: RunId) -> Callable[[str], bool]:
        """Whether nobody comes back for what that run left here: it is this one, which is here, or the controller knows of none such."""
        active = self._given().active()
        return lambda other: other == run or RunId(other) not in active

    def _held(self) -> WritableLocal:
        if self._handle is None:
            raise Refused("nothing may be written here: no handle was given out")
        return self._handle

    def _serving(self) -> ServingHost | None:
        if self._run is None or local.KIND.serving is None:
            raise Refused("the controller did not say for which run")
        return local.KIND.serving(self._request, self._given(), self._run)

    def _served(self) -> ServingHost:
        found = self._serving()
        if found is None:
            raise Refused("this host is not in service for that run")
        return found

    def _swap_in(self, args: JsonObject) -> JsonObject:
        source, place = plain(str(args["source"])), HostPath(str(args["place"]))
        self._allowed.place(place)
        return self._served().swap_in(source, place)

    def _swappable(self, args: JsonObject) -> JsonObject:
        places = [HostPath(str(one)) for one in args["places"]]
        if local.KIND.swappable is None:
            return {"lines": []}
        found = local.KIND.swappable(self._request, self._given(), places)
        return {"lines": [[ok, what] for ok, what in (*found, *self._allowed.unplaced(places))]}

    def _adopt(self, args: JsonObject) -> JsonObject:
        self._held().adopt(SetId(str(args["set"])), dict(args["places"]))
        return {}

    def _recheck(self, _args: JsonObject) -> JsonObject:
        self._held().recheck()
        return {}

    def _space(self, args: JsonObject) -> JsonObject:
        if self._works is None or not self._works.loaded_before(self):
            self._held().require_space(int(args["needed"]))
        return {}

    def _scrub(self, args: JsonObject) -> JsonObject:
        return {"certificate": self._held().scrub([bytes.fromhex(str(one)) for one in args["canaries"]]).to_facts()}

    def _enter_service(self, args: JsonObject) -> JsonObject:
        self._held().enter_service(SetId(str(args["set"])))
        return {}

    # ------------------------------------------------------------ work

    def _step(self, told: JsonObject, here: Local, staging: Path) -> RemoteStep:
        return RemoteStep(told, self.link, self._clock, self.stop, here, staging)

    def _asked(self, told: JsonObject) -> CaptureRequest:
        entry = SourceEntry.from_facts(told["entry"])
        params = plugins.SOURCES[entry.kind].params.from_facts(entry.with_)
        needle = str(told["needle"]) if told.get("needle") else None
        request = CaptureRequest(system=SystemName(str(told["system"])), name=told["name"], entry=entry, params=params, needle=needle)
        places = plugins.kinds().source_places.get(entry.kind)
        self._allowed.read(request, [one.path for one in places(params, str(Path.home())) if isinstance(one, Folder)] if places else [])
        return request

    def _plant(self, args: JsonObject) -> JsonObject:
        here = self._here()
        with private_folder() as staging:
            request = self._asked(dict(args["request"]))
            self._allowed.plant(request.needle)
            here.plant(plugins.SOURCES[request.entry.kind], request, self._step(dict(args["step"]), here, staging).as_context())
        return {}

    def _capture(self, args: JsonObject) -> JsonObject:
        here = self._here()
        with private_folder() as staging:
            request = self._asked(dict(args["request"]))
            into = SentSet(SetId(str(args["set"])), bytes.fromhex(str(args["key"])), self.link)
            ctx = self._step(dict(args["step"]), here, staging).as_context()
            found = here.capture(plugins.SOURCES[request.entry.kind], request, into, ctx)
        return {"facts": [facts.to_facts() for facts in found]}

    def _bring(self, args: JsonObject) -> JsonObject:
        handle = self._held()
        ctx = self._step(dict(args["step"]), handle, Path(handle.place())).as_context()
        source = plugins.SOURCES[str(args["kind"])]
        if not args.get("sealed"):
            handed: list[ArtifactReader] = [HandedArtifact(dict(told), self.link) for told in args["artifacts"]]
            return {"places": handle.bring(source, _plain(handed), ctx, None)}
        from dr.app.agent.handed import artifacts_of

        kept = KeptParts(local.target(self._request).root, int(args["sealed"]["keep"]))
        names = [str(told["artifact"]["name"]) for told in args["artifacts"]]
        stored = artifacts_of(dict(args["sealed"]), names, self.link, self._clock, kept)
        places = handle.bring(source, _plain(stored), ctx, None)
        kept.tidy(self.link.fetch("wanted", most=LONGEST)["digests"])
        return {"places": places}

    def _lines(self, found: Sequence[tuple[bool, str]]) -> list[JsonValue]:
        """What a look at the host found, and what this login could not do with it."""
        role = self._request.role
        return [[ok, what] for ok, what in (*found, *self._allowed.unfit(role), *self._allowed.unbound(role, self._request.params.path))]

    def _check(self, _args: JsonObject) -> JsonObject:
        lines = self._lines(local.KIND.check(self._request, self._given()))
        path = self._request.params.path
        held = KeptParts(path, 0) if path and self._request.role == "standby" else None
        if held and held.names():
            lines.append([True, f"it keeps {len(held.names())} encrypted parts for the next restore, {show_size(held.size())}"])
        if path and self._request.role == "standby":
            lines.extend([True, units.told(one)] for one in units.living(path))
        return {"lines": lines}

    def _prove(self, args: JsonObject) -> JsonObject:
        handle = self._held()
        check = plugins.CHECKS[str(args["check"])]
        ctx = self._step(dict(args["step"]), handle, Path(handle.place())).as_context()
        restored = Restored(host=handle, set=ToldSet(args), places=dict(args["places"]))
        self._allowed.places(restored.places.values())
        with private_folder() as given:
            params = check.params.from_facts(laid_out(dict(args["params"]), dict(args.get("files") or {}), given))
            return {"result": handle.prove(check, params, restored, ctx).to_facts()}

    def _replay(self, args: JsonObject) -> JsonObject:
        handle = self._held()
        source, told = plugins.SOURCES[str(args["kind"])], dict(args["order"])
        if not isinstance(source, Replays):
            raise Refused(f"a source of kind '{source.kind}' replays nothing")
        self._allowed.places([dict(args["place"])])
        ctx = self._step(dict(args["step"]), handle, Path(handle.place())).as_context()
        requests = tuple((str(kind), str(key)) for kind, key in told["requests"])
        return {"rows": handle.replay(source, dict(args["place"]), ReplayOrder(told["database"], dict(told["templates"]), requests), ctx)}


def _plain(readers: list[ArtifactReader]) -> list[ArtifactReader]:
    for reader in readers:
        plain(reader.artifact.source)
    return readers
