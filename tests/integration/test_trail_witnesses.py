"""`dr audit verify` compares the trail with what sets and evidence were sealed with: what cannot be compared is said, never passed over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.app.trail import Verified, verify_trail
from dr.stream.layout import AUDIT_HEAD
from tests.support.action_world import World

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.catalog.close()


def verified(world: World) -> Verified:
    evidence = world.place / "evidence"
    evidence.mkdir(exist_ok=True)
    return verify_trail(world.catalog, [world.online, world.vault], evidence, world.keys)


def test_sets_whose_heads_were_taken_away_are_named(world: World) -> None:
    """Who puts an old catalog in the place of today's, and removes the heads that would tell, is seen."""
    world.night()  # its heads are of a trail with no entry
    second = world.night()
    world.night()
    assert (verified(world).vouched, verified(world).remarks) == (4, ())
    (world.folder("online", second) / AUDIT_HEAD).unlink()
    (world.folder("vault", second) / AUDIT_HEAD).write_bytes(b"{}")
    found = verified(world)
    assert found.vouched == 2
    assert found.remarks == tuple(
        f"not compared with {second} in {name}: no head of the trail that our keys signed (`dr verify` looks)"
        for name in ("online", "vault")
    )


def test_evidence_that_was_changed_bears_no_witness_and_is_named(world: World) -> None:
    world.night()
    (world.place / "evidence").mkdir()
    (world.place / "evidence" / "drill-1.json").write_text("{}")
    assert verified(world).remarks == ("not compared with drill-1.json in evidence/: not as our keys signed it",)
