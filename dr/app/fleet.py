"""Every system judged at once, for who has so many that one screen cannot hold them; the judgement is `readiness`'s own."""

from dr.app.home import App
from dr.app.unrecorded import lost_catalog
from dr.model.base import SystemName
from dr.model.readiness import Readiness
from dr.model.record import Finding
from dr.policy.readiness import CLOCK_TOLERANCE, readiness


def judge_all(app: App) -> list[Readiness]:
    """As `App.readiness` judges each, the forecasts and the number of copies left out."""
    now, records = app.clock.now(), app.records
    copies, drills, nights = records.judged_copies(now + CLOCK_TOLERANCE), records.last_drills(), records.last_nights()
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
