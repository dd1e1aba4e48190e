"""What every kind of repository promises, the in-memory one of other tests too. A new kind is one more line in KINDS."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from dr.errors import Damaged, Refused, Unreachable
from dr.model.backup import Artifact, Manifest, Part, Sealed, Tombstone, make_set_id
from dr.model.base import HostPath, RepositoryName, RunId, SetId, SourceName, canonical, sha256
from dr.model.ports import Repository
from dr.repositories import directory, ssh
from dr.stream.patience import Patience, PatientRepository
from tests.support.ssh_world import Machine, machine
from tests.support.stream_context import HMIS, NOW
from tests.support.stream_memory import MemoryRepository

pytestmark = pytest.mark.contract

Maker = Callable[[Path], Repository]


def in_directory(place: Path) -> Repository:
    params = directory.KIND.params.from_facts({"path": "repository", "min_free": 0})
    return directory.KIND.open(RepositoryName("online"), "online", params, HostPath(str(place)), "Harbor")


def in_memory(place: Path) -> Repository:
    return MemoryRepository(RepositoryName("online"), "online", organisation="Harbor")


def patiently(place: Path) -> Repository:
    """As the tool opens every kind."""
    return PatientRepository(in_directory(place), Patience(RepositoryName("online")))


_HELD = ExitStack()
_MACHINES: list[Machine] = []


def file_server() -> Machine:
    """One for the whole file, when the first test asks for it."""
    if not _MACHINES:
        _MACHINES.append(_HELD.enter_context(machine("files")))
    return _MACHINES[0]


@pytest.fixture(scope="module", autouse=True)
def _file_server_ends() -> Iterator[None]:
    yield
    _HELD.close()
    _MACHINES.clear()


def over_ssh(place: Path) -> Repository:
    """In a folder of another machine's, whose name no other test takes."""
    there = file_server()
    params = ssh.KIND.params.from_facts(there.login(path=str(there.home / f"repository-{secrets.token_hex(4)}"), min_free=0))
    return ssh.KIND.open(RepositoryName("online"), "online", params, HostPath(str(place)), "Harbor")


KINDS: dict[str, Maker] = {"directory": in_directory, "memory": in_memory, "patient": patiently, "ssh": over_ssh}

FIRST = make_set_id(NOW, "aaaaaa")
SECOND = make_set_id(NOW + timedelta(days=1), "bbbbbb")
PART = "site/000000.zst.age"


@pytest.fixture(params=list(KINDS))
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return KINDS[request.param](tmp_path)


@pytest.fixture
def repository(bare: Repository) -> Repository:
    bare.initialise("Harbor", "r-1", NOW)
    return bare


def manifest_of(set_id: SetId, data: bytes = b"part") -> bytes:
    digest = sha256(data)
    artifact = Artifact.from_facts(
        {
            "name": "site",
            "kind": "files",
            "source": SourceName("site"),
            "instant": NOW.isoformat(),
            "plain": 1,
            "parts": [Part.from_facts({"number": 0, "size": len(data), "sha256": digest}).to_facts()],
        }
    )
    manifest = Manifest(
        organisation="Harbor",
        system=HMIS,
        set=set_id,
        run=RunId("r"),
        created=NOW,
        instant=NOW,
        tools={},
        recipients=(),
        compression="zstd-3",
        artifacts=(artifact,),
        index=Sealed.from_facts({"size": 1, "sha256": digest}),
        previous=None,
        witnessed=False,
    )
    return canonical(manifest.to_facts())


def publish(repository: Repository, set_id: SetId = FIRST) -> None:
    upload = repository.begin(HMIS, set_id)
    upload.put(PART, b"part")
    upload.commit(manifest_of(set_id), b"signature", {"audit-head.json": b"head"})


def tombstone(set_id: SetId = FIRST) -> Tombstone:
    return Tombstone(system=HMIS, set=set_id, manifest=sha256(b""), instant=NOW, removed=NOW, run=RunId("r"), rule="keep_within")


def test_a_place_that_was_not_made_a_repository_is_never_made_one_by_itself(bare: Repository) -> None:
    """An unmounted file server must not become an empty repository."""
    for act in (bare.identity, bare.sets, lambda: bare.begin(HMIS, FIRST)):
        with pytest.raises(Unreachable):
            act()


def test_making_it_again_changes_nothing(repository: Repository) -> None:
    assert repository.initialise("Harbor", "r-2", NOW).id == "r-1"
    assert repository.identity().organisation == "Harbor"


def test_another_organisations_is_refused(bare: Repository) -> None:
    with pytest.raises(Refused):
        bare.initialise("Another", "r-1", NOW)
    with pytest.raises(Refused):
        bare.sets()


def test_what_is_not_read_to_its_end_may_be_left_as_often_as_you_like(repository: Repository) -> None:
    """A wrong part is let go after its first bytes; the hundredth time too."""
    big = bytes(6 * 2**20)
    upload = repository.begin(HMIS, FIRST)
    upload.put(PART, big)
    upload.commit(manifest_of(FIRST, big), b"signature", {})
    for _ in range(70):
        with repository.open(HMIS, FIRST, PART) as file:
            assert file.read(10) == bytes(10)
    with repository.open(HMIS, FIRST, PART) as file:
        assert file.read() == big


def test_a_set_does_not_exist_before_its_commit_and_is_whole_after_it(repository: Repository) -> None:
    upload = repository.begin(HMIS, FIRST)
    upload.put(PART, b"part")
    assert repository.sets() == []
    with pytest.raises(Damaged, match=r"missing$"):
        repository.open(HMIS, FIRST, PART)
    upload.commit(manifest_of(FIRST), b"signature", {"audit-head.json": b"head"})
    assert repository.sets() == repository.sets(HMIS) == [(HMIS, FIRST)]
    assert repository.manifest(HMIS, FIRST) == (manifest_of(FIRST), b"signature")
    assert repository.open(HMIS, FIRST, PART).read() == b"part"
    assert repository.listing(HMIS, FIRST) == ["audit-head.json", "manifest.json", "manifest.sig", PART]


def test_a_commit_may_be_repeated_but_not_changed(repository: Repository) -> None:
    publish(repository)
    publish(repository)
    assert repository.sets() == [(HMIS, FIRST)]
    upload = repository.begin(HMIS, FIRST)
    with pytest.raises(Refused, match="holds another set"):
        upload.commit(manifest_of(FIRST, b"other"), b"signature", {})
    assert repository.open(HMIS, FIRST, PART).read() == b"part"


def test_sets_are_listed_oldest_first(repository: Repository) -> None:
    publish(repository, SECOND)
    publish(repository, FIRST)
    assert [set_id for _, set_id in repository.sets()] == [FIRST, SECOND]


def test_what_a_crashed_attempt_left_is_gone_when_it_begins_again(repository: Repository) -> None:
    repository.begin(HMIS, FIRST).put("site/000007.zst.age", b"old")
    publish(repository)
    assert "site/000007.zst.age" not in repository.listing(HMIS, FIRST)


def test_an_abandoned_upload_leaves_nothing(repository: Repository) -> None:
    upload = repository.begin(HMIS, FIRST)
    upload.put(PART, b"part")
    upload.abandon()
    assert repository.sets() == []
    assert repository.sweep(NOW + timedelta(days=1)) == []


def test_a_link_serves_the_signed_bytes_of_an_earlier_set_only(repository: Repository) -> None:
    """Bytes that the earlier manifest does not name are never given a second life."""
    publish(repository)
    digest = hashlib.sha256(b"part").hexdigest()
    upload = repository.begin(HMIS, SECOND)
    assert upload.link("site/000003.zst.age", FIRST, PART, digest)
    assert not upload.link("site/000004.zst.age", FIRST, PART, "0" * 64)
    assert not upload.link("site/000004.zst.age", FIRST, "site/000009.zst.age", digest)
    assert not upload.link("site/000004.zst.age", make_set_id(NOW, "cccccc"), PART, digest)
    upload.commit(manifest_of(SECOND), b"signature", {})
    assert repository.open(HMIS, SECOND, "site/000003.zst.age").read() == b"part"
    assert "site/000004.zst.age" not in repository.listing(HMIS, SECOND)


def test_writing_over_a_linked_part_leaves_the_earlier_set_alone(repository: Repository) -> None:
    """Two names for the same bytes must never become two sets damaged by one write."""
    publish(repository)
    upload = repository.begin(HMIS, SECOND)
    assert upload.link(PART, FIRST, PART, hashlib.sha256(b"part").hexdigest())
    upload.put(PART, b"afresh")
    upload.commit(manifest_of(SECOND), b"signature", {})
    assert repository.open(HMIS, FIRST, PART).read() == b"part"
    assert repository.open(HMIS, SECOND, PART).read() == b"afresh"


def test_a_linked_part_outlives_the_set_it_came_from(repository: Repository) -> None:
    publish(repository)
    upload = repository.begin(HMIS, SECOND)
    assert upload.link(PART, FIRST, PART, hashlib.sha256(b"part").hexdigest())
    upload.commit(manifest_of(SECOND), b"signature", {})
    repository.remove(tombstone(), b"signature", failpoint=lambda _: None)
    assert repository.open(HMIS, SECOND, PART).read() == b"part"


def test_mended_bytes_are_fresh_and_reach_every_place_that_is_named_and_no_other(repository: Repository) -> None:
    """What shares the old bytes and is not named keeps them: nothing is written into."""
    third = make_set_id(NOW + timedelta(days=2), "cccccc")
    publish(repository)
    for later in (SECOND, third):
        upload = repository.begin(HMIS, later)
        assert upload.link(PART, FIRST, PART, hashlib.sha256(b"part").hexdigest())
        upload.commit(manifest_of(later), b"signature", {})
    repository.mend(HMIS, [(FIRST, PART), (SECOND, PART)], b"mend")
    repository.mend(HMIS, [(FIRST, PART), (SECOND, PART)], b"mend")
    assert [repository.open(HMIS, one, PART).read() for one in (FIRST, SECOND, third)] == [b"mend", b"mend", b"part"]
    assert repository.listing(HMIS, FIRST) == ["audit-head.json", "manifest.json", "manifest.sig", PART]


def test_removing_leaves_a_trace_and_counts_once(repository: Repository) -> None:
    publish(repository)
    seen: list[tuple[str, int, int]] = []
    state = lambda name: seen.append((name, len(repository.sets()), len(repository.tombstones(HMIS))))  # noqa: E731
    assert repository.remove(tombstone(), b"signature", failpoint=state)
    assert seen == [("after-tombstone", 1, 1), ("after-manifest", 0, 1)]
    assert repository.tombstones(HMIS) == [(canonical(tombstone().to_facts()), b"signature")]
    assert not repository.remove(tombstone(), b"signature", failpoint=lambda _: None)
    with pytest.raises(Damaged):
        repository.listing(HMIS, FIRST)


@pytest.mark.parametrize("point", ["after-tombstone", "after-manifest"])
def test_a_removal_that_was_killed_is_finished_by_the_next(repository: Repository, point: str) -> None:
    publish(repository)

    def die(name: str) -> None:
        if name == point:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repository.remove(tombstone(), b"signature", failpoint=die)
    assert repository.remove(tombstone(), b"signature", failpoint=lambda _: None)
    assert repository.sets() == []
    assert len(repository.tombstones(HMIS)) == 1


def test_a_sweep_finishes_a_killed_removal_but_touches_no_set(repository: Repository) -> None:
    publish(repository)
    publish(repository, SECOND)

    def die(name: str) -> None:
        if name == "after-manifest":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repository.remove(tombstone(), b"signature", failpoint=die)
    assert len(repository.sweep(NOW + timedelta(days=9))) == 1
    assert repository.sets() == [(HMIS, SECOND)]


def test_small_files_beside_a_manifest_come_and_go_but_nothing_signed_does(repository: Repository) -> None:
    publish(repository)
    repository.beside(HMIS, FIRST, "holds/audit.json", b"1")
    repository.beside(HMIS, FIRST, "holds/audit.json", b"2")
    assert repository.open(HMIS, FIRST, "holds/audit.json").read() == b"2"
    repository.withdraw(HMIS, FIRST, "holds/audit.json")
    repository.withdraw(HMIS, FIRST, "holds/audit.json")
    assert "holds/audit.json" not in repository.listing(HMIS, FIRST)
    for path in ("manifest.json", PART, "RESTORE.md", "holds/"):
        with pytest.raises(Refused):
            repository.beside(HMIS, FIRST, path, b"x")
        with pytest.raises(Refused):
            repository.withdraw(HMIS, FIRST, path)
    with pytest.raises(Refused):
        repository.beside(HMIS, SECOND, "holds/audit.json", b"1")


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "a//b", ".", ""])
def test_no_path_leads_out(repository: Repository, path: str) -> None:
    publish(repository)
    with pytest.raises(Refused):
        repository.open(HMIS, FIRST, path)
    with pytest.raises(Refused):
        repository.begin(HMIS, SECOND).put(path, b"x")
    with pytest.raises(Refused):
        repository.put_home(path, b"x")
    with pytest.raises(Refused):
        repository.open_home(path)
    with pytest.raises(Refused):
        repository.remove_home(path)


def test_stored_homes_come_and_go_and_are_no_sets(repository: Repository) -> None:
    """A home is put object by object, replaced whole, read back, and removed as a folder or one by one."""
    assert repository.list_home() == []
    for path, data in (("b/manifest.json", b"old"), ("a/000000.zst.age", b"part"), ("b/manifest.json", b"new")):
        repository.put_home(path, data)
    assert repository.list_home() == ["a/000000.zst.age", "b/manifest.json"]
    with repository.open_home("b/manifest.json") as file:
        assert file.read() == b"new"
    with pytest.raises(Damaged, match=r"home b/manifest\.sig: missing"):
        repository.open_home("b/manifest.sig")
    assert (repository.remove_home("a"), repository.remove_home("a")) == (True, False)
    assert repository.remove_home("b/manifest.json")
    assert repository.list_home() == []
    assert repository.sets() == []


def test_a_place_that_is_no_repository_lists_no_home(bare: Repository) -> None:
    """An unmounted file server is unreachable, not empty."""
    with pytest.raises(Unreachable):
        bare.list_home()


def test_a_claim_stands_for_good_and_whoever_comes_later_gets_it_back(repository: Repository) -> None:
    """One number, one claim: the first one's bytes are what everybody reads, the repeated claim of the first included."""
    assert repository.claims("help-desk") == []
    assert repository.claim("help-desk", 1, b"milwaukee") == b"milwaukee"
    assert repository.claim("help-desk", 1, b"green-bay") == b"milwaukee"
    assert repository.claim("help-desk", 1, b"milwaukee") == b"milwaukee"
    assert repository.claim("help-desk", 3, b"green-bay") == b"green-bay"
    assert repository.claims("help-desk") == [(1, b"milwaukee"), (3, b"green-bay")]
    assert repository.claims("help-desk.exercise") == []


def test_a_number_that_was_passed_over_can_not_be_claimed_any_more(repository: Repository) -> None:
    """A fencing number only rises: who comes with a stale one is told what stands, and leaves nothing behind."""
    repository.claim("help-desk", 5, b"milwaukee")
    assert repository.claim("help-desk", 4, b"madison") == b"milwaukee"
    assert repository.claims("help-desk") == [(5, b"milwaukee")]


def test_of_many_who_claim_one_number_at_once_one_wins_and_all_are_told_who(repository: Repository) -> None:
    told: list[bytes] = []

    def work(own: bytes) -> None:
        told.append(repository.claim("help-desk", 1, own))

    threads = [threading.Thread(target=work, args=(f"office-{number}".encode(),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 6
    assert {(1, told[0])} == {*repository.claims("help-desk")}
    assert len(set(told)) == 1


def test_what_is_no_name_of_a_claim_is_refused(repository: Repository) -> None:
    for duty, number in (("../sets", 1), ("Help", 1), ("help-desk", 0), ("help-desk", 10**12), ("a/b", 1)):
        with pytest.raises(Refused, match="is not the name of a claim"):
            repository.claim(duty, number, b"x")


def test_a_place_that_is_no_repository_takes_no_claim(bare: Repository) -> None:
    """An unmounted store is unreachable: a claim that only lies here would be none."""
    with pytest.raises(Unreachable):
        bare.claim("help-desk", 1, b"x")
    with pytest.raises(Unreachable):
        bare.claims("help-desk")


def test_the_lock_lets_one_in_at_a_time(repository: Repository) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(5):
            with repository.locked():
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 20
    assert max(most) == 1
