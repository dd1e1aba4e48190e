"""`dr ack` of an outage's message: while it lasts the others hear who has it; once it is over nobody is told any more that it is out."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from dr.app import App
from dr.app.acknowledging import acknowledge
from dr.app.outages import Asked, Desk, prepare
from dr.cli.ack import ack
from tests.support.receiver import receiving
from tests.support.told_home import Seen, came, told_home

pytestmark = pytest.mark.integration
HMIS = Asked("hmis", None, "major", "it burnt", None, exercise=False)


def codes(seen: Seen) -> list[str]:
    return [str(found) for one in seen for found in re.findall(r"dr ack (\S+)", one["message"])]


def test_who_has_it_is_told_while_it_lasts_and_not_when_it_is_over(tmp_path: Path) -> None:
    with receiving() as (url, seen):
        home = told_home(tmp_path / "home", url)
        app = App.open(str(home.path))
        desk = Desk(app.services, app.clock, "anna")  # which begins no process in the background
        one = desk.declare(prepare(app, HMIS)).outage.id
        assert any(acknowledge(app, code, "", None).others for code in codes(seen))
        told = len(came(seen, " saw it: "))
        desk.resolve(one, "users work")
        seen.clear()
        two = desk.declare(prepare(app, HMIS)).outage.id
        late = codes(seen)
        desk.resolve(two, "users work again")
        said = [CliRunner().invoke(ack, [code], obj=str(home.path), catch_exceptions=False).output for code in late]
        app.services.post.carry()
    assert told == 1
    assert came(seen, " saw it: ") == []
    assert all(
        re.search(rf"it is over since .*: nobody else is told that you saw it\n  all of it: dr outage show {two}", text) for text in said
    )
