"""The evidence page as a PDF, by WeasyPrint, which is the extra `report`. Nothing is fetched while it is made."""

from collections.abc import Callable
from typing import Any, NoReturn

from dr.errors import Failed, Refused
from dr.model.evidence import Evidence
from dr.report.page import Paper, page


def _load() -> Any:
    import weasyprint

    return weasyprint


def pdf(evidence: Evidence, digest: str, key: str, paper: Paper = "A4") -> bytes:
    """Numbered pages, everything unfolded. Raises Refused where WeasyPrint or the libraries that it needs are not installed."""
    made: bytes = print_page(page(evidence, digest, key, paper=paper))
    return made


def print_page(html: str, *, load: Callable[[], Any] = _load) -> bytes:
    """One page of HTML that stands alone, printed; `load` gives WeasyPrint. Raises Failed if it asks for anything beyond itself."""
    weasyprint = _found(load)
    refuser = _refuser(weasyprint)
    made: bytes = weasyprint.HTML(string=html, url_fetcher=refuser).write_pdf()
    if refuser.asked:
        raise Failed(f"the page asked for something beyond itself ({', '.join(sorted(refuser.asked))}), which was not fetched")
    return made


def _refuser(weasyprint: Any) -> Any:
    """WeasyPrint's way out, closed: keeps which protocols it was asked for."""

    class Refuser(weasyprint.urls.URLFetcher):  # type: ignore[misc]  # known only where WeasyPrint is installed
        def __init__(self) -> None:
            super().__init__(allowed_protocols=())
            self.asked: set[str] = set()

        def fetch(self, url: str, headers: Any = None) -> NoReturn:  # noqa: ARG002  # its base names them
            self.asked.add(url.partition(":")[0])
            raise ValueError("nothing is fetched")

    return Refuser()


def _found(load: Callable[[], Any]) -> Any:
    try:
        return load()
    except ImportError:
        raise Refused(
            "a PDF needs WeasyPrint, which is not installed", hint="pip install 'dr[report]', or print the page from a browser"
        ) from None
    except OSError:  # how it says that a library of the system is missing
        raise Refused(
            "WeasyPrint finds no Pango library on this machine",
            hint="apt-get install libpango-1.0-0 libpangoft2-1.0-0, or print the page from a browser",
        ) from None
