"""Places that must not meet are told with exactly the text beside each case, by the real kinds; what may be so is not."""

from dataclasses import replace
from pathlib import Path

import pytest

from dr import plugins
from dr.config.inventory import check_inventory
from dr.config.problems import in_order, render
from tests.support.config_homes import CORPUS, make_home

pytestmark = pytest.mark.unit
CASES = sorted(path.parent for path in (CORPUS / "places").glob("*/expected.txt"))


def test_there_are_cases() -> None:
    """An empty corpus would prove nothing."""
    assert len(CASES) >= 6


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_places_that_meet_are_told_exactly(case: Path, tmp_path: Path) -> None:
    """A set-up that would write over production, or lose both copies at once, is told before anything is run."""
    checked = check_inventory(make_home(tmp_path, case), plugins.kinds())
    assert checked.inventory is None
    assert render(in_order(checked.problems)) + "\n" == (case / "expected.txt").read_text(encoding="utf-8")


def test_places_that_share_nothing_are_good(tmp_path: Path) -> None:
    """The base: a standby, two repositories and a file source beside each other."""
    assert check_inventory(make_home(tmp_path), plugins.kinds()).problems == []


def test_a_link_is_followed(tmp_path: Path) -> None:
    """Two names of one folder are one folder."""
    home = make_home(tmp_path)
    (home / "repositories").mkdir()
    (home / "repositories" / "fileserver").mkdir()
    (home / "repositories" / "bank-vault").symlink_to("fileserver")
    (problem,) = check_inventory(home, plugins.kinds()).problems
    assert problem.message.startswith("repository 'fileserver': its folder is that of repository 'bank-vault'")


@pytest.mark.positive_control
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_kinds_that_do_not_tell_their_places_let_it_through(case: Path, tmp_path: Path) -> None:
    """The twin: without the places every one of these homes is called good."""
    silent = replace(plugins.kinds(), host_places={}, repository_places={}, source_places={})
    assert check_inventory(make_home(tmp_path, case), silent).problems == []


def test_what_stands_at_a_place_since_a_recovery_is_backed_up_there(tmp_path: Path) -> None:
    """`dr reprotect` makes the host production and has the source read at the place: the inventory is right as it was."""
    home = make_home(tmp_path)
    login = "address: a.example.org, user: dr, key: keys/login"
    standby = f"{{kind: ssh, role: production, with: {{{login}, path: /srv/dr-standby, places: [/srv/site]}}}}"
    (home / "inventory" / "hosts.yaml").write_text(f"hosts:\n  records: {standby}\n")
    assert check_inventory(home, plugins.kinds()).problems == []
