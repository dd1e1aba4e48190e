"""A repository's new path is written into the person's own file, and not one other character changes."""

from pathlib import Path

import pytest

from dr.app.relocate import relocate, rewritten
from dr.errors import ConfigError

pytestmark = pytest.mark.unit

FILE = """\
# path: of all things
repositories:
  fileserver:   # path: no
    kind: directory
    tier: online
    with: {path: repositories/fileserver, min_free: 1GiB}   # keep: this
  bank-vault:
    kind: directory
    tier: vault
    with:
      min_free: 2GiB
      path: 'repositories/bank, vault'  # and this
hosts:
  fileserver: {kind: local, with: {path: standby}}
"""


def test_a_path_in_braces_is_replaced_and_nothing_else() -> None:
    assert rewritten(FILE, "fileserver", Path("/mnt/a b")) == FILE.replace("repositories/fileserver", '"/mnt/a b"')


def test_a_path_on_a_line_of_its_own_is_replaced_and_nothing_else() -> None:
    assert rewritten(FILE, "bank-vault", Path("/mnt/v")) == FILE.replace("'repositories/bank, vault'", '"/mnt/v"')


@pytest.mark.parametrize("name", ["tape", "hosts", "kind"])
def test_a_name_that_is_no_repository_is_not_found(name: str) -> None:
    assert rewritten(FILE, name, Path("/mnt/v")) is None


def test_a_repository_that_is_nowhere_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "all.yaml").write_text(FILE)
    with pytest.raises(ConfigError) as wrong:
        relocate(tmp_path, {"tape": Path("/dev/st0")})
    hint = "inventory/repositories.yaml names them; write its path there by hand"
    assert str(wrong.value) == f"no repository 'tape' with a path is in the inventory\n   HINT: {hint}"
    assert (tmp_path / "inventory" / "all.yaml").read_text() == FILE
