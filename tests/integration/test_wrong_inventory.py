"""One wrong line in the inventory while something is out: people are still reached, by what was right last, and nothing else goes on."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr.app import App, init_home
from dr.app.opening import WRONG, ConfigProblems
from dr.config.whole import KEPT
from tests.faults.test_outage_kills import TOLD, end_all
from tests.integration.test_notice_carrying import word
from tests.support.main_job import Home
from tests.support.receiver import receiving

pytestmark = pytest.mark.integration
CONTACTS = "inventory/contacts.yaml"
SAID = re.compile(
    r"^▲ 2 problems in inventory/\. To reach people, this goes by what was right last, of \w{3} \d\d \w{3} \d{4},\n"
    r"   \d\d:\d\d C[SD]T\.\n"
    r"   inventory/contacts\.yaml:\d+:\d+: 'channels' is missing\n"
    r"   Who was added since then is not told\. Until it is mended nothing is backed up, drilled or\n   recovered\.\n"
    r"   HINT: dr check shows every problem\n"
)


@dataclass(frozen=True)
class Site:
    """A home whose every contact is told at one receiver."""

    home: Home
    seen: list[dict[str, str]]

    def codes(self) -> list[str]:
        return [found for one in self.seen for found in re.findall(r"dr ack (\S+)", one["message"])]

    def titles(self, words: str) -> list[str]:
        return [one["title"] for one in self.seen if words in one["title"]]

    def spoil(self) -> None:
        self.home.rewrite(CONTACTS, "    channels:\n      - !secret {file: keys/notify-green-bay-lead.url}", "    chanels: []")

    def acts(self) -> list[str]:
        return [entry.subject for entry in self.home.audit() if entry.event == WRONG]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Its files were right when it was opened; no background process outlives it."""
    init_home(str(tmp_path / "home"), "Harbor", "America/Chicago")
    home = Home(tmp_path / "home")
    with receiving() as (url, seen):
        for contact in (*TOLD, "green-bay-lead", "eau-claire-lead"):
            file = home.path / "keys" / f"notify-{contact}.url"
            file.write_text(url + "\n")
            file.chmod(0o600)
        App.open(str(home.path)).records.close()
        yield Site(home, seen)
        end_all(home)


def test_an_outage_is_declared_seen_told_and_ended_while_a_contact_is_mistyped(site: Site) -> None:
    """From the first word to the last, with the process that keeps people told begun meanwhile; each act says so, and is on the trail."""
    home = site.home
    site.spoil()
    refused = home.dr("check", expect=2).stderr
    assert "'chanels' is not known here" in refused and refused.endswith("2 problems; nothing was run.\n")
    for what in ("run nightly", "drill hmis --tier online"):
        assert home.dr(*what.split(), expect=2).stderr == refused

    declared = home.dr("outage", "declare", "--system", "hmis", "--severity", "major", "--what", "it burnt", "--yes")
    assert SAID.match(declared.stderr), declared.stderr
    assert len(site.titles("is out since")) == len(TOLD)
    seen = home.dr("ack", site.codes()[0], "--comment", "on my way")
    assert SAID.match(seen.stderr) and "acknowledged for" in seen.stdout
    for words in (("update", "half of it is there"), ("resolve", "--text", "users work")):
        assert SAID.match(home.dr("outage", *words).stderr)
    assert len(site.titles("is back")) == len(TOLD)
    end_all(home)
    assert sorted(site.acts()) == ["ack", "outage declare", "outage keep", "outage resolve", "outage update"]
    with home.catalog() as catalog:
        assert [(run.kind, run.verdict) for run in catalog.runs()] == [("outage", "PASS")]


def test_what_is_not_believed_helps_nobody_but_an_acknowledgement_needs_no_inventory(site: Site) -> None:
    """A kept copy that somebody changed: all is refused as without one; a code is taken down, and it is said who was not told."""
    home = site.home
    app = App.open(str(home.path))
    with app.records:
        app.services.post.owe(word(to="administrators", severity="critical", acknowledge=True))
        app.services.post.carry()
    site.spoil()
    (home.path / KEPT).write_bytes((home.path / KEPT).read_bytes().replace(b"Harbor", b"Narbor", 1))
    refused = home.dr("outage", "list", expect=2).stderr
    assert refused == home.dr("run", "nightly", expect=2).stderr
    before = len(site.seen)
    seen = home.dr("ack", site.codes()[0])
    assert seen.stderr.startswith("✖ 2 problems in inventory/, and nothing is kept of when it was right: those who wait were NOT told")
    assert re.match(r"● acknowledged for (system-administrator|help-desk-lead): ", seen.stdout)
    assert (len(site.seen), site.acts()) == (before, ["ack"])
    with home.catalog() as catalog:
        assert [one.answered for one in catalog.notices()] == [True]


def lapsed(site: Site) -> App:
    """Opened as who must reach people opens it, with a contact mistyped."""
    site.spoil()
    app = App.open(str(site.home.path), enduring=True)
    assert app.lapse is not None and "green-bay-lead" in app.inventory.contacts
    return app


def test_by_what_was_right_last_nothing_is_begun_or_resumed_that_is_more_than_telling_and_asking(site: Site) -> None:
    """The rule itself: whatever a verb opened the home for."""
    app = lapsed(site)
    with app.records as records:
        begun: tuple[Callable[[], object], ...] = (
            lambda: app.prune("hmis", confirmed=True),
            lambda: app.run("nightly", {}),
            lambda: app.drill("hmis", "online", None),
            lambda: app.verify("hmis", [], None, {}),
        )
        for begin in begun:
            with pytest.raises(ConfigProblems, match="'chanels' is not known here"):
                begin()
        assert records.runs() == []


@pytest.mark.positive_control
def test_without_that_rule_it_would_delete_by_what_is_not_written_any_more(site: Site) -> None:
    app = lapsed(site)
    app.lapse = None
    with app.records as records:
        app.prune("hmis", confirmed=True)
        assert [run.runbook for run in records.runs()] == ["retention"]
