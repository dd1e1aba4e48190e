"""What every kind of host promises. A new kind is one more line in KINDS."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from dr.errors import Damaged, NotProvablyStandby, Refused
from dr.hosts import canaries
from dr.hosts.local import KIND as LOCAL
from dr.hosts.ssh import KIND as SSH
from dr.model.base import HostPath, RunId
from dr.model.ports import HostKind, HostRequest, Standing, WritableHost
from dr.model.record import ProductionFacts
from dr.model.swapping import kept_name
from tests.support.host_world import NOW, OTHER, RUN, SET, World, make_world
from tests.support.ssh_hosts import over_ssh
from tests.support.ssh_world import machine

pytestmark = pytest.mark.contract


@dataclass
class Subject:
    """A kind, a standby of that kind that is not enrolled yet, and the world it is judged in."""

    kind: HostKind
    request: HostRequest
    world: World

    def standing(self) -> Standing:
        return self.world.standing()

    def writable(self, run: RunId = RUN) -> WritableHost:
        return self.kind.open_writable(self.request, self.standing(), run)


Maker = Callable[[Path], Subject]


@contextmanager
def local() -> Iterator[Maker]:
    def make(place: Path) -> Subject:
        world = make_world(place)
        return Subject(LOCAL, world.request(places=[str(place / "srv" / "site")]), world)

    yield make


@contextmanager
def ssh() -> Iterator[Maker]:
    """One machine for the whole suite, with a folder of its own for each test."""
    with machine("standby") as there:

        def make(place: Path) -> Subject:
            world = make_world(place)
            return Subject(SSH, over_ssh(world, there, place.name, places=[str(there.home / "srv" / "site")]), world)

        yield make


KINDS: dict[str, Callable[[], AbstractContextManager[Maker]]] = {"local": local, "ssh": ssh}


@pytest.fixture(params=list(KINDS), scope="module")
def maker(request: pytest.FixtureRequest) -> Iterator[Maker]:
    with KINDS[request.param]() as make:
        yield make


@pytest.fixture
def bare(maker: Maker, tmp_path: Path) -> Subject:
    return maker(tmp_path)


@pytest.fixture
def subject(bare: Subject) -> Subject:
    assert bare.kind.enrol(bare.request, bare.standing()) is None
    return bare


def test_a_host_is_opened_for_reading_without_a_guard(bare: Subject) -> None:
    """Its name, its role, its settings, a runner; no way to write."""
    host = bare.kind.open(bare.request)
    assert (host.name, host.role, host.settings) == (bare.request.name, "standby", bare.request.params)
    assert host.runner().run(["echo", "here"]).stdout == b"here\n"
    assert not any(hasattr(host, verb) for verb in ("claim", "adopt", "scrub"))


def test_no_writable_handle_before_enrolment(bare: Subject) -> None:
    """Promise 5."""
    with pytest.raises(NotProvablyStandby):
        bare.writable()
    assert not all(ok for ok, _ in bare.kind.check(bare.request, bare.standing()))


def test_enrolment_makes_it_writable(subject: Subject) -> None:
    verdicts = subject.kind.check(subject.request, subject.standing())
    assert verdicts
    assert all(ok for ok, _ in verdicts)
    handle = subject.writable()
    assert handle.run == RUN
    handle.recheck()


def test_nothing_is_held_before_it_is_adopted(subject: Subject) -> None:
    handle = subject.writable()
    assert not handle.holds(SET)
    with pytest.raises(Refused):
        handle.place()
    place = handle.claim(SET)
    assert handle.place() == place
    assert not handle.holds(SET)
    with pytest.raises(Refused):
        handle.places()


def test_what_was_adopted_is_held_by_that_run_alone(subject: Subject) -> None:
    handle = subject.writable()
    handle.claim(SET)
    handle.adopt(SET, {"database": {"port": 1}})
    del handle  # across a network one handle at a time works there
    again = subject.writable()
    assert again.holds(SET) and again.places() == {"database": {"port": 1}}
    del again
    assert not subject.writable(OTHER).holds(SET)


def test_a_claim_is_fresh_each_time(subject: Subject) -> None:
    """What a run loaded and did not adopt is wiped."""
    handle = subject.writable()
    place = handle.claim(SET)
    handle.runner().run(["touch", f"{place}/half"])
    assert handle.claim(SET) == place
    assert handle.runner().run(["ls", place]).stdout == b"claim.json\n"


def test_one_living_run_at_a_time(subject: Subject) -> None:
    subject.writable(OTHER).claim(SET)
    subject.world.active.add(OTHER)
    with pytest.raises(Refused, match=f"in use by run {OTHER}"):
        subject.writable().claim(SET)


def test_a_scrub_is_certified_and_repeatable(subject: Subject) -> None:
    handle = subject.writable()
    place = handle.claim(SET)
    handle.runner().run(["sh", "-c", 'printf canary-1 > "$0/file"', place])
    handle.adopt(SET, {})
    first, second = handle.scrub([b"canary-1"]), handle.scrub([b"canary-1"])
    assert (first.removed, first.canaries, first.found) == ((place,), 1, 0)
    assert (second.removed, second.found) == ((), 0)
    canaries.verify(first, subject.world.keys)
    with pytest.raises(Damaged):
        canaries.verify(first.model_copy(update={"removed": ()}), subject.world.keys)
    assert not handle.holds(SET)


def test_too_little_space_is_refused(subject: Subject) -> None:
    handle = subject.writable()
    handle.require_space(1)
    with pytest.raises(Refused):
        handle.require_space(2**60)


def test_what_a_run_made_production_is_served_by_that_run_and_written_to_by_nobody(subject: Subject) -> None:
    """No handle that writes is given out again; the run that opened it may still let users in, and says what it is known by."""
    serving = subject.kind.serving
    assert serving is not None, "every kind of host can be recovered onto"
    assert serving(subject.request, subject.standing(), RUN) is None
    handle = subject.writable()
    place = handle.claim(SET)
    handle.runner().run(["mkdir", f"{place}/site"])
    handle.adopt(SET, {"site": {"path": f"{place}/site"}})
    handle.enter_service(SET)
    with pytest.raises(NotProvablyStandby):
        handle.scrub([])
    del handle
    for run in (RUN, OTHER):
        with pytest.raises(NotProvablyStandby):
            subject.writable(run)
    assert serving(subject.request, subject.standing(), OTHER) is None
    served = serving(subject.request, subject.standing(), RUN)
    assert served is not None
    settled = served.settled()
    assert settled["set"] == SET and datetime.fromisoformat(settled["since"])
    assert [path["path"] for path in settled["paths"]][1:] == [f"{place}/site"]
    known = {key: value for key, value in settled.items() if key not in ("set", "since")}
    assert ProductionFacts.from_facts({**known, "host": "standby", "recorded": NOW.isoformat()}).paths
    assert served.accept({"listen": ["127.0.0.1"], "allow": [], "user": None, "password": None}) == {"servers": []}


def test_a_restored_file_set_takes_the_place_that_the_inventory_names_and_no_other(subject: Subject) -> None:
    """One thing a call; what stood there stays beside it. Looking beforehand changes nothing."""
    serving, swappable = subject.kind.serving, subject.kind.swappable
    assert serving is not None and swappable is not None, "every kind of host can be recovered onto"
    handle = subject.writable()
    above, (place,) = str(Path(handle.path(subject.request.params.path)).parent), subject.request.params.places
    handle.runner().run(["mkdir", "-p", f"{above}/srv/site"])
    handle.runner().run(["touch", f"{above}/srv/site/old"])
    foreseen = swappable(subject.request, subject.standing(), [place, HostPath("/srv/unnamed")])
    assert [fine for fine, _ in foreseen][:2] == [True, False]
    restored = handle.claim(SET)
    handle.runner().run(["mkdir", "-p", f"{restored}/site"])
    handle.runner().run(["touch", f"{restored}/site/new"])
    handle.adopt(SET, {"site": {"path": f"{restored}/site"}})
    handle.enter_service(SET)
    handle.close()
    served = serving(subject.request, subject.standing(), RUN)
    assert served is not None
    with closing(served):
        kept = kept_name(place, RUN)
        assert [served.swap_in("site", place)["state"] for _ in range(4)] == ["beside", "swapped", "kept", "done"]
        assert served.swap_in("site", place) == {"state": "done", "before": kept, "copied": False}
        assert [path["path"] for path in served.settled()["paths"]][1:] == [place], "it is production's from now on"
        for source, elsewhere in (("site", f"{above}/srv/other"), ("database", place)):
            with pytest.raises(Refused):
                served.swap_in(source, HostPath(elsewhere))
    host = subject.kind.open(subject.request)
    with closing(host):
        assert host.runner().run(["ls", place, kept]).stdout == f"{place}:\nnew\n\n{kept}:\nold\n".encode()
