"""Every system judged at once, for who has so many that one screen cannot hold them; the judgement is `readiness`'s own."""

from datetime import timedelta

from dr.app.home import App
from dr.app.unrecorded import lost_catalog
from dr.model.base import SystemName
from dr.model.readiness import Readiness
from dr.model.record import Finding
from dr.policy.readiness import CLOCK_TOLERANCE, readiness

_RECENTLY = timedelta(days=2)
"""Most systems have a good copy that is younger: among the older ones nothing but proofs and damage is looked for then."""


def judge_all(app: App) -> list[Readiness]:
    """As `App.readiness` judges each, the forecasts and the number of copies left out."""
    now, records = app.clock.now(), app.records
    tiers = {(name, tier) for name, entry in app.inventory.systems.items() for tier in (*entry.objectives.tiers, *entry.retention)}
    copies = records.judged_copies(tiers, now + CLOCK_TOLERANCE, now - _RECENTLY)
    drills, nights = records.last_drills(), records.last_nights()
    notices, findings = records.notices(), _by_system(records.open_findings())
    judged = []
    for name, entry in app.inventory.systems.items():
        system = SystemName(name)
        lost = [] if name in copies else lost_catalog(records, app.repositories(), now, system)
        said = [*findings.get(None, ()), *findings.get(name, ()), *lost]
        night = nights.get((name, entry.runbooks.nightly or ""))
        judged.append(readiness(system, entry, copies.get(name, ()), drills.get(name, ()), said, notices, now, night))
    return judged


def _by_system(findings: list[Finding]) -> dict[str | None, list[Finding]]:
    found: dict[str | None, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.system, []).append(finding)
    return found
