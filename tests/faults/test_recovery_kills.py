"""A recovery for real, killed at every point round `open`: it goes on where it was, nothing restores onto the live system, nothing is lost.

Then the nightlies follow the new production, and the recovery's own runbook, as a drill, proves a new standby.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr.app import failpoint_names
from dr.demo.world import opened
from dr.drivers.postgres import cluster
from dr.drivers.postgres.connect import Dsn, connect
from dr.model.base import RunId
from dr.model.record import Finding
from tests.support.main_job import KILLED, Home, demo_home
from tests.support.postgres import free_port

pytestmark = [pytest.mark.campaign, pytest.mark.fault, pytest.mark.slow]
OPEN = (
    "open.before-effect",
    "open.after-marker",
    "open.after-production",
    "open.after-accepting",
    "open.after-effect",
    "open.after-record",
)
SERVICE = ("service.before-effect", "service.after-effect", "service.after-record")
RECOVER = ("recover", "hmis", "--reason", "the server burnt", "--alone", "it is night", "--yes")
SWAP = (
    *("swap-in.before-effect", "swap-in.after-beside", "swap-in.after-swapped", "swap-in.after-kept", "swap-in.after-recognised"),
    *("swap-in.after-effect", "swap-in.after-record"),
)
STEP = """\
  - id: files
    action: swap-in
    only: recovery
    with: {host: "${parameters.standby}", places: {site: PLACE}}
  - id: application
    action: service
    only: recovery
    with: {host: "${parameters.standby}", do: start, status: [test, -e, FLAG], start: [touch, FLAG]}
  - id: usable """
QUESTION = 'SELECT count(*) FROM public."Client"'
SPARE = """\
  spare:
    kind: local
    role: standby
    with: {path: demo/spare, postgres: {port: PORT}}
"""


@dataclass
class Recovered:
    """A home whose system was recovered onto the standby, killed everywhere on the way."""

    home: Home
    run: str
    before: int
    """Clients in production, before it was lost."""
    refused: list[str]
    """What a drill was told after each kill."""
    red: set[str]
    """What was open when it was over."""
    place: Path
    """At which the application looks for its files."""
    seen: list[set[str]]
    """What stood there after each kill of the swap."""


def clients(dsn: Dsn) -> int:
    with connect(dsn) as connection:
        row = connection.execute(QUESTION.encode()).fetchone()
    assert row is not None
    return int(row[0])


def live(home: Home) -> Dsn:
    """The new production, with the password that the lost one had."""
    world = opened(home.path)
    return Dsn("127.0.0.1", world.known.standby, "postgres", world.dsn.database, world.password)


def findings(home: Home) -> dict[str, Finding]:
    with home.catalog() as catalog:
        return {f.key: f for f in catalog.open_findings()}


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recovered]:
    with demo_home(Path(tmp_path_factory.mktemp("recovered")) / "home") as home:
        place = home.path.parent / "srv" / "site"
        place.mkdir(parents=True)
        (place / "old").write_text("of before")
        home.rewrite("inventory/hosts.yaml", "      path: demo/standby\n", f"      path: demo/standby\n      places: [{place}]\n")
        home.rewrite(
            "runbooks/recover.yaml", "  - id: usable ", STEP.replace("FLAG", str(home.path / "serves")).replace("PLACE", str(place))
        )
        home.rewrite("runbooks/recover.yaml", "retry: {attempts: 2, wait: 30s}", "retry: {attempts: 2, wait: 100ms}")
        home.dr("run", "nightly")
        before = clients(opened(home.path).dsn)
        words: tuple[str, ...] = RECOVER
        refused: list[str] = []
        seen: list[set[str]] = []
        for point in (*OPEN, *SWAP, *SERVICE):
            done = home.dr(*words, env={"DR_FAILPOINT": point}, expect=None)
            assert done.returncode == KILLED, f"not killed at {point}: {done}"
            words = ("runs", "resume")
            seen += [{file.name for file in place.iterdir()}] if point in SWAP else []
            if point in OPEN[2:]:  # before that the interrupted recovery itself holds the standby
                refused.append(home.dr("drill", "hmis", "--tier", "online", expect=3).stderr)
        home.dr(*words)
        yield Recovered(home, home.last_run("recover"), before, refused, set(findings(home)), place, seen)


def test_every_point_of_open_swap_and_service_was_shot() -> None:
    """A new point brings its name; nobody may forget it."""
    mine = ("open", "swap-in", "service")
    assert sorted((*OPEN, *SWAP, *SERVICE)) == sorted(n for n in failpoint_names() if n.split(".")[0] in mine)


def test_it_goes_on_where_it_was_and_each_thing_was_done_once(recovered: Recovered) -> None:
    """One run, PASS, however often it was taken up; one marker, one start of the application."""
    home = recovered.home
    with home.catalog() as catalog:
        assert [(r.run, r.verdict) for r in catalog.runs(runbook="recover")] == [(recovered.run, "PASS")]
        assert [(h.host, h.state, h.run) for h in catalog.hosts()] == [("standby", "in-service", recovered.run)]
        assert {s.step for s in catalog.steps(RunId(recovered.run))} >= {"open", "application", "usable"}
    events = [(e.event, e.facts) for e in home.audit() if e.subject in (recovered.run, "standby")]
    said = dict(events)
    assert (said["recovery-declared"]["reason"], said["recovery-declared"]["alone"]) == ("the server burnt", "it is night")
    assert [name for name, _ in events].count("standby.enters-service") == 1
    assert (home.path / "serves").exists()
    assert home.facts("recover", "usable")["answers"][0]["user_level"] is True


def test_one_whole_tree_stood_in_the_files_place_after_every_kill_and_the_old_one_is_kept(recovered: Recovered) -> None:
    """The very files of production in the end; where they are is in print, in the evidence, and what stood there is named."""
    old, new = {"old"}, {file.name for file in recovered.place.iterdir()}
    assert new == {file.name for file in opened(recovered.home.path).site.iterdir()} and new != old
    assert recovered.seen == [old, old, new, new, new, new, new]
    kept = recovered.place.with_name(f"site.before-{recovered.run}")
    assert (kept / "old").read_text() == "of before"
    assert sorted(file.name for file in recovered.place.parent.iterdir()) == ["site", kept.name]
    shown = recovered.home.dr("runs", "show", recovered.run).stdout
    assert f"file set 'site' stands at {recovered.place} on standby" in shown
    assert f"by hand, soon: what stood at {recovered.place} is kept on standby as {kept}" in shown
    assert str(recovered.place) in (recovered.home.path / "evidence" / f"{recovered.run}.html").read_text()
    said = [e for e in recovered.home.audit() if e.event == "files.swapped-in"]
    assert {(e.subject, e.facts["place"]) for e in said} == {("site", str(recovered.place))}


def test_a_drill_is_refused_from_the_moment_that_it_is_production_and_the_data_is_whole(recovered: Recovered) -> None:
    """Also while the recovery was interrupted, also by the schedule; and what people work with is not touched."""
    home = recovered.home
    assert len(recovered.refused) == 4
    for said in recovered.refused:
        assert "'drill-online' is suspended: it would write to host 'standby', which is production since" in said
        assert "HINT: dr reprotect hmis" in said
    for words in (("drill", "hmis", "--tier", "vault"), RECOVER, ("drill", "hmis", "--tier", "online", "--runbook", "recover")):
        assert "is suspended" in home.dr(*words, expect=3).stderr
    assert "SUSPENDED: host 'standby' is in service" in home.dr("schedule", "list").stdout
    home.dr("schedule", "run", "drill-online")  # from here on it is known
    home.rewrite("runbooks/drill-online.yaml", '"0 3 * * SUN"', '"* * * * *"')
    assert "is suspended" in home.dr("schedule", "run", "drill-online", expect=3).stderr
    assert findings(home)["schedule-not-begun:drill-online"].severity == "critical", "red, until somebody does what the hint says"
    home.rewrite("runbooks/drill-online.yaml", '"* * * * *"', '"0 3 * * SUN"')
    assert clients(live(home)) == recovered.before
    assert "reprotect:hmis" in recovered.red


@pytest.mark.positive_control
def test_control_the_refusal_is_the_guards_own_word_where_no_plan_is_asked(recovered: Recovered) -> None:
    """With the catalog's memory gone, so that nothing is suspended, the marker on the host refuses all the same, step by step."""
    home = recovered.home
    with home.catalog() as catalog:
        state = next(h for h in catalog.hosts() if h.host == "standby")
        catalog.record_host(state.model_copy(update={"state": "clean"}))
        try:
            done = home.dr("drill", "hmis", "--tier", "online", expect=3)
        finally:
            catalog.record_host(state)
    assert "is in service: it is production now" in done.stdout
    assert clients(live(home)) == recovered.before


def test_what_was_lost_and_how_long_it_took_is_in_the_signed_evidence(recovered: Recovered) -> None:
    """In print and on paper the same."""
    home = recovered.home
    home.dr("report", "verify", str(home.path / "evidence" / f"{recovered.run}.json"))
    shown = home.dr("runs", "show", recovered.run).stdout
    assert "OPEN: host 'standby' is production since" in shown and "LOST: everything that was entered in the" in shown
    page = (home.path / "evidence" / f"{recovered.run}.html").read_text()
    assert "by nobody else" in page and "it is night" in page and "Is lost (RPO)" in page


def test_what_the_recovery_tells_to_do_by_hand_works_on_the_new_production(recovered: Recovered) -> None:
    """As it stands in print, in a shell that knows no program of PostgreSQL; the second after the machine was started anew."""
    shown = recovered.home.dr("runs", "show", recovered.run).stdout
    told = recovered.home.facts("recover", "open")["by_hand"]
    for line in told[:2]:
        assert f"by hand, soon: {line}" in shown
    commands = [line.partition(": ")[2] for line in told[:2]]
    world = opened(recovered.home.path)
    data = commands[1].partition("PGDATA=")[2].split()[0]
    assert cluster.stop(data), "the server is where the command says"
    for command in reversed(commands):
        env = ["env", "-i", "PATH=/usr/bin:/bin", f"PGPASSWORD={world.password}"]
        done = subprocess.run([*env, "sh", "-c", command], cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert clients(live(recovered.home)) == recovered.before


def test_the_nightlies_follow_and_a_new_standby_is_demanded_until_one_is_proven(recovered: Recovered) -> None:
    """The inventory is changed where people read it; the runbook of the recovery, as a drill, proves the new standby."""
    home = recovered.home
    hosts = home.path / "inventory" / "hosts.yaml"
    if "spare:" not in hosts.read_text():
        asked = home.dr("reprotect", "hmis", expect=2)
        assert "-    role: standby" in asked.stdout and "role: standby" in hosts.read_text(), "shown, and not changed unasked"
        changed = [line for line in asked.stdout.splitlines() if line.startswith("+")]
        assert any(f"path: {recovered.place}" in line for line in changed), "where the files are now, not where they were restored"
        done = home.dr("reprotect", "hmis", "--yes").stdout
        assert "a new standby is demanded" in done
        assert (set(findings(home)) & {"reprotect:hmis", "no-standby:hmis"}) == {"no-standby:hmis"}
        assert home.dr("status", expect=1).stdout.count("behind it is no standby on which a drill has passed") <= 1
        hosts.write_text(hosts.read_text() + SPARE.replace("PORT", str(free_port())))
    home.dr("check")
    home.dr("run", "nightly")
    home.dr("hosts", "enrol", "spare", "--yes")
    home.rewrite("runbooks/recover.yaml", "standby: {default: standby,", "standby: {default: spare,")
    drilled = home.dr("drill", "hmis", "--tier", "online", "--runbook", "recover")
    home.rewrite("runbooks/recover.yaml", "standby: {default: spare,", "standby: {default: standby,")
    assert "open  skipped  only in a recovery" in drilled.stderr
    assert "standby spare scrubbed" in drilled.stdout
    assert not set(findings(home)) & {"reprotect:hmis", "no-standby:hmis"}
    assert clients(live(home)) == recovered.before
