"""What a machine says of itself is recorded as far as it can only be true: a machine that is not ours any more forbids no recovery."""

from datetime import UTC, datetime

import pytest

from dr.errors import Refused
from dr.hosts.postgres import HostPostgres
from dr.hosts.production import protected
from dr.hosts.told import believed
from dr.model.base import HostName, JsonObject
from dr.model.record import ProductionFacts

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
HOST = HostName("production")
SERVER = HostPostgres(host="db.example.org", port=5433)
SITE = {"path": "/srv/site", "device": 7, "inode": 8}
TOLD: JsonObject = {
    "host": "another",
    "recorded": "9999-12-31T00:00:00Z",
    "port": 1,
    "address": "standby.example.org",
    "machine": "b" * 32,
    "system_identifier": "7312345678901234567",
    "data_directory": "/var/lib/postgresql/18/main",
    "paths": [SITE],
}


def taken(told: JsonObject, *folders: str, postgres: HostPostgres | None = SERVER) -> ProductionFacts:
    return believed(told, HOST, ("SHA256:k",), NOW, postgres, folders or ("/srv/site",))


def test_name_address_time_and_keys_are_ours_to_say() -> None:
    """A time in the far future would never be replaced; the standby's address would forbid the standby."""
    facts = taken(TOLD)
    assert (facts.host, facts.recorded, facts.address, facts.port, facts.host_keys) == (HOST, NOW, "db.example.org", 5433, ("SHA256:k",))
    without = taken(TOLD, postgres=None)
    assert (without.address, without.port) == (None, None)


@pytest.mark.positive_control
@pytest.mark.parametrize(("path", "own"), [("/srv/site", "/srv/site/"), ("/home/dr/site/a", "site/a"), ("/home/dr/site", "~/site")])
def test_what_it_says_of_its_own_folders_is_recorded(path: str, own: str) -> None:
    facts = taken({**TOLD, "paths": [{**SITE, "path": path}]}, own)
    assert facts.paths == ({**SITE, "path": path},)
    assert (facts.machine, facts.system_identifier, facts.data_directory) == ("b" * 32, TOLD["system_identifier"], TOLD["data_directory"])


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"path": "/"},
        {**SITE, "path": "/"},
        {**SITE, "path": "/srv"},
        {**SITE, "path": "/srv/site/below"},
        {**SITE, "path": "/srv/dr-standby"},
        {**SITE, "path": "srv/site"},
        {**SITE, "path": None},
        {**SITE, "device": "7"},
        {**SITE, "inode": True},
        {**SITE, "more": 1},
    ],
)
def test_a_folder_that_is_not_the_sources_own_is_refused(place: JsonObject) -> None:
    with pytest.raises(Refused, match="name a folder that is not its source's"):
        taken({**TOLD, "paths": [place]})


@pytest.mark.parametrize("own", ["~", ".", "..", "../x"])
def test_a_folder_of_no_name_names_nothing(own: str) -> None:
    with pytest.raises(Refused, match="name a folder that is not its source's"):
        taken({**TOLD, "paths": [{**SITE, "path": "/"}]}, own)


@pytest.mark.parametrize("directory", ["/", "/srv", "//srv/x", "/srv/../etc", "srv/x/y", "", "/srv/x/", "/srv/\0x"])
def test_a_data_directory_that_is_everybodys_is_refused(directory: str) -> None:
    with pytest.raises(Refused, match="name a data directory that is none"):
        taken({**TOLD, "data_directory": directory})


@pytest.mark.parametrize("wrong", [{"machine": "x"}, {"system_identifier": "1'"}, {"paths": "/"}, {"recorded": "soon"}, {"more": 1}])
def test_what_no_dr_writes_is_refused(wrong: JsonObject) -> None:
    with pytest.raises(Refused, match="are none that dr writes"):
        taken({**TOLD, **wrong})


@pytest.mark.parametrize("place", [{}, {"path": "/srv/x"}, {"path": "/srv/x", "device": None, "inode": "2"}, {"path": 7}])
def test_a_bad_record_breaks_no_guard(place: JsonObject) -> None:
    """One of an earlier version's: it protects what it names, and the guard goes on to judge."""
    found = protected([ProductionFacts(host=HOST, recorded=NOW, paths=(place,))])
    assert found.folders == {}
    assert set(found.paths) == ({"/srv/x"} if place.get("path") == "/srv/x" else set())
