"""What a `dr` on another machine may ask of us while it works there: a short list, and each question is checked.

The machine may be somebody else's by now, so it is given what its work needs and no more: signatures under its own markers only, the
secrets of its own entry only, the bytes of the artifacts that it was handed, and findings of the kind that sources and checks report.
"""

import base64
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from dr.errors import Damaged, Refused
from dr.hosts.marker import Standby
from dr.hosts.secrets_in import secrets_in
from dr.hosts.signable import signable
from dr.model.base import JsonObject, RunId, SetId, SourceName, SystemName
from dr.model.inventory import SecretRef
from dr.model.ports import ArtifactReader, CaptureRequest, HostRequest, OpenSet, SetWriter, Standing, StepContext
from dr.model.ports.bytes import ArtifactSink
from dr.model.record import ScrubCertificate
from dr.stream.layout import LONGEST
from dr.units import visible
from dr.wire.frames import MOST
from dr.wire.link import Call
from dr.wire.pipes import CHUNK

_OF_RESTORES = ("not-refreshed:", "setting-not-carried:")
_OF_SOURCES = ("files:", "undumped-database:", "clock-skew:", "roles-vanished:")
"""Prefixes of the findings that sources and checks report and close themselves; those of a source go on with its system and its name."""


@dataclass(frozen=True)
class About:
    """What the work at a host is about; `source`: what is read there."""

    system: str | None
    source: CaptureRequest | None = None


class Desk:
    """Answers for one host. `standing` for its guard, `ctx` while a step works there."""

    def __init__(self, request: HostRequest, run: RunId | None, standing: Standing | None) -> None:
        self._host, self._role, self._run, self._standing = request.name, request.role, run, standing
        self._resolve, self._own = request.secret, secrets_in(request.params.to_facts())
        self.ctx: StepContext | None = None
        self.about: About | None = None
        self.secrets: frozenset[SecretRef] = frozenset()
        """What a step at work there may ask for, beside the host's own."""
        self.readers: Sequence[ArtifactReader] = ()
        self.damage: Damaged | None = None
        """What we ourselves found damaged of what was handed."""
        self._opened: OpenSet | None = None
        self._digests: dict[tuple[str, str], list[str]] = {}
        """Of a repository's sets of a system, once asked for: a restore asks after each of its sources."""
        self.into: SetWriter | None = None
        self._sinks: dict[str, ArtifactSink] = {}
        self._reading = threading.Lock()
        self._verbs: Mapping[str, Callable[[Call], JsonObject]] = {
            "sign": self._sign,
            "verify": self._verify,
            "active": self._active,
            "finding": self._finding,
            "close-findings": self._close_findings,
            "close-finding": self._close_finding,
            "baselines": self._baselines,
            "secret": self._secret,
            "artifact": self._artifact,
            "identity": self._identity,
            "manifest": self._manifest,
            "object": self._object,
            "wanted": self._wanted,
            "sink": self._sink,
            "describe": self._describe,
        }

    def serve(self, call: Call) -> JsonObject:
        """Raises Refused for what is not on the list."""
        verb = self._verbs.get(call.verb)
        if verb is None:
            raise Refused(f"host '{self._host}' asked for '{call.verb}', which no host may ask")
        return verb(call)

    def noted(self, verb: str, args: JsonObject) -> None:
        """Progress; what is anything else is not heard."""
        if verb == "progress" and self.ctx is not None and not self.ctx.stop.is_set():
            done, total = args.get("done"), args.get("total")
            self.ctx.progress(
                visible(str(args.get("what"))[:300]),
                done if isinstance(done, int) else None,
                total if isinstance(total, int) else None,
                "bytes" if args.get("unit") == "bytes" else "items" if args.get("unit") == "items" else "",
            )

    @contextmanager
    def at_work(self, ctx: StepContext, about: About, secrets: frozenset[SecretRef]) -> Iterator[None]:
        """While a step works there: what its `dr` may ask for."""
        self.ctx, self.about, self.secrets = ctx, about, secrets
        try:
            yield
        finally:
            self.ctx, self.about, self.secrets = None, None, frozenset()

    def _long(self, call: Call) -> JsonObject:
        """What may be more than a message holds: one at a time, and only while there is work that has so much to say."""
        with self._reading:
            return call.long_args(LONGEST if self.ctx is not None else MOST)

    # ------------------------------------------------------------ for the guard

    def _sign(self, call: Call) -> JsonObject:
        data = base64.b64decode(str(call.args.get("data")), validate=True)
        if not self._may_be_signed(data):
            raise Refused(f"host '{self._host}' asked for a signature under what is no marker of its own")
        return {"signature": base64.b64encode(self._given().keys.sign(data)).decode("ascii")}

    def _may_be_signed(self, data: bytes) -> bool:
        said = signable(data)
        if said is None or self._role != "standby" or said.host != self._host:
            return False
        if not isinstance(said, ScrubCertificate) and said.organisation != self._given().organisation:
            return False
        return isinstance(said, Standby) or said.run == self._run

    def _verify(self, call: Call) -> JsonObject:
        said = self._long(call)
        data, signature = (base64.b64decode(str(said.get(name)), validate=True) for name in ("data", "signature"))
        keys = self._standing.keys if self._standing else self._working().keys
        keys.verify(data, signature)
        return {}

    def _active(self, _call: Call) -> JsonObject:
        return {"runs": sorted(self._given().active())}

    def _given(self) -> Standing:
        if self._standing is None:
            raise Refused(f"host '{self._host}' is only read, and signs nothing")
        return self._standing

    # ------------------------------------------------------------ for a step

    def _working(self) -> StepContext:
        if self.ctx is None:
            raise Refused(f"host '{self._host}' asks for what belongs to a step, and none is at work there")
        return self.ctx

    def _told(self) -> About:
        return self.about or About(None)

    def _is_own(self, key: str) -> bool:
        """A restore's findings while it restores; a source's while that source is read."""
        about = self._told()
        if about.source is None:
            return key.startswith(_OF_RESTORES)
        return key.startswith(_OF_SOURCES) and key.split(":")[1:3] == [about.source.system, about.source.name]

    def _finding(self, call: Call) -> JsonObject:
        given = call.args
        system = SystemName(str(given["system"])) if given.get("system") else None
        severity = given.get("severity")
        if severity not in ("info", "warning", "critical"):
            raise Refused(f"host '{self._host}' reported a finding of no known severity")
        key, message, hint = (visible(str(given.get(name) or "")[:2000]) for name in ("key", "message", "hint"))
        ctx = self._working()
        if not self._is_own(key) or system not in (None, self._told().system):
            raise Refused(f"host '{self._host}' reported a finding that is not its own")
        ctx.finding(key, severity, message, system=system, hint=hint)
        return {}

    def _close_findings(self, call: Call) -> JsonObject:
        prefix, keep = str(call.args.get("prefix")), [str(key) for key in call.args.get("keep", [])]
        ctx = self._working()
        if not self._is_own(prefix):
            raise Refused(f"host '{self._host}' asked to close findings that are not its own")
        ctx.records.close_findings(prefix, keep, ctx.clock.now(), ctx.run)
        return {}

    def _close_finding(self, call: Call) -> JsonObject:
        key = str(call.args.get("key"))
        ctx = self._working()
        if not self._is_own(key):
            raise Refused(f"host '{self._host}' asked to close a finding that is not its own")
        ctx.records.close_finding(key, ctx.clock.now(), ctx.run)
        return {}

    def _baselines(self, call: Call) -> JsonObject:
        ctx = self._working()
        if call.args["system"] != self._told().system:
            raise Refused(f"host '{self._host}' asked what is usual for a system that it has nothing to do with")
        known = ctx.records.baselines(SystemName(str(call.args["system"])), SetId(str(call.args["set"])))
        return {"baselines": known.to_facts()}

    def _secret(self, call: Call) -> JsonObject:
        ref = SecretRef.from_facts(dict(call.args.get("ref") or {}))
        if ref not in self.secrets | self._own:
            raise Refused(f"host '{self._host}' asked for a secret that is not its own")
        return {"secret": self._resolve(ref)}

    def _artifact(self, call: Call) -> JsonObject:
        reader = next((one for one in self.readers if one.artifact.name == call.args.get("name")), None)
        if reader is None:
            raise Refused(f"host '{self._host}' asked for an artifact that it was not handed")
        with self._noting_damage(), reader.stream() as stream:
            while block := stream.read(CHUNK):
                call.outlet.write(block)
        return {}

    @contextmanager
    def _noting_damage(self) -> Iterator[None]:
        try:
            yield
        except Damaged as error:
            self.damage = self.damage or error
            raise

    # ------------------------------------------------------------ for a set that is decrypted over there

    def hand(self, readers: Sequence[ArtifactReader], opened: OpenSet | None) -> None:
        """What a restore may read: plain artifacts, or (`opened`) the stored bytes of that one set and the key to it."""
        self.readers, self._opened, self.damage = readers if opened is None else (), opened, None

    def _handed(self) -> OpenSet:
        if self._opened is None:
            raise Refused(f"host '{self._host}' asked for the key or the stored bytes of a set that is not decrypted there")
        return self._opened

    def _identity(self, _call: Call) -> JsonObject:
        opened = self._handed()
        self._working().audit("key.lent", f"{self._host}/{opened.manifest.set}")
        return {"identity": self._working().keys.identity()}

    def _manifest(self, call: Call) -> JsonObject:
        opened = self._handed()
        manifest, signature = self._working().repository(opened.repository).manifest(opened.manifest.system, opened.manifest.set)
        return call.reply_long({"manifest": manifest.hex(), "signature": signature.hex()})

    def _object(self, call: Call) -> JsonObject:
        opened = self._handed()
        path, repository = str(call.args.get("path")), self._working().repository(opened.repository)
        with self._noting_damage(), repository.open(opened.manifest.system, opened.manifest.set, path) as file:
            while block := file.read(CHUNK):
                call.outlet.write(block)
        return {}

    def _wanted(self, call: Call) -> JsonObject:
        """The digests of every part that the repository's sets of this system consist of."""
        opened = self._handed()
        key = opened.repository, opened.manifest.system
        if key not in self._digests:
            self._digests[key] = sorted(self._parts(opened))
        return call.reply_long({"digests": self._digests[key]})

    def _parts(self, opened: OpenSet) -> set[str]:
        ctx = self._working()
        repository = ctx.repository(opened.repository)
        found: set[str] = set()
        for system, one in repository.sets(opened.manifest.system):
            manifest, _, _ = ctx.sets.read_manifest(system, one, repository)
            found |= {part.sha256 for artifact in manifest.artifacts for part in artifact.parts}
        return found

    def _sink(self, call: Call) -> JsonObject:
        if self.into is None:
            raise Refused(f"host '{self._host}' sent bytes that nobody asked it for")
        name, kind, source = (str(call.args[key]) for key in ("name", "kind", "source"))
        asked = self._told().source
        if asked is None or (kind, source) != (asked.entry.kind, asked.name) or not re.fullmatch(f"{asked.name}-([0-9]+|globals)", name):
            raise Refused(f"host '{self._host}' sent an artifact of a source that is not read there")
        with self.into.artifact(name, kind=kind, source=SourceName(source)) as sink:
            self._sinks[name] = sink
            try:
                while block := call.inlet.read(CHUNK):
                    sink.write(block)
            finally:
                del self._sinks[name]
        return {}

    def _describe(self, call: Call) -> JsonObject:
        from dr.model.summary import ContentSummary

        said = self._long(call)
        sink = self._sinks.get(str(said.get("name")))
        if sink is None:
            raise Refused(f"host '{self._host}' described an artifact that is not open")
        summary = said.get("summary")
        sink.describe(
            instant=datetime.fromisoformat(str(said["instant"])),
            identity={str(key): str(value) for key, value in dict(said["identity"]).items()},
            content=dict(said["content"]),
            summary=ContentSummary.from_facts(summary) if summary else None,
        )
        return {}
