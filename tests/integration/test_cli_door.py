"""The door when the machine, or a hand that slips, is at fault: words and a hint, an exit code of ours, never a traceback."""

import errno
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import dr as package
from dr.app import init_home
from dr.cli import in_words
from dr.errors import ConfigError, Unreachable

pytestmark = [pytest.mark.integration, pytest.mark.needs("setpriv")]
NOBODY = "65534"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init_home(str(tmp_path / "home"), "Example Shelter", "America/Chicago")
    return tmp_path / "home"


def dr(*words: str, nobody: bool = False, stdout: int | None = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """The real command, by the interpreter below the environment (which another user can run), as root or as nobody."""
    path = os.pathsep.join([str(Path(package.__file__).parents[1]), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if nobody else []
    return subprocess.run(
        [*user, os.path.realpath(sys.executable), "-m", "dr", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.fixture
def foreign(home: Path) -> Path:
    """A home that another user can see and read, but not write to."""
    for folder in [home, *home.parents]:
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o055)
    return home


@pytest.mark.parametrize("words", [("status",), ("check",), ("runs", "list")])
def test_another_users_home_is_refused_in_words(foreign: Path, words: tuple[str, ...]) -> None:
    """Whose home it is is said, not where the program broke."""
    (foreign / "state").chmod(0o700)
    (foreign / "keys").chmod(0o700)
    done = dr("--home", str(foreign), *words, nobody=True)
    assert done.returncode in (2, 5), done.stderr
    assert "Traceback" not in done.stderr and "HINT" in done.stderr


def test_a_place_that_is_not_ours_to_write(tmp_path: Path) -> None:
    """`dr init` where nobody may write."""
    done = dr("init", "/proc/here/home")
    assert (done.returncode, "Traceback" in done.stderr, "/proc/here" in done.stderr) == (5, False, True)
    done = dr("init", "/root-of-all/home", nobody=True)
    assert done.returncode == 2
    assert done.stderr == (
        "/root-of-all: Permission denied\n   HINT: you are 'nobody': run dr as the user whose home it is, or name a place that is yours\n"
    )
    assert not (tmp_path / "home").exists()


def test_a_full_disk_below_stdout(home: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = dr("--home", str(home), "status", stdout=full.fileno())
    assert done.returncode == 5
    assert done.stderr == "error: No space left on device\n   HINT: make room on that disk, then do it again\n"


def test_a_reader_that_has_gone(home: Path) -> None:
    """`dr status | head -1` is no error of ours to explain."""
    reads, writes = os.pipe()
    os.close(reads)
    done = dr("--home", str(home), "status", stdout=writes)
    os.close(writes)
    assert done.returncode != 0 and "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "kind"), [(errno.EACCES, ConfigError), (errno.ENOSPC, Unreachable), (errno.EIO, Unreachable)])
def test_the_machines_no_has_its_branch(number: int, kind: type[Exception]) -> None:
    """Who may not: 2; a disk: 5. The place is named."""
    found = in_words(OSError(number, os.strerror(number), "/srv/dr/state"))
    assert isinstance(found, kind) and found.message == f"/srv/dr/state: {os.strerror(number)}" and found.hint


def test_a_name_that_is_nearly_one_is_answered_with_it() -> None:
    done = dr("stauts")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "Error: No such command 'stauts'. Did you mean 'status'?")
    assert dr("zzzzzz").stderr.splitlines()[-1] == "Error: No such command 'zzzzzz'."


def test_a_drill_without_a_tier_names_the_tiers(home: Path) -> None:
    done = dr("--home", str(home), "drill", "hmis")
    assert (done.returncode, done.stderr) == (2, "from which tier? Name it with --tier\n   HINT: hmis has online, vault\n")


def test_the_page_is_no_evidence_file(home: Path) -> None:
    """Exit code 4 would say that somebody had changed it."""
    page = home / "evidence" / "x.html"
    page.write_text("<html>")
    done = dr("--home", str(home), "report", "verify", str(page))
    assert done.returncode == 2
    assert done.stderr == f"x.html is the page of an evidence file, and bears no signature\n   HINT: verify {page.with_suffix('.json')}\n"


def test_one_repository_is_checked_by_its_name(home: Path) -> None:
    one = dr("--home", str(home), "repositories", "check", "fileserver")
    assert (one.returncode, "fileserver" in one.stdout, "bank-vault" in one.stdout) == (1, True, False)
    assert "dr repositories init fileserver" in one.stdout
    assert dr("--home", str(home), "repositories", "check", "nowhere").returncode == 2
