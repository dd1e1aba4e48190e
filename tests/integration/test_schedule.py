"""`dr schedule`, as timers call it: real processes, real locks, a real URL that is told."""

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from dr.app.home import App
from dr.app.schedule import begin_due
from dr.clock import FixedClock
from dr.config.init import init_home
from dr.model.record import Finding, RunRecord
from dr.timers.calendar_events import calendar_events
from tests.support.engine_plans import eventually
from tests.support.main_job import KILLED, Home

pytestmark = [pytest.mark.integration, pytest.mark.slow]
ZONE = ZoneInfo("America/Chicago")
RUNBOOK = """\
runbook: nightly
title: Night work
kind: backup
schedule: "{cron}"
steps:
  - {{id: works, action: command, with: {{host: production, argv: {argv}}}}}
"""


class Night(Home):
    """A home whose nightly does something small, and is due since some minutes."""

    def work(self, *argv: str, minutes_ago: int = 2) -> None:
        due = datetime.now(ZONE) - timedelta(minutes=minutes_ago)
        text = RUNBOOK.format(cron=f"{due.minute} {due.hour} * * *", argv=json.dumps(argv))
        (self.path / "runbooks" / "nightly.yaml").write_text(text)

    def began(self, days_ago: int) -> None:
        """As if the schedule's last run had been begun then."""
        at = datetime.now(UTC) - timedelta(days=days_ago, minutes=2)
        with self.catalog() as catalog:
            catalog.set_setting("schedule:nightly", json.dumps([{"occurrence": at.isoformat(), "begun": at.isoformat(), "run": ""}]))

    def runs(self) -> list[RunRecord]:
        with self.catalog() as catalog:
            return catalog.runs(runbook="nightly")

    def findings(self) -> dict[str, str]:
        with self.catalog() as catalog:
            return {finding.key: f"{finding.severity}: {finding.message}" for finding in catalog.open_findings()}


@pytest.fixture
def night(tmp_path: Path) -> Night:
    path = tmp_path / 'ho"me $x %h'
    init_home(path, "Harbor", "America/Chicago")
    password = path / "keys" / "production-postgres.password"
    password.write_text("secret word\n")
    password.chmod(0o600)
    made = Night(path)
    made.work("true")
    return made


class Pinged(BaseHTTPRequestHandler):
    seen: list[str]

    def do_POST(self) -> None:
        self.seen.append(f"{self.path} {self.rfile.read(int(self.headers['Content-Length'])).decode()}")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def outside() -> Iterator[tuple[str, list[str]]]:
    """A URL as Healthchecks gives one, and what it was told."""
    seen: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (Pinged,), {"seen": seen}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/1b3c-uuid", seen
    server.shutdown()
    server.server_close()


def ping_at(night: Night, url: str) -> None:
    (night.path / "inventory" / "pings.yaml").write_text("pings:\n  nightly: !secret {file: keys/ping.url}\n")
    file = night.path / "keys" / "ping.url"
    file.write_text(url)
    file.chmod(0o600)


def test_what_is_due_begins_once(night: Night) -> None:
    """Whoever calls, and however often: a timer, the hourly look, a person."""
    assert "PASS" in night.dr("schedule", "run", "nightly").stdout
    assert "not due" in night.dr("schedule", "run", "nightly").stdout
    assert night.dr("schedule", "run", "--due", "--quiet").stdout == ""
    assert [run.requested_by for run in night.runs()] == ["schedule"]
    assert night.findings() == {}


def test_two_timers_at_the_same_moment_begin_one_run(night: Night) -> None:
    night.work("sleep", "1")
    both = [night.start("schedule", "run", "nightly") for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert len(night.runs()) == 1, said
    assert not any(key.startswith("schedule-not-begun") for key in night.findings())


def test_after_downtime_one_late_run_says_what_was_missed_and_that_the_rpo_is_broken(night: Night) -> None:
    night.work("true", minutes_ago=40)
    night.began(days_ago=4)
    night.dr("schedule", "run", "--due")
    assert len(night.runs()) == 1
    message = night.findings()["schedule-missed:nightly"]
    assert re.search(r"critical: .*it began 40 minutes late, and 3 before it never ran; there was no copy of hmis", message)
    assert "never ran" in night.dr("status", expect=None).stdout


def test_a_night_whose_last_run_still_goes_on_is_refused_said_and_made_up_afterwards(night: Night) -> None:
    night.work("sleep", "60")
    by_hand = night.start("run", "nightly")
    eventually(lambda: any(run.state == "running" for run in night.runs()))
    refused = night.dr("schedule", "run", "nightly", expect=3)
    assert "still goes on" in refused.stderr
    assert "warning" in night.findings()["schedule-overlap:nightly"]
    night.dr("runs", "cancel", night.runs()[0].run, "--hard", expect=None)
    by_hand.wait(60)
    night.work("true")
    night.dr("schedule", "run", "--due")
    assert night.runs()[0].requested_by == "schedule"
    assert night.findings() == {}


def test_a_scheduled_run_that_was_killed_is_taken_up_by_the_next_look(night: Night) -> None:
    night.work("sleep", "2")
    process = night.start("schedule", "run", "nightly")
    eventually(lambda: any(run.state == "running" for run in night.runs()))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == KILLED
    assert "PASS" in night.dr("schedule", "run", "--due").stdout
    assert [run.verdict for run in night.runs()] == ["PASS"]


def test_a_person_s_interrupted_run_is_not_taken_up_by_a_look(night: Night) -> None:
    night.work("sleep", "30")
    night.dr("schedule", "run", "--due", env={"DR_FAILPOINT": "command.before-effect"}, expect=KILLED)
    with night.catalog() as catalog:
        assert catalog.runs(runbook="nightly")[0].requested_by == "schedule"
    night.dr("runs", "cancel", night.runs()[0].run, "--hard", expect=None)
    night.dr("run", "nightly", env={"DR_FAILPOINT": "command.before-effect"}, expect=KILLED)
    assert night.dr("schedule", "run", "--due", "--quiet").stdout == ""
    assert night.runs()[0].state == "running"


def test_a_person_s_interrupted_run_keeps_no_night_from_beginning(night: Night) -> None:
    """It is ended first, and then the night begins: one that nobody carries is not one that goes on."""
    night.dr("run", "nightly", env={"DR_FAILPOINT": "command.before-effect"}, expect=KILLED)
    assert "broken off" in night.dr("schedule", "list").stdout
    night.dr("schedule", "run", "--due")
    assert sorted((run.requested_by == "schedule", run.verdict) for run in night.runs()) == [(False, "PASS"), (True, "PASS")]
    assert night.findings() == {}


def test_what_cannot_go_on_keeps_nothing_else_from_beginning(night: Night) -> None:
    """A run that was broken off and whose secret is gone: found, and what else is due is begun, or found too; cron has nothing to mail."""
    other = night.path / "runbooks" / "archive.yaml"
    other.write_text((night.path / "runbooks" / "nightly.yaml").read_text().replace("runbook: nightly", "runbook: archive"))
    night.dr("schedule", "run", "archive", env={"DR_FAILPOINT": "command.before-effect"}, expect=KILLED)
    password = night.path / "keys" / "production-postgres.password"
    password.rename(password.with_suffix(".away"))
    assert night.dr("schedule", "run", "--due", "--quiet", expect=2).stderr == ""
    assert any("was broken off and cannot go on" in message for message in night.findings().values())
    assert "nightly could not begin" in night.findings()["schedule-not-begun:nightly"]
    password.with_suffix(".away").rename(password)
    night.dr("schedule", "run", "--due")
    assert [run.verdict for run in night.runs()] == ["PASS"]
    assert night.findings() == {}


def test_looking_at_one_schedule_takes_no_night_from_another(night: Night) -> None:
    """A drill that was never looked at is anchored alone."""
    assert "not due" in night.dr("schedule", "run", "drill-online").stdout
    assert "PASS" in night.dr("schedule", "run", "nightly").stdout


def test_what_was_found_about_one_runbook_is_not_settled_by_another(night: Night) -> None:
    """`nightly` begins the name of `nightly-archive`, and says nothing about it. What is scheduled no more is settled for good."""
    longer = night.path / "runbooks" / "nightly-archive.yaml"
    longer.write_text((night.path / "runbooks" / "nightly.yaml").read_text().replace("runbook: nightly", "runbook: nightly-archive"))
    finding = {"severity": "critical", "message": "m", "hint": "h", "at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    with night.catalog() as catalog:
        for key in ("schedule-missed:nightly-archive", "schedule-not-begun:gone"):
            catalog.finding(Finding.from_facts({"key": key, **finding}))
    night.dr("schedule", "run", "nightly")
    assert sorted(night.findings()) == ["schedule-missed:nightly-archive", "schedule-not-begun:gone"]
    night.dr("schedule", "run", "--due")
    assert night.findings() == {}


def test_a_clock_that_is_back_before_everything_forgets_nothing_and_begins_nothing_later(night: Night) -> None:
    """A machine without a clock of its own starts in 1970, and cron looks before the network has set it right."""
    night.work("true", minutes_ago=120)
    night.began(days_ago=0)
    app = App.open(str(night.path), clock=FixedClock(datetime(1970, 1, 2, 12, 0, tzinfo=UTC)))
    assert [begin_due(app, name) for name in sorted(app.runbooks) if app.runbooks[name].schedule] == [None] * 3
    assert "not due" in night.dr("schedule", "run", "nightly").stdout
    assert night.runs() == []


def test_what_keeps_a_night_from_beginning_is_a_finding_until_it_begins(night: Night) -> None:
    password = night.path / "keys" / "production-postgres.password"
    password.rename(password.with_suffix(".away"))
    night.dr("schedule", "run", "nightly", expect=2)
    assert night.findings()["schedule-not-begun:nightly"].startswith("critical: nightly could not begin")
    assert night.runs() == []
    password.with_suffix(".away").rename(password)
    night.dr("schedule", "run", "--due")
    assert len(night.runs()) == 1
    assert night.findings() == {}


def test_a_run_that_passed_tells_the_outside_and_a_failed_one_says_so(night: Night, outside: tuple[str, list[str]]) -> None:
    url, seen = outside
    ping_at(night, url)
    night.dr("schedule", "run", "nightly")
    night.work("false")
    night.dr("run", "nightly", expect=1)
    passed, failed = seen
    assert re.fullmatch(r"/1b3c-uuid nightly PASS nightly-\S+", passed)
    assert re.fullmatch(r"/1b3c-uuid/fail nightly FAIL nightly-\S+", failed)


def test_a_ping_that_reaches_nobody_is_a_finding_and_fails_no_night(night: Night) -> None:
    ping_at(night, "http://127.0.0.1:9/1b3c-uuid")
    said = night.dr("run", "nightly")
    assert "the ping of 127.0.0.1 failed" in said.stderr
    assert "1b3c-uuid" not in str(said)
    assert night.findings()["ping-failed:nightly"].startswith("warning")


def test_a_ping_for_a_runbook_that_is_not_there_is_refused(night: Night) -> None:
    (night.path / "inventory" / "pings.yaml").write_text("pings:\n  nigthly: !secret {file: keys/ping.url}\n")
    said = night.dr("check", expect=2).stderr
    assert re.search(r"inventory/pings.yaml:2:3: .*'nigthly', which is no runbook", said)


# ---------------------------------------------------------------- what is written


@pytest.mark.needs("systemd-analyze")
def test_systemd_takes_the_units_as_they_are(night: Night, tmp_path: Path) -> None:
    """Even where the home's own name is hostile; doing it again changes nothing, a schedule that is gone is taken away."""
    folder = tmp_path / "units"
    night.dr("schedule", "install", "--systemd", "--to", str(folder))
    files = sorted(folder.iterdir())
    assert len(files) == 10
    done = subprocess.run(["systemd-analyze", "verify", *map(str, files)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "written" not in night.dr("schedule", "install", "--systemd", "--to", str(folder)).stdout
    night.rewrite("runbooks/drill-vault.yaml", "schedule:", "# schedule:")
    assert "removed" in night.dr("schedule", "install", "--systemd", "--to", str(folder)).stdout
    assert not list(folder.glob("*drill-vault*"))


def test_another_home_s_units_are_left_alone(night: Night, tmp_path: Path) -> None:
    folder = tmp_path / "units"
    folder.mkdir()
    (folder / "dr-nightly.timer").write_text("# by hand\n")
    assert "not written for this home" in night.dr("schedule", "install", "--systemd", "--to", str(folder), expect=3).stderr
    assert [path.name for path in folder.iterdir()] == ["dr-nightly.timer"]
    night.dr("schedule", "install", "--systemd", "--to", str(folder), "--prefix", "other")
    assert (folder / "dr-nightly.timer").read_text() == "# by hand\n"


def test_where_there_is_no_systemd_cron_looks_every_five_minutes(night: Night, tmp_path: Path) -> None:
    """The line does what it says when a shell runs it, as cron would."""
    night.dr("schedule", "install", "--cron", "--to", str(tmp_path / "cron.d"))
    line = (tmp_path / "cron.d" / "dr").read_text().splitlines()[1]
    command = line.split(maxsplit=6)[6].replace("\\%", "%")
    night.work("true", minutes_ago=1)
    subprocess.run(["/bin/sh", "-c", command], check=True, env={"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")})
    assert "due" not in night.dr("schedule", "list").stdout.lower().replace("not due", "")


def test_installing_makes_up_nothing_from_before(night: Night, tmp_path: Path) -> None:
    night.work("true", minutes_ago=120)
    night.dr("schedule", "install", "--systemd", "--to", str(tmp_path / "units"))
    assert "not due" in night.dr("schedule", "run", "nightly").stdout


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("cron", ["30 1 * * *", "0 3 * * SUN", "15 5 1 * *", "0 4 1,15 * FRI", "30 2 L * *", "0 2 * * MON#2"])
def test_systemd_fires_whenever_the_schedule_means_it(cron: str) -> None:
    """At every occurrence, asked of systemd itself; more often is dr's to sort out. Clock changes are the hourly look's."""
    wanted, begin = [], datetime(2026, 6, 1, tzinfo=UTC)
    occurrences = CronSim(cron, begin.astimezone(ZONE))
    wanted = [next(occurrences).astimezone(UTC) for _ in range(3)]
    fired = {at for event in calendar_events(cron, "America/Chicago") for at in _fires(event, begin)}
    assert set(wanted) <= fired


def _fires(event: str, begin: datetime) -> list[datetime]:
    base = begin.strftime("%Y-%m-%d %H:%M:%S UTC")
    asked = ["systemd-analyze", "calendar", "--iterations=100", f"--base-time={base}", event]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, env={**os.environ, "TZ": "UTC", "LC_ALL": "C"}).stdout
    return [
        datetime.strptime(at, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        for at in re.findall(r"\w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", said)
    ]
