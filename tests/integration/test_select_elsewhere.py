"""Choosing from a tier whose copy is damaged: the one that is good elsewhere is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.errors import Refused
from dr.model.base import RunId
from tests.support.action_world import ONLINE, VAULT, World

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.catalog.close()


@pytest.mark.parametrize("by_id", [True, False])
def test_a_refusal_names_the_tier_that_has_an_undamaged_copy_and_the_command(world: World, by_id: bool) -> None:
    """Nobody reads that there is no good copy while another tier has one."""
    made = world.night()
    world.catalog.mark_damaged(made, ONLINE, ["index.zst.age"], world.clock.now(), RunId("verify-1"))
    which = str(made) if by_id else "newest"
    with pytest.raises(Refused, match="in tier online; tier vault has one") as told:
        world.select("online", which)
    assert told.value.hint == f"restore from that tier: dr drill hmis --tier vault --select '{which}'"


def test_where_no_tier_has_one_none_is_promised(world: World) -> None:
    """Damaged everywhere is damaged everywhere."""
    made = world.night()
    for name in (ONLINE, VAULT):
        world.catalog.mark_damaged(made, name, ["index.zst.age"], world.clock.now(), RunId("verify-1"))
    with pytest.raises(Refused) as told:
        world.select("online", str(made))
    assert "tier vault" not in told.value.message
    assert "dr drill" not in told.value.hint
