"""Who types for an office that is not theirs is named, as far as it can be told; nobody is refused for it."""

import pytest

from dr.model.inventory import Inventory
from dr.policy.answering import stranger
from tests.support.duty_world import inventory

pytestmark = pytest.mark.unit


def world(**logins: tuple[str, ...]) -> Inventory:
    """Bert is of Milwaukee, Carl of Green Bay, Anna and Dora of Madison."""
    people = inventory().contacts
    known = {name: one.model_copy(update={"logins": logins.get(name, ())}) for name, one in people.items()}
    return inventory().model_copy(update={"contacts": known})


@pytest.mark.parametrize(
    ("office", "by", "who"),
    [
        ("milwaukee", "bert", ""),
        ("milwaukee", "bert as dr", ""),
        ("milwaukee", "carl", "Carl, not of Milwaukee"),
        ("milwaukee", "root", "not of Milwaukee"),
        ("milwaukee", "ann as bert", "not of Milwaukee"),
        ("madison", "root", ""),
    ],
)
def test_it_is_told_by_the_logins_of_that_office_s_people(office: str, by: str, who: str) -> None:
    """Whoever works as another is themselves. Where nobody of it has a login on record, nobody can tell."""
    assert stranger(world(bert=("bert", "b.miller"), carl=("carl",)), office, by) == who
