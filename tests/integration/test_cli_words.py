"""What `dr` says to a person who is wrong, or new, or a program: texts, exit codes, streams and colours. No server is needed."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dr.cli import COMMANDS
from tests.support.main_job import Done, Home

pytestmark = pytest.mark.integration

HEAVY = ("dbos", "sqlalchemy", "psycopg", "rich", "apprise", "jinja2", "alembic", "pyrage", "pydantic", "cryptography", "yaml")
SECRETS = (
    "production-postgres.password",
    "notify-system-administrator.url",
    "notify-help-desk-lead.url",
    "notify-executive-director.url",
    "notify-green-bay-lead.url",
    "notify-eau-claire-lead.url",
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """As `dr init` makes it, with the secrets that it asks for."""
    made = Home(tmp_path / "home")
    made.path.mkdir()
    made.dr("init", str(made.path), "--name", "Harbor Services", "--zone", "America/Chicago")
    for name in SECRETS:
        (made.path / "keys" / name).write_text("word\n")
        (made.path / "keys" / name).chmod(0o600)
    return made


def refused(home: Home, *words: str) -> str:
    """What was wrong with what the person wrote: on stderr only, exit code 2."""
    done = home.dr(*words, expect=2)
    assert done.stdout == ""
    return done.stderr


def test_help_imports_nothing_heavy() -> None:
    """`dr --help` is immediate."""
    code = "import sys\nimport dr.cli\ntry: dr.cli.cli(['--help'])\nexcept SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & set(HEAVY)
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_works_without_a_home(name: str, tmp_path: Path) -> None:
    place = Home(tmp_path)
    told = place.dr(name, "--help").stdout
    assert told.startswith(f"Usage: dr {name}")
    for line in re.findall(r"(?ms)^Commands:\n(.*)", told):
        for verb in re.findall(r"(?m)^  ([a-z-]+) ", line):
            assert place.dr(name, verb, "--help").stdout.startswith(f"Usage: dr {name} {verb}")


def test_init_then_fill_in_then_check(tmp_path: Path) -> None:
    """Every missing secret is named at once; once they are there, all is well."""
    made = Home(tmp_path / "new")
    told = Home(tmp_path).dr("init", str(made.path), "--name", "Harbor Services").stdout
    assert "lock it in a safe" in told
    missing = refused(made, "check")
    for name in SECRETS:
        assert f"keys/{name}" in missing
    assert missing.endswith(f"{len(SECRETS)} problems; nothing was run.\n")
    for name in SECRETS:
        (made.path / "keys" / name).write_text("word\n")
        (made.path / "keys" / name).chmod(0o600)
    good = made.dr("check").stdout
    assert "good" in good
    assert "1 system(s), 2 hosts, 2 repositories, 8 runbooks; every reference and secret resolves." in good


def test_init_leaves_a_folder_with_other_things_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    done = Home(tmp_path).dr("init", str(tmp_path), expect=3)
    assert done.stderr == f"error: {tmp_path} holds other things (letter.txt)\n   HINT: name a new or empty folder\n"
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_a_wrong_runbook_is_refused_with_its_place_a_caret_and_a_hint(home: Home) -> None:
    """All problems at once; nothing ran."""
    home.rewrite("runbooks/drill-online.yaml", 'onto: "${parameters.standby}"', "onto: standby_2, databse: x")
    home.rewrite("runbooks/drill-online.yaml", "      onto: standby_2, databse: x", "      onto: standby_2\n      databse: x")
    told = refused(home, "check")
    assert told == (
        "runbooks/drill-online.yaml:26:13: step 'restore': 'standby_2' is not a host\n"
        "   26 |       onto: standby_2\n"
        "      |             ^^^^^^^^^\n"
        "   HINT: inventory/hosts.yaml has production, standby. Did you mean 'standby'?\n"
        "runbooks/drill-online.yaml:27:7: step 'restore': action 'restore' takes no 'databse'\n"
        "   27 |       databse: x\n"
        "      |       ^^^^^^^\n"
        "   HINT: known here: system, set, from, onto\n"
        "2 problems; nothing was run.\n"
    )
    assert refused(home, "run", "nightly") == told, "also before any other run"


def test_text_that_is_no_yaml_is_refused_with_its_place(home: Home) -> None:
    home.rewrite("runbooks/nightly.yaml", "title: Nightly backup into both tiers", "title: [Nightly")
    told = refused(home, "run", "nightly")
    assert told.startswith("runbooks/nightly.yaml:")
    assert told.endswith("1 problem; nothing was run.\n")


def test_unknown_names_are_told_with_what_there_is(home: Home) -> None:
    assert refused(home, "run", "nigthly") == (
        "there is no runbook 'nigthly'\n"
        "   HINT: runbooks/ has drill-online, drill-vault, failback, nightly, office-failover, outage, recover, watch\n"
    )
    assert refused(home, "runs", "show", "x") == "there is no run 'x'\n   HINT: `dr runs list` shows them\n"
    assert "-p system" in refused(home, "run", "nightly", "-p", "system")
    assert "nobody" in refused(home, "run", "nightly", "-p", "system=nobody")
    assert "tape" in refused(home, "drill", "hmis", "--tier", "tape")
    assert "No such command" in refused(home, "bakcups")


def test_without_a_home_it_says_how_to_make_one(tmp_path: Path) -> None:
    done = Home(tmp_path).dr("--home", str(tmp_path / "none"), "status", expect=2)
    assert "dr init" in done.stderr


def test_what_was_never_done_is_said_in_words(home: Home) -> None:
    """An empty table would say nothing."""
    assert "dr run nightly" in home.dr("backups", "list").stdout
    assert "nothing was ever run here" in home.dr("runs", "list").stdout
    assert "nothing would come back" in home.dr("status", expect=1).stdout
    assert home.json("backups", "list") == []


def test_a_pipe_has_no_escape_codes(home: Home) -> None:
    """With or without NO_COLOR."""
    for variables in ({"NO_COLOR": "1"}, {"NO_COLOR": "", "TERM": "xterm-256color"}):
        for words in (("status",), ("runs", "list"), ("check",), ("hosts", "list")):
            done: Done = home.dr(*words, env=variables, expect=None)
            assert "\x1b" not in done.stdout + done.stderr


def test_a_terminal_has_colours_unless_no_color_is_set(home: Home) -> None:
    assert re.search(r"\x1b\[3\dm", on_terminal(home, "")), "colours on a terminal: the control"
    assert not re.search(r"\x1b\[[\d;]*m", on_terminal(home, "1"))


def on_terminal(home: Home, no_color: str) -> str:
    """What `dr status` writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = home.environment({"NO_COLOR": no_color, "TERM": "xterm-256color"})
    argv = [sys.executable, "-m", "dr", "status"]
    process = subprocess.Popen(argv, env=environment, cwd=home.path, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    told = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # the terminal's other end was closed: the process is over
            break
        told += more
    os.close(ours)
    assert process.wait() == 1
    return told.decode()
