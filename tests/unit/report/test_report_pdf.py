"""The PDF: a real one, of which every word is the page's; it asks nothing of a network; where none can be made, it says why."""

import io
import re
from typing import NoReturn

import pytest
from pypdf import PdfReader

from dr.errors import Failed, Refused
from dr.model.base import sha256
from dr.report.page import breakable, page
from dr.report.pdf import pdf, print_page
from tests.support.report_evidence import SET, evidence, failed
from tests.support.web import Page, web

pytestmark = [pytest.mark.unit, pytest.mark.needs("pango")]
FOOTER = re.compile(rf"{evidence().run.run} page \d+ of \d+|\d\. ")
"""What paper adds: a page's foot, and the numbers of a list."""
INVISIBLE = re.compile("[\\s\u200b\ufffe-]+")


def read(data: bytes) -> PdfReader:
    assert data.startswith(b"%PDF-")
    return PdfReader(io.BytesIO(data))


def words(text: str) -> str:
    return INVISIBLE.sub("", text)


def test_a_pdf_holds_the_verdict_the_figures_and_every_digest_and_not_a_word_that_the_page_has_not() -> None:
    """What is folded on the screen is on the paper; and what is on the paper went through the page: no secret comes in by a side door."""
    made = read(pdf(evidence(), sha256(b"file"), "key" * 5))
    lines = [line for one in made.pages for line in one.extract_text().splitlines()]
    said = words("".join(lines))
    for wanted in ("PASS", "42 min", "26 h", "within the objective of 4 h", SET, sha256(b"2"), sha256(b"head")):
        assert words(wanted) in said, wanted
    whole = words(re.sub("<[^>]+>", "", re.sub("<style>.*?</style>", "", page(evidence(), sha256(b"file"), "key" * 5), flags=re.S)))
    assert [line for line in lines if words(line) not in whole and not FOOTER.fullmatch(line)] == []
    assert str(made.metadata.title if made.metadata else "").startswith("PASS · ")


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_pages_have_their_size_their_number_and_the_runs_name(paper: str, size: tuple[int, int]) -> None:
    made = read(pdf(failed(), sha256(b"file"), "key" * 5, "Letter" if paper == "Letter" else "A4"))
    for number, one in enumerate(made.pages, 1):
        assert (round(one.mediabox.width), round(one.mediabox.height)) == size
        assert f"page {number} of {len(made.pages)}" in one.extract_text()
        assert failed().run.run in one.extract_text()


def test_nothing_is_fetched_for_a_pdf() -> None:
    """A page that asks for a picture, a style or a font is refused, and the server hears nothing."""
    with web({"/x.css": Page("p { color: red }")}) as there:
        with pytest.raises(Failed) as refused:
            print_page(f'<link rel="stylesheet" href="http://127.0.0.1:{there.port}/x.css"><img src="file:///etc/hostname"><p>words</p>')
        assert str(refused.value) == "the page asked for something beyond itself (file, http), which was not fetched"
        assert there.asked == []


@pytest.mark.positive_control
def test_a_page_that_is_printed_without_that_guard_does_ask() -> None:
    import weasyprint

    with web({"/x.css": Page("p { color: red }")}) as there:
        weasyprint.HTML(string=f'<link rel="stylesheet" href="http://127.0.0.1:{there.port}/x.css"><p>words</p>').write_pdf()
        assert [path for path, _ in there.asked] == ["/x.css"]


def _uninstalled() -> NoReturn:
    raise ModuleNotFoundError("No module named 'weasyprint'")


def _without_library() -> NoReturn:
    raise OSError("cannot load library 'libpango-1.0-0'")


def test_where_it_cannot_be_made_it_says_what_to_install() -> None:
    with pytest.raises(Refused) as absent:
        print_page("<p>words</p>", load=_uninstalled)
    assert (absent.value.message, absent.value.hint) == (
        "a PDF needs WeasyPrint, which is not installed",
        "pip install 'dr[report]', or print the page from a browser",
    )
    with pytest.raises(Refused) as lacking:
        print_page("<p>words</p>", load=_without_library)
    assert (lacking.value.message, lacking.value.hint) == (
        "WeasyPrint finds no Pango library on this machine",
        "apt-get install libpango-1.0-0 libpangoft2-1.0-0, or print the page from a browser",
    )


def test_a_long_word_may_be_broken_and_stays_text() -> None:
    """A table on paper has no other way; what looks like an element stays a word."""
    assert str(breakable("<b>" + "x" * 20 + " y")) == "&lt;b&gt;" + "x" * 13 + "<wbr>" + "x" * 7 + " y"
