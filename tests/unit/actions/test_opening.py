"""`open`: only in a declared recovery, with a second person's word; the marker, the record and the users, in that order, each once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from dr.actions import opening, scrub
from dr.clock import FixedClock
from dr.errors import DrError, NotProvablyStandby, Refused
from dr.model.base import JsonObject, RunId, SetId, StepId
from dr.model.inventory import SecretRef
from dr.model.ports import StepContext
from dr.model.record import HostState, ProductionFacts
from dr.model.runbook import Declaration

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SET = SetId("20261122T070000Z-7f3a9c")
DECLARED = Declaration(declared=NOW - timedelta(hours=1), reason="it burnt", by="ann")
ALONE = DECLARED.model_copy(update={"alone": "nobody answers"})


class Killed(Exception):
    """The process is no more."""


@dataclass
class World:
    """A standby, what is on record, and a list of what was done, in its order."""

    declaration: Declaration | None = ALONE
    kind: str = "recovery"
    approvals: list[tuple[str, bool]] = field(default_factory=list)
    """Who approved, and whether a second person was asked for."""
    holding: SetId | None = SET
    served: SetId | None = None
    """With which set it is in service."""
    done: list[str] = field(default_factory=list)
    kill: str = ""
    states: list[HostState] = field(default_factory=list)
    facts: list[ProductionFacts] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    how: JsonObject = field(default_factory=dict)
    replays: list[Any] = field(default_factory=list)
    later: tuple[Any, ...] = ()
    """The steps of its runbook that matter to `open`."""
    asked: int = 0
    """Requests to be forgotten that are on record."""

    # the host

    def holds(self, set_id: SetId) -> bool:
        return self.holding == set_id

    def enter_service(self, set_id: SetId) -> None:
        self.done.append("marker")
        self.served = set_id

    def settled(self) -> JsonObject:
        return {"set": self.served, "since": NOW.isoformat(), "port": 6000, "system_identifier": "77", "paths": []}

    def accept(self, how: JsonObject) -> JsonObject:
        self.done.append("users")
        self.how = how
        return {
            "servers": [
                {"source": "database", "port": 6000, "user": "postgres", "listen": how["listen"], "by_hand": ["full statistics: x"]}
            ]
        }

    # the records

    def steps(self, run: RunId) -> list[Any]:
        assert run == "recover-1"
        server = {"port": 6000, "data_directory": "/place/pgdata", "neutralised": [{"kind": "event trigger"}]}
        restored = SimpleNamespace(action="restore", facts={"onto": "standby", "places": {"database": server, "site": {"path": "/x"}}})
        return [
            restored,
            *self.replays,
            *(
                SimpleNamespace(action="approve", state="done", facts={"by": by}, resolved={"second_person": second})
                for by, second in self.approvals
            ),
        ]

    def audit_of(self, subject: str) -> list[Any]:
        assert subject == "suppression/hmis"
        return [SimpleNamespace(facts={"seq": number, "hash": "0" * 64}) for number in range(1, self.asked + 1)]

    def manifest(self, set_id: SetId) -> Any:
        return SimpleNamespace(instant=NOW - timedelta(hours=3))

    def record_production(self, facts: ProductionFacts) -> None:
        self.done.append("recognised")
        self.facts.append(facts)

    def record_host(self, state: HostState) -> None:
        self.done.append("in service")
        self.states.append(state)

    def context(self) -> StepContext:
        def failpoint(name: str) -> None:
            if name == self.kill:
                raise Killed

        def writable(_: str) -> "World":
            if self.served:
                raise NotProvablyStandby("host 'standby' may not be written to")
            return self

        settings = SimpleNamespace(postgres=SimpleNamespace(user="postgres", password=SecretRef(file="keys/pg")))
        facts = {
            "run": RunId("recover-1"),
            "step": StepId("open"),
            "requested_by": "ann",
            "plan": SimpleNamespace(kind=self.kind, declaration=self.declaration, system="hmis", steps=self.later),
            "records": self,
            "clock": FixedClock(NOW),
            "inventory": SimpleNamespace(
                organisation=SimpleNamespace(name="Harbor", zone="UTC"), systems={"hmis": SimpleNamespace(suppression=None)}, hosts={}
            ),
            "home": "/nowhere",
            "keys": None,
            "repositories": list,
            "writable_host": writable,
            "serving_host": lambda _: self if self.served else None,
            "host": lambda _: SimpleNamespace(settings=settings),
            "secret": lambda _: "the old word",
            "failpoint": failpoint,
            "progress": lambda *_: None,
            "audit": lambda *_: None,
            "finding": lambda key, *_, **__: self.findings.append(key),
        }
        return cast("StepContext", SimpleNamespace(**facts))

    def open(self, **params: Any) -> JsonObject:
        given = {"host": "standby", "set": SET, "login_of": "production", **params}
        return opening.run(opening.Params.from_facts(given), self.context()).facts


def test_the_marker_comes_first_then_the_record_then_the_users() -> None:
    """Between the first and the last nobody can restore onto it, and nobody can work on what may yet be wiped."""
    world = World()
    facts = world.open(listen=["10.1.0.7"], allow=["10.1.0.0/16"])
    assert world.done == ["marker", "recognised", "in service", "users"]
    login = {"user": "postgres", "password": "the old word"}
    assert world.how == {"listen": ["10.1.0.7"], "allow": ["10.1.0.0/16"], **login, "unit": "none", "name": "dr-hmis"}
    assert [(s.state, s.run, s.set) for s in world.states] == [("in-service", "recover-1", SET)]
    assert (world.facts[0].host, world.facts[0].port, world.facts[0].system_identifier) == ("standby", 6000, "77")
    assert facts["lost"] == 7200.0, "from the set to the failure as it was recognised, not until now"
    assert world.findings == ["reprotect:hmis"]
    assert facts["servers"] == [{"source": "database", "port": 6000, "user": "postgres", "listen": ["10.1.0.7"]}]
    assert facts["by_hand"] == [
        "full statistics: x",
        "look at what could reach out and was switched off or held (1): /place/secret/neutralised-again.sql switches on again",
        "file set 'site' lies in /x on standby: no step puts it in its place (swap-in would have)",
    ]


@pytest.mark.parametrize("point", opening.ACTION.failpoints)
def test_a_run_that_was_killed_anywhere_goes_on_and_does_nothing_twice(point: str) -> None:
    """The marker is written once; what is repeated is what may be."""
    world = World(kill=point)
    with pytest.raises(Killed):
        world.open()
    world.kill = ""
    assert world.open()["servers"]
    assert world.done.count("marker") == 1
    assert world.done[-3:] == ["recognised", "in service", "users"]


def refused(world: World, act: Callable[[], object] | None = None) -> DrError:
    with pytest.raises(Refused) as caught:
        (act or world.open)()
    assert world.done == [], "nothing was done"
    return caught.value


def test_nothing_is_opened_outside_of_a_declared_recovery() -> None:
    """A drill's standby, or a recovery that somebody began by another door."""
    for world in (World(kind="drill"), World(declaration=None)):
        found = refused(world)
        assert (found.message, found.hint) == ("nothing is opened but in a recovery that was declared", "dr recover hmis --reason TEXT")


@pytest.mark.parametrize("approvals", [[], [("ann", True)], [("ann as root", True)], [("bob", False)]])
def test_nobodys_or_ones_own_word_does_not_open(approvals: list[tuple[str, bool]]) -> None:
    """Whatever the runbook left out: nobody, oneself, oneself through sudo, or an approval that any one person could give."""
    found = refused(World(declaration=DECLARED, approvals=approvals))
    assert found.message == "nobody but ann stands for this recovery, so the system is not opened"


@pytest.mark.positive_control
def test_control_a_second_persons_word_opens_and_so_does_a_reason_to_be_alone() -> None:
    """The twins of the refusal: the same step with the word, or the reason, that it wants."""
    assert World(declaration=DECLARED, approvals=[("bob", True)]).open()["host"] == "standby"
    assert World(declaration=ALONE).open()["host"] == "standby"


def test_what_this_run_did_not_restore_is_not_opened() -> None:
    found = refused(World(holding=None))
    assert found.message == f"standby does not hold {SET} as restored by this run"


def test_a_request_that_came_after_the_replay_keeps_it_shut_until_it_is_carried_out() -> None:
    """Here it cannot be: the system does not say how, and no journal is there. The twin: where none came since, it opens."""
    nothing = {"system": "hmis", "set": SET, "declared": False, "entries": 0}
    replays = [SimpleNamespace(action="replay-suppressions", state="done", facts=nothing)]
    assert "cannot be relied on" in refused(World(replays=replays, asked=1)).message
    assert World(replays=replays).open()["late"] == []


def test_a_host_that_went_into_service_with_another_set_is_not_opened_as_this_one() -> None:
    world = World(served=SetId("20261121T070000Z-000000"))
    assert refused(world).message == f"host 'standby' went into service with set 20261121T070000Z-000000, not {SET}"


def test_a_file_set_that_no_step_puts_in_its_place_is_left_to_a_person_with_its_place() -> None:
    """The site would be sought where it was, while it lies among what the run restored. Where a step does, nothing is said."""
    told = World().open()["by_hand"]
    assert told[-1] == "file set 'site' lies in /x on standby: no step puts it in its place (swap-in would have)"
    swap = SimpleNamespace(action="swap-in", with_={"host": "standby", "places": {"site": "/srv/hmis/site"}})
    assert World(later=(swap,)).open()["by_hand"] == told[:-1]


def test_a_password_that_cannot_be_had_keeps_nobody_out() -> None:
    """At 3 in the morning a missing file is told, not failed."""
    world = World()
    facts = world.open(login_of=None)
    assert world.how["password"] is None
    assert facts["login"] == "a throwaway password, in secret/superuser.pgpass of the run's place"


@pytest.mark.parametrize(
    "wrong",
    [
        {"listen": ["10.1.0.7"]},
        {"listen": []},
        {"listen": ["'; DROP"], "allow": ["10.0.0.0/8"]},
        {"allow": ["10.1.0.0/99"]},
        {"allow": ["everywhere"]},
    ],
)
def test_an_address_or_a_network_that_is_none_is_told_before_anything_runs(wrong: JsonObject) -> None:
    """Listening on the network with nobody let in too: it would be found when all is waiting for it."""
    with pytest.raises(ValidationError):
        opening.Params.from_facts({"host": "standby", "set": SET, **wrong})


def test_a_scrub_never_runs_in_a_recovery() -> None:
    """Whatever a runbook says: it would remove what was just brought back."""
    world = World()
    found = refused(world, lambda: scrub.run(scrub.Params.from_facts({"host": "standby"}), world.context()))
    assert found.message == "a scrub never runs in a recovery: it would remove what has just been brought back"
