"""A recovery over ssh, killed or without its link round `open`: it is taken up, opened once, and is never a standby again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.main_job import KILLED
from tests.support.ssh_recovery import STAYS, UNSHARED, Site, ssh_site
from tests.support.tcp_proxy import Proxy

pytestmark = [pytest.mark.campaign, pytest.mark.fault, pytest.mark.slow]
RECOVER = ("recover", "hmis", "--reason", "the server burnt", "--alone", "it is night", "--yes")
POINTS = (
    *("restore.after-record", "replay-suppressions.after-replay", "replay-suppressions.after-record"),
    *("open.before-effect", "open.after-marker", "open.after-production", "open.after-accepting", "open.after-effect", "open.after-record"),
)
IN_SERVICE = POINTS.index("open.after-production")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ssh_site(tmp_path) as made:
        made.home.rewrite("runbooks/recover.yaml", "wait: 5s, most: 1m", "wait: 200ms, most: 1s")
        made.home.rewrite("runbooks/recover.yaml", "{attempts: 5, wait: 10s}", "{attempts: 5, wait: 200ms}")
        yield made


def opened_once(site: Site) -> None:
    """One run, PASS; one marker; each request once; who knew the password is let in."""
    with site.home.catalog() as catalog:
        (run,) = catalog.runs(runbook="recover")
        assert run.verdict == "PASS"
        assert [(h.host, h.state, h.run) for h in catalog.hosts()] == [("standby", "in-service", run.run)]
    assert [one.name for one in (site.root / "drills").iterdir()] == [run.run]
    assert (site.root / "dr-in-service.json").exists() and not (site.root / "dr-standby.json").exists()
    assert [e.event for e in site.home.audit()].count("standby.enters-service") == 1
    assert site.ask("SELECT mail, shared FROM public.asked ORDER BY mail") == [(STAYS, True), (UNSHARED, False)]
    assert len(servers(site)) == 1
    assert "is suspended" in site.home.dr("drill", "hmis", "--tier", "online", expect=3).stderr


def servers(site: Site) -> list[int]:
    """The postmasters that run there."""
    found = []
    for pid in site.standby.processes():
        with_it = Path(f"/proc/{pid}/cmdline")
        if with_it.exists() and b"/bin/postgres\0" in with_it.read_bytes():
            found.append(pid)
    return found


def test_the_controller_killed_at_every_point_round_open(site: Site) -> None:
    """What was restored is not restored again: one place, one run; a drill is refused from the moment that it is production."""
    site.lose_production()
    words: tuple[str, ...] = RECOVER
    for number, point in enumerate(POINTS):
        done = site.home.dr(*words, env={"DR_FAILPOINT": point}, expect=None)
        assert done.returncode == KILLED, f"not killed at {point}: {done}"
        words = ("runs", "resume")
        if number >= IN_SERVICE:
            assert "is suspended" in site.home.dr("drill", "hmis", "--tier", "online", expect=3).stderr
    site.home.dr(*words)
    opened_once(site)
    assert [e.event for e in site.home.audit()].count("restore.begun") == 1


@contextmanager
def when(true: Callable[[], bool], act: Callable[[], object]) -> Iterator[None]:
    """Meanwhile: once that holds, do this."""
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if true():
                act()
                return
            time.sleep(0.002)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def replaced(site: Site) -> bool:
    """Whether it is production, from the instant at which nothing else may open it."""
    return (site.root / "dr-in-service.json").exists()


def let_in(site: Site) -> bool:
    """Whether its server has the settings by which users reach it, and is about to be started with them."""
    return any(b"\n# dr open" in conf.read_bytes() for conf in site.root.glob("drills/*/pgdata/postgresql.conf"))


def lost(net: Proxy) -> None:
    """For longer than it takes to notice, then there again."""
    net.swallow()
    threading.Timer(12, net.heal).start()


@pytest.mark.parametrize("moment", [replaced, let_in])
@pytest.mark.parametrize("how", [Proxy.cut, lost], ids=["cut", "black-holed"])
def test_the_link_lost_in_open_once_it_is_production(site: Site, moment: Callable[[Site], bool], how: Callable[[Proxy], None]) -> None:
    """From there on no other run may open it, so this one does not give up."""
    site.lose_production()
    happened: list[datetime] = []

    def break_it() -> None:
        happened.append(datetime.now(UTC))
        how(site.net)

    with when(lambda: moment(site), break_it):
        site.home.dr(*RECOVER)
    opened_once(site)
    with site.home.catalog() as catalog:
        (run,) = catalog.runs(runbook="recover")
        step = next(s for s in catalog.steps(run.run) if s.step == "open")
    assert step.started is not None and step.ended is not None
    assert step.started < happened[0] < step.ended, "it was lost while it was being opened"


def test_a_journal_that_is_gone_keeps_it_shut(site: Site) -> None:
    """It is told before it begins, nothing is opened, and the host is a standby still."""
    for folder in (site.home.path / "state", site.home.repository("fileserver") / "home", site.home.repository("bank-vault") / "home"):
        (folder / "suppression" / "hmis.json").unlink()
    site.lose_production()
    done = site.home.dr(*RECOVER, expect=3)
    assert "nothing will be opened as things are" in " ".join(done.stderr.split())
    assert "the suppression journal of 'hmis' cannot be relied on" in done.stdout
    assert not replaced(site) and any((site.root / "drills").iterdir())
    with site.home.catalog() as catalog:
        assert [h.state for h in catalog.hosts()] != ["in-service"]


def test_production_that_still_answers_is_told_before_it_is_asked(site: Site) -> None:
    """In a rehearsal too; once it is lost nothing is said of it."""
    words = ("recover", "hmis", "--reason", "what if?", "--rehearse")
    assert "production still answers, PostgreSQL at 127.0.0.1:" in " ".join(site.home.dr(*words).stderr.split())
    site.lose_production()
    assert "still answers" not in site.home.dr(*words).stderr
