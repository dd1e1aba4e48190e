"""The document's page: one self-contained HTML file without a script, for a phone, a screen and paper; and the same as a PDF."""

from dr.report.page import Paper, environment
from dr.report.pdf import print_page
from dr.report.plan_document.blocks import Document


def plan_page(document: Document, *, paper: Paper = "") -> str:
    """`paper`: its size, for a PDF alone."""
    return environment(document.zone).get_template("document.html.j2").render(d=document, paper=paper)


def plan_pdf(document: Document, paper: Paper = "A4") -> bytes:
    """Raises Refused where WeasyPrint or what it needs is not installed."""
    return print_page(plan_page(document, paper=paper))
