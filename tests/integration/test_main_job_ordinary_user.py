"""`dr demo` as a user who is not root: nothing of it needs to be."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.needs("setpriv")]

NOBODY = 65534
CHECKOUT = Path(__file__).parents[2]


def interpreter(place: Path) -> list[str]:
    """A Python of this version that anybody may run: this one, or its parts where its own place is closed to others."""
    if os.geteuid() != 0 or _open_to_all(Path(sys.executable).resolve()):
        return [sys.executable]
    copy = place / "python"
    base = Path(sys.base_prefix)
    library = Path(sysconfig.get_path("stdlib"))
    (copy / "bin").mkdir(parents=True)
    shutil.copy2(Path(sys.executable).resolve(), copy / "bin" / "python3")
    for shared in base.glob("lib/libpython*"):
        (copy / "lib").mkdir(exist_ok=True)
        shutil.copy2(shared, copy / "lib" / shared.name)
    ignore = shutil.ignore_patterns("site-packages", "test", "tests", "idlelib", "__pycache__", "ensurepip", "tkinter")
    shutil.copytree(library, copy / "lib" / library.name, ignore=ignore, symlinks=True)
    return ["env", f"LD_LIBRARY_PATH={copy / 'lib'}", f"PYTHONHOME={copy}", str(copy / "bin" / "python3")]


def _open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in path.parents) and bool(path.stat().st_mode & 0o005 == 0o005)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that anybody may enter; pytest's own are for its user only."""
    with tempfile.TemporaryDirectory(prefix="dr-ordinary-user-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_the_demo_works_as_an_ordinary_user(public: Path) -> None:
    """Everything passes, and everything that it made belongs to that user."""
    place = public / "anybody"
    place.mkdir()
    user: list[str] = []
    if os.geteuid() == 0:
        os.chown(place, NOBODY, NOBODY)
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    packages = sysconfig.get_path("purelib")
    dr = [*user, *interpreter(public), "-m", "dr"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(place), "PYTHONPATH": f"{CHECKOUT}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*dr, *words], env=environment, cwd=place, capture_output=True, text=True, timeout=240, check=False)

    try:
        done = run("demo", "--scale", "0.01", "--at", str(place / "home"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert [done.stdout.count(f"✔ PASS  {runbook} ") for runbook in ("nightly", "drill-online", "drill-vault")] == [1, 1, 1]
        assert {p.lstat().st_uid for p in (place / "home").rglob("*")} == {NOBODY if user else os.geteuid()}
        again = run("--home", str(place / "home"), "status")
        assert again.returncode == 0, again.stdout + again.stderr
    finally:
        assert run("demo", "--at", str(place / "home"), "--stop").stdout == "stopped\n"
