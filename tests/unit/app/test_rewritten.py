"""Who mends a runbook and resumes the run is told that the run goes by the old one."""

from types import SimpleNamespace
from typing import cast

import pytest

from dr.app.home import App
from dr.app.rewritten import rewritten
from dr.model.base import RunId, Sha256, sha256

pytestmark = pytest.mark.unit
RUN = RunId("recover-1")
OLD, NEW = sha256(b"old"), sha256(b"new")


def app(began: dict[str, Sha256], now: dict[str, Sha256], *, opened: bool = False) -> App:
    plan = SimpleNamespace(runbook="recover", rests_on=began)
    steps = [SimpleNamespace(action="open", state="done" if opened else "running")]
    records = SimpleNamespace(plan=lambda _: plan, steps=lambda _: steps)
    return cast("App", SimpleNamespace(records=records, written=now))


def test_a_run_whose_runbook_was_changed_says_that_it_keeps_what_it_began_with() -> None:
    """Until it is open it can be begun anew; afterwards cancelling it would bring nothing."""
    said = "runbooks/recover.yaml was changed since recover-1 began: this run keeps the steps it began with"
    began, now = {"runbook recover": OLD}, {"runbook recover": NEW}
    assert rewritten(app(began, now), RUN) == f"{said}; to go by the new one, dr runs cancel recover-1, and begin anew"
    assert rewritten(app(began, now, opened=True), RUN) == said


@pytest.mark.parametrize(
    ("began", "now"),
    [
        ({"runbook recover": OLD}, {"runbook recover": OLD, "runbook nightly": NEW}),
        ({}, {"runbook recover": NEW}),
        ({"runbook recover": OLD}, {}),
    ],
)
def test_nothing_is_said_of_one_that_is_as_it_was_or_of_which_that_is_not_known(began: dict[str, Sha256], now: dict[str, Sha256]) -> None:
    assert rewritten(app(began, now), RUN) == ""
