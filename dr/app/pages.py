"""Pages made on demand: the PDF of a run's evidence."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dr.errors import Failed
from dr.model.base import sha256

if TYPE_CHECKING:
    from dr.app.home import App


def evidence_pdf(app: "App", run: str, file: Path | None = None, *, letter: bool = False) -> Path:
    """Write the evidence of a run as a PDF and return where: `file`, or beside the signed original, whose signature is checked first.

    Raises Damaged if the original was changed, Refused where there is none or what makes a PDF is not installed, Failed where it cannot
    be written.
    """
    from dr.report.pdf import pdf
    from dr.report.write import publish, read_signed

    original = app.evidence_file(run, ".json")
    text = original.read_bytes()
    evidence, key = read_signed(text, app.services.keys.verify)
    place = file or original.with_suffix(".pdf")
    made = pdf(evidence, sha256(text), key, "Letter" if letter else "A4")
    try:
        publish(place, made)
    except OSError as problem:
        raise Failed(f"the PDF cannot be written to {place}: {os.strerror(problem.errno or 0)}") from None
    return place
