"""A step's context on the machine where its work is done: what is asked of it goes to the controller."""

import base64
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from dr import plugins
from dr.app.agent.allowed import plain
from dr.app.agent.caller import Asks
from dr.clock import Clock
from dr.engine.staging import staging_folder
from dr.errors import Refused, Stopped
from dr.hosts.process import LocalRunner
from dr.model.backup import Artifact, ArtifactIndex, Manifest, SetIndex
from dr.model.base import HostName, HostPath, JsonObject, RepositoryName, RunId, SetId, SourceName, StepId, SystemName
from dr.model.inventory import Inventory, SecretRef
from dr.model.ports import ArtifactReader, Check, Host, Source, StepContext
from dr.model.ports.bytes import ArtifactSink
from dr.model.record import Severity
from dr.model.runbook import Plan
from dr.model.summary import Baselines, ContentSummary
from dr.wire.pipes import Outlet


class AskedKeys:
    """ports.Keyring whose keys stay on the controller."""

    recipients: tuple[str, ...] = ()

    def __init__(self, link: Asks) -> None:
        self._link = link

    def digest_key(self) -> bytes:
        raise Refused("the digest key stays on the controller")

    def identity(self) -> str:
        raise Refused("the drill key stays on the controller")

    def sign(self, data: bytes) -> bytes:
        return base64.b64decode(self._link.call("sign", {"data": _text(data)})["signature"])

    def verify(self, data: bytes, signature: bytes) -> None:
        self._link.submit("verify", {"data": _text(data), "signature": _text(signature)})


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


class _AskedRecords:
    """The few of `ports.Records` that sources and checks use."""

    def __init__(self, link: Asks) -> None:
        self._link = link

    def close_findings(self, prefix: str, keep: Sequence[str], _at: datetime, _run: RunId) -> None:
        self._link.call("close-findings", {"prefix": prefix, "keep": list(keep)})

    def close_finding(self, key: str, _at: datetime, _run: RunId) -> None:
        self._link.call("close-finding", {"key": key})

    def baselines(self, system: SystemName, set_id: SetId) -> Baselines:
        return Baselines.from_facts(self._link.call("baselines", {"system": system, "set": set_id})["baselines"])

    def __getattr__(self, name: str) -> Any:
        raise Refused(f"the catalog is on the controller; '{name}' is not asked from here")


class RemoteStep:
    """`ports.StepContext` as far as sources and checks use it; the rest of the house is on the controller, and raises Refused."""

    def __init__(self, told: JsonObject, link: Asks, clock: Clock, stop: threading.Event, here: Host, staging: Path) -> None:
        self.run, self.step, self.attempt = RunId(plain(str(told["run"]))), StepId(plain(str(told["step"]))), int(told["attempt"])
        self.requested_by = str(told["requested_by"])
        self.plan, self.inventory = Plan.from_facts(told["plan"]), Inventory.from_facts(told["inventory"])
        self.clock, self.stop = clock, stop
        self.records, self.keys = _AskedRecords(link), AskedKeys(link)
        self.runner = LocalRunner(stop)
        self.home = HostPath(str(staging))
        self.answer = None
        self._link, self._here, self._staging = link, here, staging

    def as_context(self) -> StepContext:
        return cast("StepContext", self)

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped(f"step '{self.step}' was told to stop")

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        self._link.note("progress", {"what": what, "done": done, "total": total, "unit": unit})

    def failpoint(self, _name: str) -> None:
        """Failpoints are shot on the controller; here the link's end is what a crash looks like."""

    def finding(self, key: str, severity: Severity, message: str, *, system: SystemName | None = None, hint: str = "") -> None:
        self._link.call("finding", {"key": key, "severity": severity, "message": message, "system": system, "hint": hint})

    def secret(self, ref: SecretRef) -> str:
        return str(self._link.call("secret", {"ref": ref.to_facts()})["secret"])

    def staging(self, name: str) -> AbstractContextManager[HostPath]:
        return staging_folder(self._staging, self.run, self.step, name)

    def source(self, kind: str) -> Source:
        return plugins.SOURCES[kind]

    def check(self, kind: str) -> Check:
        return plugins.CHECKS[kind]

    def host(self, name: HostName) -> Host:
        if name != self._here.name:
            raise Refused(f"host '{name}' cannot be asked from host '{self._here.name}'", hint="a source is read on its own host")
        return self._here

    def __getattr__(self, name: str) -> Any:
        raise Refused(f"'{name}' of a step is on the controller")


class HandedArtifact:
    """ports.ArtifactReader whose bytes the controller has read, checked and decrypted."""

    def __init__(self, told: JsonObject, link: Asks) -> None:
        self.artifact = Artifact.from_facts(told["artifact"])
        self.index = ArtifactIndex.from_facts(told["index"])
        self._link = link

    @contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        with closing(self._link.download("artifact", {"name": self.artifact.name})) as stream:
            yield cast("IO[bytes]", stream)


class _Known:
    """An artifact of a set that is only compared: what its index says, and none of its bytes."""

    def __init__(self, artifact: Artifact, index: ArtifactIndex) -> None:
        self.artifact, self.index = artifact, index

    def stream(self) -> AbstractContextManager[IO[bytes]]:
        raise Refused(f"artifact {self.artifact.name} was not handed to this machine")


class ToldSet:
    """ports.OpenSet as the controller opened it."""

    def __init__(self, told: JsonObject) -> None:
        self.manifest, self.index = Manifest.from_facts(told["manifest"]), SetIndex.from_facts(told["index"])
        self.recipient, self.tier = str(told["recipient"]), str(told["tier"])
        self.repository = RepositoryName(str(told["repository"]))

    def artifacts(self) -> list[ArtifactReader]:
        return [_Known(artifact, self.index.artifacts[artifact.name]) for artifact in self.manifest.artifacts]


class SentSet:
    """ports.SetWriter whose bytes go to the controller, which encrypts them."""

    def __init__(self, set_id: SetId, key: bytes, link: Asks) -> None:
        self.set, self.key, self._link = set_id, key, link

    @contextmanager
    def artifact(self, name: str, *, kind: str, source: SourceName) -> Iterator[ArtifactSink]:
        with self._link.upload("sink", {"name": name, "kind": kind, "source": source}) as outlet:
            yield _SentArtifact(name, outlet, self._link)


class _SentArtifact:
    def __init__(self, name: str, outlet: Outlet, link: Asks) -> None:
        self.name, self._outlet, self._link = name, outlet, link

    def write(self, data: bytes | memoryview) -> None:
        self._outlet.write(data)

    def describe(
        self, *, instant: datetime, identity: dict[str, str] | Any, content: JsonObject, summary: ContentSummary | None = None
    ) -> None:
        told = {"name": self.name, "instant": instant.isoformat(), "identity": dict(identity), "content": content}
        self._link.submit("describe", {**told, "summary": summary.to_facts() if summary else None})
