"""What is due where a file set takes its place, whatever was done before a crash; and every reason why it may not take one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from dr.hosts.production import Protected
from dr.hosts.swap_plan import Looked, Whereabouts, due, judge
from dr.model.swapping import PlacePath, kept_name

pytestmark = pytest.mark.unit
OURS, OLD = (1, 11), (1, 22)
PLACE = "/srv/hmis/site"
FINE = Looked(place=PLACE, root="/srv/dr-standby", real=PLACE, kind="folder", parent="folder", above=((1, 1), (1, 2)))
NOBODYS = Protected({}, {}, {}, {})
PRODUCTIONS = Protected({(1, 2): "production"}, {"/srv/hmis/site": "production"}, {}, {})


def carried_out(now: Whereabouts, *, at_once: bool) -> list[Whereabouts]:
    """The moments that doing what is due passes through, the last one with it done. `at_once`: whether names can be exchanged."""
    match due(now):
        case "bring":
            noted = replace(now, ours=now.restored)
            return [noted, replace(noted, restored=None, beside=now.restored)]
        case "swap" if now.place is not None and at_once:
            return [replace(now, place=now.beside, beside=now.place)]
        case "swap":
            away = replace(now, place=None)
            return [away, replace(away, place=now.beside, beside=None)]
        case "keep":
            return [replace(now, beside=None)]
    return [now]


@given(st.lists(st.integers(0, 1), max_size=12), st.booleans(), st.booleans())
def test_whoever_is_killed_anywhere_comes_to_the_same_end(kills: list[int], old: bool, at_once: bool) -> None:
    """A kill leaves one of the moments of what was being done; what is due next never undoes what was done."""
    now = Whereabouts(restored=OURS, place=OLD if old else None)
    for kill in [*kills, *[1] * 6]:
        now = [now, *carried_out(now, at_once=at_once)][-1 if kill else -2]
        assert due(now) != "lost"
        assert now.place in (OURS, OLD) or not (old and at_once), "one of the two stands there at every moment"
    assert (due(now), now.place, now.beside, now.restored) == ("done", OURS, None, None)


def test_a_copy_that_was_noted_and_not_moved_yet_is_made_anew() -> None:
    """What was restored is still there: the copy that lay half beside the place counts for nothing."""
    assert due(Whereabouts(ours=(2, 5), place=OLD, restored=OURS)) == "bring"
    assert due(Whereabouts(ours=(2, 5), place=OLD, beside=(2, 5), restored=OURS)) == "swap"
    assert due(Whereabouts(ours=(2, 5), place=(2, 5), restored=OURS)) == "done"


def test_what_is_nowhere_is_lost_and_not_taken_for_done() -> None:
    assert due(Whereabouts(ours=OURS, place=OLD)) == "lost"
    assert due(Whereabouts()) == "lost"


def reasons(seen: Looked, allowed: tuple[str, ...] = (PLACE,), off_limits: Protected = NOBODYS) -> list[str]:
    return [problem.what for problem in judge(seen, allowed, off_limits)]


@pytest.mark.positive_control
@pytest.mark.parametrize("seen", [FINE, replace(FINE, kind="nothing"), replace(FINE, above=((9, 9),))])
def test_control_a_place_that_is_named_and_nobodys_is_taken(seen: Looked) -> None:
    """The twin of every refusal below."""
    assert reasons(seen) == []


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (replace(FINE, real="/mnt/site"), "it leads through a symbolic link, to /mnt/site"),
        (replace(FINE, kind="other"), "what stands there is no folder"),
        (replace(FINE, parent="nothing"), "the folder /srv/hmis is not there"),
        (replace(FINE, parent="shut"), "may not change the folder /srv/hmis"),
        (replace(FINE, mounts=("/srv/hmis/site/media",)), "something is mounted on /srv/hmis/site/media"),
        (replace(FINE, kept=True), "the name that what stands there would be kept by is taken"),
        (replace(FINE, root="/srv/hmis/site"), "it meets the standby's own folder /srv/hmis/site"),
        (replace(FINE, root="/srv/hmis"), "it meets the standby's own folder /srv/hmis"),
        (replace(FINE, root="/srv/hmis/site/standby"), "it meets the standby's own folder /srv/hmis/site/standby"),
    ],
)
def test_a_place_that_would_do_harm_is_refused_and_says_why(seen: Looked, why: str) -> None:
    (found,) = reasons(seen)
    assert found.endswith(why)


def test_a_place_that_the_inventory_does_not_name_is_refused() -> None:
    """A runbook alone does not say what of a machine may be moved."""
    assert reasons(FINE, ()) == ["it is none of the host's `places` (none)"]
    assert reasons(FINE, ("/srv/hmis", "/srv/hmis/site/a")) == ["it is none of the host's `places` (/srv/hmis, /srv/hmis/site/a)"]


@pytest.mark.parametrize(
    "off_limits",
    [
        Protected({(1, 2): "production"}, {}, {}, {}),
        *(Protected({}, {path: "production"}, {}, {}) for path in (PLACE, "/srv", "/srv/hmis", "/srv/hmis/site/uploads")),
    ],
)
def test_productions_recorded_places_are_not_touched(off_limits: Protected) -> None:
    """Neither by their name nor, under another one, by device and inode; nor what lies in one or holds one."""
    assert reasons(FINE, off_limits=off_limits) == ["it meets a protected folder of production host 'production'"]
    assert reasons(FINE, off_limits=Protected({}, {"/srv/hmis-old": "production"}, {}, {})) == []


class Written(BaseModel):
    place: PlacePath


@pytest.mark.parametrize("path", ["site", "./site", "/srv/../etc", "/srv/site/", "//srv/site", "/srv//site", "/etc", "/", "", "/srv/a\nb"])
def test_a_path_that_could_mean_two_folders_or_a_whole_machine_is_told_when_it_is_written(path: str) -> None:
    with pytest.raises(ValidationError):
        Written.model_validate({"place": path})


@pytest.mark.positive_control
def test_control_a_plain_path_is_taken_as_it_is() -> None:
    assert Written.model_validate({"place": "/srv/hmis/sité 2"}).place == "/srv/hmis/sité 2"
    assert kept_name(PLACE, "recover-1") == "/srv/hmis/site.before-recover-1"
