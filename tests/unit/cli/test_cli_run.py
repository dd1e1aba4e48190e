"""How a run ended: the headline and the exit code say the same."""

import click
import pytest

from dr.app.asked import exit_code
from dr.cli.reference import EXIT_CODES
from dr.cli.run import headline
from dr.errors import ConfigError, Damaged, DrError, Failed, NotProvablyStandby, Refused, Stopped, Unknown, Unreachable
from dr.model.record import Failure, StepRecord, Verdict
from tests.support.catalog_runs import run_at, step_of

pytestmark = pytest.mark.unit


def failed(error: type[DrError], section: str = "steps") -> StepRecord:
    failure = Failure(error=error.__name__, exit_code=error.exit_code, message="it failed")
    return StepRecord.from_facts(
        {**step_of(action="restore").to_facts(), "section": section, "state": "failed", "failure": failure.to_facts()}
    )


def ended(verdict: Verdict, *steps: StepRecord) -> tuple[int, str]:
    record = run_at(runbook="drill-vault").model_copy(update={"verdict": verdict, "state": "failed" if verdict == "FAIL" else "done"})
    code = exit_code(record, steps)
    return code, click.unstyle(headline(record, code)).removesuffix(f"  ({record.run})")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigError, "what is written is wrong"),
        (Refused, "refused"),
        (NotProvablyStandby, "refused"),
        (Damaged, "stored bytes are damaged"),
        (Unreachable, "something did not answer"),
        (Unknown, "how a step ended is not known"),
    ],
)
def test_a_failed_run_says_in_words_what_its_exit_code_means(error: type[DrError], said: str) -> None:
    """FAIL beside an exit code that elsewhere means 'refused' leaves a script and its reader of two minds."""
    assert ended("FAIL", failed(error), failed(Failed)) == (error.exit_code, f"✖ FAIL  drill-vault FAILED: {said}")
    assert str(error.exit_code) in {code for code, _ in EXIT_CODES}


@pytest.mark.parametrize("error", [Failed, Stopped])
def test_a_step_that_just_failed_is_a_plain_fail(error: type[DrError]) -> None:
    assert ended("FAIL", failed(error), failed(Refused)) == (1, "✖ FAIL  drill-vault FAILED")


def test_what_failed_in_the_closing_sections_or_in_no_step_is_a_plain_fail() -> None:
    """A check that found a difference has failed no step."""
    assert ended("FAIL") == (1, "✖ FAIL  drill-vault FAILED")
    assert ended("FAIL", failed(Unreachable, "on_failure")) == (1, "✖ FAIL  drill-vault FAILED")


def test_what_did_not_fail_says_no_cause() -> None:
    assert ended("PASS") == (0, "✔ PASS  drill-vault finished")
    assert ended("INCOMPLETE", failed(Refused)) == (7, "▲ INCOMPLETE  drill-vault is incomplete")


def test_what_is_not_over_has_no_verdict() -> None:
    """A run that waits for a person has failed nothing, and is not incomplete either."""
    record = run_at(runbook="recover")
    assert click.unstyle(headline(record, 7)) == f"… recover is under way  ({record.run})"
    assert click.unstyle(headline(record, 7, interrupted=True)) == f"… recover is interrupted  ({record.run})"
