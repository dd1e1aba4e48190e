"""`canary` on real sets: the key opens the newest set of each tier or it is critical; the escrow key's drill is due."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyrage import x25519

from dr.actions import canary
from dr.actions.canary import ESCROW_EVERY, escrow_due, escrow_recipients
from dr.errors import Failed, Refused, Unreachable
from dr.model.base import HostPath, JsonObject, RunId, StepId, SystemName
from dr.model.inventory import Inventory, Keys, SecretRef
from dr.model.ports import RehearseContext, Repository, Sets, StepContext
from dr.model.record import StepRecord
from dr.stream.sets import StreamSets
from tests.support.action_world import HMIS, NIGHT, ActionContext, World
from tests.support.catalog_runs import plan_of, run_at
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.integration


@dataclass
class Night:
    """A world with a set in both tiers, and the key that lies in this home."""

    place: Path
    has_key: bool = True
    world: World = field(init=False)
    secret: str = ""
    """What the key's file holds; empty: it is not there."""

    def __post_init__(self) -> None:
        self.world = World(self.place)
        self.set = self.world.night()
        self.world.clock.move_to(NIGHT)
        self.secret = self.world.keys.identity()

    @property
    def escrow(self) -> str:
        return self.world.keys.recipients[1]

    @property
    def inventory(self) -> Inventory:
        identity = SecretRef(file="keys/drill.agekey") if self.has_key else None
        signing, trusted = SecretRef(file="keys/signing.key"), ("keys/signing.pub",)
        keys = Keys(recipients=self.world.keys.recipients, identity=identity, signing=signing, trusted=trusted)
        given = self.world.inventory
        return given.model_copy(update={"organisation": given.organisation.model_copy(update={"keys": keys})})

    def sets(self) -> Sets:
        return StreamSets("Harbor", cast("Any", Held(self)), self.world.clock, {})

    def run(self, sets: Sets | None = None) -> JsonObject:
        name = RunId(f"nightly-{self.world.clock.now():%Y%m%dT%H%M%SZ}-1a2b")
        self.world.catalog.begin_run(run_at(self.world.clock.now(), run=name), plan_of())
        context = CanaryContext(self, name, sets or self.sets())
        params = canary.Params.from_facts({"system": "hmis", "tiers": ["online", "vault"]})
        return canary.run(params, cast("StepContext", context)).facts

    def rehearse(self) -> tuple[Sequence[str], Sequence[str]]:
        params = canary.Params.from_facts({"system": "hmis", "tiers": ["online", "vault"]})
        context = CanaryContext(self, RunId("rehearsal"), self.sets())
        found = canary.rehearse(params, cast("RehearseContext", context))
        return found.says, found.problems

    def drilled(self, recipient: str | None) -> None:
        """As a drill's restore step records it."""
        at = self.world.clock.now()
        run = RunId(f"drill-vault-{at:%Y%m%dT%H%M%SZ}-1a2b")
        self.world.catalog.begin_run(run_at(at, run=run).model_copy(update={"kind": "drill", "system": "hmis"}), plan_of())
        facts = {"recipient": recipient}
        step = StepRecord(
            run=run, step=StepId("restore"), action="restore", section="steps", state="done", attempt=1, started=at, ended=at, facts=facts
        )
        self.world.catalog.record_step(step)

    def severities(self) -> dict[str, str]:
        return {f.key: f.severity for f in self.world.catalog.open_findings(HMIS)}


class Held(TestKeys):
    """The world's keys, but for what lies in the key's file."""

    def __init__(self, night: Night) -> None:
        self._night = night

    def identity(self) -> str:
        if not self._night.secret:
            raise Refused("secret file keys/drill.agekey: no such file or directory")
        return self._night.secret

    def verify(self, data: bytes, signature: bytes) -> None:
        self._night.world.keys.verify(data, signature)


class CanaryContext(ActionContext):
    """`ActionContext`, with a home and its key."""

    def __init__(self, night: Night, run: RunId, sets: Sets) -> None:
        super().__init__(night.world, run, canary.ACTION)
        self.inventory, self.home, self._keys = night.inventory, HostPath(str(night.place)), Held(night)
        self.sets = cast("StreamSets", sets)

    def secret(self, ref: SecretRef) -> str:
        assert ref.file == "keys/drill.agekey"
        return self._keys.identity()


class Credulous:
    """The guard switched off: opens whatever it is asked for, without any key."""

    def __init__(self, recipient: str) -> None:
        self._recipient = recipient

    def open(self, system: SystemName, set_id: str, repository: Repository) -> object:
        return SimpleNamespace(recipient=self._recipient)


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path)


def another_key() -> str:
    return str(x25519.Identity.generate())


def test_the_key_opens_the_newest_set_of_each_tier(night: Night) -> None:
    facts = night.run()
    drill = night.world.keys.recipients[0]
    assert [(one["set"], one["repository"], one["recipient"]) for one in facts["opened"]] == [
        (night.set, "online", drill),
        (night.set, "vault", drill),
    ]
    assert night.severities() == {}
    assert night.rehearse() == ((f"the drill key opens {night.set} in online", f"the drill key opens {night.set} in vault"), ())


@pytest.mark.parametrize("secret", ["", "AGE-SECRET-KEY-1BROKEN", another_key()], ids=["absent", "broken", "another"])
def test_a_key_that_does_not_open_it_is_critical_until_it_does(night: Night, secret: str) -> None:
    right, night.secret = night.secret, secret
    with pytest.raises(Failed, match="the drill key does not open the newest set of online"):
        night.run()
    assert night.severities() == {"canary:hmis:online": "critical", "canary:hmis:vault": "critical"}
    assert len(night.rehearse()[1]) == 2
    night.secret = right
    night.run()
    assert night.severities() == {}


@pytest.mark.positive_control
def test_where_nothing_is_opened_a_wrong_key_passes(night: Night) -> None:
    """The twin: it is the opening itself that finds the wrong key."""
    night.secret = another_key()
    assert len(night.run(cast("Sets", Credulous("age1any")))["opened"]) == 2
    assert night.severities() == {}


def test_a_kept_key_will_do_where_the_newest_set_is_of_its_time(night: Night) -> None:
    """Between a rotation and the next night."""
    night.secret = f"{another_key()}\n{night.secret}"
    assert {one["recipient"] for one in night.run()["opened"]} == {night.world.keys.recipients[0]}


def test_a_backup_host_without_the_key_says_that_nothing_was_tried(night: Night) -> None:
    night.has_key = False
    facts = night.run()
    assert (facts["opened"], facts["left_out"]) == ([], canary.NO_KEY)
    assert night.rehearse()[0] == (f"would open nothing: {canary.NO_KEY}",)


def test_a_repository_that_is_away_is_no_fault_of_the_key(night: Night) -> None:
    """And does not keep the other tier from being tried: but the step has not done its work."""
    (night.place / "vault").rename(night.place / "away")
    with pytest.raises(Unreachable):
        night.run()
    assert night.severities() == {}


def test_an_escrow_key_that_a_drill_brought_is_not_taken_for_the_drill_key(night: Night) -> None:
    """A process that drills with the escrow key may have to carry a nightly on: it cannot speak for the drill key."""
    mine = night.secret
    night.secret = str(night.world.keys.escrow)
    borrowed = night.sets()
    opened = borrowed.open(HMIS, night.set, night.world.online)
    assert opened.recipient == night.escrow
    night.secret = mine
    facts = night.run(cast("Sets", Credulous(night.escrow)))
    assert facts["opened"] == []
    assert facts["left_out"].startswith("this process works with the escrow key")


# ---------------------------------------------------------------- the escrow key's drill


def test_the_escrow_key_is_due_half_a_year_after_the_first_set(night: Night) -> None:
    """A warning, never red; and every day until somebody brings the key."""
    assert night.run()["escrow_due"] is not None
    night.world.clock.move_to(NIGHT + ESCROW_EVERY)
    night.run()
    assert night.severities() == {}
    night.world.later(minutes=1)
    night.run()
    assert night.severities() == {"escrow-due:hmis": "warning"}
    night.drilled(night.escrow)
    assert night.run()["escrow_last"] is not None
    assert night.severities() == {}


@pytest.mark.parametrize("recipient", ["drill", "unknown", "stranger"])
def test_a_drill_with_any_other_key_is_no_exercise(night: Night, recipient: str) -> None:
    night.world.clock.move_to(NIGHT + ESCROW_EVERY * 2)
    night.drilled({"drill": night.world.keys.recipients[0], "unknown": None, "stranger": "age1stranger"}[recipient])
    night.run()
    assert night.severities() == {"escrow-due:hmis": "warning"}


@pytest.mark.positive_control
def test_where_every_recipient_passes_for_the_escrow_keys_the_drill_key_counts(night: Night) -> None:
    """The twin: it is the comparison of the recipient that keeps it from counting."""
    night.drilled(night.world.keys.recipients[0])
    records = night.world.catalog
    assert escrow_due(HMIS, frozenset({night.escrow}), records).last is None
    assert escrow_due(HMIS, frozenset(night.world.keys.recipients), records).last == NIGHT


def test_a_new_escrow_key_has_half_a_year_from_its_rotation(night: Night) -> None:
    later = NIGHT + ESCROW_EVERY * 2
    night.world.catalog.audit(canary.ROTATED, "keys/escrow", {}, actor="a test", at=later)
    assert escrow_due(HMIS, frozenset({night.escrow}), night.world.catalog).due == later + ESCROW_EVERY


def test_which_recipient_is_the_escrow_keys(night: Night) -> None:
    """As noted; else whatever is not the drill key's; where the drill key is no recipient, nobody can tell."""
    both = ("age1drill", "age1escrow")
    assert escrow_recipients(both, frozenset({"age1escrow"}), "age1escrow") == {"age1escrow"}, "a home brought back with the escrow key"
    assert escrow_recipients(both, frozenset({"age1drill"}), None) == {"age1escrow"}
    assert escrow_recipients(both, frozenset({"age1drill"}), "age1gone") == {"age1escrow"}
    assert escrow_recipients(both, frozenset({"age1other"}), None) == frozenset()


def test_a_wrong_drill_key_does_not_close_the_due_date(night: Night) -> None:
    """Who is the escrow key cannot be told then: what is open stays open."""
    night.world.clock.move_to(NIGHT + ESCROW_EVERY * 2)
    night.run()
    night.secret = another_key()
    with pytest.raises(Failed):
        night.run()
    assert night.severities()["escrow-due:hmis"] == "warning"
