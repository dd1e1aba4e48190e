"""Which secrets an entry of the inventory, or a check's parameters, refer to."""

from collections.abc import Mapping
from typing import Any

from dr.model.inventory import SecretRef


def secrets_in(facts: Any) -> frozenset[SecretRef]:
    """Every reference to a secret in what was written of an entry."""
    if isinstance(facts, Mapping):
        if facts and set(facts) <= {"file", "env", "credential"}:
            return frozenset({SecretRef.from_facts(dict(facts))})
        return frozenset().union(*(secrets_in(one) for one in facts.values()))
    if isinstance(facts, (list, tuple)):
        return frozenset().union(*(secrets_in(one) for one in facts))
    return frozenset()
