"""`dr incident report`: whether the trail can be believed, what could be read, who accessed it and when, and what to do next."""

import os
from pathlib import Path

from dr import __version__
from dr.app.home import App
from dr.app.incidents import concerned, trail
from dr.disk import replace_file
from dr.errors import DrError, Failed
from dr.model.incident import Incident
from dr.policy.incident_trail import accesses, touched
from dr.policy.incident_words import answer, owed, what_next
from dr.report.incident import Group, Report

__all__ = ["Group", "Report", "report", "write_page"]


def report(app: App, incident: Incident) -> Report:
    """All of it, as of now; nothing is written. A trail that cannot be believed is said, not raised."""
    broken, whole, remarks = _believed(app)
    found = concerned(app, incident)
    repositories = {*app.inventory.repositories, *(copy.repository for copy in app.records.kept_copies())}
    seen = accesses(trail(app), touched(incident, found, repositories))
    return Report(
        incident=incident,
        entries=tuple(app.records.incident_entries(incident.id)),
        found=found,
        accesses=tuple(seen),
        broken=broken,
        whole=whole,
        remarks=(*found.remarks, *remarks, "the trail has what dr did: what was read by other tools, past dr, it cannot show"),
        answer=answer(found),
        next=tuple(what_next(incident, found, app.inventory, app.records.board())),
        owed=owed(incident, app.inventory),
    )


def _believed(app: App) -> tuple[str, str, tuple[str, ...]]:
    """What is wrong with the trail, or how whole it is; and what should be known beside."""
    try:
        verified = app.verify_audit()
    except DrError as error:
        return error.message, "", ()
    vouched = f"{verified.vouched} copies and evidence files bear witness to it"
    return "", f"whole: {verified.entries} entries, head {verified.head[:12]}; {vouched}", verified.remarks


def write_page(app: App, made: Report, file: Path) -> Path:
    """As a page (0600). Raises Failed where it cannot be written."""
    from dr.report.incident import incident_page

    organisation = app.inventory.organisation
    text = incident_page(made, organisation.name, organisation.zone, app.clock.now(), f"dr {__version__}")
    try:
        replace_file(file, text.encode("utf-8"))
    except OSError as problem:
        raise Failed(f"the page cannot be written to {file}: {os.strerror(problem.errno or 0)}") from None
    return file
