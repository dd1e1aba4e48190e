"""A machine is told as much of the inventory as its own work reads."""

import pytest

from dr.hosts.sent import inventory
from dr.model.base import HostName, SystemName
from dr.model.inventory import Inventory

pytestmark = pytest.mark.unit
SYSTEM = {"title": "Clients of the harbour", "objectives": {"rpo": 86400, "tiers": {}}, "retention": {}}
KNOWN = Inventory.from_facts(
    {
        "organisation": {
            "name": "Harbor",
            "zone": "Europe/Paris",
            "keys": {"recipients": ["age1a", "age1b"], "signing": {"file": "keys/signing.key"}, "trusted": ["keys/signing.pub"]},
        },
        "systems": {
            "hmis": {
                **SYSTEM,
                "sources": {
                    "site": {"kind": "files", "host": "web", "needle": True, "with": {"path": "/srv/site"}},
                    "database": {"kind": "postgres_logical", "host": "db", "with": {"password": {"file": "keys/db.password"}}},
                },
            },
            "mail": {**SYSTEM, "sources": {"box": {"kind": "files", "host": "web", "with": {"path": "/srv/mail"}}}},
            "payroll": {**SYSTEM, "sources": {"books": {"kind": "files", "host": "vault", "with": {"path": "/srv/books"}}}},
        },
        "hosts": {
            "web": {"kind": "ssh", "role": "production", "with": {"address": "web.example"}},
            "db": {"kind": "ssh", "role": "production", "with": {"address": "db.example"}},
        },
        "repositories": {"online": {"kind": "directory", "tier": "online", "with": {"path": "/srv/dr"}}},
        "contacts": {"alex": {"name": "Alex", "channels": [{"env": "ALEX"}]}},
    }
)


def told(host: str, system: str | None) -> Inventory:
    return Inventory.from_facts(inventory(KNOWN, HostName(host), SystemName(system) if system else None))


def test_a_machine_hears_of_no_person_and_no_other_machine() -> None:
    """Contacts, other hosts' logins, where the copies lie and the keys are: it may be somebody else's by now."""
    for host in ("web", "db", "standby"):
        spoken = str(inventory(KNOWN, HostName(host), SystemName("hmis")))
        for word in ("alex", "Alex", "db.example", "web.example", "/srv/dr", "keys/", "payroll", "books", "age1a", "Clients"):
            assert word not in spoken or (host, word) == ("db", "keys/"), (host, word)


def test_its_own_sources_are_told_whole_and_others_by_name() -> None:
    """So that a folder beside is known for covered, and a needle is looked for where there is one."""
    web = told("web", "hmis")
    assert web.systems["hmis"].sources["site"] == KNOWN.systems["hmis"].sources["site"]
    assert web.systems["mail"].sources == KNOWN.systems["mail"].sources
    assert web.systems["hmis"].sources["database"].with_ == {}
    standby = told("standby", "hmis")
    assert list(standby.systems) == ["hmis"]
    assert {name: (one.kind, one.needle) for name, one in standby.systems["hmis"].sources.items()} == {
        "site": ("files", True),
        "database": ("postgres_logical", False),
    }
    assert (standby.organisation.name, standby.organisation.zone) == ("Harbor", "Europe/Paris")
