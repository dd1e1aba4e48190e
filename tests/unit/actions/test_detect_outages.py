"""Detection on a real catalog: who counts as a witness, what is proposed, and when it is left alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dr import plugins
from dr.actions import detect_outages
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.errors import Unreachable
from dr.model.base import JsonObject, RunId
from dr.model.outage import Outage, OutageId
from dr.model.ports import StepContext, Word
from dr.model.record import CheckResult, Finding
from dr.model.redundancy import Detection, DetectionProbe
from tests.support.catalog_runs import plan_of, run_at

pytestmark = pytest.mark.unit
START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@dataclass
class Entry:
    kind: str
    with_: JsonObject = field(default_factory=dict)


@dataclass
class Vantage:
    """A machine with a `dr` of its own. `sees`: whether the system answers it; None: it cannot be reached itself."""

    known: Sequence[str]
    sees: bool | None = True

    def inquire(self, check: Any, _params: object, _ctx: object) -> CheckResult:
        if self.sees is None:
            raise Unreachable("the lookout does not answer")
        return CheckResult(check=check.kind, passed=self.sees, examined=1, summary="", started=START, ended=START)


class Here:
    """The check as it is asked from this machine."""

    kind, params = "tcp-answers", plugins.CHECKS["tcp-answers"].params

    def __init__(self, world: "World") -> None:
        self.world = world

    def run(self, *_: object) -> CheckResult:
        raise AssertionError

    def probe(self, _params: object, _ctx: object) -> CheckResult:
        return CheckResult(check=self.kind, passed=self.world.here, examined=1, summary="", started=START, ended=START)


@dataclass
class World:
    """Everything that the action reaches; `look` is one run of it, a quarter of an hour after the last."""

    catalog: Catalog
    clock: FixedClock
    rule: Detection
    hosts: dict[str, Vantage]
    here: bool = True
    owed: list[Word] = field(default_factory=list)
    looks: int = 0

    def look(self, run: str | None = None) -> JsonObject:
        """`run`: the name of one that is attempted again."""
        self.looks += run is None
        self.run = RunId(run or f"watch-{self.looks}")
        if run is None:
            self.clock.move_to(self.clock.now() + QUARTER)
            self.catalog.begin_run(run_at(self.clock.now(), run=self.run), plan_of())
        else:
            self.clock.move_to(self.clock.now() + timedelta(seconds=1))
        return detect_outages.run(detect_outages.Params(), cast("StepContext", Step(self))).facts


class Step:
    def __init__(self, world: World) -> None:
        import threading
        from types import SimpleNamespace

        self.world, self.run, self.records, self.clock, self.stop = world, world.run, world.catalog, world.clock, threading.Event()
        system = SimpleNamespace(detection=world.rule, title="HMIS", objectives=SimpleNamespace(tiers={}))
        hosts = {"here": Entry("local"), "also-here": Entry("local"), **{name: Entry("ssh") for name in world.hosts}}
        organisation = SimpleNamespace(zone="America/Chicago", name="Harbor")
        contacts = {"anna": SimpleNamespace(name="Anna", groups=("administrators", "management"))}
        more: dict[str, Any] = {"outages": None, "organisation": organisation, "contacts": contacts, "offices": {}}
        self.inventory = SimpleNamespace(systems={"hmis": system}, hosts=hosts, **more)
        self.post = self

    def host(self, name: str) -> Vantage:
        return self.world.hosts[name]

    def check(self, _kind: str) -> Here:
        return Here(self.world)

    def owe(self, word: Word) -> None:
        self.world.owed.append(word)

    def carry(self, _outage: str) -> None:
        """Sent, as far as this test goes."""

    def check_stop(self) -> None:
        """Never."""

    def progress(self, *_: object) -> None:
        """Nobody watches."""

    def failpoint(self, _name: str) -> None:
        """No."""

    def finding(self, key: str, severity: Any, message: str, *, system: Any = None, hint: str = "") -> None:
        self.records.finding(
            Finding(key=key, severity=severity, message=message, hint=hint, system=system, at=self.clock.now(), run=self.run)
        )


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(START)) as opened:
        yield opened


def world(catalog: Catalog, vantages: Sequence[str] = ("here", "lookout"), hosts: dict[str, Vantage] | None = None, **rule: Any) -> World:
    question = {"web": DetectionProbe(check="tcp-answers", with_={"host": "10.0.0.1", "port": 443})}
    made = Detection(vantages=tuple(vantages), probes=question, **rule)  # type: ignore[arg-type]
    return World(catalog, FixedClock(START), made, hosts if hosts is not None else {"lookout": Vantage(("SHA256:abc",))})


def outages(catalog: Catalog) -> list[tuple[str, datetime]]:
    return [(one.state, one.began) for one in catalog.outages()]


def test_three_failures_at_two_machines_propose_once(catalog: Catalog) -> None:
    """From the first failure that both had seen; told once, and again only after it answered and failed anew."""
    one = world(catalog)
    one.look()
    one.here = one.hosts["lookout"].sees = False
    assert [one.look()["any_proposed"] for _ in range(5)] == [False, False, True, False, False]
    assert outages(catalog) == [("proposed", START + 2 * QUARTER)]
    assert [finding.key for finding in catalog.open_findings()] == ["outage-proposed:hmis"]
    assert [(word.template, word.to, word.acknowledge) for word in one.owed] == [("outage-proposed", "administrators", True)]
    one.here = True
    one.look()
    assert catalog.open_findings() == []


@pytest.mark.parametrize("sees", [True, None], ids=["the other sees it", "the other cannot be reached"])
def test_this_machine_alone_proposes_nothing(catalog: Catalog, sees: bool | None) -> None:
    """It may be this machine whose link is down; a lookout that cannot be asked is no witness against the system."""
    one = world(catalog)
    one.here, one.hosts["lookout"].sees = False, sees
    for _ in range(6):
        assert not one.look()["any_proposed"]
    assert outages(catalog) == []


def test_two_names_of_one_machine_are_one_witness(catalog: Catalog) -> None:
    """Two local hosts; or two hosts that have a host key in common, of which one is known by more."""
    twins = {"lookout": Vantage(("SHA256:abc", "SHA256:def"), False), "twin": Vantage(("SHA256:def",), False)}
    for vantages in (("here", "also-here"), ("lookout", "twin")):
        one = world(catalog, vantages, twins)
        one.here = False
        assert not any(one.look()["any_proposed"] for _ in range(5)), vantages


@pytest.mark.positive_control
def test_two_machines_that_are_told_apart_are_two_witnesses(catalog: Catalog) -> None:
    """The guard is the host key: the same two hosts with a key each do propose."""
    one = world(catalog, ("lookout", "twin"), {"lookout": Vantage(("SHA256:abc",), False), "twin": Vantage(("SHA256:def",), False)})
    assert [one.look()["any_proposed"] for _ in range(3)] == [False, False, True]


def test_beside_an_outage_that_people_know_of_nothing_is_proposed(catalog: Catalog) -> None:
    """Somebody declared it by phone before the third look."""
    one = world(catalog)
    known = Outage(id=OutageId("outage-1"), system="hmis", severity="major", what="down", state="declared", began=START, by="ANNA")  # type: ignore[arg-type]
    from dr.model.outage import OutageEntry

    catalog.open_outage(known, OutageEntry(outage=known.id, key="declared", act="declared", by="ANNA", at=START))
    one.here = one.hosts["lookout"].sees = False
    assert [one.look()["any_proposed"] for _ in range(4)] == [False] * 4
    assert [outage.id for outage in catalog.outages()] == ["outage-1"]


def test_an_attempt_that_is_made_again_proposes_the_same_outage(catalog: Catalog) -> None:
    """Killed after it was put on record, before anybody was told: the second attempt tells, of the one outage."""
    one = world(catalog)
    one.here = one.hosts["lookout"].sees = False
    for _ in range(3):
        one.look()
    one.owed.clear()
    assert one.look(run="watch-3")["any_proposed"]
    assert len(catalog.outages()) == 1
    assert {word.id for word in one.owed} == {f"{catalog.outages()[0].id}:proposed:administrators"}


class Unwritable:
    """A catalog that takes no outage."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def open_outage(self, *_: object) -> None:
        raise Unreachable("the catalog did not answer")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)


def test_a_look_that_failed_before_anybody_was_told_leaves_it_to_the_next(catalog: Catalog) -> None:
    """Which is another run: it must not take the row of failures for one that people know of."""
    one = world(catalog)
    one.here = one.hosts["lookout"].sees = False
    one.look()
    one.look()
    one.catalog = cast("Catalog", Unwritable(catalog))
    with pytest.raises(Unreachable):
        one.look()
    one.catalog = catalog
    assert one.look()["any_proposed"]
    assert [word.template for word in one.owed] == ["outage-proposed"]


def test_where_the_inventory_says_so_it_declares_itself(catalog: Catalog) -> None:
    """Management hears at once, since nobody is asked first."""
    one = world(catalog, declares="itself")
    one.here = one.hosts["lookout"].sees = False
    for _ in range(3):
        one.look()
    assert [state for state, _ in outages(catalog)] == ["declared"]
    assert {word.to for word in one.owed} == {"management", "administrators"}
