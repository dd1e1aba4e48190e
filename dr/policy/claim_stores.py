"""In which repositories claims of duties are kept. Pure."""

from dr.errors import ConfigError
from dr.model.base import RepositoryName
from dr.model.inventory import Inventory


def claim_stores(inventory: Inventory) -> tuple[RepositoryName, ...]:
    """As `failover: {stores: [...]}` says. Else the first repository of the tier that takes longest to come back from: the farthest away.

    Raises ConfigError where there is no repository at all.
    """
    if inventory.failover.stores:
        return tuple(RepositoryName(name) for name in inventory.failover.stores)
    if not inventory.repositories:
        raise ConfigError("no repository can keep the claims of duties", hint="inventory/repositories.yaml names none")
    far = {tier: float(objective.rto) for system in inventory.systems.values() for tier, objective in system.objectives.tiers.items()}
    return (RepositoryName(max(inventory.repositories, key=lambda name: far.get(inventory.repositories[name].tier, 0.0))),)


def said(inventory: Inventory) -> str:
    """For a person: where claims are kept, and why there."""
    names = claim_stores(inventory)
    if inventory.failover.stores:
        return f"{', '.join(names)} (most of them must answer)" if len(names) > 1 else names[0]
    return f"{names[0]} (tier {inventory.repositories[names[0]].tier}, the farthest; `failover: {{stores: [...]}}` names others)"
