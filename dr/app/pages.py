"""Pages made on demand: the PDF of a run's evidence, and the status."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dr import __version__
from dr.disk import replace_file
from dr.errors import Failed
from dr.model.base import sha256
from dr.model.readiness import COLOURS, Colour, Readiness, worst

if TYPE_CHECKING:
    from dr.app.glance import Glance
    from dr.app.home import App
    from dr.report.status import Shown, Standing


def evidence_pdf(app: "App", run: str, file: Path | None = None, *, letter: bool = False) -> Path:
    """Write the evidence of a run as a PDF and return where: `file`, or beside the signed original, whose signature is checked first.

    Raises Damaged if the original was changed, Refused where there is none or what makes a PDF is not installed, Failed where it cannot
    be written.
    """
    from dr.app.evidence import evidence_file
    from dr.report.pdf import pdf
    from dr.report.write import read_signed

    original = evidence_file(app, run, ".json")
    text = original.read_bytes()
    evidence, key = read_signed(text, app.services.keys.verify)
    place = file or original.with_suffix(".pdf")
    made = pdf(evidence, sha256(text), key, "Letter" if letter else "A4")
    try:
        replace_file(place, made)
    except OSError as problem:
        raise Failed(f"the PDF cannot be written to {place}: {os.strerror(problem.errno or 0)}") from None
    return place


def status_html(app: "App", system: str | None, notes: Sequence[str], file: Path | None = None) -> tuple[Path, Colour]:
    """Write the status of one system or of all as a page (0600) and return where, and the worst colour on it.

    `file`, or `evidence/status.html` of the home. Raises Failed where it cannot be written.
    """
    from dr.app.glance import MANY, of_app
    from dr.report.status import status_page

    many = system is None and len(app.inventory.systems) > MANY
    seen = _of_many(app, of_app(app), notes) if many else _of_few(app, system, notes)
    place = file or app.home / "evidence" / "status.html"
    try:
        if file is None:
            place.parent.mkdir(mode=0o700, exist_ok=True)
        replace_file(place, status_page(seen).encode("utf-8"))
    except OSError as problem:
        raise Failed(f"the page cannot be written to {place}: {os.strerror(problem.errno or 0)}") from None
    return place, worst(tuple(colour for colour in COLOURS if seen.counts.get(colour)))


def _of_few(app: "App", system: str | None, notes: Sequence[str]) -> "Standing":
    from dr.app.by_itself import by_itself

    names = [app.system(system)] if system else list(app.inventory.systems)
    shown = [_shown(app, one) for one in by_itself(app, [app.readiness(name) for name in names])]
    return _page(app, shown, Counter(one.readiness.colour for one in shown), notes)


def _of_many(app: "App", seen: "Glance", notes: Sequence[str]) -> "Standing":
    return _page(app, [_shown(app, one) for one in seen.fleet.poor], seen.fleet.counts, notes)


def _shown(app: "App", found: Readiness) -> "Shown":
    from dr.report.status import Shown

    return Shown(found, app.inventory.systems[found.system].title, app.records.open_findings(found.system))


def _page(app: "App", shown: Sequence["Shown"], counts: Mapping[Colour, int], notes: Sequence[str]) -> "Standing":
    from dr.app.outage_banner import banners
    from dr.report.status import Standing

    organisation, now = app.inventory.organisation, app.clock.now()
    out = [(one.head, one.rest, one.real) for one in banners(app.records, organisation.zone, now)]
    return Standing(organisation.name, organisation.zone, now, f"dr {__version__}", shown, counts, notes, out)
