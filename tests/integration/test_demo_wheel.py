"""What is shipped works: the wheel alone, in an environment of its own, outside the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration]
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installed:
    """The wheel, installed in `folder/fresh`; commands run in `folder`, which holds nothing else of the project."""

    wheel: Path
    folder: Path

    def run(self, argv: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
        program, *rest = argv
        return subprocess.run(
            [str(self.folder / "fresh" / "bin" / program), *rest],
            cwd=self.folder,
            env={**kept, "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Only `dr` itself is installed; what it depends on is lent by the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, stdin=subprocess.DEVNULL)
    (wheel,) = folder.glob("dr-*.whl")
    venv.create(folder / "fresh", with_pip=False)
    python = folder / "fresh" / "bin" / "python"
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True, stdin=subprocess.DEVNULL)
    (site,) = (folder / "fresh").glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(wheel, folder)


def test_the_wheel_is_whole(installed: Installed) -> None:
    """Every file of the package that is not Python, and the example organisation, is in it; the tests are not."""
    with zipfile.ZipFile(installed.wheel) as archive:
        shipped = set(archive.namelist())
    kept = subprocess.run(["git", "ls-files", "dr", "inventory", "runbooks"], cwd=ROOT, capture_output=True, text=True, check=True)
    ours = {path if path.startswith("dr/") else f"dr/examples/{path}" for path in kept.stdout.split()}
    assert ours - shipped == set()
    assert not [path for path in shipped if path.startswith(("tests/", "scripts/"))]


def test_it_runs_from_the_wheel_and_not_from_the_checkout(installed: Installed) -> None:
    """Or everything else here would prove nothing."""
    where = installed.run(["python", "-c", "import dr; print(dr.__file__)"])
    assert where.stdout.startswith(str(installed.folder / "fresh"))
    assert installed.run(["dr", "--version"]).stdout.startswith("dr, version ")


def test_a_new_organisation_begins_from_the_wheel(installed: Installed) -> None:
    """`dr init` needs the example files, which a wheel carries inside the package."""
    done = installed.run(["dr", "init", "our-home", "--name", "Our Organisation"])
    assert done.returncode == 0, done.stderr
    home = installed.folder / "our-home"
    assert 'name: "Our Organisation"' in (home / "inventory" / "organisation.yaml").read_text()
    assert (home / "runbooks" / "nightly.yaml").is_file()
    assert (home / "keys" / "drill.agekey").stat().st_mode & 0o777 == 0o600
