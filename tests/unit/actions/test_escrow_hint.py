"""How the escrow key is tried: by a drill of the organisation's own, from a tier that it has."""

import pytest

from dr.actions.canary import how_to_try
from dr.model.base import SystemName
from dr.model.inventory import SystemRunbooks
from tests.support.proof_restored import inventory

pytestmark = pytest.mark.unit
HMIS = SystemName("hmis")


@pytest.mark.parametrize(
    ("drills", "said"),
    [
        ({"cellar": "a", "mountain": "b"}, "bring the key: dr drill hmis --tier mountain --key FILE"),
        ({"only": "a"}, "bring the key: dr drill hmis --tier only --key FILE"),
        ({}, "bring the key, and name a drill of hmis under `runbooks` in the inventory: it takes --key FILE"),
    ],
)
def test_the_hint_names_a_tier_that_there_is(drills: dict[str, str], said: str) -> None:
    """No organisation must have a tier called vault."""
    whole = inventory()
    entry = whole.systems["hmis"].model_copy(update={"runbooks": SystemRunbooks(drill=drills)})
    assert how_to_try(HMIS, whole.model_copy(update={"systems": {"hmis": entry}})) == said
