"""What was checked before is taken as it was understood: only of the very same files, and only where reading them takes long."""

from pathlib import Path

import pytest

from dr import plugins
from dr.config.init import init_home
from dr.config.known import WORTH, load_known
from dr.config.load import Loaded, load
from dr.config.problems import ConfigProblems
from dr.model.base import sha256

pytestmark = pytest.mark.unit
CONTACTS = "inventory/contacts.yaml"
LONG = f"# {'x' * 4000}\n" * (WORTH // 4000)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with enough in its files (a long comment) to be worth it."""
    home = tmp_path / "home"
    init_home(home, "Known", "UTC")
    (home / "state").mkdir(exist_ok=True)
    _edit(home, CONTACTS, "contacts:", LONG + "contacts:")
    return home


def _edit(home: Path, file: str, old: str, new: str) -> None:
    text = (home / file).read_text()
    assert old in text
    (home / file).write_text(text.replace(old, new, 1))


def _load(home: Path, release: str = "1") -> Loaded:
    return load_known(home, plugins.kinds(), home / "state" / "inventory.known", release)


def test_what_is_known_is_what_would_be_read(home: Path) -> None:
    """The first look writes it down, privately; the second one gives back the same without reading a YAML file."""
    assert _load(home) == _load(home) == load(home, plugins.kinds())
    kept = home / "state" / "inventory.known"
    assert kept.stat().st_mode & 0o777 == 0o600
    whose, _, written = kept.read_text().partition("\n")
    forged = written.replace('"Known"', '"Taken from here"')
    kept.write_text(f"{whose.split()[0]} {sha256(forged.encode())}\n{forged}")
    assert _load(home).inventory.organisation.name == "Taken from here"


@pytest.mark.parametrize("change", ["a byte", "another file", "another release", "a damaged memory", "a memory cut short"])
def test_anything_else_is_read_and_checked(home: Path, change: str) -> None:
    """A file that was edited into something wrong since is refused, not passed over; a memory that cannot be read is none."""
    before = _load(home)
    if change == "a byte":
        _edit(home, "inventory/systems.yaml", "rpo: 24h", "rpo: 25h")
    if change == "another file":
        (home / "runbooks" / "more.yml").write_text("runbook: more\n")
        with pytest.raises(ConfigProblems, match=r"more\.yml: this file is not read"):
            _load(home)
        return
    if change == "a memory cut short":
        kept = home / "state" / "inventory.known"
        kept.write_text("\n".join(kept.read_text().splitlines()[:-1]))
    else:
        kept = home / "state" / "inventory.known"
        kept.write_text(kept.read_text().replace('"Known"', '"Stale"'))
    after = _load(home, "2" if change == "another release" else "1")
    assert after == load(home, plugins.kinds())
    assert (after == before) is (change != "a byte")


def test_a_small_home_is_always_read(home: Path) -> None:
    """Nothing is remembered of files that are read in a moment."""
    _edit(home, CONTACTS, LONG, "")
    _load(home)
    assert not (home / "state" / "inventory.known").exists()
