"""Runs, steps, an inventory of people, and the little of a step's context that records and notices need."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from dr.catalog.catalog import Catalog
from dr.model.base import JsonObject, RunId, StepId, SystemName, sha256
from dr.model.inventory import Inventory
from dr.model.ports import StepContext
from dr.model.record import Failure, RunRecord, RunState, StepRecord, StepState, Verdict
from dr.model.runbook import Plan, PlannedStep
from tests.support.catalog_copies import HMIS, NOW, RUN

ZONE = "America/Chicago"


def plan_of(runbook: str = "nightly", kind: str = "backup") -> Plan:
    step = PlannedStep.from_facts({"id": "backup", "section": "steps", "action": "backup"})
    facts = {"runbook": runbook, "title": "Nightly", "kind": kind, "steps": [step.to_facts()], "inventory": sha256(b"inventory")}
    return Plan.from_facts(facts)


def run_at(
    at: datetime = NOW,
    *,
    run: RunId = RUN,
    runbook: str = "nightly",
    kind: str = "backup",
    state: RunState = "running",
    verdict: Verdict | None = None,
    tier: str | None = None,
    system: SystemName | None = HMIS,
) -> RunRecord:
    return RunRecord(
        run=run,
        runbook=runbook,
        title="Nightly",
        kind=kind,
        system=system,
        tier=tier,
        state=state,
        verdict=verdict,
        started=at,
        ended=None if state == "running" else at + timedelta(minutes=10),
        plan=plan_of(runbook, kind).digest(),
        objective={"rto": 14400.0, "target": 10800.0} if kind == "drill" else None,
    )


def step_of(
    step: str = "backup",
    *,
    run: RunId = RUN,
    action: str | None = None,
    state: StepState = "done",
    attempt: int = 1,
    facts: JsonObject | None = None,
    failure: Failure | None = None,
) -> StepRecord:
    return StepRecord(
        run=run,
        step=StepId(step),
        section="steps",
        action=action or step,
        state=state,
        attempt=attempt,
        started=NOW,
        ended=None if state == "running" else NOW + timedelta(minutes=1),
        facts=facts or {},
        failure=failure,
    )


def inventory_of(channels: dict[str, list[str]]) -> Inventory:
    """People of the group `administrators`, each with channels that are secrets in the environment variables named."""
    keys = {"recipients": ["age1a", "age1b"], "signing": {"file": "keys/signing.key"}, "trusted": ["keys/signing.pub"]}
    tier = {"keep_within": "24h"}
    system = {
        "title": "HMIS",
        "sources": {"database": {"kind": "postgres_logical", "host": "production"}},
        "objectives": {"rpo": "24h", "tiers": {"online": {"rto": "4h"}, "vault": {"rto": "8h"}}},
        "retention": {"online": tier, "vault": tier},
    }
    contacts = {
        name: {"name": name.title(), "groups": ["administrators"], "channels": [{"env": variable} for variable in variables]}
        for name, variables in channels.items()
    }
    return Inventory.from_facts(
        {
            "organisation": {"name": "Madison Shelter", "zone": ZONE, "keys": keys},
            "systems": {"hmis": system},
            "hosts": {},
            "repositories": {},
            "contacts": contacts,
        }
    )


STEP = StepId("on-failure-0-notify")


@dataclass
class ToldStep:
    """The part of a StepContext that a notifier touches; audits go to the real catalog."""

    records: Catalog
    run: RunId = RUN
    step: StepId = STEP

    def check_stop(self) -> None:
        """Nobody stops these."""

    def audit(self, event: str, subject: str, facts: JsonObject | None = None) -> None:
        self.records.audit(event, subject, facts or {}, actor="test", at=NOW)


def context(records: Catalog) -> StepContext:
    return cast("StepContext", ToldStep(records))
