"""Whoever stole a login's key can do what its forced command says, and nothing beside it. Each refusal with the twin that is let."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from dr.app.agent.allowed import ROOT, Allowed, plain
from dr.drivers.postgres import binaries
from dr.errors import Refused
from dr.hosts.local import LocalHost
from dr.model.base import HostPath
from dr.model.ports import CaptureRequest

pytestmark = pytest.mark.unit
STANDBY = Allowed(roots=("/srv/dr-standby",))
CAPTURE = Allowed("capture")
FREE = Allowed()
NEEDLE = {"set": "20261122T070000Z-7f3a9c", "run": "nightly-20261122T070000Z-ab12", "at": "2026-11-22T07:00:00Z", "signature": "ab" * 64}


def told(path: str | None, programs: str | None = None) -> LocalHost:
    return LocalHost.from_facts({"path": path, "postgres": {"port": 5432, "binaries": programs}})


def refusal(act: Callable[[], object]) -> str:
    """Why it is refused; nothing where it is let."""
    try:
        act()
    except Refused as refused:
        return refused.message
    return ""


@pytest.mark.parametrize("verb", ["run", "plant", "capture", "facts", "anything"])
def test_a_standbys_login_runs_nothing_and_reads_no_production(verb: str) -> None:
    """`run` would be a shell, and a host without a path any host."""
    with pytest.raises(Refused, match=f"this login may not be asked for '{verb}'"):
        STANDBY.verb(verb)


@pytest.mark.positive_control
@pytest.mark.parametrize("verb", ["open", "bring", "scrub", "repository-open", "upload-put"])
def test_a_standbys_login_does_what_a_drill_asks(verb: str) -> None:
    assert refusal(lambda: STANDBY.verb(verb)) == ""


@pytest.mark.parametrize("login", [CAPTURE, STANDBY, Allowed("repository", ("/srv/dr",)), Allowed("repository")])
def test_programs_are_run_where_the_forced_command_says_so_only(login: Allowed) -> None:
    with pytest.raises(Refused, match="may not be asked for 'run'"):
        login.verb("run")
    assert refusal(lambda: Allowed(login.only, login.roots, commands=True).verb("run")) == ""


@pytest.mark.parametrize("login", [CAPTURE, Allowed("capture", ("/srv/files",), commands=True)])
def test_a_standbys_check_says_that_its_login_cannot_restore(login: Allowed) -> None:
    """Else the first drill would be what finds it."""
    ((fine, what),) = login.unfit("standby")
    assert not fine
    assert what == (
        "this login may not restore, enrol or scrub: its authorized_keys says `--only capture`; for a standby it is `--root FOLDER`"
    )


@pytest.mark.positive_control
def test_of_a_login_that_may_nothing_is_said() -> None:
    assert [*STANDBY.unfit("standby"), *FREE.unfit("standby"), *CAPTURE.unfit("production")] == []


@pytest.mark.positive_control
@pytest.mark.parametrize("verb", ["run", "plant", "facts"])
def test_a_login_for_everything_is_asked_for_everything(verb: str) -> None:
    assert refusal(lambda: FREE.verb(verb)) == ""


@pytest.mark.parametrize(
    ("role", "path"), [("standby", None), ("production", None), ("production", "/srv/dr-standby"), ("standby", "/srv"), ("standby", "/")]
)
def test_a_standbys_login_is_for_that_standby(role: str, path: str | None) -> None:
    """A host that names no folder is none that this login is for."""
    with pytest.raises(Refused, match="this login is for the standby in /srv/dr-standby, not for"):
        STANDBY.host(role, told(path))


@pytest.mark.positive_control
def test_the_standby_itself_is_let_in() -> None:
    assert refusal(lambda: STANDBY.host("standby", told("/srv/dr-standby"))) == ""
    assert refusal(lambda: FREE.host("production", told(None, "/home/thief/bin"))) == ""


@pytest.mark.parametrize("folder", ["/home/thief/bin", "/tmp", "/usr/lib/postgresql/../../../home/thief/bin", "/usr/lib/postgresql", ""])
@pytest.mark.parametrize("login", [STANDBY, CAPTURE])
def test_no_programs_of_the_askers_choice_are_run(login: Allowed, folder: str) -> None:
    """`binaries` comes over the wire: a folder in which somebody put a pg_dump of his own would be run."""
    with pytest.raises(Refused, match="this login runs no programs of"):
        login.host("standby", told("/srv/dr-standby", folder))


@pytest.mark.positive_control
def test_postgresqls_own_programs_are_run() -> None:
    assert refusal(lambda: STANDBY.host("standby", told("/srv/dr-standby", str(binaries.embedded())))) == ""


@pytest.mark.parametrize(
    "needle",
    [
        "* * * * * root anything",
        "",
        "[]",
        json.dumps(NEEDLE),  # not in our order of keys
        json.dumps({**NEEDLE, "more": "x"}, sort_keys=True),
        json.dumps({**NEEDLE, "run": "a\n* * * * * root sh"}, sort_keys=True),
        json.dumps({**NEEDLE, "set": "x"}, sort_keys=True),
        json.dumps({**NEEDLE, "at": "now"}, sort_keys=True),
        json.dumps({**NEEDLE, "at": 7}, sort_keys=True),
        json.dumps({**NEEDLE, "signature": "ab"}, sort_keys=True),
        json.dumps({**NEEDLE, "run": "a" * 2000}, sort_keys=True),
        "[" * 900,
    ],
)
def test_a_word_that_is_no_needle_is_not_written_into_production(needle: str) -> None:
    with pytest.raises(Refused, match="plants needles, and that is none"):
        CAPTURE.plant(needle)


@pytest.mark.positive_control
def test_a_needle_of_ours_is_planted() -> None:
    assert refusal(lambda: CAPTURE.plant(json.dumps(NEEDLE, sort_keys=True))) == ""
    assert refusal(lambda: CAPTURE.plant(None)) == ""
    assert refusal(lambda: FREE.plant("anything")) == ""


def asked() -> CaptureRequest:
    return cast("CaptureRequest", type("Request", (), {"name": "site"})())


def test_a_login_for_a_folder_reads_no_other(tmp_path: Path) -> None:
    """Nor by a link that somebody laid in it."""
    (tmp_path / "site").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "site" / "out").symlink_to(tmp_path / "secret")
    login = Allowed("capture", (str(tmp_path / "site"), str(tmp_path / "other")))
    for folder in ("secret", "site/out", "site/../secret", "site-2", "."):
        with pytest.raises(Refused, match="this login does not read the folder of source 'site'"):
            login.read(asked(), [str(tmp_path / folder)])


@pytest.mark.positive_control
def test_its_own_folders_are_read(tmp_path: Path) -> None:
    login = Allowed("capture", (str(tmp_path / "site"), str(tmp_path / "other")))
    assert refusal(lambda: login.read(asked(), [str(tmp_path / "site"), str(tmp_path / "other" / "below")])) == ""
    assert refusal(lambda: CAPTURE.read(asked(), ["/etc"])) == ""


@pytest.mark.parametrize(
    "place", [{"path": "/etc"}, {"path": "/srv/dr-standby/../x"}, {"passfile": "/home/dr/.pgpass"}, {"host": "db.example.org"}]
)
def test_what_is_proven_lies_on_the_standby(place: dict[str, Any]) -> None:
    """A proof reads, and tells what differs: it must not be told of any folder."""
    with pytest.raises(Refused, match="for what was restored in /srv/dr-standby, and for nothing beside it"):
        STANDBY.places([{"path": "/srv/dr-standby/drills/r/site/site"}, place])


@pytest.mark.positive_control
def test_what_was_restored_there_is_proven() -> None:
    own = {"host": "127.0.0.1", "port": 1, "passfile": "/srv/dr-standby/drills/r/secret/superuser.pgpass", "databases": {"/etc": {}}}
    assert refusal(lambda: STANDBY.places([own, {"path": HostPath("/srv/dr-standby/drills/r/site/site")}])) == ""
    assert refusal(lambda: FREE.places([{"path": "/etc"}])) == ""


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc", "a\0", "a b", "-a", "a\n"])
def test_a_name_leads_nowhere(name: str) -> None:
    """Folders are named after a run, a step and a source."""
    with pytest.raises(Refused, match="a name that was told is none of dr's"):
        plain(name)


@pytest.mark.positive_control
def test_names_of_ours_are_plain() -> None:
    assert [plain(name) for name in ("drill-online-20261122T070000Z-ab12", "site", "restore")] == [
        "drill-online-20261122T070000Z-ab12",
        "site",
        "restore",
    ]


def test_a_standby_is_one_folder() -> None:
    with pytest.raises(Refused, match="--root is given once"):
        Allowed(roots=("/a", "/b"))
    with pytest.raises(Refused, match="--root is given once"):
        Allowed("repository", ("/a", "/b"))


def test_what_a_standby_is_asked_is_known_there() -> None:
    """A verb that was renamed would be refused in a drill, and one that a production host is asked is none of a standby's."""
    assert not {"run", "plant", "capture", "facts"} & set(ROOT)


PLACED = Allowed(roots=("/srv/dr-standby",), swaps=("/srv/hmis/site",))


@pytest.mark.parametrize("place", ["/srv/hmis", "/srv/hmis/site/uploads", "/srv/hmis/site2", "/srv/dr-standby", "/etc/ssh", ""])
def test_a_login_puts_nothing_where_its_forced_command_names_no_place(place: str) -> None:
    """What stands there would be moved by whoever has the key."""
    for login in (STANDBY, PLACED):
        with pytest.raises(Refused, match="this login puts nothing at"):
            login.place(place)
        assert [fine for fine, _ in login.unplaced([place])] == [False]


@pytest.mark.positive_control
def test_control_the_very_place_that_is_named_is_let() -> None:
    assert refusal(lambda: PLACED.place("/srv/hmis/site")) == ""
    assert refusal(lambda: FREE.place("/anywhere/at/all")) == ""
    assert PLACED.unplaced(["/srv/hmis/site"]) == []


def test_a_place_goes_with_a_standbys_root_and_with_nothing_else() -> None:
    """Alone it would let everything else through."""
    for only, roots in ((None, ()), ("capture", ("/srv/files",)), ("repository", ("/srv/dr",))):
        with pytest.raises(Refused, match="--place is for a standby's login"):
            Allowed(cast("Any", only), roots, swaps=("/srv/hmis/site",))


def test_a_restricted_login_puts_no_unit_in_force() -> None:
    """It would lie outside of its root, and run for ever."""
    for login in (STANDBY, PLACED):
        assert login.opened({"listen": ["*"], "unit": "user"}) == {"listen": ["*"], "unit": "none"}


@pytest.mark.positive_control
def test_control_a_login_for_everything_does() -> None:
    assert FREE.opened({"unit": "user"}) == {"unit": "user"}
