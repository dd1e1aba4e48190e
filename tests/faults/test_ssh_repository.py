"""A repository behind a link that breaks: what is guarded by its lock does not go on without it."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from dr.errors import Unreachable
from dr.model.base import HostPath, RepositoryName
from dr.repositories import ssh
from dr.repositories.ssh import SshRepository
from tests.support.ssh_world import Machine, machine
from tests.support.stream_context import HMIS, NOW

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def files() -> Iterator[Machine]:
    with machine("files") as made:
        yield made


def repository(files: Machine, name: str) -> SshRepository:
    params = ssh.KIND.params.from_facts(files.login(path=str(files.home / name), min_free=0, silence=5))
    made = ssh.KIND.open(RepositoryName("online"), "online", params, HostPath("/"), "Harbor")
    assert isinstance(made, SshRepository)
    made.initialise("Harbor", "r-1", NOW)
    return made


def restarted(files: Machine) -> None:
    files.crash()
    files.start()


def test_a_call_after_a_break_goes_over_a_new_link(files: Machine) -> None:
    """A file server that was restarted is there again."""
    there = repository(files, "again")
    restarted(files)
    with suppress(Unreachable):  # the break may not be known here yet
        there.sets(HMIS)
    assert there.sets(HMIS) == []


def test_the_lock_is_not_outlived_by_what_it_guards(files: Machine) -> None:
    """Its holder may have been thought dead meanwhile, and another be at work there."""
    there = repository(files, "locked")
    with pytest.raises(Unreachable), there.locked():
        restarted(files)
        with pytest.raises(Unreachable):
            there.sets(HMIS)
        with pytest.raises(Unreachable, match="the link was lost while the lock was held"):
            there.sets(HMIS)
    with there.locked():
        assert there.sets(HMIS) == []
