"""An inventory that a command changes stays the person's: every comment and every other character is kept."""

from pathlib import Path

import pytest

from dr.config.inventory import read_folder
from dr.config.inventory_edit import Inventory
from dr.config.nodes import plain
from dr.errors import Refused

pytestmark = pytest.mark.unit
BLOCK = """\
# ours
hosts:
  standby:
    kind: local        # this machine
    role: standby
    with:
      path: demo/standby
      postgres:
        port: 5433     # free
        # the last word
  other: {kind: local, role: standby, with: {postgres: {port: 1}}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts.yaml").write_text(BLOCK)
    return tmp_path


def after(edit: Inventory) -> str:
    return edit.texts()["inventory/hosts.yaml"][1]


def read(home: Path, text: str) -> object:
    (home / "inventory" / "hosts.yaml").write_text(text)
    root, problems = read_folder(home)
    assert problems == []
    return plain(root)


def test_a_value_is_exchanged_a_key_added_a_comment_put_behind_and_nothing_else(home: Path) -> None:
    edit = Inventory(home)
    edit.set(("hosts", "standby", "role"), "production")
    edit.note(("hosts", "standby", "role"), "since then")
    edit.add(("hosts", "standby", "with", "postgres"), [("user", "postgres"), ("password", "!secret {file: keys/pg}")])
    edit.note(("hosts", "standby", "kind"), "is not put where one is")
    wanted = BLOCK.replace("role: standby\n    with", "role: production  # since then\n    with").replace(
        "port: 5433     # free\n", "port: 5433     # free\n        user: postgres\n        password: !secret {file: keys/pg}\n"
    )
    assert after(edit) == wanted
    found = read(home, wanted)
    assert found["hosts"]["standby"]["with"]["postgres"] == {"port": 5433, "user": "postgres", "password": {"file": "keys/pg"}}  # type: ignore[index]


def test_what_is_written_in_one_line_stays_in_one_line(home: Path) -> None:
    edit = Inventory(home)
    edit.set(("hosts", "other", "role"), "production")
    edit.add(("hosts", "other", "with", "postgres"), [("user", "pg")])
    assert "  other: {kind: local, role: production, with: {postgres: {port: 1, user: pg}}}\n" in after(edit)


def test_a_place_that_is_not_there_or_not_one_value_is_refused_with_what_to_do(home: Path) -> None:
    """Never a guess about a file that a person wrote in a way of their own."""
    edit = Inventory(home)
    with pytest.raises(Refused) as several:
        edit.set(("hosts", "standby", "with"), "x")
    assert str(several.value) == (
        "inventory/hosts.yaml: hosts.standby.with is not written as one value in a line\n   HINT: set it to x by hand"
    )
    with pytest.raises(Refused) as absent:
        edit.add(("hosts", "standby", "role"), [("a", "b")])
    assert absent.value.message == "the inventory has no mapping at hosts.standby.role"
    assert edit.texts() == {}
