"""A restore that finds a damaged copy says what to restore in its place, to whoever watches and in the finding that stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.errors import Damaged
from dr.model.base import RepositoryName, SetId
from dr.model.inventory import SystemRunbooks
from tests.support.action_world import World

pytestmark = pytest.mark.integration
VAULT, ONLINE = RepositoryName("vault"), RepositoryName("online")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, runbooks=SystemRunbooks(nightly="nightly", drill={"online": "drill-online"}))
    yield made
    made.catalog.close()


def spoil(world: World, repository: RepositoryName, made: SetId) -> None:
    path = world.folder(repository, made) / "site-00" / "000000.zst.age"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def told(world: World, made: SetId, repository: RepositoryName) -> str:
    """What the step failed with; its finding says the same hint."""
    with pytest.raises(Damaged) as caught:
        world.restore(made, repository)
    assert f"repository '{repository}': set {made}: site-00/000000.zst.age: changed" in caught.value.message
    (finding,) = [f for f in world.catalog.open_findings() if f.key == f"damaged:hmis:{repository}:{made}"]
    assert finding.hint == caught.value.hint
    return caught.value.hint


def test_the_other_copy_of_the_set_is_named_with_its_command(world: World) -> None:
    made = world.night()
    spoil(world, VAULT, made)
    drill = f"dr drill hmis --tier online --select {made}"
    assert told(world, made, VAULT) == f"its copy in online can be restored: {drill}; the next nightly mends this one from it"


def test_a_copy_that_no_drill_restores_from_is_named_without_a_command(world: World) -> None:
    made = world.night()
    spoil(world, ONLINE, made)
    assert told(world, made, ONLINE) == "its copy in vault can be restored; the next nightly mends this one from it"


def test_where_no_copy_is_left_another_set_is_chosen_and_a_backup_made(world: World) -> None:
    made = world.night()
    for repository in (VAULT, ONLINE):
        spoil(world, repository, made)
    told(world, made, ONLINE)
    said = "no other copy of this set is undamaged: choose another set (`dr backups list`) and back up anew: dr run nightly"
    assert told(world, made, VAULT) == said
