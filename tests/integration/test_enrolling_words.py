"""What a new user is told between `dr check` and the first backup: what is still to do, and what enrolling will do. No server is needed."""

import os
from pathlib import Path

import pytest

from dr.app.recognised import recognised
from dr.model.record import ProductionFacts
from tests.support.main_job import Home

pytestmark = pytest.mark.integration


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose production host is a folder, with every secret in place."""
    made = Home(tmp_path / "home")
    Home(tmp_path).dr("init", str(made.path), "--name", "Harbor")
    for name in ("production-postgres.password", *(f"notify-{who}.url" for who in PEOPLE)):
        (made.path / "keys" / name).write_text("word\n")
        (made.path / "keys" / name).chmod(0o600)
    site = tmp_path / "site"
    site.mkdir()
    (made.path / "inventory" / "hosts.yaml").write_text(
        "hosts:\n"
        f"  production: {{kind: local, role: production, with: {{path: {site}}}}}\n"
        "  standby: {kind: local, role: standby, with: {path: standby, postgres: {port: 54399}}}\n"
    )
    systems = made.path / "inventory" / "systems.yaml"
    systems.write_text(systems.read_text().replace("/srv/hmis/site", str(site)))
    return made


PEOPLE = ("system-administrator", "help-desk-lead", "executive-director", "green-bay-lead", "eau-claire-lead")


def test_check_says_what_is_still_to_do_until_it_is_done(home: Home) -> None:
    """A good home that cannot back up yet says so, each with its command, and that is no error; looking makes nothing."""
    told = home.dr("check").stdout
    for command in ("repositories init fileserver", "repositories init bank-vault", "hosts enrol production", "hosts enrol standby"):
        assert f": dr {command}\n" in told
    assert told.count("still to do") == 4
    assert not (home.path / "state" / "catalog.db").exists()
    for words in (
        ("repositories", "init", "fileserver"),
        ("repositories", "init", "bank-vault"),
        ("hosts", "enrol", "production", "--yes"),
    ):
        home.dr(*words)
    told = home.dr("check").stdout
    assert told.count("still to do") == 1
    assert "host 'standby' is not ready" in told
    assert "dr hosts enrol standby" in told
    home.dr("hosts", "enrol", "standby", "--yes")
    assert "still to do" not in home.dr("check").stdout


def test_enrolling_says_what_it_recorded_and_what_comes_next(home: Home, tmp_path: Path) -> None:
    """Whoever enrolled the wrong server sees it here, not on the day; and nobody has to look up what to type."""
    done = home.dr("hosts", "enrol", "production", "--yes")
    head = "recorded, and recognised by it ever after; nothing of dr's is ever restored there:"
    assert done.stdout.splitlines() == ["production is enrolled as production", head, f"   folder:             {tmp_path}/site"]
    assert "next: repository 'fileserver'" in done.stderr and "next: host 'standby' is not ready" in done.stderr
    for name in ("fileserver", "bank-vault"):
        home.dr("repositories", "init", name)
    done = home.dr("hosts", "enrol", "standby", "--yes")
    assert done.stdout == "standby is enrolled as standby\n"
    assert done.stderr.splitlines()[-1] == "next: dr run nightly --rehearse, then dr run nightly"


def test_a_server_is_told_by_address_data_and_identifier() -> None:
    facts = ProductionFacts.from_facts(
        {
            "host": "production",
            "recorded": "2026-11-22T07:00:00Z",
            "address": "db.example.org",
            "port": 5432,
            "data_directory": "/var/lib/postgresql/18/main",
            "system_identifier": "7441234567890123456",
            "paths": [{"path": "/srv/hmis/site", "device": 1, "inode": 2}, {"path": "/srv/more", "device": 1, "inode": 3}],
        }
    )
    assert recognised(facts)[1:] == [
        "   server:             db.example.org:5432",
        "   data directory:     /var/lib/postgresql/18/main",
        "   system identifier:  7441234567890123456",
        "   folder:             /srv/hmis/site",
        "   folder 2:           /srv/more",
    ]


def record_production(home: Home, **facts: object) -> None:
    with home.catalog() as catalog:
        catalog.record_production(ProductionFacts.from_facts({"host": "production", "recorded": "2026-11-22T07:00:00Z", **facts}))


def test_a_standby_where_production_was_recorded_is_a_problem_of_the_files(home: Home, tmp_path: Path) -> None:
    """Not a thing still to do: told where it is written, all of it at once, with what to write in its place."""
    data = tmp_path / "data"
    data.mkdir()
    record_production(home, data_directory=str(data), port=54399, address="127.0.0.1")
    hosts = home.path / "inventory" / "hosts.yaml"
    hosts.write_text(hosts.read_text().replace("path: standby,", f"path: {data}/standby,"))
    line = hosts.read_text().splitlines().index(next(one for one in hosts.read_text().splitlines() if "standby:" in one)) + 1
    done = home.dr("check", expect=2)
    said = done.stdout + done.stderr
    assert f"inventory/hosts.yaml:{line}:" in said
    assert f"host 'standby': its folder lies in {data}, recorded as production's (host 'production')\n" in said
    assert "   HINT: drills are loaded there and scrubbed: give the standby an empty folder that shares nothing with production\n" in said
    assert "host 'standby': port 54399 is that of production host 'production', as it was recorded\n" in said
    assert "   HINT: give the standby a free port of its own, such as 54400\n" in said
    assert "2 problems; nothing was run." in said
    assert "still to do" not in said


@pytest.mark.positive_control
def test_a_standby_apart_from_what_was_recorded_is_still_to_do_and_no_problem(home: Home, tmp_path: Path) -> None:
    """The twin: the same records, and a standby that shares nothing with them."""
    record_production(home, data_directory=str(tmp_path / "data"), port=54321, address="127.0.0.1")
    assert "host 'standby' is not ready" in home.dr("check").stdout


def test_enrolling_without_a_person_asks_for_a_word(home: Home) -> None:
    """A script that forgot --yes is told so; nothing was enrolled."""
    done = home.dr("hosts", "enrol", "production", expect=2)
    assert "'production' was not enrolled: nobody is there to be asked\n   HINT: say --yes, or type it in a terminal\n" in done.stderr
    assert "hosts enrol production" in home.dr("check").stdout


def test_enrolling_production_says_what_dr_writes_there(home: Home) -> None:
    """Production is read, but for the needles; a person knows that before saying yes."""
    told = home.dr("hosts", "enrol", "production", "--yes").stderr
    assert "source 'database' of system 'hmis': before each backup dr writes one row, table dr.needle" in told
    assert "source 'site' of system 'hmis': before each backup dr writes one file, .dr-needle, at the top of the folder" in told
    systems = home.path / "inventory" / "systems.yaml"
    systems.write_text(systems.read_text().replace("needle: true", "needle: false"))
    assert "it is only ever read" in home.dr("hosts", "enrol", "production", "--yes").stderr


def test_a_standby_that_cannot_be_is_refused_before_anybody_is_asked(home: Home, tmp_path: Path) -> None:
    """Every reason in a list; a folder that is not there will be made, and that is said."""
    done = home.dr("hosts", "enrol", "standby", expect=3)
    assert " ! nothing is recorded by which production could be recognised" in done.stderr
    home.dr("hosts", "enrol", "production", "--yes")
    (home.path / "standby").mkdir(mode=0o700)
    (home.path / "standby" / ".dr-needle").write_text("{}")
    done = home.dr("hosts", "enrol", "standby", expect=3)
    assert "holds .dr-needle, the needle of a protected file set: this is production's" in done.stderr
    assert "nobody is there" not in done.stderr
    (home.path / "standby" / ".dr-needle").unlink()
    assert "is empty: it will be marked as the standby" in home.dr("hosts", "enrol", "standby", expect=2).stderr
    os.rmdir(home.path / "standby")
    assert "standby is not there: it will be made" in home.dr("hosts", "enrol", "standby", expect=2).stderr
    assert not (home.path / "standby").exists()
    home.dr("hosts", "enrol", "standby", "--yes")
