"""What a machine says of itself is recorded as far as it can only be true: a machine that is not ours any more forbids no recovery."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, cast

import pytest

from dr.checks.content_equals_source import CHECK as CONTENT
from dr.checks.site_files_equal import CHECK as FILES
from dr.errors import Damaged, DrError, Failed, Refused
from dr.hosts.canaries import signed_bytes
from dr.hosts.postgres import HostPostgres
from dr.hosts.production import protected
from dr.hosts.told import believed, believed_damage, certificate, lines, result
from dr.model.base import HostName, JsonObject, RunId
from dr.model.ports import ArtifactReader, Standing, StepContext
from dr.model.record import CheckResult, Difference, ProductionFacts, ScrubCertificate
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
HOST = HostName("production")
SERVER = HostPostgres(host="db.example.org", port=5433)
SITE = {"path": "/srv/site", "device": 7, "inode": 8}
TOLD: JsonObject = {
    "host": "another",
    "recorded": "9999-12-31T00:00:00Z",
    "port": 1,
    "address": "standby.example.org",
    "machine": "b" * 32,
    "system_identifier": "7312345678901234567",
    "data_directory": "/var/lib/postgresql/18/main",
    "paths": [SITE],
}


def taken(told: JsonObject, *folders: str, postgres: HostPostgres | None = SERVER) -> ProductionFacts:
    return believed(told, HOST, ("SHA256:k",), NOW, postgres, folders or ("/srv/site",))


def test_name_address_time_and_keys_are_ours_to_say() -> None:
    """A time in the far future would never be replaced; the standby's address would forbid the standby."""
    facts = taken(TOLD)
    assert (facts.host, facts.recorded, facts.address, facts.port, facts.host_keys) == (HOST, NOW, "db.example.org", 5433, ("SHA256:k",))
    without = taken(TOLD, postgres=None)
    assert (without.address, without.port) == (None, None)


@pytest.mark.positive_control
@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/srv/site", "/srv/site/"),
        ("/home/dr/site/a", "site/a"),
        ("/home/dr/site", "~/site"),
        ("/srv/b", "/srv/a/../b"),
        ("/home/site/x", "~site/./x"),
    ],
)
def test_what_it_says_of_its_own_folders_is_recorded(path: str, own: str) -> None:
    facts = taken({**TOLD, "paths": [{**SITE, "path": path}]}, own)
    assert facts.paths == ({**SITE, "path": path},)
    assert (facts.machine, facts.system_identifier, facts.data_directory) == ("b" * 32, TOLD["system_identifier"], TOLD["data_directory"])


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"path": "/"},
        {**SITE, "path": "/"},
        {**SITE, "path": "/srv"},
        {**SITE, "path": "/srv/site/below"},
        {**SITE, "path": "/srv/dr-standby"},
        {**SITE, "path": "srv/site"},
        {**SITE, "path": None},
        {**SITE, "device": "7"},
        {**SITE, "inode": True},
        {**SITE, "more": 1},
    ],
)
def test_a_folder_that_is_not_the_sources_own_is_refused(place: JsonObject) -> None:
    with pytest.raises(Refused, match="name a folder that is not its source's"):
        taken({**TOLD, "paths": [place]})


@pytest.mark.parametrize("own", ["~", ".", "..", "../x"])
def test_a_folder_of_no_name_names_nothing(own: str) -> None:
    with pytest.raises(Refused, match="name a folder that is not its source's"):
        taken({**TOLD, "paths": [{**SITE, "path": "/"}]}, own)


@pytest.mark.parametrize("directory", ["/", "/srv", "//srv/x", "/srv/../etc", "srv/x/y", "", "/srv/x/", "/srv/\0x"])
def test_a_data_directory_that_is_everybodys_is_refused(directory: str) -> None:
    with pytest.raises(Refused, match="name a data directory that is none"):
        taken({**TOLD, "data_directory": directory})


@pytest.mark.parametrize("wrong", [{"machine": "x"}, {"system_identifier": "1'"}, {"paths": "/"}, {"recorded": "soon"}, {"more": 1}])
def test_what_no_dr_writes_is_refused(wrong: JsonObject) -> None:
    with pytest.raises(Refused, match="are none that dr writes"):
        taken({**TOLD, **wrong})


@pytest.mark.parametrize("place", [{}, {"path": "/srv/x"}, {"path": "/srv/x", "device": None, "inode": "2"}, {"path": 7}])
def test_a_bad_record_breaks_no_guard(place: JsonObject) -> None:
    """One of an earlier version's: it protects what it names, and the guard goes on to judge."""
    found = protected([ProductionFacts(host=HOST, recorded=NOW, paths=(place,))])
    assert found.folders == {}
    assert set(found.paths) == ({"/srv/x"} if place.get("path") == "/srv/x" else set())


KEYS, RUN, STANDBY = TestKeys(), RunId("drill-online-20261122T070000Z-ab12"), HostName("standby")


def signed(**said: object) -> JsonObject:
    plain = ScrubCertificate(host=STANDBY, run=RUN, at=NOW, removed=("drills/r",), searched=("/srv",), canaries=1, found=0)
    plain = plain.model_copy(update=said)
    return plain.model_copy(update={"signature": base64.b64encode(KEYS.sign(signed_bytes(plain))).decode()}).to_facts()


def certified(told: JsonObject) -> ScrubCertificate:
    return certificate(told, STANDBY, RUN, [b"needle", b"", b"needle"], Standing("Harbor", KEYS, ()), NOW)


@pytest.mark.positive_control
def test_the_certificate_of_this_scrub_is_believed() -> None:
    assert certified(signed(at=NOW + timedelta(minutes=2))).found == 0


@pytest.mark.parametrize(
    "said",
    [
        {"host": HostName("another")},
        {"run": RunId("drill-online-20261121T070000Z-cd34")},
        {"canaries": 0},
        {"canaries": 2},
        {"at": NOW + timedelta(days=400)},
        {"at": NOW - timedelta(days=1)},
        {"removed": ("\x1b[2J",)},
        {"searched": ("\u202e",)},
        {"searched": ()},
    ],
)
def test_a_certificate_of_something_else_is_none(said: dict[str, object]) -> None:
    """An old one, one of another run, one that looked for nothing: each would say that the standby is clean."""
    with pytest.raises(Failed, match="certified something else than the scrub that it was asked for"):
        certified(signed(**said))


def test_a_certificate_that_nobody_signed_is_none() -> None:
    with pytest.raises(Damaged):
        certified({**signed(), "found": 0, "files": 7})
    for wrong in ({}, {**signed(), "more": 1}):
        with pytest.raises(Failed, match="certified something else"):
            certified(wrong)


def found(**said: object) -> JsonObject:
    plain = CheckResult(check="content-equals-source", passed=True, examined=7, summary="equal", started=NOW, ended=NOW, proves=True)
    return plain.model_copy(update={"artifacts": ("database-00",), **said}).to_facts()


def answered(told: JsonObject, *, proving: bool = True) -> CheckResult:
    return result(told, STANDBY, "content-equals-source", proving, ("database-00", "site-00"), NOW, NOW + timedelta(minutes=1))


@pytest.mark.positive_control
def test_what_the_check_found_is_taken_at_our_time() -> None:
    long_ago = NOW - timedelta(days=400)
    taken = answered(found(started=long_ago, ended=long_ago))
    assert (taken.passed, taken.proves, taken.artifacts, taken.examined) == (True, True, ("database-00",), 7)
    assert (taken.started, taken.ended) == (NOW, NOW + timedelta(minutes=1))


@pytest.mark.parametrize("said", [{"check": "needle"}, {"artifacts": ("database-00", "payroll-00")}])
def test_an_answer_to_something_else_is_none(said: dict[str, object]) -> None:
    with pytest.raises(Failed, match="answered something else than check content-equals-source was asked"):
        answered(found(**said))
    with pytest.raises(Failed, match="answered something else"):
        answered({})


def test_a_check_that_proves_nothing_proves_nothing() -> None:
    """A set is proven by the checks that compare its content, whatever another says of itself."""
    with pytest.raises(Failed, match="answered something else"):
        answered(found(), proving=False)
    assert answered(found(proves=False), proving=False).passed
    assert (CONTENT.proves, FILES.proves) == (True, True)


def test_its_words_do_nothing_to_a_terminal() -> None:
    strange = Difference(kind="ta\x1bble", name="a\u202eb", detail="\x07")
    taken = answered(found(summary="\x1b]0;x\x07", differences=(strange,), unproven=(strange,), details={"\x1b": ["\x1b", 1, None]}))
    assert "\\u001b" in taken.summary
    assert all(
        text.isprintable() for text in (taken.summary, *taken.differences[0].to_facts().values(), *taken.unproven[0].to_facts().values())
    )
    assert taken.details == {"\\u001b": ["\\u001b", 1, None]}


@dataclass
class Stored:
    """An artifact as it is read here."""

    name: str
    whole: bool
    read: int = 0

    @property
    def artifact(self) -> "Stored":
        return self

    @contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        self.read += 1
        if not self.whole:
            raise Damaged(f"repository 'online': set s: {self.name}/000000.zst.age: changed")
        yield io.BytesIO(b"rows")


class Going:
    def check_stop(self) -> None:
        pass


SAID = Damaged("repository 'online': set 20261122T070000Z-7f3a9c: site-00/000003.zst.age: changed")


def judged(*sealed: Stored, said: Damaged = SAID) -> DrError:
    return believed_damage(said, STANDBY, cast("list[ArtifactReader]", list(sealed)), cast("StepContext", Going()))


@pytest.mark.parametrize("said", [SAID, Damaged("its zstd frame is broken")])
def test_what_is_whole_when_it_is_read_here_is_not_damaged(said: Damaged) -> None:
    """Else one machine with bad memory, or a bad mind, voids every copy and every set that shares its bytes."""
    for sealed in ([], [Stored("database-00", whole=True), Stored("site-00", whole=True)]):
        error = judged(*sealed, said=said)
        assert (type(error), error.message) == (
            Failed,
            f"host 'standby' says that what it was sent is damaged, and read from here it is whole: {said.message}",
        )


@pytest.mark.positive_control
def test_what_is_damaged_here_too_is_damaged() -> None:
    other, named = Stored("database-00", whole=True), Stored("site-00", whole=False)
    error = judged(other, named)
    assert isinstance(error, Damaged)
    assert (other.read, named.read) == (0, 1)
    assert isinstance(judged(other, named, said=Damaged("signature")), Damaged)


def test_what_a_look_found_is_a_line_that_a_terminal_shows() -> None:
    """It is printed before anybody is sure whose machine that is: another line could say that all is well."""
    told = lines({"lines": [[1, "fine\n✔ production  all is well\x1b[2J"], [False, "\u202eabc"], [True, "x" * 9000]]})
    assert told[:2] == [(True, "fine\n      ✔ production  all is well\\u001b[2J"), (False, "\\u202eabc")]
    assert len(told[2][1]) == 2000
