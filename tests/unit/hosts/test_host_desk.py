"""The desk: what a machine of somebody else's by now may ask of us, and nothing beside it. Each refusal with the twin that is answered."""

import base64
import io
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import IO, Any, cast

import pytest

from dr.clock import FixedClock
from dr.errors import Damaged, Refused
from dr.hosts.desk import About, Desk
from dr.hosts.process import LocalRunner
from dr.hosts.secrets_in import secrets_in
from dr.hosts.ssh_login import SshHost
from dr.model.base import HostName, HostPath, JsonObject, RunId, SourceName, SystemName, canonical
from dr.model.inventory import SecretRef, SourceEntry
from dr.model.ports import ArtifactReader, CaptureRequest, HostRequest, Standing, StepContext
from dr.wire.link import Call
from dr.wire.pipes import Inlet, Outlet
from tests.support.host_world import NOW, OTHER, RUN
from tests.support.pg_world import MemorySet
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.unit
OWN, STEPS, ANOTHERS = SecretRef(file="keys/standby.password"), SecretRef(env="CHECK"), SecretRef(file="keys/production.password")
SETTINGS = {
    "address": "standby.example",
    "user": "dr",
    "key": "keys/login",
    "postgres": {"port": 5432, "password": {"file": "keys/standby.password"}},
}
KEYS = TestKeys()


@dataclass
class Step:
    """What of a step the desk reaches."""

    run: RunId = RUN
    stop: threading.Event = field(default_factory=threading.Event)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    keys: TestKeys = KEYS
    found: list[tuple[str, str, str]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    said: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def records(self) -> "Step":
        return self

    def close_findings(self, prefix: str, keep: Sequence[str], at: datetime, run: RunId) -> None:
        self.closed.append(prefix)

    def close_finding(self, key: str, at: datetime, run: RunId) -> None:
        self.closed.append(key)

    def finding(self, key: str, severity: str, message: str, *, system: object = None, hint: str = "") -> None:
        self.found.append((key, severity, message))

    def progress(self, what: str, done: int | None, total: int | None, unit: str) -> None:
        self.said.append((what, done, total, unit))


@dataclass
class Reader:
    """An artifact as it is handed over."""

    data: bytes

    @property
    def artifact(self) -> "Reader":
        return self

    @property
    def name(self) -> str:
        return "database-00"

    @contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        yield io.BytesIO(self.data)


def of_source(name: str) -> About:
    entry = SourceEntry(kind="postgres_logical", host="standby")
    return About(
        SystemName("hmis"), CaptureRequest(system=SystemName("hmis"), name=SourceName(name), entry=entry, params=entry, needle=None)
    )


READ, RESTORED = of_source("database"), About(SystemName("hmis"))


def desk(*, standing: bool = True, step: Step | None = None, run: RunId | None = RUN, role: str = "standby") -> Desk:
    request = HostRequest(
        name=HostName("standby"),
        role=role,
        params=SshHost.from_facts(SETTINGS),
        home=HostPath("/nowhere"),
        clock=FixedClock(NOW),
        runner=LocalRunner(),
        secret=lambda ref: f"the secret {ref.place}",
    )
    told = Standing(organisation="Harbor", keys=KEYS, production=(), active=lambda: frozenset({OTHER}))
    made = Desk(request, run, told if standing else None)
    made.ctx = cast("StepContext", step) if step else None
    made.about = READ if step else None
    return made


def ask(of: Desk, verb: str, inlet: Inlet | None = None, sent: list[bytes] | None = None, /, **args: Any) -> JsonObject:
    out = sent if sent is not None else []
    outlet = Outlet(lambda data: out.append(bytes(data)))
    if verb in ("verify", "describe"):  # what they say crosses as bytes
        inlet = Inlet(lambda: None)
        inlet.put(json.dumps(args).encode())
        inlet.end()
    return of.serve(Call(verb, args, inlet or Inlet(lambda: None), outlet))


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


PLACE = {"format": 1, "organisation": "Harbor", "host": "standby", "device": 1, "inode": 2}
A_SET = "20261122T070000Z-7f3a9c"
MARK = {**PLACE, "what": "dr-claim", "run": RUN, "set": A_SET, "claimed": "2026-11-22T07:00:00Z"}
ADOPTED = {**PLACE, "what": "dr-adopted", "run": RUN, "set": A_SET, "adopted": "2026-11-22T07:00:00Z", "places": {"site": {"path": "/x"}}}
SERVES = {
    "what": "dr-in-service",
    "format": 1,
    "organisation": "Harbor",
    "host": "standby",
    "run": RUN,
    "set": A_SET,
    "since": MARK["claimed"],
}
STANDBY = {**PLACE, "what": "dr-standby", "path": "/x", "port": None, "machine": None, "enrolled": "2026-11-22T07:00:00Z"}
CERTIFICATE = {"host": "standby", "run": RUN, "at": "2026-11-22T07:00:00Z", "searched": [], "removed": [], "canaries": 1, "found": 0}


@pytest.mark.parametrize(
    "said",
    [
        {**MARK, "host": "production"},
        {**MARK, "organisation": "Another"},
        {**MARK, "run": OTHER},
        {**MARK, "run": None},
        {**MARK, "what": "manifest"},
        {**STANDBY, "run": RUN},
        {**STANDBY, "host": "vault"},
        {**CERTIFICATE, "run": OTHER},
        {**CERTIFICATE, "host": "another"},
        {**CERTIFICATE, "what": "approval"},
        {**CERTIFICATE, "event": "run-ended"},
        {**CERTIFICATE, "signature": ""},
        {**MARK, "more": 1},
        {**MARK, "format": 2},
        {**MARK, "claimed": "soon"},
        {**MARK, "places": {}},
        {**STANDBY, "enrolled": None},
        {"host": "standby", "run": RUN},
        {"system": "hmis", "set": "20261122T070000Z-7f3a9c", "artifacts": [], "host": "standby"},
        {"seq": 8, "event": "run-ended", "host": "standby"},
    ],
)
def test_nothing_is_signed_but_its_own_markers(said: JsonObject) -> None:
    """A signature of ours under a manifest, an approval or another host's marker would be believed everywhere."""
    with pytest.raises(Refused, match="under what is no marker of its own"):
        ask(desk(), "sign", data=text(canonical(said)))


@pytest.mark.parametrize(
    "data", [b"", b"manifest", b"[]", b'"dr-standby"', canonical(MARK) + b"\n", canonical(MARK).replace(b",", b", "), b"[" * 9999]
)
def test_nothing_is_signed_that_is_not_exactly_a_marker(data: bytes) -> None:
    with pytest.raises(Refused, match="under what is no marker of its own"):
        ask(desk(), "sign", data=text(data))


@pytest.mark.positive_control
@pytest.mark.parametrize("said", [MARK, STANDBY, CERTIFICATE, {**CERTIFICATE, "files": 7, "bytes": 9}, ADOPTED, SERVES])
def test_its_own_markers_are_signed(said: JsonObject) -> None:
    data = canonical(said)
    KEYS.verify(data, base64.b64decode(ask(desk(), "sign", data=text(data))["signature"]))


@pytest.mark.parametrize("role", ["production", "repository", ""])
def test_nothing_is_signed_for_a_host_that_is_no_standby(role: str) -> None:
    """A production host with a standby's marker of ours would pass for one."""
    with pytest.raises(Refused, match="under what is no marker of its own"):
        ask(desk(role=role), "sign", data=text(canonical(STANDBY)))


def test_a_host_that_is_only_read_signs_nothing() -> None:
    for verb, args in (("sign", {"data": text(canonical(STANDBY))}), ("active", {})):
        with pytest.raises(Refused, match="is only read, and signs nothing"):
            ask(desk(standing=False, run=None), verb, **args)


@pytest.mark.positive_control
def test_a_standby_hears_which_runs_live() -> None:
    assert ask(desk(), "active") == {"runs": [OTHER]}


@pytest.mark.parametrize("verb", ["digest-key", "private-key", "runs", "audit", "record_parts", "", "Sign", "__class__", "serve"])
def test_what_is_not_on_the_list_is_refused(verb: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(desk(step=Step()), verb)
    assert caught.value.message == f"host 'standby' asked for '{verb}', which no host may ask"


@pytest.mark.parametrize("ref", [ANOTHERS, SecretRef(env="CHECK"), SecretRef(credential="x"), SecretRef(file="keys/./standby.password")])
def test_a_secret_that_is_not_its_own_is_not_told(ref: SecretRef) -> None:
    """Production's password above all."""
    with pytest.raises(Refused, match="asked for a secret that is not its own"):
        ask(desk(step=Step()), "secret", ref=ref.to_facts())


@pytest.mark.positive_control
def test_its_own_secrets_and_the_steps_are_told() -> None:
    at_work = desk(step=Step())
    at_work.secrets = frozenset({STEPS})
    assert ask(at_work, "secret", ref=OWN.to_facts()) == {"secret": f"the secret {OWN.place}"}
    assert ask(at_work, "secret", ref=STEPS.to_facts()) == {"secret": f"the secret {STEPS.place}"}


def test_secrets_are_found_wherever_they_are_written() -> None:
    written = {"a": [{"b": {"file": "one"}}, {"env": "TWO"}], "c": {"credential": "three", "more": 1}, "d": {}, "e": "file"}
    assert secrets_in(written) == {SecretRef(file="one"), SecretRef(env="TWO")}


@dataclass
class Opened:
    """A set that is decrypted over there."""

    repository: str = "online"
    manifest: Any = None


def test_the_key_and_the_stored_bytes_are_for_a_set_that_was_handed() -> None:
    """A machine on which nothing is decrypted gets no key, whatever it asks."""
    for verb in ("identity", "manifest", "object", "wanted"):
        with pytest.raises(Refused, match="of a set that is not decrypted there"):
            ask(desk(step=Step()), verb, path="index.zst.age")


@pytest.mark.positive_control
def test_the_key_is_lent_for_the_restore_on_record_and_not_after_it() -> None:
    step = Lending()
    at_work = desk(step=step)
    at_work.hand((), cast("Any", Opened(manifest=type("Manifest", (), {"set": "a-set"})())))
    assert ask(at_work, "identity") == {"identity": "the key"}
    assert step.audited == [("key.lent", "standby/a-set")]
    at_work.hand((), None)
    with pytest.raises(Refused, match="is not decrypted there"):
        ask(at_work, "identity")


class LentKey:
    def identity(self) -> str:
        return "the key"


@dataclass
class Lending(Step):
    keys: Any = field(default_factory=LentKey)
    audited: list[tuple[str, str]] = field(default_factory=list)

    def audit(self, event: str, subject: str, facts: JsonObject | None = None) -> None:
        self.audited.append((event, subject))


def test_what_a_repository_consists_of_is_read_once_however_many_sources_ask() -> None:
    """Every manifest of it is read for that: over a line, and once for each source it took minutes."""
    read: list[str] = []
    manifest = SimpleNamespace(artifacts=[SimpleNamespace(parts=[SimpleNamespace(sha256="b"), SimpleNamespace(sha256="a")])])
    repository = SimpleNamespace(sets=lambda system: [(system, "one"), (system, "two")])

    def read_manifest(_system: str, one: str, _repository: object) -> tuple[Any, None, None]:
        read.append(one)
        return manifest, None, None

    step = SimpleNamespace(repository=lambda _: repository, sets=SimpleNamespace(read_manifest=read_manifest))
    at_work, told = desk(step=cast("Step", step)), list[list[bytes]]()
    for _ in ("database", "site"):
        at_work.hand((), cast("Any", Opened(manifest=SimpleNamespace(system="hmis"))))
        told.append([])
        ask(at_work, "wanted", None, told[-1])
    assert read == ["one", "two"]
    assert told[0] == told[1] and b'["a","b"]' in b"".join(told[0]).replace(b" ", b"")


FOREIGN = (
    *("audit-broken", "damaged:online", "", "file", "xfiles:hmis", "files:", "files:hmis", "files:hmis:data"),
    *("clock-skew:other:database", "clock-skew:hmis:site", "setting-not-carried:x", "roles-vanished:hmis:database2"),
)


@pytest.mark.parametrize("key", FOREIGN)
def test_no_finding_but_its_own_is_reported_or_closed(key: str) -> None:
    """A host must not quieten another finding, nor close the one that accuses it."""
    step = Step()
    for verb, args, what in (
        ("finding", {"key": key, "severity": "info", "message": "m"}, "reported a finding that is not its own"),
        ("close-finding", {"key": key}, "asked to close a finding that is not its own"),
        ("close-findings", {"prefix": key, "keep": []}, "asked to close findings that are not its own"),
    ):
        with pytest.raises(Refused, match=what):
            ask(desk(step=step), verb, **args)
    assert (step.found, step.closed) == ([], [])


def test_a_finding_of_no_known_severity_is_refused() -> None:
    with pytest.raises(Refused, match="a finding of no known severity"):
        ask(desk(step=Step()), "finding", key="files:hmis:database:changed", severity="none", message="m")


@pytest.mark.positive_control
def test_its_own_findings_are_reported_and_closed() -> None:
    step = Step()
    ask(desk(step=step), "finding", key="files:hmis:database:changed", severity="warning", message="\x1b[2Jtwo changed", system="hmis")
    ask(desk(step=step), "close-finding", key="clock-skew:hmis:database")
    ask(desk(step=step), "close-findings", prefix="files:hmis:database:", keep=[])
    assert step.found == [("files:hmis:database:changed", "warning", "\\u001b[2Jtwo changed")]
    assert step.closed == ["clock-skew:hmis:database", "files:hmis:database:"]


@pytest.mark.positive_control
def test_a_restores_findings_are_reported_while_it_restores() -> None:
    step = Step()
    restoring = desk(step=step)
    restoring.about = RESTORED
    ask(restoring, "finding", key="setting-not-carried:x", severity="warning", message="m")
    ask(restoring, "close-findings", prefix="not-refreshed:hmis:", keep=[])
    assert ([key for key, _, _ in step.found], step.closed) == (["setting-not-carried:x"], ["not-refreshed:hmis:"])
    with pytest.raises(Refused, match="a finding that is not its own"):
        ask(restoring, "close-finding", key="clock-skew:hmis:database")


def test_a_host_speaks_of_the_system_at_hand_only() -> None:
    """Another system's findings are another's to tell, and what is usual there is no business of this host's."""
    with pytest.raises(Refused, match="reported a finding that is not its own"):
        ask(desk(step=Step()), "finding", key="files:hmis:database:changed", severity="info", message="m", system="payroll")
    with pytest.raises(Refused, match="asked what is usual for a system that it has nothing to do with"):
        ask(desk(step=Step()), "baselines", system="payroll", set="s")


@pytest.mark.parametrize(
    "said",
    [{"name": "a"}, {"name": "site-00"}, {"name": "database-00x"}, {"source": "site"}, {"kind": "files"}, {"name": "database-globals-00"}],
)
def test_an_artifact_of_another_source_is_not_taken(said: JsonObject) -> None:
    """A set could else hold what another machine says the database is."""
    at_work, kept = desk(step=Step()), MemorySet()
    at_work.into = kept.as_writer()
    with pytest.raises(Refused, match="an artifact of a source that is not read there"):
        ask(at_work, "sink", inlet(b"x"), **{"name": "database-00", "kind": "postgres_logical", "source": "database", **said})
    assert not kept.whole


@pytest.mark.parametrize("verb", ["finding", "close-finding", "close-findings", "baselines"])
def test_without_a_step_at_work_there_is_nothing_to_ask(verb: str) -> None:
    args = {"key": "files:x", "prefix": "files:x", "severity": "info", "system": "hmis", "set": "s"}
    with pytest.raises(Refused, match="belongs to a step, and none is at work there"):
        ask(desk(), verb, **args)


def test_only_what_was_handed_over_is_read() -> None:
    with pytest.raises(Refused, match="an artifact that it was not handed"):
        ask(desk(step=Step()), "artifact", name="database-00")
    handed = desk(step=Step())
    handed.readers = [cast("ArtifactReader", Reader(b"x"))]
    with pytest.raises(Refused, match="an artifact that it was not handed"):
        ask(handed, "artifact", name="database-01")


@pytest.mark.positive_control
def test_what_was_handed_over_is_read() -> None:
    handed, sent = desk(step=Step()), list[bytes]()
    handed.readers = [cast("ArtifactReader", Reader(b"rows"))]
    ask(handed, "artifact", None, sent, name="database-00")
    assert sent == [b"rows"]


@dataclass
class Broken(Reader):
    """One that cannot be read whole."""

    @contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        raise Damaged("database-00 is changed")
        yield


def test_what_we_found_damaged_ourselves_is_noted_until_the_next_is_handed() -> None:
    """What the machine says is damaged is not: that is its own word."""
    handed = desk(step=Step())
    handed.hand([cast("ArtifactReader", Broken(b""))], None)
    with pytest.raises(Damaged):
        ask(handed, "artifact", name="database-00")
    assert handed.damage is not None
    assert handed.damage.message == "database-00 is changed"
    handed.hand([cast("ArtifactReader", Reader(b"rows"))], None)
    ask(handed, "artifact", name="database-00")
    assert handed.damage is None


def inlet(*blocks: bytes) -> Inlet:
    made = Inlet(lambda: None)
    for block in blocks:
        made.put(block)
    made.end()
    return made


def test_bytes_that_nobody_asked_for_are_kept_nowhere() -> None:
    with pytest.raises(Refused, match="sent bytes that nobody asked it for"):
        ask(desk(step=Step()), "sink", inlet(b"x"), name="a", kind="postgres_logical", source="database")
    with pytest.raises(Refused, match="described an artifact that is not open"):
        ask(desk(step=Step()), "describe", name="a", instant=NOW.isoformat(), identity={}, content={})


@pytest.mark.positive_control
def test_bytes_that_were_asked_for_become_an_artifact() -> None:
    at_work, kept = desk(step=Step()), MemorySet()
    at_work.into = kept.as_writer()

    def described() -> None:
        """While it is open, as a source does."""
        ask(at_work, "describe", name="database-00", instant=NOW.isoformat(), identity={"v": "18"}, content={"n": 1})

    block = Inlet(described)
    block.put(b"rows")
    block.end()
    ask(at_work, "sink", block, name="database-00", kind="postgres_logical", source="database")
    sink, kind, source = kept.whole["database-00"]
    assert (bytes(sink.data), sink.described["content"], kind, source) == (b"rows", {"n": 1}, "postgres_logical", "database")
    assert sink.described["instant"] == datetime(2026, 11, 22, 7, tzinfo=UTC)


@pytest.mark.parametrize("told", [{"what": "x", "done": "much", "total": None, "unit": "rows"}, {"what": "x" * 9999}, {}])
def test_progress_is_a_line_and_two_numbers_whatever_is_told(told: JsonObject) -> None:
    step = Step()
    desk(step=step).noted("progress", told)
    desk(step=step).noted("anything", told)
    desk().noted("progress", told)
    assert len(step.said) == 1
    what, done, total, unit = step.said[0]
    assert len(str(what)) <= 300
    assert (done, total, unit) == (None, None, "")


def test_a_stopped_step_hears_no_progress() -> None:
    step = Step()
    step.stop.set()
    desk(step=step).noted("progress", {"what": "x"})
    assert step.said == []


@pytest.mark.positive_control
def test_progress_is_shown() -> None:
    step = Step()
    desk(step=step).noted("progress", {"what": "loading", "done": 3, "total": 9, "unit": "bytes"})
    assert step.said == [("loading", 3, 9, "bytes")]
