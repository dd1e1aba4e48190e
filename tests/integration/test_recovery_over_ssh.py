"""A recovery for real onto another machine, reached over sshd by a login that may do nothing else: production is gone by then.

A second person agrees while it restores; who asked to be forgotten stays so; then the nightlies follow, and no drill touches it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr.model.base import RunId
from tests.support.canaries import Search, secrets_of
from tests.support.engine_plans import eventually
from tests.support.main_job import Done
from tests.support.ssh_recovery import CLIENTS, STAYS, UNSHARED, Site, ssh_site

pytestmark = [pytest.mark.integration, pytest.mark.slow]
RECOVER = ("recover", "hmis", "--reason", "the server burnt", "--yes")


@dataclass
class Recovered:
    """`said`: what `dr recover` printed; `drill`: the next one that is due."""

    site: Site
    run: RunId
    said: Done
    drill: Done


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recovered]:
    with ssh_site(Path(tmp_path_factory.mktemp("recovered"))) as site:
        site.lose_production()
        run, said = _with_a_second_person(site)
        yield Recovered(site, run, said, site.home.dr("drill", "hmis", "--tier", "online", expect=3))


def _with_a_second_person(site: Site) -> tuple[RunId, Done]:
    process = site.home.start(*RECOVER, env={"SUDO_USER": "ann"})
    try:
        eventually(lambda: _waits(site) or process.poll() is not None)
        assert process.poll() is None, "".join(process.communicate())
        (run,) = _waits(site)
        site.home.dr("runs", "approve", run, env={"SUDO_USER": "bob"})
        stdout, stderr = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, stdout + stderr
    return run, Done(RECOVER, process.returncode, stdout, stderr)


def _waits(site: Site) -> list[RunId]:
    with site.home.catalog() as catalog:
        runs = [run.run for run in catalog.runs(runbook="recover")]
        return [run for run in runs if any((s.step, s.state) == ("approval", "running") for s in catalog.steps(run))]


def test_people_can_work_and_are_told_what_they_lost(recovered: Recovered) -> None:
    """It was compared with what production held, opened on that machine, and answers who knew production's password."""
    site, said = recovered.site, " ".join(recovered.said.stdout.split())
    assert "✔ content-equals-source" in said and "✔ site-files-equal" in said
    assert "OPEN: host 'standby' is production since" in said
    assert "LOST: everything that was entered in the" in said, "the RPO"
    assert "recovered in" in said and "(objective 4 h)" in said, "the RTO"
    assert "IS LOST" in recovered.said.stderr, "and before it began"
    assert site.ask('SELECT count(*) > 0 FROM public."Client"') == [(True,)]
    assert (site.root / "dr-in-service.json").exists() and not (site.root / "dr-standby.json").exists()
    with site.home.catalog() as catalog:
        assert [(h.host, h.state, h.run) for h in catalog.hosts()] == [("standby", "in-service", recovered.run)]
        by = next(s.facts["by"] for s in catalog.steps(recovered.run) if s.step == "approval")
    assert by.startswith("bob")
    assert f"file set 'site' stands at {site.place} on standby" in said and (site.place / "uploads").is_dir()
    site.home.dr("report", "verify", str(site.home.path / "evidence" / f"{recovered.run}.json"))


def test_who_asked_to_be_forgotten_is_not_there_when_it_is_opened(recovered: Recovered) -> None:
    """Both kinds, once each, over the network; on record by number and HMAC."""
    assert recovered.site.ask("SELECT mail, shared FROM public.asked ORDER BY mail") == [(STAYS, True), (UNSHARED, False)]
    assert "replayed what was asked since the backup: 1 to erase, 1 to unshare; 2 rows touched" in recovered.said.stdout
    facts = recovered.site.home.facts("recover", "replay")
    assert [(one["entry"], one["kind"], one["rows"]) for one in facts["replayed"]] == [(1, "erase", 1), (2, "unshare", 1)]
    with recovered.site.home.catalog() as catalog:
        ended = {str(s.step): s.ended for s in catalog.steps(recovered.run)}
        opened = next(s.started for s in catalog.steps(recovered.run) if s.step == "open")
    assert ended["replay"] is not None and opened is not None and ended["replay"] <= opened


def test_the_next_drill_is_refused(recovered: Recovered) -> None:
    assert "'drill-online' is suspended: it would write to host 'standby', which is production since" in recovered.drill.stderr


def test_no_client_and_no_key_is_in_any_log_on_either_machine(recovered: Recovered) -> None:
    """Beside the data itself: not in home, catalog, evidence, sets, output, sshd's log, or what the agent and the server left."""
    site, search = recovered.site, Search({**secrets_of(recovered.site.home.path), **CLIENTS})
    search.look("what was printed", (recovered.said.stdout + recovered.said.stderr).encode())
    search.look_below(site.home.path, but=("keys",))
    search.look("sshd's log", site.standby.log.encode())
    data = f"standby/drills/{recovered.run}"
    search.look_below(site.standby.home, but=(f"{data}/pgdata", "srv/site"))
    of_keys = Search(secrets_of(site.home.path))
    of_keys.look_below(site.standby.home)
    assert search.hits + of_keys.hits == []
    assert search.sinks > 100 and of_keys.sinks > 300


@pytest.mark.positive_control
def test_control_the_search_knows_a_key_where_there_is_one(recovered: Recovered) -> None:
    """The one who stays is in the data that is opened, and is found there."""
    search = Search(CLIENTS)
    search.look_below(recovered.site.root)
    assert any("pgdata" in one for one in search.hits)


@pytest.mark.campaign
def test_the_nightlies_follow_once_its_login_may_be_read(recovered: Recovered) -> None:
    """`dr reprotect` says what the machine's authorized_keys must become: until then nothing of production is read by a standby's key."""
    site = recovered.site
    told = " ".join(site.home.dr("reprotect", "hmis", "--yes").stdout.split())
    command = f"agent --only capture --root {site.place}"
    assert f'the whole line is from now on command="{site.standby.program} {command}",restrict ssh-ed25519 ' in told
    assert "name it in runbooks/ (drill-online, drill-vault, failback, recover)" in told
    refused = site.home.dr("run", "nightly", expect=3).stdout
    assert "not for a host of role production" in refused and "if a recovery made that machine production" in refused
    site.standby.forced = f'command="{site.standby.program} {command}",restrict'
    site.standby.authorise()
    site.home.dr("run", "nightly")
    with site.home.catalog() as catalog:
        assert not [f for f in catalog.open_findings() if f.key == "reprotect:hmis"]
