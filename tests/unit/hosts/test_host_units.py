"""Who may take long work on a standby up again: whoever resumes the run, whatever became of the home's other keys."""

from dataclasses import replace
from pathlib import Path

import pytest

from dr.hosts.units import unit_of
from dr.model.base import StepId
from dr.model.ports import HostRequest
from dr.wire.rejoin import Unit
from tests.support.host_world import OTHER, RUN, STANDBY, World
from tests.support.ssh_hosts import request_of
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.unit
LOGIN = {"address": "standby.example", "user": "dr", "key": "keys/login", "path": "/srv/dr-standby"}


class OtherHome(TestKeys):
    def digest_key(self) -> bytes:
        return b"of another home................."


@pytest.fixture
def request_(tmp_path: Path) -> HostRequest:
    return replace(request_of(World(tmp_path), STANDBY, LOGIN), step=StepId("restore"))


def token(request: HostRequest, keys: TestKeys, run: str = RUN) -> str:
    made = unit_of(request, replace(World(Path(request.home)).standing(), keys=keys), type(RUN)(run))
    assert isinstance(made, Unit)
    return made.token


def test_a_rotated_signing_key_leaves_the_token_as_it_is(request_: HostRequest) -> None:
    """A run that is resumed after `dr keys rotate signing` takes up what it had begun."""
    assert token(request_, TestKeys(seed="a")) == token(request_, TestKeys(seed="b"))


def test_another_home_run_step_or_host_has_another_token(request_: HostRequest) -> None:
    """Else anybody who may use the login could take the work up."""
    mine = token(request_, TestKeys())
    others = {
        token(request_, OtherHome()),
        token(request_, TestKeys(), OTHER),
        token(replace(request_, step=StepId("prove")), TestKeys()),
        token(replace(request_, name=type(STANDBY)("second")), TestKeys()),
    }
    assert len(others - {mine}) == 4


def test_what_is_opened_for_no_step_or_must_end_with_its_link_is_no_unit(request_: HostRequest) -> None:
    standing = World(Path(request_.home)).standing()
    assert unit_of(replace(request_, step=None), standing, RUN) is None
    assert unit_of(replace(request_, params=request_.params.model_copy(update={"rejoin": 0.0})), standing, RUN) is None
