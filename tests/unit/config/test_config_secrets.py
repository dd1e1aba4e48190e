"""Secrets are read only where they are safe, only when used, and shown nowhere."""

import os
from pathlib import Path

import pytest

from dr.config.inventory import load_inventory
from dr.config.problems import render
from dr.config.secrets import check_secrets, mask, resolve_secret, used_by
from dr.errors import Refused
from dr.model.inventory import SecretRef
from tests.support.config_homes import make_home
from tests.support.config_kinds import KINDS

pytestmark = pytest.mark.unit


def put(path: Path, text: str = "hunter2\n", mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_secret_without_a_place_is_refused(tmp_path: Path) -> None:
    """Nothing is guessed: neither an empty word nor a folder that systemd did not name."""
    with pytest.raises(Refused, match="a secret names no place"):
        resolve_secret(SecretRef.model_construct(file=None, env=None, credential=None), tmp_path, {})
    with pytest.raises(Refused, match="no CREDENTIALS_DIRECTORY is set"):
        resolve_secret(SecretRef(credential="b"), tmp_path, {})


def test_each_place_gives_the_secret_without_its_line_break(tmp_path: Path) -> None:
    put(tmp_path / "keys" / "a")
    put(tmp_path / "credentials" / "b", mode=0o440)
    env = {"C": "hunter3", "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    assert resolve_secret(SecretRef(file="keys/a"), tmp_path, env) == "hunter2"
    assert resolve_secret(SecretRef(credential="b"), tmp_path, env) == "hunter2"
    assert resolve_secret(SecretRef(env="C"), tmp_path, env) == "hunter3"
    assert str(SecretRef(env="C")) == "********"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """A secret that others could read is none; the hint is the command that mends it."""
    path = put(tmp_path / "a", mode=mode)
    with pytest.raises(Refused) as caught:
        resolve_secret(SecretRef(file="a"), tmp_path, {})
    assert str(caught.value) == f"secret file a can be read by others (mode {mode:04o})\n   HINT: chmod 600 {path}"


@pytest.mark.positive_control
def test_where_the_mode_is_not_looked_at_such_a_file_is_read(tmp_path: Path) -> None:
    """The twin: systemd guards its credentials folder itself, so there the same file is taken."""
    put(tmp_path / "a", mode=0o666)
    assert resolve_secret(SecretRef(credential="a"), tmp_path, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "hunter2"


def test_what_is_not_a_plain_small_text_file_is_refused_at_once(tmp_path: Path) -> None:
    """A pipe must not hang the tool, and a wrong file must not be taken for a secret."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    put(tmp_path / "empty", "\n")
    put(tmp_path / "large", "x" * 70_000)
    (put(tmp_path / "binary")).write_bytes(b"\xff\xfe")
    for name, why in [
        ("pipe", "is not a regular file"),
        ("folder", "is not a regular file"),
        ("empty", "is empty"),
        ("large", "is larger than 64 KiB"),
        ("binary", "is not UTF-8 text"),
        ("missing", "no such file or directory"),
    ]:
        with pytest.raises(Refused, match=f"secret file {name}:? {why}"):
            resolve_secret(SecretRef(file=name), tmp_path, {})


@pytest.mark.parametrize("name", ["../a", "", "..", "x/y"])
def test_a_credential_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    put(tmp_path / "a")
    (tmp_path / "c").mkdir()
    with pytest.raises(Refused, match="is not a credential's name"):
        resolve_secret(SecretRef(credential=name), tmp_path, {"CREDENTIALS_DIRECTORY": str(tmp_path / "c")})


def test_every_secret_that_is_not_there_is_told_before_a_run(tmp_path: Path) -> None:
    """An unset variable stops the run before anything happens, with the line that names it."""
    home = make_home(tmp_path)
    put(home / "keys" / "signing.key")
    put(home / "keys" / "records.password", mode=0o644)
    problems = check_secrets(load_inventory(home, KINDS), home, {})
    assert render(problems) == (
        "inventory/hosts.yaml:6:49: hosts.records.with.postgres.password: secret file keys/records.password can be read by others"
        " (mode 0644)\n"
        "    6 |     with: {postgres: {port: 5432, password: !secret {file: keys/records.password}}}\n"
        "      |                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        f"   HINT: chmod 600 {home}/keys/records.password\n"
        "inventory/people.yaml:5:87: contacts.administrator.channels.1: the environment variable ADMIN_URL is not set\n"
        "    5 |   administrator: {name: Administrator, office: madison, groups: [administrators], channels: [!secret {env: ADMIN_URL}]}\n"
        "      |                                                                                              ^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "   HINT: export ADMIN_URL=... for whoever runs dr, and for its timer; it is the Apprise URL by which Administrator is told:"
        " mailtos://user:password@mail.example.org?to=...\n"
        "2 problems; nothing was run."
    ).replace(":6:49:", ":6:45:").replace(":5:87:", ":5:94:")
    (home / "keys" / "records.password").chmod(0o600)
    assert check_secrets(load_inventory(home, KINDS), home, {"ADMIN_URL": "json://localhost"}) == []


def test_mask_hides_every_secret_longest_first() -> None:
    """Promise 7, in text that comes from elsewhere."""
    assert mask("pw=hunter2 and hunter22, a", ["hunter2", "hunter22", "a", ""]) == "pw=******** and ********, a"
    assert mask("-- line two --", ["line one\nline two"]) == "-- ******** --"


def test_a_run_asks_for_the_secrets_that_it_cannot_do_without(tmp_path: Path) -> None:
    """A telephone's lost credential must not cost the night's backup, nor a password the reading back of stored bytes."""
    home = make_home(tmp_path)
    put(home / "keys" / "signing.key")
    inventory = load_inventory(home, KINDS)

    def missing(*actions: str) -> list[str]:
        return [p.message.split(":")[0] for p in check_secrets(inventory, home, {}, wanted=used_by(actions))]

    assert missing("verify", "prune", "report", "notify") == []
    assert missing("backup", "notify") == ["hosts.records.with.postgres.password"]
    (home / "keys" / "signing.key").unlink()
    assert missing("verify") == ["organisation.keys.signing"]


def test_only_where_sets_are_opened_the_drill_key_is_asked_for() -> None:
    """A backup host cannot read its own backups."""
    place = ("organisation", "keys", "identity")
    assert [used_by({action})(place) for action in ("backup", "verify", "copy", "restore", "check")] == [False, False, False, True, True]
