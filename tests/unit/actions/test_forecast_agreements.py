"""Each night says where nothing may be restored, so that whoever is told of findings hears of an agreement before it is wanted."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from dr.actions.forecast import ACTION
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.errors import Refused
from dr.model.base import RunId
from dr.model.inventory import Inventory
from dr.model.ports import StepContext
from dr.model.record import Finding, Severity
from dr.model.third_party import Agreement, ThirdParty
from tests.support.catalog_runs import inventory_of

pytestmark = pytest.mark.unit
NIGHT = RunId("nightly-1")
BEFORE, AFTER = (datetime(2027, 1, day, 18, 0, tzinfo=UTC) for day in (2, 16))
SIGNED = ThirdParty(owner="County IT", agreement=Agreement(document="BAA 14", signed="2026-01-15", until="2027-01-15"))


@dataclass
class Step:
    """What of a step's context is reached before there is any set."""

    records: Catalog
    clock: FixedClock
    inventory: Inventory
    run: RunId = NIGHT

    def finding(self, key: str, severity: Severity, message: str, *, system: str | None = None, hint: str = "") -> None:
        self.records.finding(Finding(key=key, severity=severity, message=message, hint=hint, run=self.run, at=self.clock.now()))


def night(records: Catalog, at: datetime, **parties: ThirdParty) -> dict[str, Severity]:
    """The findings that are open after its forecast; there is no set yet, which refuses the rest."""
    world = inventory_of({}).model_copy(update={"third_party": parties})
    with pytest.raises(Refused, match="there is no set of hmis"):
        ACTION.run(ACTION.params.from_facts({"system": "hmis"}), cast("StepContext", Step(records, FixedClock(at), world)))
    return {one.key: one.severity for one in records.open_findings()}


def test_an_agreement_that_ends_is_a_finding_until_it_is_made_anew(tmp_path: Path) -> None:
    with open_catalog(tmp_path / "catalog.db", FixedClock(BEFORE)) as records:
        assert night(records, BEFORE, standby=SIGNED) == {"third-party:standby": "warning"}
        assert night(records, AFTER, standby=SIGNED) == {"third-party:standby": "critical"}
        assert night(records, AFTER, standby=ThirdParty(owner="County IT", agreement=Agreement(document="15", signed="2027-01-10"))) == {}
