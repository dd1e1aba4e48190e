"""What a file server says it holds."""

import pytest

from dr.repositories.ssh import named

pytestmark = pytest.mark.unit
SET = "20261122T070000Z-7f3a9c"


@pytest.mark.parametrize(
    ("system", "one"),
    [("hmis", "\x1b[2J"), ("hm\u202eis", SET), ("../hmis", SET), ("hmis", f"{SET}/.."), ("", SET), ("hmis", f"{SET}\n"), ("hmis\n", SET)],
)
def test_what_is_no_name_of_a_set_is_passed_over(system: str, one: str) -> None:
    """It would be printed, and become part of a path and of a finding's key."""
    assert named([[system, one], ["hmis", SET]]) == [("hmis", SET)]


@pytest.mark.positive_control
def test_what_is_one_is_named() -> None:
    assert named([["hmis", SET], ["mail-2", "20261123T070000Z-000000"]]) == [("hmis", SET), ("mail-2", "20261123T070000Z-000000")]
