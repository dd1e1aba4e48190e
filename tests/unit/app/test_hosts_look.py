"""`dr hosts check` for a person: what is wrong is red, what only waits to be done is not."""

from types import SimpleNamespace
from typing import cast

import pytest

from dr.app.agent.allowed import Allowed
from dr.app.enrolling import look
from dr.app.home import App

pytestmark = pytest.mark.unit
Lines = list[tuple[bool, str]]
MET = (True, "dr@standby let us in; its host key is SHA256:x")
EMPTY = (True, "/srv/standby is empty: it will be marked as the standby")
UNMARKED = (False, "/srv/standby bears no standby marker; make an empty, private folder and enrol it: dr hosts enrol standby")


def house(check: Lines, foresee: Lines, role: str = "standby") -> App:
    kind = SimpleNamespace(check=lambda *_: check, foresee=lambda *_: foresee)
    services = SimpleNamespace(host_request=lambda *_: (kind, SimpleNamespace(role=role)), standing=lambda: None)
    inventory = SimpleNamespace(hosts={"standby": SimpleNamespace(role=role)})
    return cast("App", SimpleNamespace(services=services, inventory=inventory, records=SimpleNamespace(hosts=list)))


def test_a_standby_that_only_waits_to_be_enrolled_is_reached_and_not_red() -> None:
    assert look(house([UNMARKED], [MET, EMPTY]), "standby") == [
        ("green", MET[1]),
        ("green", EMPTY[1]),
        ("amber", "not enrolled yet: dr hosts enrol standby"),
    ]


@pytest.mark.positive_control
def test_control_what_is_wrong_stays_red() -> None:
    """A folder that enrolling would refuse; a host that is no standby."""
    assert [colour for colour, _ in look(house([UNMARKED], [MET, (False, "/srv/standby is not empty")]), "standby")] == ["red"]
    assert [colour for colour, _ in look(house([UNMARKED], [MET, EMPTY], role="production"), "standby")] == ["red"]


def test_whoever_typed_the_check_is_not_told_to_type_it() -> None:
    down = [(False, "host 'standby': dr@standby does not answer; try: dr hosts check standby")]
    said = "host 'standby': dr@standby does not answer; is that machine on, and the line to it up?"
    assert look(house(down, []), "standby") == [("red", said)]


def test_a_standbys_login_that_may_do_everything_is_said() -> None:
    """It works; whoever has the key has more than a standby."""
    (line,) = Allowed().unbound("standby", "/srv/standby")
    assert line[0] and 'command="dr agent --root /srv/standby",restrict' in line[1]
    assert look(house([(True, "it is provably the standby"), line], []), "standby")[1] == ("amber", line[1].removeprefix("▲ "))
    assert Allowed(roots=("/srv/standby",)).unbound("standby", "/srv/standby") == [], "one that is bound"
    assert Allowed().unbound("production", None) == []
