"""`dr status` and `dr report verify` as a person types them: on a real terminal, in a pipe, and where there is no home at all."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dr.app import init_home
from dr.model.base import canonical
from dr.report.write import written
from tests.support.report_evidence import evidence

pytestmark = pytest.mark.integration


def dr(*words: str, at: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    outside = {k: v for k, v in os.environ.items() if k not in ("DR_HOME", "NO_COLOR")}
    command = [sys.executable, "-m", "dr", *words]
    return subprocess.run(command, cwd=at, env={**outside, **environment}, capture_output=True, text=True, timeout=60, check=False)


def on_a_terminal(*words: str, at: Path, **environment: str) -> str:
    """What the command writes when its stdout is a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "dr", *words]
    outside = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    with subprocess.Popen(command, cwd=at, stdout=theirs, stderr=theirs, env={**outside, "TERM": "xterm", **environment}):
        os.close(theirs)
        said = b""
        try:
            while piece := os.read(ours, 65536):
                said += piece
        except OSError:  # how a pty says that the other side is closed
            pass
    os.close(ours)
    return said.decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init_home(str(tmp_path / "home"), "Example Shelter", "America/Chicago")
    return tmp_path / "home"


def test_a_home_that_has_backed_up_nothing_is_at_risk(home: Path) -> None:
    """Nothing looked at is red, and the exit code says so to a monitor."""
    done = dr("status", at=home)
    assert done.returncode == 1
    assert "✖ AT RISK" in done.stdout
    assert "nothing would come back. There is no good copy." in done.stdout
    assert "\x1b" not in done.stdout and max(map(len, done.stdout.splitlines())) <= 100


def test_the_page_of_the_status_is_private_whole_and_says_the_same(home: Path) -> None:
    """For whoever has no shell: beside the evidence or where it is wanted, replaced as a whole, with the screen's exit code."""
    first, elsewhere = home / "evidence" / "status.html", home / "for-the-board.html"
    elsewhere.write_text("an older one")
    for words, place in (((), first), (("--to", str(elsewhere)), elsewhere), (("hmis",), first)):
        done = dr("status", "--html", *words, at=home)
        assert (done.returncode, done.stdout, done.stderr) == (1, f"✖ AT RISK  written: {place}\n", "")
        assert place.stat().st_mode & 0o777 == 0o600
        page = place.read_text()
        assert page.startswith("<!doctype html>")
        assert page.rstrip().endswith("</html>")
        assert "nothing would come back: there is no good copy." in page
    assert sorted(path.name for path in home.glob("*.html")) == [elsewhere.name]
    assert not list(home.glob("**/.new-*"))


def test_a_page_that_cannot_be_written_is_said_and_leaves_the_old_one(home: Path) -> None:
    done = dr("status", "--html", "--to", str(home / "nowhere" / "page.html"), at=home)
    assert done.returncode == 1
    assert done.stderr == f"error: the page cannot be written to {home}/nowhere/page.html: No such file or directory\n"
    for words in (("--to", "page.html"), ("--html", "--json"), ("--html", "--findings")):
        assert dr("status", *words, at=home).returncode == 2


def test_colours_are_for_terminals_and_for_those_who_want_them(home: Path) -> None:
    assert "\x1b[31m" in on_a_terminal("status", at=home)
    assert "\x1b[3" not in on_a_terminal("status", at=home, NO_COLOR="1")


def test_evidence_is_verified_anywhere(tmp_path: Path) -> None:
    """On an auditor's machine: a file and a public key, no home, no catalog; one changed letter is exit code 4."""
    key, body = Ed25519PrivateKey.generate(), evidence().to_facts()
    file, pem = tmp_path / "evidence.json", tmp_path / "signing.pub"
    file.write_bytes(written(body, "ab" * 32, key.sign(canonical(body))))
    pem.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    done = dr("report", "verify", str(file), "--key", str(pem), at=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "● genuine")
    file.write_bytes(file.read_bytes().replace(b"PASS", b"FAIL"))
    spoiled = dr("report", "verify", str(file), "--key", str(pem), at=tmp_path)
    assert spoiled.returncode == 4 and "genuine" not in spoiled.stdout
    other = dr("report", "verify", str(file), "--key", str(file), at=tmp_path)
    assert other.returncode == 2 and "is no public key" in other.stderr
