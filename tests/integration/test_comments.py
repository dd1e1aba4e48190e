"""What a person notes on a run is in the trail for good, in its evidence and on its page: who, when, and whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.app.comments import LONGEST, comment, comments
from dr.app.home import App, whoami
from dr.catalog.audit import verify_chain
from dr.clock import FixedClock
from dr.config.init import init_home
from dr.errors import ConfigError
from dr.model.base import RunId
from dr.report.gather import gather
from dr.report.page import page
from tests.support.catalog_copies import NOW
from tests.support.catalog_runs import plan_of
from tests.support.report_evidence import DRILL, drill_run

pytestmark = pytest.mark.integration
HOSTILE = "rebooted <b>the switch</b>\x1b[2J at 03:40"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    init_home(tmp_path / "home", "Harbor", "America/Chicago")
    opened = App.open(str(tmp_path / "home"), clock=FixedClock(NOW))
    opened.records.begin_run(drill_run(), plan_of("drill-online", "drill"))
    yield opened
    opened.records.close()


def test_it_is_in_the_trail_the_evidence_and_on_the_page(app: App) -> None:
    """With the login that noted it; what it holds can neither draw on the page nor move a cursor."""
    comment(app, DRILL, f"  {HOSTILE}\n")
    (noted,) = comments(app, DRILL)
    assert (noted.by, noted.at, noted.text) == (whoami(), NOW, HOSTILE)
    assert verify_chain(app.records) is None
    evidence = gather(drill_run(), plan_of("drill-online", "drill"), app.records, app.inventory, NOW, tool="dr", writing=None)
    assert evidence.comments == (noted,)
    drawn = page(evidence, "0" * 64, "1" * 64)
    assert "Noted while it ran" in drawn and "rebooted &lt;b&gt;the switch&lt;/b&gt;\\u001b[2J at 03:40" in drawn


def test_the_longest_is_whole_and_one_letter_more_is_refused(app: App) -> None:
    """Nothing is cut off silently, and nothing of what is refused is kept."""
    comment(app, DRILL, "x" * LONGEST)
    with pytest.raises(ConfigError) as caught:
        comment(app, DRILL, "x" * (LONGEST + 1))
    assert str(caught.value) == (
        "the comment has 2,001 characters, and 2,000 is the most\n   HINT: say it in less, or name where the rest is kept"
    )
    assert [len(one.text) for one in comments(app, DRILL)] == [LONGEST]


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_one_and_one_on_no_run_are_refused(app: App, text: str) -> None:
    with pytest.raises(ConfigError, match="is empty"):
        comment(app, DRILL, text)
    with pytest.raises(ConfigError, match="there is no run"):
        comment(app, "drill-online-gone", "text")
    assert comments(app, RunId(DRILL)) == []
