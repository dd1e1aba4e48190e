"""A restored sequence stands where the dump can have read it."""

import pytest

from dr.drivers.postgres.sequences import judge
from dr.model.base import JsonObject

pytestmark = pytest.mark.unit


def _source(before: tuple[int, int], after: tuple[int, int] | None, step: int = 1, *, cycles: bool = False) -> JsonObject:
    return {"at": list(before), "step": step, "cycles": cycles, **({"after": list(after)} if after else {})}


@pytest.mark.parametrize(
    ("source", "found", "wrong"),
    [
        (_source((5, 1), (5, 1)), (5, 1), ""),
        (_source((5, 1), (5, 1)), (4, 1), "behind by 1"),
        (_source((5, 1), (5, 1)), (6, 1), "ahead by 1"),
        (_source((1, 0), (1, 0)), (1, 1), "ahead: its last value counts as given out"),
        (_source((1, 1), (1, 1)), (1, 0), "behind: its last value counts as not given out"),
        (_source((5, 1), (9, 1)), (7, 1), ""),
        (_source((5, 1), (9, 1)), (10, 1), "ahead by 1"),
        (_source((-5, 1), (-9, 1), -1), (-7, 1), ""),
        (_source((-5, 1), (-9, 1), -1), (-4, 1), "behind by 1"),
        (_source((3, 1), (1, 1), cycles=True), (2, 1), ""),
        (_source((5, 1), None), (50, 1), ""),
        (_source((5, 1), None), (4, 1), "behind by 1"),
    ],
)
def test_between_the_two_readings(source: JsonObject, found: tuple[int, int], wrong: str) -> None:
    """Equal at a quiet source; between the readings before and after the dump at a busy one."""
    assert judge(source, {**source, "at": list(found)}) == wrong
