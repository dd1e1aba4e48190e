"""What counts as different between two proofs, and what as not proven, where the two servers are of different major versions."""

import pytest

from dr.drivers.postgres.compare import compare_databases
from dr.drivers.postgres.proof import VERSION
from dr.errors import Refused
from dr.model.base import JsonObject
from tests.support.proof_databases import said

pytestmark = pytest.mark.unit


def _proof(server: str, schema: dict[str, str]) -> JsonObject:
    return {
        "version": VERSION,
        "method": "cryptographic",
        "database": "hmis",
        "server": server,
        "tool": "18.4",
        "tables": {},
        "populated": {},
        "sequences": {},
        "large_objects": {"count": 0, "each": {}, "ranges": {}},
        "extensions": {},
        "schema": {name: [digest] for name, digest in schema.items()},
        "unlisted": [],
        "not_digested": {},
    }


def _told(source: str, restored: str, name: str) -> tuple[list[str], list[str]]:
    differences, unproven, examined = compare_databases(_proof(source, {name: "a"}), _proof(restored, {name: "b"}))
    assert examined == 1
    return said(differences), said(unproven)


@pytest.mark.parametrize("name", ["SUBSCRIPTION far", "VIEW public.v", "FUNCTION public.f()"])
def test_between_majors_what_servers_spell_otherwise_is_not_proven(name: str) -> None:
    """A subscription's options have other defaults in another major, so its text differs though nothing was changed: listed, not red."""
    assert _told("15.14", "18.4", name) == ([], [f"schema: {name}: spelled otherwise by another major version"])


@pytest.mark.parametrize("name", ["SUBSCRIPTION far", "VIEW public.v", "FUNCTION public.f()"])
@pytest.mark.positive_control
def test_within_a_major_the_same_text_is_a_difference(name: str) -> None:
    """The twin: what excuses a difference is the other major version alone."""
    assert _told("18.1", "18.4", name) == ([f"schema: {name}: differs"], [])


def test_between_majors_a_grant_that_differs_is_still_red() -> None:
    """Only what a server writes anew is excused: a policy's absence, a table's or a grant's change never is."""
    assert _told("15.14", "18.4", "ACL public.TABLE clients") == (["schema: ACL public.TABLE clients: differs"], [])
    differences, unproven, _ = compare_databases(_proof("15.14", {"SUBSCRIPTION far": "a"}), _proof("18.4", {}))
    assert (said(differences), said(unproven)) == (["schema: SUBSCRIPTION far: missing"], [])


def test_proofs_that_were_made_otherwise_are_not_compared() -> None:
    """Digests of two methods differ for the same content: that is no finding about the content."""
    fast = {**_proof("18.4", {}), "method": "fast"}
    with pytest.raises(Refused, match="method is cryptographic on the source and fast here"):
        compare_databases(_proof("18.4", {}), fast)
