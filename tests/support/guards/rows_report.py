"""What the reports refuse."""

from tests.support.guards.guard import Guard, Off, guards_of

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "dr/report/pdf.py",
        "tests/unit/report/test_report_pdf.py",
        Off("nothing is fetched for a PDF", ", url_fetcher=refuser)", ")", "test_nothing_is_fetched_for_a_pdf"),
        Off(
            "a PDF that cannot be made for want of WeasyPrint says so",
            "except ImportError:",
            "except ArithmeticError:",
            "test_where_it_cannot_be_made_it_says_what_to_install",
            by="ModuleNotFoundError",
        ),
        Off(
            "a PDF that cannot be made for want of a library says so",
            "except OSError:",
            "except ArithmeticError:",
            "test_where_it_cannot_be_made_it_says_what_to_install",
            by="OSError",
        ),
    ),
)
