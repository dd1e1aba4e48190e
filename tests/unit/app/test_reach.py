"""A recovery that nobody could reach, or whose files no step puts in their place, says so while its runbook can still be changed."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from dr.app.home import App
from dr.app.reach import beside, of_runbooks, require_reachable, shut
from dr.config.init import init_home
from dr.config.load import load
from dr.config.plan import compile_plan
from dr.errors import ConfigError
from dr.model.base import SystemName
from dr.model.runbook import Declaration, Plan
from dr.plugins import kinds
from tests.support.catalog_copies import NOW

pytestmark = pytest.mark.unit
LOGIN = ("address: {}", "user: dr", "key: keys/standby", "known_hosts: keys/known_hosts", "dr: /opt/dr/bin/dr", "path: /srv/dr", "#")
SWAP = "  - id: files\n    action: swap-in\n    only: recovery\n    with: {host: standby, places: {site: /srv/hmis/site}}\n"
LISTEN = "listen: [127.0.0.1]"


class Home:
    """One as `dr init` writes it, whose standby is reached at an address."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.before = {
            name: (path / name).read_text() for name in ("inventory/hosts.yaml", "runbooks/recover.yaml", "runbooks/failback.yaml")
        }

    def rewrite(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text()
        assert old in text
        (self.path / name).write_text(text.replace(old, new))

    def across(self, address: str = "standby.example.org") -> None:
        head, name, rest = self.before["inventory/hosts.yaml"].partition("  standby:\n")
        rest = rest.replace("kind: local", "kind: ssh", 1)
        before, _, after = rest.partition("path: standby")
        (self.path / "inventory/hosts.yaml").write_text(head + name + before + "\n      ".join(LOGIN).format(address) + after)

    def app(self) -> App:
        loaded = load(self.path, kinds())
        return cast("App", SimpleNamespace(inventory=loaded.inventory, runbooks=loaded.runbooks, home=self.path))

    def plan(self, runbook: str = "recover") -> Plan:
        app, said = self.app(), Declaration(declared=NOW, reason="it burnt", by="ann")
        return compile_plan(app.runbooks[runbook], app.inventory, {}, kinds(), "recovery", said)

    def line(self, runbook: str = "recover") -> int:
        lines = (self.path / "runbooks" / f"{runbook}.yaml").read_text().splitlines()
        return next(number for number, text in enumerate(lines, 1) if "      listen:" in text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    place = tmp_path_factory.mktemp("reach") / "home"
    init_home(place, "Example", "UTC", kinds=kinds())
    return Home(place)


@pytest.fixture
def home(made: Home) -> Iterator[Home]:
    yield made
    for name, text in made.before.items():
        (made.path / name).write_text(text)


def test_a_standby_across_the_network_that_would_listen_to_itself_only_is_refused_with_file_and_line(home: Home) -> None:
    """Its own probe could not pass, and by then there is no way back; `dr check` says it of every recovery."""
    home.across()
    what = (
        "'open' would listen on 127.0.0.1 only: nobody but standby itself could reach the database, "
        "and step 'usable', which asks it from here, could never pass"
    )
    with pytest.raises(ConfigError) as refused:
        require_reachable(home.app(), home.plan())
    assert (refused.value.message, refused.value.hint) == (what, f"set listen and allow in runbooks/recover.yaml:{home.line()}")
    assert of_runbooks(home.app()) == [
        f"{what}; set listen and allow in runbooks/{name}.yaml:{home.line(name)}" for name in ("failback", "recover")
    ]


def test_where_no_probe_asks_it_from_here_it_is_told_and_not_refused(home: Home) -> None:
    """What is asked by another name may be led there by something else on that machine."""
    home.across()
    home.rewrite("runbooks/recover.yaml", "login_of: production}}\n", "login_of: production, address: db.example.org}}\n")
    require_reachable(home.app(), home.plan())
    (one,) = shut(home.app(), home.plan())
    assert one.message == (
        "'open' would listen on 127.0.0.1 only: nobody but standby itself could reach the database; "
        f"set listen and allow in runbooks/recover.yaml:{home.line()}"
    )


@pytest.mark.positive_control
def test_control_with_an_address_that_users_reach_nothing_is_said(home: Home) -> None:
    """Nor of a standby that is this very machine, as the examples have it, or is reached at this machine's own address."""
    assert of_runbooks(home.app()) == []
    home.across("127.0.0.1")
    assert shut(home.app(), home.plan()) == []
    home.across()
    for name in ("recover", "failback"):
        home.rewrite(f"runbooks/{name}.yaml", LISTEN, "listen: [10.1.0.7]")
        home.rewrite(f"runbooks/{name}.yaml", "allow: []", "allow: [10.1.0.0/16]")
        require_reachable(home.app(), home.plan(name))
    assert of_runbooks(home.app()) == []


def test_a_file_set_that_no_step_puts_in_its_place_is_told_beforehand(home: Home) -> None:
    """The examples restore it and leave it there: whoever reads the site would find the old one, or none."""
    (line,) = beside(home.app(), SystemName("hmis"), home.plan())
    assert line.startswith("file set 'site' will lie in drills/RUN/site/site of the standby: no step puts it in its place")
    assert "runbooks/recover.yaml" in line
    home.rewrite("runbooks/recover.yaml", "  - id: usable  ", f"{SWAP}  - id: usable  ")
    assert list(beside(home.app(), SystemName("hmis"), home.plan())) == []
