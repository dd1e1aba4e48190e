"""The evidence page as a PDF, by WeasyPrint, which is the extra `report`. Nothing is fetched while it is made."""

from typing import Any, NoReturn

from dr.errors import Failed, Refused
from dr.model.evidence import Evidence
from dr.report.page import page


def pdf(evidence: Evidence, digest: str, key: str) -> bytes:
    """A4, numbered, everything unfolded. Raises Refused where WeasyPrint or the libraries that it needs are not installed."""
    made: bytes = print_page(page(evidence, digest, key, paper=True))
    return made


def print_page(html: str) -> bytes:
    """One page of HTML that stands alone, printed. Raises Failed if it asks for anything beyond itself."""
    weasyprint = _weasyprint()
    asked: list[str] = []

    def refuse(url: str, *_more: Any, **_and: Any) -> NoReturn:
        asked.append(url.partition(":")[0])
        raise ValueError("nothing is fetched")

    made: bytes = weasyprint.HTML(string=html, url_fetcher=refuse).write_pdf()
    if asked:
        raise Failed(f"the page asked for something beyond itself ({', '.join(sorted(set(asked)))}), which was not fetched")
    return made


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as problem:
        library = isinstance(problem, OSError)
        raise Refused(
            "WeasyPrint finds no Pango library on this machine" if library else "a PDF needs WeasyPrint, which is not installed",
            hint="apt-get install libpango-1.0-0 libpangoft2-1.0-0"
            if library
            else "pip install 'dr[report]', or print the page from a browser",
        ) from None
    return weasyprint
