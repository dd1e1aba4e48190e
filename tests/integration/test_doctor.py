"""`dr doctor`: what goes wrong unnoticed is seen, by name and with what to do. The control is the same home before it went wrong."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dr.app.by_itself import by_itself
from dr.app.doctor import PARTS, examine
from dr.app.doctor.machine import _fits
from dr.app.home import App
from dr.app.keys import Line
from dr.app.pages import status_html
from dr.app.schedule_there import Unstarted, found, in_crontab, wrong
from dr.clock import FixedClock
from dr.config.init import init_home
from dr.model.base import RunId
from dr.model.notice_record import Delivery, Notice
from tests.support.catalog_runs import plan_of, run_at
from tests.support.main_job import Home

pytestmark = pytest.mark.integration
WHO = ("system-administrator", "help-desk-lead", "executive-director", "green-bay-lead", "eau-claire-lead")
NOW = datetime.now(UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    path = tmp_path / "home"
    init_home(path, "Harbor", "America/Chicago")
    names = ["production-postgres.password", *(f"notify-{who}.url" for who in WHO)]
    for name in names:
        (path / "keys" / name).write_text("json://127.0.0.1:9/\n")
        (path / "keys" / name).chmod(0o600)
    app = App.open(str(path))
    for repository in app.repositories():
        repository.initialise("Harbor", f"id-{repository.name}", NOW)
    return Home(path)


def lines_of(home: Home, part: str) -> list[Line]:
    return next(list(one.lines) for one in examine(App.open(str(home.path))) if one.part == part)


def told(home: Home, contact: str, at: datetime, state: str = "delivered") -> None:
    delivery = Delivery.from_facts({"contact": contact, "channel": 0, "scheme": "json", "state": state, "attempt": 1, "at": at.isoformat()})
    facts = {
        "id": f"{contact}-{state}",
        "to": contact,
        "template": "t",
        "subject": "s",
        "body": "b",
        "severity": "info",
        "state": "delivered",
    }
    notice = Notice.from_facts({**facts, "created": at.isoformat(), "deliveries": [delivery.to_facts()]})
    with home.catalog() as catalog:
        catalog.owe(notice)
        catalog.record_delivery(notice)


def _open_key(home: Home) -> None:
    (home.path / "keys" / "signing.key").chmod(0o644)


def _no_password(home: Home) -> None:
    (home.path / "keys" / "production-postgres.password").unlink()


def _clock_went_back(home: Home) -> None:
    with home.catalog() as catalog:
        catalog.audit("looked", "x", {}, actor="ann", at=datetime.now(UTC) + timedelta(days=2))


def _repository_gone(home: Home) -> None:
    shutil.rmtree(home.path / "repositories" / "bank-vault")


def _not_delivered(home: Home) -> None:
    told(home, "help-desk-lead", NOW, "failed")


def _stale(home: Home) -> None:
    told(home, "executive-director", NOW - timedelta(days=100))


def _overdue(home: Home) -> None:
    long_ago = (NOW - timedelta(days=3)).isoformat()
    with home.catalog() as catalog:
        catalog.set_setting("schedule:nightly", json.dumps([{"occurrence": long_ago, "begun": long_ago, "run": ""}]))


def _old_programs(home: Home) -> None:
    """A PostgreSQL of before the fix of CVE-2025-8714, as the inventory names it."""
    folder = home.path / "old"
    folder.mkdir()
    for tool in ("pg_dump", "pg_restore"):
        (folder / tool).write_text(f"#!/bin/sh\necho '{tool} (PostgreSQL) 15.3'\n")
        (folder / tool).chmod(0o755)
    home.rewrite("inventory/hosts.yaml", "port: 5433", f"binaries: {folder}\n        port: 5433")


def _no_schedule(home: Home) -> None:
    home.rewrite("runbooks/nightly.yaml", "schedule:", "# schedule:")


def _expiry_off(home: Home) -> None:
    with home.catalog() as catalog:
        catalog.set_setting("expiry", "off")


def _forged_trail(home: Home) -> None:
    with home.catalog() as catalog:
        catalog.audit("looked", "x", {}, actor="ann", at=NOW)
    import sqlite3

    with sqlite3.connect(home.path / "state" / "catalog.db") as connection:
        triggers = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE audit SET actor = 'eve' WHERE seq = 1")
    connection.close()


def _nobody_behind(home: Home) -> None:
    home.rewrite("inventory/contacts.yaml", "reporting, privacy]", "reporting]")


def _agreed(home: Home, *, ended: int) -> None:
    """The standby is somebody else's; the agreement ends (or did) so many days ago."""
    signed, until = (f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}" for days in (300, ended))
    file = home.path / "inventory" / "hosts.yaml"
    agreement = f"{{document: BAA 14, signed: {signed}, until: {until}}}"
    file.write_text(f"{file.read_text()}\nthird_party:\n  standby: {{owner: County IT, agreement: {agreement}}}\n")


def _agreement_ends(home: Home) -> None:
    _agreed(home, ended=-9)


def _agreement_ended(home: Home) -> None:
    _agreed(home, ended=9)


WRONG: list[tuple[Callable[[Home], None], str, str, str]] = [
    (_open_key, "keys", "red", "signing.key can be read by others"),
    (_no_password, "secrets", "red", "production-postgres.password"),
    (_clock_went_back, "clock", "red", "ahead of now"),
    (_repository_gone, "repositories", "red", "bank-vault"),
    (_not_delivered, "people", "red", "help-desk-lead"),
    (_nobody_behind, "duties", "amber", "no office but Madison could hold Privacy officer"),
    (_agreement_ends, "hosts", "amber", "nothing may be restored on host 'standby' any more: it belongs to County IT"),
    (_agreement_ended, "hosts", "red", "it belongs to County IT, and 'BAA 14' ended on"),
    (_stale, "people", "amber", "executive-director was last reached 100 days ago"),
    (_overdue, "schedules", "red", "nightly due since"),
    (_old_programs, "programs", "amber", "hidden in a dump"),
    (_no_schedule, "schedules", "amber", "'nightly' of hmis has no schedule"),
    (_expiry_off, "records", "amber", "expiry is turned off"),
    (_forged_trail, "records", "red", "broken at entry 1"),
]


@pytest.mark.parametrize(("harm", "part", "colour", "words"), WRONG, ids=[harm.__name__.strip("_") for harm, *_ in WRONG])
def test_what_went_wrong_is_seen_and_only_then(home: Home, harm: Callable[[Home], None], part: str, colour: str, words: str) -> None:
    def seen() -> list[Line]:
        return [line for line in lines_of(home, part) if line.colour == colour and words in line.text]

    assert seen() == []
    harm(home)
    found = seen()
    assert found, lines_of(home, part)
    assert any(line.hint for one in examine(App.open(str(home.path))) for line in one.lines if line.colour == colour)


def test_a_part_that_cannot_be_looked_at_is_red_and_hides_no_other(home: Home) -> None:
    """The catalog is garbage: the parts that need it say so, once in full; what does not need it is looked at all the same."""
    for file in (home.path / "state").glob("catalog.db*"):
        file.unlink()
    (home.path / "state" / "catalog.db").write_bytes(b"garbage" * 1000)
    seen = {one.part: one.lines for one in examine(App.open(str(home.path)))}
    assert list(seen) == [name for name, _ in PARTS]
    assert any(line.colour == "red" for line in seen["clock"])
    assert any(line.colour == "green" for line in seen["programs"])
    assert sum("is not a catalog" in line.text and bool(line.hint) for lines in seen.values() for line in lines) == 1


def test_the_command_ends_with_1_and_counts(home: Home) -> None:
    done = home.dr("doctor", expect=1)
    assert "nothing starts" in done.stdout
    assert "HINT: dr schedule install" in done.stdout
    assert {"part", "colour", "text", "hint"} == set(home.json("doctor", expect=1)[0])


@pytest.mark.parametrize(("free", "colour"), [(99, "red"), (150, "amber"), (200, "green"), (None, "green")])
def test_a_night_that_does_not_fit_is_foretold(free: int | None, colour: str) -> None:
    assert _fits("{free} of {need}", free, 100).colour == colour


# ---------------------------------------------------------------- timers that are there


@pytest.fixture
def timers(home: Home, tmp_path: Path) -> Path:
    """As `dr schedule install` and systemctl leave them."""
    folder = tmp_path / "user"
    home.dr("schedule", "install", "--systemd", "--to", str(folder))
    wants = folder / "timers.target.wants"
    wants.mkdir()
    for path in folder.glob("*.timer"):
        (wants / path.name).symlink_to(path)
    return folder


def wrong_with(home: Home, folder: Path, *, booted: bool = True) -> list[str]:
    app = App.open(str(home.path))
    return [one.what for one in wrong(app, found(app, [folder]), booted=booted)]


def test_timers_that_would_start_nothing_are_seen_by_name(home: Home, timers: Path) -> None:
    """Not enabled; a program that is gone; no systemd; a schedule that was changed since. The control: as they were written."""
    assert wrong_with(home, timers) == []
    assert wrong_with(home, timers, booted=False) == ["systemd does not run this machine, so its timers start nothing"]
    (timers / "timers.target.wants" / "dr-nightly.timer").unlink()
    assert wrong_with(home, timers) == ["dr-nightly.timer is there and not enabled"]
    home.rewrite("runbooks/drill-vault.yaml", 'schedule: "0 5 1 * *"', 'schedule: "0 6 1 * *"')
    assert wrong_with(home, timers)[1:] == ["no timer starts drill-vault at '0 6 1 * *', only the hourly look does"]
    service = timers / "dr-catch-up.service"
    service.write_text(service.read_text().replace('ExecStart="/', 'ExecStart="/gone/'))
    assert any("dr-catch-up.timer starts /gone/" in one for one in wrong_with(home, timers))


def test_timers_are_found_after_a_home_was_moved_and_left_a_link(home: Home, timers: Path, tmp_path: Path) -> None:
    """They still start this home, and are written anew; another home's are not found."""
    home.path.rename(tmp_path / "moved")
    home.path.symlink_to(tmp_path / "moved")
    moved = Home(tmp_path / "moved")
    assert len(found(App.open(str(moved.path)), [timers])) == 5
    assert moved.dr("schedule", "install", "--systemd", "--to", str(timers)).stdout.count("written: ") == 10
    init_home(tmp_path / "other", "Harbor", "UTC")
    assert found(App.open(str(tmp_path / "other")), [timers]) == []


def test_writing_units_elsewhere_is_no_sign_that_something_looks(home: Home, timers: Path) -> None:
    """`dr schedule install` alone starts nothing, and is no green and no amber."""
    assert timers.is_dir()
    assert any(line.colour == "red" and "nothing starts" in line.text for line in lines_of(home, "schedules"))


def status_of(home: Home, *folders: Path, booted: bool = True) -> list[tuple[str, str]]:
    return [(one.text, one.hint) for one in Unstarted(App.open(str(home.path)), folders, booted=booted).of("nightly")]


def test_the_status_says_that_nothing_would_begin_the_next_night(home: Home, timers: Path, tmp_path: Path) -> None:
    """Green copies of last night are no promise of tonight's; the hint is what the doctor says."""
    none = ("nothing would begin the next 'nightly': no timer of this home is installed here", "dr schedule install")
    assert status_of(home, tmp_path) == [none]
    enabling = "systemctl --user enable --now dr-nightly.timer"
    (timers / "timers.target.wants" / "dr-nightly.timer").unlink()
    assert status_of(home, timers) == [("nothing would begin the next 'nightly': dr-nightly.timer is there and not enabled", enabling)]
    home.rewrite("runbooks/nightly.yaml", 'schedule: "0 1 * * *"', '# schedule: "0 1 * * *"')
    how = "write schedule: '0 1 * * *' into runbooks/nightly.yaml, then dr schedule install"
    assert status_of(home, timers) == [("'nightly' has no schedule: nothing begins the next night", how)]


@pytest.mark.positive_control
def test_the_status_is_silent_where_a_timer_is_enabled_and_in_a_demo(home: Home, timers: Path, tmp_path: Path) -> None:
    """The demo's nights begin when somebody asks for them."""
    assert status_of(home, timers) == []
    (home.path / "demo").mkdir()
    (home.path / "demo" / "ports.json").write_text("{}")
    assert status_of(home, tmp_path) == []


def test_a_good_night_after_which_nothing_begins_the_next_is_not_ready(home: Home, tmp_path: Path) -> None:
    """READY would be read as: it goes on by itself. Before the first night, that none was run is enough to say."""

    def judged(*folders: Path) -> tuple[str, list[str]]:
        app = App.open(str(home.path))
        green = app.readiness("hmis").model_copy(update={"colour": "green", "reasons": ()})
        (one,) = by_itself(app, [green], folders)
        return one.colour, [reason.hint for reason in one.reasons]

    assert judged(tmp_path) == ("green", [])
    with home.catalog() as catalog:
        catalog.begin_run(run_at(NOW, run=RunId("nightly-1"), kind="backup", runbook="nightly"), plan_of())
        catalog.end_run(RunId("nightly-1"), "done", "PASS", NOW)
    assert judged(tmp_path) == ("amber", ["dr schedule install"])


def test_the_page_of_the_status_says_too_that_nothing_begins_the_next_night(home: Home) -> None:
    """Who has no shell would else read READY where the screen says that it needs attention."""
    with home.catalog() as catalog:
        catalog.begin_run(run_at(NOW, run=RunId("nightly-1"), kind="backup", runbook="nightly"), plan_of())
        catalog.end_run(RunId("nightly-1"), "done", "PASS", NOW)
    place, _ = status_html(App.open(str(home.path)), None, ())
    assert "no timer of this home is installed here" in place.read_text()


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("*/5 * * * * /opt/dr --home '/srv/d 100\\%' schedule run --due --quiet", True),
        ("#*/5 * * * * /opt/dr --home '/srv/d 100\\%' schedule run --due --quiet", False),
        ("*/5 * * * * /opt/dr --home /srv/other schedule run --due --quiet", False),
        ("*/5 * * * * /opt/dr --home '/srv/d 100\\%' status", False),
        ("*/5 * * * * /opt/dr schedule run --due --home", False),
        ("MAILTO='", False),
    ],
)
def test_a_line_in_ones_own_crontab_is_found(line: str, ours: bool) -> None:
    assert in_crontab(f"# mine\n{line}\n", Path("/srv/d 100%")) is ours


def test_a_host_whose_server_is_left_empty_is_no_crash(home: Home) -> None:
    home.rewrite("inventory/hosts.yaml", "port: 5433", "# port: 5433")
    assert lines_of(home, "programs")


def test_nothing_is_written_by_looking(home: Home) -> None:
    with home.catalog() as catalog:
        before = catalog.audit_head()
    list(examine(App.open(str(home.path), clock=FixedClock(NOW))))
    with home.catalog() as catalog:
        assert catalog.audit_head() == before
        assert catalog.runs() == []
