"""The guard's decision on its own: facts in, reasons out; and the signed files that it reads."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from dr.errors import Damaged
from dr.hosts import marker, sessions
from dr.hosts.guard import Seen, Target, judge
from dr.hosts.listening import Listener
from dr.hosts.marker import Adopted, Claim, Standby
from dr.hosts.places import Content, Place, look
from dr.hosts.production import Protected, here, identifies
from dr.hosts.removal import opened
from dr.hosts.sessions import Sessions
from dr.model.base import HostName
from dr.model.ports import Standing
from dr.model.record import ProductionFacts
from tests.support.host_world import NOW, RUN, SET, STANDBY
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.unit

KEYS = TestKeys()
FACTS = ProductionFacts(host=HostName("production"), recorded=NOW, data_directory="/pg", device=1, inode=2, port=5432)
STANDING = Standing(organisation="Harbor", keys=KEYS, production=(FACTS,))
OFF = Protected({(1, 2): "production"}, {"/pg": "production"}, {5432: "production"}, {"77": "production"})
TARGET = Target(STANDBY, "standby", "/srv/standby", "127.0.0.1", 6000, "postgres")
MARKER = Standby(organisation="Harbor", host=STANDBY, path="/srv/standby", device=1, inode=9, port=6000, enrolled=NOW)
CLAIM = Claim(organisation="Harbor", host=STANDBY, run=RUN, set=SET, device=1, inode=10, claimed=NOW)
PLACE = Place(f"/srv/standby/drills/{RUN}", CLAIM, None)
FINE = Seen(TARGET, root=(1, 9), real="/srv/standby", above=((1, 9), (1, 8)), marker=MARKER)
OURS = Listener(7, f"{PLACE.path}/pgdata")


def reasons(seen: Seen, standing: Standing = STANDING) -> list[str]:
    return [problem.what for problem in judge(seen, standing, OFF)]


def test_the_one_right_target_has_no_reason_against_it() -> None:
    assert reasons(FINE) == []
    assert reasons(replace(FINE, content=Content(places=(PLACE,)), listening=(OURS,))) == []


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (replace(FINE, marker=None), "/srv/standby bears no standby marker"),
        (replace(FINE, in_service=True), "/srv/standby is in service: it is production now"),
        (replace(FINE, forged="dr-standby.json bears no trusted signature"), "/srv/standby: dr-standby.json bears no trusted signature"),
        (replace(FINE, root=(1, 11)), "/srv/standby is not the folder that was enrolled (device or inode differ)"),
        (replace(FINE, unfit="is a symbolic link"), "/srv/standby is a symbolic link"),
        (replace(FINE, above=((1, 9), (1, 2))), "/srv/standby holds, or lies in, a protected folder of production host 'production'"),
        (
            replace(FINE, content=Content(folders=frozenset({(1, 2)}))),
            "/srv/standby holds, or lies in, a protected folder of production host 'production'",
        ),
        (replace(FINE, real="/pg/sub"), "/srv/standby holds, or lies in, a protected folder of production host 'production'"),
        (
            replace(FINE, content=Content(identifiers=("77",))),
            "/srv/standby holds a cluster with the system identifier of production host 'production'",
        ),
        (replace(FINE, mounts=("drills/x/pgdata",)), "/srv/standby: something is mounted on drills/x/pgdata"),
        (replace(FINE, target=replace(TARGET, port=5432)), "port 5432 is that of production host 'production'"),
        (replace(FINE, listening=(Listener(None, None),)), "a server that dr did not start listens on port 6000"),
        (replace(FINE, listening=(Listener(7, "/pg"),)), "a server that dr did not start listens on port 6000"),
        (
            replace(FINE, content=Content(places=(PLACE,)), listening=(Listener(7, f"{PLACE.path}-evil/pgdata"),)),
            "a server that dr did not start listens on port 6000",
        ),
        (
            replace(FINE, content=Content(places=(PLACE,)), listening=(OURS, Listener(8, "/elsewhere"))),
            "a server that dr did not start listens on port 6000",
        ),
        (
            replace(FINE, sessions=Sessions(foreign=2, streaming=1)),
            "2 foreign sessions and 1 WAL senders or receivers are connected on port 6000",
        ),
        (replace(FINE, sessions=Sessions(foreign=1)), "1 foreign sessions and 0 WAL senders or receivers are connected on port 6000"),
        (replace(FINE, sessions=Sessions(streaming=1)), "0 foreign sessions and 1 WAL senders or receivers are connected on port 6000"),
    ],
)
def test_each_wrong_fact_alone_is_a_reason(seen: Seen, reason: str) -> None:
    """Promise 5, fact by fact."""
    assert reasons(seen) == [reason]


def test_a_sibling_of_a_protected_folder_is_none() -> None:
    """/pg2 is not below /pg."""
    assert reasons(replace(FINE, real="/pg2")) == []


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        ({}, False),
        ({"address": "127.0.0.1", "device": 5}, False),
        ({"port": 5432}, True),
        ({"system_identifier": "7"}, True),
        ({"paths": ({"path": "/x", "device": 1, "inode": 2},)}, True),
        ({"machine": "b" * 32}, True),
        ({"host_keys": ("SHA256:k",)}, True),
    ],
)
def test_what_identifies_production(facts: dict[str, object], known: bool) -> None:
    assert identifies(ProductionFacts.model_validate({"host": "production", "recorded": NOW, **facts})) is known


def test_an_address_is_here_unless_it_surely_is_not() -> None:
    """In doubt a port counts as production's."""
    assert [here(one) for one in (None, "127.0.0.1", "::1", "localhost", "no such name.invalid")] == [True] * 5
    assert here("192.0.2.7") is False


@pytest.mark.parametrize(
    ("name", "ours"),
    [("dr", True), ("dr-proof", True), ("dr: prove", True), ("pg_restore", True), ("pg_dumpall", True)]
    + [(name, False) for name in ("drupal", "psql", "", "hmis", "pg_restored", "xdr", "pg_basebackup")],
)
def test_whose_session_it_is(name: str, ours: bool) -> None:
    assert (sessions._OURS.match(name) is not None) is ours


# ---------------------------------------------------------------- signed files


def test_a_marker_says_what_was_signed(tmp_path: Path) -> None:
    with opened(str(tmp_path)) as folder:
        assert marker.read(folder, marker.STANDBY, Standby, KEYS) is None
        marker.write(folder, marker.STANDBY, MARKER, KEYS)
        assert marker.read(folder, marker.STANDBY, Standby, KEYS) == MARKER
    assert [path.name for path in tmp_path.iterdir()] == [marker.STANDBY]
    assert (tmp_path / marker.STANDBY).stat().st_mode & 0o777 == 0o600


def test_an_altered_marker_is_damaged(tmp_path: Path) -> None:
    """One value changed under the same signature."""
    with opened(str(tmp_path)) as folder:
        marker.write(folder, marker.STANDBY, MARKER, KEYS)
        said = json.loads((tmp_path / marker.STANDBY).read_text())
        said["signed"]["inode"] += 1
        (tmp_path / marker.STANDBY).write_text(json.dumps(said))
        with pytest.raises(Damaged, match=r"dr-standby.json bears no trusted signature"):
            marker.read(folder, marker.STANDBY, Standby, KEYS)


def test_one_kind_of_marker_does_not_pass_for_another(tmp_path: Path) -> None:
    """A claim is signed by the same key; it is no standby's marker."""
    with opened(str(tmp_path)) as folder:
        marker.write(folder, marker.STANDBY, CLAIM, KEYS)
        with pytest.raises(Damaged, match="is not what dr writes"):
            marker.read(folder, marker.STANDBY, Standby, KEYS)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"signed": 1, "signature": "AA=="}', '{"signature": "!"}', "[" * 100_000])
def test_whatever_else_is_there_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / marker.STANDBY).write_text(text)
    with opened(str(tmp_path)) as folder, pytest.raises(Damaged, match="is not what dr writes"):
        marker.read(folder, marker.STANDBY, Standby, KEYS)


def test_a_linked_marker_is_damaged(tmp_path: Path) -> None:
    """A link could be turned later."""
    with opened(str(tmp_path)) as folder:
        marker.write(folder, "elsewhere", MARKER, KEYS)
        (tmp_path / marker.STANDBY).symlink_to("elsewhere")
        with pytest.raises(Damaged, match="cannot be opened as a plain file"):
            marker.read(folder, marker.STANDBY, Standby, KEYS)


def test_what_is_no_marker_is_not_read_at_any_size(tmp_path: Path) -> None:
    """A foreign place may hold anything under that name: a pipe, a folder, a file without end."""
    path = tmp_path / marker.STANDBY
    with opened(str(tmp_path)) as folder:
        path.mkdir()
        with pytest.raises(Damaged, match="is not a plain file"):
            marker.read(folder, marker.STANDBY, Standby, KEYS)
        path.rmdir()
        os.mkfifo(path)
        with pytest.raises(Damaged, match="is not a plain file"):
            marker.read(folder, marker.STANDBY, Standby, KEYS)
        path.unlink()
        path.touch()
        os.truncate(path, marker.MOST + 1)
        with pytest.raises(Damaged, match="is larger than any marker"):
            marker.read(folder, marker.STANDBY, Standby, KEYS)


# ---------------------------------------------------------------- places


def put_place(root: Path, claim: dict[str, object], adopted: dict[str, object]) -> Content:
    """A run's place with both files, each signed by us and true of its folder but for what is given; what is seen of it."""
    folder = root / "drills" / RUN
    folder.mkdir(parents=True)
    at = folder.stat()
    said = {"organisation": "Harbor", "host": STANDBY, "run": RUN, "set": SET, "device": at.st_dev, "inode": at.st_ino}
    with opened(str(folder)) as place:
        marker.write(place, marker.CLAIM, Claim(**{**said, "claimed": NOW, **claim}), KEYS)  # type: ignore[arg-type]
        marker.write(place, marker.ADOPTED, Adopted(**{**said, "places": {}, "adopted": NOW, **adopted}), KEYS)  # type: ignore[arg-type]
    return look(str(root), "Harbor", STANDBY, KEYS)


ELSEWHERE = [{"inode": 1}, {"device": 1}, {"run": "drill-20261122T070000Z-0000"}, {"host": "other"}, {"organisation": "Pier"}]


def test_a_place_that_bears_both_is_adopted(tmp_path: Path) -> None:
    seen = put_place(tmp_path, {}, {})
    assert seen.foreign == ()
    assert [place.adopted is not None for place in seen.places] == [True]


@pytest.mark.parametrize("other", [*ELSEWHERE, {"set": "20261121T070000Z-7f3a9c"}], ids=lambda other: next(iter(other)))
def test_an_adoption_that_was_carried_here_is_none(tmp_path: Path, other: dict[str, object]) -> None:
    """Our own signature on it says what was adopted, where and for which set; anywhere else it says nothing."""
    seen = put_place(tmp_path, {}, other)
    assert [place.adopted for place in seen.places] == [None]


@pytest.mark.parametrize("other", ELSEWHERE, ids=lambda other: next(iter(other)))
def test_a_claim_that_was_carried_here_covers_nothing(tmp_path: Path, other: dict[str, object]) -> None:
    """The place is then a stranger's: it is not written to, and not removed."""
    seen = put_place(tmp_path, other, {})
    assert seen.places == ()
    assert seen.foreign == (f"drills/{RUN} (its claim is of another host, run or folder)",)


# ---------------------------------------------------------------- somebody else's machine

NOT_AGREED = replace(STANDING, unagreed={STANDBY: "it belongs to County IT, and no agreement with them is on record"})


def test_nothing_is_restored_on_somebody_elses_machine_without_an_agreement() -> None:
    """Client data lies only where its owner signed for it."""
    assert reasons(FINE, NOT_AGREED) == ["it belongs to County IT, and no agreement with them is on record"]
    held = judge(FINE, NOT_AGREED, OFF, tidying=RUN)
    assert [problem.hint for problem in held] == ["write the one that is in force at third_party.standby.agreement in the inventory"]


def test_what_lies_there_may_be_removed_when_the_agreement_ended() -> None:
    """An agreement that ends during a drill must not keep client data on their machine."""
    loaded = replace(FINE, content=Content(places=(PLACE,)), listening=(OURS,))
    assert judge(loaded, NOT_AGREED, OFF, tidying=RUN) == []
    assert reasons(loaded, NOT_AGREED), "but nothing more is brought there"


@pytest.mark.positive_control
def test_an_agreement_of_another_host_keeps_nothing_back() -> None:
    """The refusal is for that host alone: without it, the guard lets this one be written to."""
    assert reasons(FINE, replace(STANDING, unagreed={HostName("other"): "no"})) == []
