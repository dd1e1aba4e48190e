"""A nightly refreshes by what production is recognised; a machine that turned into another is told, and recorded by a person only."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest

from dr.actions.recognise import recognise
from dr.clock import FixedClock
from dr.model.base import HostName, RunId, SystemName
from dr.model.ports import StepContext
from dr.model.record import ProductionFacts

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
RUN = RunId("nightly-1")
KNOWN = ProductionFacts(
    host=HostName("production"), recorded=NOW, machine="a" * 32, address="db.example.org", port=5432, host_keys=("SHA256:k",)
)


@dataclass
class Night:
    """What of a step the recording reaches."""

    known: list[ProductionFacts]
    run: RunId = RUN
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    recorded: list[ProductionFacts] = field(default_factory=list)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    @property
    def records(self) -> "Night":
        return self

    def production(self) -> list[ProductionFacts]:
        return self.known

    def record_production(self, facts: ProductionFacts) -> None:
        self.recorded.append(facts)

    def close_finding(self, key: str, at: datetime, run: RunId) -> None:
        self.closed.append(key)

    def finding(self, key: str, severity: str, message: str, *, system: SystemName | None = None, hint: str = "") -> None:
        self.told.append((key, severity, message))


def night(facts: ProductionFacts, *known: ProductionFacts) -> Night:
    made = Night(list(known))
    recognise(facts, cast("StepContext", made))
    return made


@pytest.mark.parametrize("changed", [{"machine": "b" * 32}, {"machine": None}, {"address": "standby.example.org"}])
def test_a_machine_that_turned_into_another_is_told_and_not_recorded(changed: dict[str, str | None]) -> None:
    """Whoever holds production could name the standby as itself, and no recovery from that would ever be let begin."""
    found = night(KNOWN.model_copy(update=changed), KNOWN)
    assert (found.recorded, found.closed) == ([], [])
    assert [(key, severity) for key, severity, _ in found.told] == [("production-changed:production", "critical")]


@pytest.mark.positive_control
@pytest.mark.parametrize("known", [[KNOWN], [], [KNOWN.model_copy(update={"host": "another", "machine": "c" * 32})]])
def test_what_it_always_said_is_recorded_anew(known: list[ProductionFacts]) -> None:
    later = KNOWN.model_copy(update={"data_directory": "/var/lib/postgresql/18/main"})
    found = night(later, *known)
    assert (found.recorded, found.told, found.closed) == ([later], [], ["production-changed:production"])


def test_this_very_machine_is_believed() -> None:
    """A local host's facts are read by ourselves: the controller may have moved."""
    here = KNOWN.model_copy(update={"machine": "b" * 32, "host_keys": ()})
    assert night(here, KNOWN.model_copy(update={"host_keys": ()})).recorded == [here]
