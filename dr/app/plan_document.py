"""`dr plan`: the disaster recovery plan as a document. What it is made from is gathered here, and the page is written."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from dr import __version__, plugins
from dr.app.by_itself import by_itself
from dr.app.contacts import channels
from dr.app.explain import explain
from dr.app.home import App
from dr.app.redundancy import things
from dr.app.schedule_there import Unstarted
from dr.catalog.drills import drill_facts
from dr.config.docs import kind_doc
from dr.config.keys import FOLDER, fingerprint
from dr.disk import replace_file
from dr.errors import ConfigError, DrError, Failed
from dr.model.base import RunId, SystemName, canonical, sha256
from dr.model.duty import Board
from dr.model.ports import Records
from dr.model.record import ScrubCertificate
from dr.policy.failover import abreast
from dr.policy.roster import roster_of
from dr.report.plan_document.document import document
from dr.report.plan_document.facts import Detail, Facts, Kinds, SystemSeen, Watched, Way
from dr.report.plan_document.gaps import known_gaps

SEARCHED = 12
"""Drills, the newest, of which it is said whether they left a certificate."""


def write_plan(app: App, *, internal: bool = False, paper: str = "", file: Path | None = None) -> tuple[Path, list[str]]:
    """Write the document (0600) and return where, and its grave gaps. `paper`: `A4` or `Letter`, for a PDF; else it is a page of HTML.

    `file`, or `evidence/plan.html` (`.pdf`) of the home; one that is internal is `evidence/plan-internal.html`, so that neither is taken
    for the other. Raises Refused where what makes a PDF is not installed, Failed where it cannot be written.
    """
    from dr.report.plan_document.page import plan_page, plan_pdf

    facts = gather(app, internal=internal)
    made = document(facts)
    data = plan_pdf(made, "Letter" if paper == "Letter" else "A4") if paper else plan_page(made).encode("utf-8")
    place = file or app.home / "evidence" / f"plan{'-internal' if internal else ''}.{'pdf' if paper else 'html'}"
    try:
        if file is None:
            place.parent.mkdir(mode=0o700, exist_ok=True)
        replace_file(place, data)
    except OSError as problem:
        raise Failed(f"the plan cannot be written to {place}: {os.strerror(problem.errno or 0)}") from None
    return place, [gap.words for gap in known_gaps(facts) if gap.shade == "bad"]


def gather(app: App, *, internal: bool = False) -> Facts:
    """Everything, from the files and from what is on record. Nothing is looked at anew but the keys' folder and the timers."""
    now, records = app.clock.now(), app.records
    board = records.board() or Board(at=now)
    return Facts(
        inventory=app.inventory,
        digest=sha256(canonical(app.inventory.to_facts())),
        at=now,
        tool=f"dr {__version__}",
        books=app.runbooks,
        kinds=kinds_in_words(),
        systems={name: _seen(app, SystemName(name)) for name in app.inventory.systems},
        board=abreast(roster_of(app.inventory), board),
        audit=records.audit_head(),
        findings=tuple(records.open_findings()),
        watched=tuple(Watched(one.name, one.stands, one.whole, one.kept.at if one.kept else None) for one in things(app)),
        ways=_ways(app),
        fingerprints=tuple(_fingerprints(app)),
        escrow_here=any(path.is_file() for path in (app.home / FOLDER).glob("escrow*")),
        unstarted=tuple(_unstarted(app)),
        office_rehearsed=_office_rehearsed(records),
        outage_rehearsed=max((one.began for one in records.outages() if one.exercise), default=None),
        details=_details(app) if internal else {},
        internal=internal,
    )


def kinds_in_words() -> Kinds:
    return Kinds(
        actions={name: kind_doc(one.params) for name, one in plugins.ACTIONS.items()},
        checks={name: kind_doc(one.params) for name, one in plugins.CHECKS.items()},
        sources={name: kind_doc(one.params) for name, one in plugins.SOURCES.items()},
        repositories={name: kind_doc(one.params) for name, one in plugins.REPOSITORIES.items()},
        redundancy={name: kind_doc(one.params) for name, one in plugins.REDUNDANCY.items()},
    )


def _seen(app: App, system: SystemName) -> SystemSeen:
    drills = tuple(drill_facts(app.records, system))
    looked_for = tuple(drill.run for drill in drills[:SEARCHED])
    found = {run: one for run in looked_for if (one := _certificate(app, run)) is not None}
    return SystemSeen(by_itself(app, [app.readiness(system)])[0], drills, found, looked_for)


def _certificate(app: App, run: RunId) -> ScrubCertificate | None:
    left = [step.facts["certificate"] for step in app.records.steps(run) if step.action == "scrub" and step.facts.get("certificate")]
    return ScrubCertificate.from_facts(left[-1]) if left else None


def _office_rehearsed(records: Records) -> datetime | None:
    boards = [records.board(log) for log in records.duty_exercises()]
    return max((board.at for board in boards if board is not None), default=None)


def _ways(app: App) -> tuple[Way, ...]:
    """Where the key is lost by which channels are known again, none of them counts as proven."""
    try:
        return tuple(Way(one.contact, one.kind, one.valid) for one in channels(app))
    except DrError:
        return tuple(Way(name, "unknown", False) for name, contact in app.inventory.contacts.items() for _ in contact.channels)


def _fingerprints(app: App) -> Iterator[str]:
    for name in app.inventory.organisation.keys.trusted:
        try:
            yield fingerprint(app.home / name)
        except (OSError, ValueError):
            continue


def _unstarted(app: App) -> Iterator[str]:
    looked = Unstarted(app, None)
    for entry in app.inventory.systems.values():
        yield from (reason.text for reason in looked.of(entry.runbooks.nightly))


def _details(app: App) -> Mapping[str, Mapping[str, Detail]]:
    """What each step is given; nothing of a runbook that wants a parameter which only a person can give."""
    found = {}
    for name in app.runbooks:
        try:
            found[name] = {step.step: Detail(step.given, step.notes) for step in explain(app, name, {}).steps}
        except ConfigError:
            continue
    return found
