"""`probe`: it asks only what needs nothing restored, and what does not answer is a failed step and a finding."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from dr.actions import probe
from dr.clock import FixedClock
from dr.errors import ConfigError, Failed, Refused
from dr.model.base import RunId, StepId
from dr.model.inventory import SecretRef
from dr.model.ports import Check, Probe, RehearseContext, StepContext
from dr.model.runbook import CheckRef
from dr.plugins import CHECKS
from tests.support.postgres import free_port
from tests.support.proof_restored import CheckContext
from tests.support.web import Page, web

pytestmark = pytest.mark.unit


@dataclass
class ProbingRecords:
    open: dict[str, str] = field(default_factory=dict)

    def close_findings(self, prefix: str, keep: Sequence[str], at: datetime, run: RunId) -> None:
        self.open = {key: said for key, said in self.open.items() if not key.startswith(prefix) or key in keep}


@dataclass
class ProbingContext(CheckContext):
    """What `probe` reaches of ports.StepContext; the checks are the house's own."""

    run: RunId = field(default_factory=lambda: RunId("watch-20261122T090000Z-7f3a"))
    step: StepId = field(default_factory=lambda: StepId("portal"))
    plan: Any = field(default_factory=lambda: SimpleNamespace(runbook="watch"))
    noted: ProbingRecords = field(default_factory=ProbingRecords)

    def __post_init__(self) -> None:
        self.clock = FixedClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
        self.records = cast("Any", self.noted)

    def check(self, kind: str) -> Check:
        return CHECKS[kind]

    def finding(self, key: str, severity: str, message: str, *, system: str | None, hint: str) -> None:
        self.noted.open[key] = f"{severity}: {message}"


def asked(*checks: tuple[str, dict[str, Any]]) -> probe.Params:
    return probe.Params.from_facts({"checks": [{"check": kind, "with": given} for kind, given in checks]})


def page(port: int, path: str = "/") -> tuple[str, dict[str, Any]]:
    return "http-answers", {"url": f"http://127.0.0.1:{port}{path}?token=hush"}


def test_it_takes_the_checks_that_need_nothing_restored() -> None:
    """The list in its file is the truth about the registered checks."""
    assert sorted(probe.KINDS) == sorted(kind for kind, check in CHECKS.items() if isinstance(check, Probe))


def test_a_check_of_a_restored_system_is_refused_before_anything_runs() -> None:
    with pytest.raises(ValidationError, match="'needle' looks at a restored system; a probe takes http-answers"):
        asked(("tcp-answers", {}), ("needle", {}))


@pytest.mark.positive_control
def test_one_that_slipped_through_is_refused_when_it_runs() -> None:
    """The twin: with the list out of the way (a plan of another version), the step itself still looks."""
    slipped = probe.Params.model_construct(checks=(CheckRef(check="needle"),), system=None)
    with pytest.raises(ConfigError, match="'needle' looks at a restored system"):
        probe.run(slipped, cast("StepContext", ProbingContext()))


def test_what_answers_leaves_its_results_and_what_does_not_is_a_finding_until_it_does() -> None:
    """A failed step says every probe that failed, by name; the next that is well closes what is open, and nothing else."""
    ctx = ProbingContext()
    ctx.noted.open["probe:watch:other:tcp-answers:0"] = "of another step"
    with web({"/": Page("in")}) as site:
        both = asked(page(site.port), page(site.port, "/late"))
        with pytest.raises(Failed, match=r"1 of 2 probes failed:\n   http-answers: .*/late answers with status 404") as failed:
            probe.run(both, cast("StepContext", ctx))
        assert len(ctx.noted.open) == 2
        assert "hush" not in str((failed.value, ctx.noted.open, ctx.said))
        site.pages["/late"] = Page("in")
        facts = probe.Facts.from_facts(probe.run(both, cast("StepContext", ctx)).facts)
    assert [one.passed for one in facts.answers] == [True, True]
    assert list(ctx.noted.open) == ["probe:watch:other:tcp-answers:0"]


def test_a_single_probe_that_fails_says_just_that() -> None:
    port = free_port()
    with pytest.raises(Failed) as failed:
        probe.run(asked(("tcp-answers", {"host": "127.0.0.1", "port": port})), cast("StepContext", ProbingContext()))
    assert failed.value.message.startswith(f"tcp-answers: nothing listens at 127.0.0.1:{port}")


def test_a_rehearsal_asks_nobody_and_misses_a_secret_now() -> None:
    """It says whom it would ask, without a URL's query; what would be refused for want of a secret is said before."""

    class Nothing:
        def secret(self, ref: SecretRef) -> str:
            raise Refused(f"{ref.place} is not there", hint="write it")

    url = "https://portal.example.org/health?token=hush"
    wanted = asked(("http-answers", {"url": url, "authorization": {"file": "keys/web"}}), ("tls-expiry", {"host": "portal.example.org"}))
    told = probe.rehearse(wanted, cast("RehearseContext", Nothing()))
    assert told.says == (
        "would ask https://portal.example.org/health (http-answers)",
        "would ask portal.example.org:443 (tls-expiry)",
    )
    assert told.problems == ("http-answers: the file keys/web is not there (write it)",)
