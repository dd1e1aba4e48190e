"""Nothing is shaped like the example: another organisation, with its own names, zone, tiers, versions and runbooks, has all of it too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.second_organisation import STORES, TIERS, Library, library
from tests.support.web import Page

pytestmark = [pytest.mark.integration, pytest.mark.slow]
DRILLED = (("utlaan", "kjeller"), ("utlaan", "fjell"), ("regnskap", "naboby"))
"""System and tier: every tier once."""


@pytest.fixture(scope="module")
def nordre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with library(Path(tmp_path_factory.mktemp("nordre"))) as made:
        yield made


def test_another_organisation_is_backed_up_drilled_and_told_of(nordre: Library) -> None:
    """Check, two evenings, a drill from every tier, status: each drilled copy proven, each system green or amber, none mixed up."""
    home = nordre.home
    assert "2 system(s), 3 hosts, 3 repositories, 7 runbooks" in home.dr("check").stdout
    for runbook in ("kveld-utlaan", "kveld-utlaan", "kveld-regnskap"):
        home.dr("run", runbook)
    for system, tier in DRILLED:
        done = home.dr("drill", system, "--tier", tier)
        assert done.stdout.startswith("✔ PASS"), str(done)

    results = {r["check"]: r for r in home.facts("prove-utlaan-fjell", "se")["results"]}
    assert results["content-equals-source"]["proves"]
    assert results["row-count-change"]["examined"] >= 2
    assert results["starts-up"]["examined"] == len(["loans", "members", "postgres", "template1"])
    assert results["http-answers"]["user_level"]

    with home.catalog() as catalog:
        newest = {copy.system: copy.set for copy in reversed(catalog.copies())}
        proven = {(c.system, c.tier, c.repository) for c in catalog.copies() if c.level == "proven" and c.set == newest[c.system]}
        assert catalog.open_findings() == [f for f in catalog.open_findings() if f.severity == "info"]
    assert proven == {(system, tier, r) for system, tier in DRILLED for r, of in STORES.items() if of == tier}

    found = {one["system"]: one for one in home.json("status", expect=None)}
    assert set(found) == set(TIERS)
    told = home.dr("status", expect=None).stdout
    for system, tiers in TIERS.items():
        assert found[system]["colour"] in ("green", "amber"), told
        assert all(f"From {tier}" in told for tier in tiers)
    assert not [word for word in ("hmis", "vault", "online", "fileserver", "Chicago") if word in told]
    assert all(home.json("retention", system, "--dry-run") for system in TIERS)


def test_the_watch_asks_over_the_network_and_a_page_that_is_gone_is_a_finding_until_it_is_back(nordre: Library) -> None:
    """A probe is no restore: it runs by itself, is tried again, fails the run, and its finding closes by itself."""
    home, good = nordre.home, nordre.portal.pages["/"]
    home.dr("run", "vakt")
    answers = home.facts("vakt", "inn")["answers"]
    assert [one["check"] for one in answers] == ["http-answers", "tls-expiry", "tcp-answers"]

    nordre.portal.pages["/"] = Page("Feil", 503)
    try:
        failed = home.dr("run", "vakt", expect=1)
    finally:
        nordre.portal.pages["/"] = good
    assert "answers with status 503, and 200 is expected" in failed.stdout + failed.stderr
    assert len([path for path, _ in nordre.portal.asked if path == "/"]) >= 3, "it was tried again"
    with home.catalog() as catalog:
        [finding] = [f for f in catalog.open_findings("utlaan") if f.key.startswith("probe:")]  # type: ignore[arg-type]
    assert finding.severity == "critical"
    home.dr("run", "vakt")
    with home.catalog() as catalog:
        assert not [f for f in catalog.open_findings() if f.key.startswith("probe:")]
    says = [line for step in home.json("run", "vakt", "--rehearse")["steps"] for line in step["says"]]
    assert says[0] == f"would ask https://localhost:{nordre.portal.port}/ (http-answers)"
