"""`dr incident` on a home as `dr init` makes it, with a set on record: its words, its page, its trail; no client's data and no secret."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from dr.app.home import App
from dr.app.incident_report import report, write_page
from dr.app.incidents import Asked, close, note, open_one, owe_incidents, pick
from dr.app.outage_seen import reached
from dr.catalog.catalog import Catalog
from dr.cli.incident_shown import opened
from dr.config.keys import noted_recipients
from dr.errors import ConfigError, Refused
from dr.model.base import RepositoryName
from dr.model.record import AuditEntry
from tests.integration.test_cli_words import SECRETS
from tests.support.catalog_copies import RUN, copy_of, manifest_at
from tests.support.main_job import Home

pytestmark = pytest.mark.integration
SECRET = "a word that no message may bear"
STOLEN = Asked(repositories=("bank-vault",))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.path.mkdir()
    made.dr("init", str(made.path), "--name", "Harbor Services", "--zone", "America/Chicago")
    (made.path / "keys" / "production-postgres.password").write_text(SECRET)
    (made.path / "keys" / "production-postgres.password").chmod(0o600)
    return made


@pytest.fixture
def app(home: Home) -> App:
    """One set, in both repositories, encrypted to the home's own keys; restored once."""
    opened = App.open(str(home.path))
    noted = noted_recipients(home.path)
    at = datetime.now(UTC) - timedelta(days=2)
    manifest = manifest_at(at).model_copy(update={"recipients": (noted["drill"], noted["escrow"])})
    for tier, name in (("online", "fileserver"), ("vault", "bank-vault")):
        copy = copy_of(manifest, tier=tier).model_copy(update={"repository": RepositoryName(name)})
        opened.records.record_copy(copy, manifest, RUN)
    facts = {"from": "bank-vault", "run": "drill-1"}
    opened.records.audit("restore.begun", f"standby/{manifest.set}", facts, actor="bert", at=at)
    return opened


def test_from_a_stolen_disk_to_the_end(app: App, home: Home, tmp_path: Path) -> None:
    """A disk alone is not readable; with the key that was in the same bag it is; and the report says who restored from it."""
    done = open_one(app, "a bag was stolen", STOLEN, None, None)
    assert done.answer == "1 copy is concerned; nothing can be read with what was exposed."
    assert [notice.template for notice in done.notices] == ["incident-opened"]
    assert done.notices[0].acknowledge
    locked = write_page(app, report(app, done.incident), tmp_path / "locked.html").read_text()
    assert '<div class="banner PASS"><b><span aria-hidden="true">✔</span> Nobody can read it with what was taken</b>' in locked
    assert note(app, None, "the key was in it", Asked(keys=("drill",))).found.readable == 1
    made = report(app, pick(app, None))
    assert made.broken == ""
    assert [(each.who, each.what) for each in made.accesses] == [("bert", "restore begun, read from bank-vault")]
    page = write_page(app, made, tmp_path / "incident.html")
    assert page.stat().st_mode & 0o777 == 0o600
    shown = home.dr("incident", "report").stdout
    assert "✖ readable  bank-vault:" in shown
    assert "1. Make a new drill key: dr keys rotate drill." in shown
    assert "INCIDENT open" in home.dr("status", expect=1).stdout
    private = (home.path / "keys" / "drill.agekey").read_text().splitlines()[-1]
    told = "".join(f"{notice.subject}{notice.body}" for notice in app.records.notices())
    for text in (page.read_text(), shown, told):
        assert SECRET not in text
        assert private not in text
        assert "a bag was stolen" in text
    close(app, None, "reported")
    assert home.dr("incident", "list").stdout == "no incident is open\n"
    with pytest.raises(Refused, match="is closed"):
        note(app, done.incident.id, "more", Asked())


def test_a_trail_that_was_changed_is_said_before_anything_else(app: App, home: Home) -> None:
    """Exit code 4, and everything is shown all the same."""
    open_one(app, "a bag was stolen", STOLEN, None, None)
    with sqlite3.connect(home.path / "state" / "catalog.db") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 1")
    shown = home.dr("incident", "report", expect=4).stdout
    assert shown.startswith("✖ THE AUDIT TRAIL CANNOT BE BELIEVED:")
    assert "Who accessed it, and when" in shown


def test_who_was_not_reached_is_said_by_name_and_whether_anybody_tries_again(app: App) -> None:
    """A group of which one was reached is not a group that was told."""
    done, now = open_one(app, "a bag was stolen", STOLEN, None, None), app.clock.now()
    for timer in (False, True):
        drawn = [line for line, _ in opened(done, reached(app, done.notices), "America/Chicago", now, 200, timer=timer)]
        missed = [line for line in drawn if "NOT REACHED" in line]
        assert [line.split("✖ ")[1].split(":")[0] for line in missed] == ["Help desk lead", "System administrator"]
        assert ("no timer comes by here" in "".join(drawn)) is not timer


def test_a_word_that_was_not_owed_yet_is_owed_by_who_comes_by(app: App) -> None:
    """Killed between the record and the ledger, nobody is forgotten; and nobody is told twice."""
    done = open_one(app, "a bag was stolen", STOLEN, None, None)
    assert owe_incidents(app) == []
    more = done.incident.model_copy(update={"id": "inc-2"})
    entry = app.records.incident_entries(done.incident.id)[0].model_copy(update={"incident": "inc-2"})
    app.records.open_incident(more, entry)
    assert len(owe_incidents(app)) == 1
    assert owe_incidents(app) == []


class Read:
    """Of an app's records: how often all of the trail is read."""

    def __init__(self, records: Catalog) -> None:
        self._records, self.times = records, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._records, name)

    def audit_entries(self, *, after: int = 0) -> list[AuditEntry]:
        self.times += after == 0
        return list(self._records.audit_entries(after=after))


def test_an_act_reads_the_whole_trail_once_and_a_timer_s_round_not_at_all(app: App) -> None:
    """However many words are owed, of however many entries: it may be a hundred thousand lines long."""
    read = Read(app.records)
    counted = cast(
        "App", SimpleNamespace(**{name: getattr(app, name) for name in ("clock", "home", "inventory", "services")}, records=read)
    )
    open_one(counted, "a bag was stolen", STOLEN, None, None)
    note(counted, None, "the key was in it", Asked(keys=("drill",)))
    assert read.times == 2
    assert owe_incidents(counted) == []
    assert read.times == 2


def test_what_is_typed_twice_is_one_incident_one_note_and_one_end(app: App) -> None:
    """And in other words a second end is refused, with when, by whom and what."""
    opened = [open_one(app, "a bag was stolen", STOLEN, None, None) for _ in range(2)]
    noted = [note(app, None, "the key was in it", Asked(keys=("drill",))) for _ in range(2)]
    closed = [close(app, None, "reported") for _ in range(2)]
    assert [[done.again for done in pair] for pair in (opened, noted, closed)] == [[False, True]] * 3
    assert [len(done.notices) for done in (*opened, *noted, *closed)] == [1, 1, 1, 1, 0, 0]
    assert [each.act for each in app.records.incident_entries(opened[0].incident.id)] == ["opened", "noted", "closed"]
    with pytest.raises(Refused, match=r"is closed: .* by .*: reported"):
        close(app, None, "all is well")


UNKNOWN = {
    "what was exposed?": Asked(),
    "there never was a set": Asked(copies=("20200101T000000Z-aaaaaa",)),
    "'attic' is not a repository": Asked(repositories=("attic",)),
    "'production' is not a standby": Asked(hosts=("production",)),
    "'age1nobody' is no key of ours": Asked(keys=("age1nobody",)),
}


def test_what_is_not_known_here_is_refused_by_name(app: App) -> None:
    """A slip of the pen is no incident."""
    for said, asked in UNKNOWN.items():
        with pytest.raises(ConfigError) as refused:
            open_one(app, "a bag was stolen", asked, None, None)
        assert said in refused.value.message
    assert app.records.incidents() == []


def test_a_standby_of_others_without_an_agreement_is_said_before_any_drill(home: Home) -> None:
    """By `dr check` and `dr status`. And it is no error of the files: the nightlies go on when an agreement ends."""
    file = home.path / "inventory" / "hosts.yaml"
    file.write_text(file.read_text() + "\nthird_party:\n  standby: {owner: County IT}\n")
    for name in SECRETS:
        (home.path / "keys" / name).write_text("word\n")
        (home.path / "keys" / name).chmod(0o600)
    said = " ".join(home.dr("check").stdout.split())
    assert "nothing may be restored on host 'standby': it belongs to County IT, and no agreement with them is on record" in said
    for words in (("status",), ("status", "--findings")):
        seen = " ".join(home.dr(*words, expect=None).stdout.split())
        assert "✖ " in seen and "nothing may be restored on host 'standby': it belongs to County IT" in seen
    file.write_text(file.read_text().replace("third_party:\n  standby:", "third_party:\n  production:"))
    assert "host 'production' is no standby (its role is production)" in home.dr("check", expect=2).stderr
