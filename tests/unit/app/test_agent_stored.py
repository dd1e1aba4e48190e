"""A file server's agent keeps to its folder, and to what a repository is asked; its controller answers one question only."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from dr.app.agent.stored import Stored
from dr.errors import Refused
from dr.model.base import HostPath, JsonObject, RepositoryName
from dr.repositories import ssh
from dr.wire.link import Call

pytestmark = pytest.mark.unit


def asked(serve: Callable[[Call], JsonObject], verb: str, **args: Any) -> JsonObject:
    return serve(Call(verb, args, cast("Any", None), cast("Any", None)))


def opened(stored: Stored, path: Path) -> JsonObject:
    return asked(stored.serve, "repository", name="online", tier="online", path=str(path), min_free=0, organisation="Harbor")


def test_another_folder_than_the_logins_is_refused(tmp_path: Path) -> None:
    stored = Stored(cast("Any", None), str(tmp_path / "ours"))
    for other in (tmp_path, tmp_path / "ours" / "below", tmp_path / "ours" / ".." / "theirs", Path("/")):
        with pytest.raises(Refused, match="this login is for the repository in"):
            opened(stored, other)
    with pytest.raises(Refused, match="did not say which repository"):
        asked(stored.serve, "repository-identity")


@pytest.mark.positive_control
def test_its_own_folder_is_served(tmp_path: Path) -> None:
    stored = Stored(cast("Any", None), str(tmp_path / "ours"))
    assert opened(stored, tmp_path / "ours") == {}
    asked(stored.serve, "repository-initialise", organisation="Harbor", identity="r-1", now="2026-11-22T07:00:00+00:00")
    assert asked(stored.serve, "repository-identity")["id"] == "r-1"


def test_what_no_repository_is_asked_is_refused(tmp_path: Path) -> None:
    stored = Stored(cast("Any", None), None)
    opened(stored, tmp_path / "ours")
    for verb in ("repository-shell", "upload-", "upload-run"):
        with pytest.raises(Refused, match="knows no"):
            asked(stored.serve, verb)
    with pytest.raises(Refused, match="no such set is being written here"):
        asked(stored.serve, "upload-abandon", upload=7)


def test_a_file_server_may_ask_for_nothing_but_where_a_removal_stands() -> None:
    login = {"address": "files.example", "user": "dr", "key": "keys/files", "path": "/srv/dr"}
    there = ssh.SshRepository(RepositoryName("online"), "online", ssh.SshParams.from_facts(login), HostPath("/"), "Harbor")
    for verb in ("sign", "secret", "identity", ""):
        with pytest.raises(Refused, match="which no repository may ask"):
            asked(there._asked, verb)
    assert asked(there._asked, "failpoint", name="after-manifest") == {}
