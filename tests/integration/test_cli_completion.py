"""Completion in a real bash: commands, options and the names that a home knows; read only, and silent whatever is wrong."""

import os
import pty
import select
import shlex
import subprocess
import sysconfig
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dr.app import init_home
from dr.app.completion import known
from dr.catalog.catalog import open_catalog
from dr.clock import FixedClock
from dr.model.base import RunId
from tests.support.catalog_runs import plan_of, run_at

pytestmark = [pytest.mark.integration, pytest.mark.needs("bash")]
NIGHT = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
RUN = RunId("nightly-20261122T070000Z-1a2b")
PATH = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
RUNBOOKS = ["drill-online", "drill-vault", "failback", "nightly", "office-failover", "outage", "recover", "watch"]
"""The examples' own."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new home, with one run on record."""
    home = tmp_path_factory.mktemp("completion") / "home"
    init_home(str(home), "Harbor", "America/Chicago")
    open_catalog(home / "state" / "catalog.db", FixedClock(NIGHT)).begin_run(run_at(NIGHT, run=RUN), plan_of())
    return home


def offered(home: Path, *lines: str) -> list[list[str]]:
    """What bash would offer at the end of each line, by the script that `dr completion bash` prints. Nothing may be said on stderr."""
    ask = "\n".join(
        f"COMPREPLY=(); COMP_WORDS=({' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}; _dr_completion dr; "
        'echo "${COMPREPLY[*]}"'
        for line in lines
        for words in [line.split(" ")]
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", f'eval "$(dr completion bash)"\n{ask}'],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": PATH, "DR_HOME": str(home), "HOME": str(home.parent)},
        cwd="/",
    )
    assert done.stderr == ""
    return [line.split() for line in done.stdout.splitlines()]


def test_bash_offers_commands_options_and_names(home: Path) -> None:
    """What a person would otherwise look up: also where --home is typed before."""
    lines = ("dr run", "dr runs sh", "dr run ", "dr runs show ", "dr drill hm", "dr drill hmis --tier v", "dr hosts enrol s")
    assert offered(home, *lines, "dr explain --pic", f"dr --home {home} repositories init f") == [
        ["run", "runs"],
        ["show"],
        RUNBOOKS,
        [RUN],
        ["hmis"],
        ["vault"],
        ["standby"],
        ["--picture"],
        ["fileserver"],
    ]


def test_a_home_that_is_broken_or_none_offers_nothing_and_says_nothing(tmp_path: Path) -> None:
    """A key press is no place for an error, and nothing is made by one."""
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts.yaml").write_text("hosts: [")
    assert offered(tmp_path, "dr run ", "dr runs show ", "dr hosts check ") == [[], [], []]
    assert offered(tmp_path / "none", "dr run ") == [[]]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["hosts.yaml", "inventory"]


def test_a_tab_completes_in_an_interactive_bash(home: Path, tmp_path: Path) -> None:
    """As a person does it: the script evaluated in ~/.bashrc, a word begun, the tab key."""
    rc = tmp_path / "bashrc"
    rc.write_text('eval "$(dr completion bash)"\nPS1="ready> "\n')
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe("bash", ["bash", "--rcfile", str(rc), "-i"], {"PATH": PATH, "DR_HOME": str(home), "TERM": "dumb", "HOME": str(tmp_path)})
    try:
        seen(terminal, "ready> ")
        os.write(terminal, b"dr explain nigh\t")
        assert "dr explain nightly " in seen(terminal, "nightly ")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


@pytest.mark.needs("zsh")
def test_a_tab_completes_in_an_interactive_zsh(home: Path, tmp_path: Path) -> None:
    """Loaded as its help says, after compinit; a command, and a name that the home knows."""
    environment = {"PATH": PATH, "DR_HOME": str(home), "HOME": str(tmp_path), "TERM": "dumb"}
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
    os.write(terminal, b'autoload -Uz compinit; compinit -u; eval "$(dr completion zsh)"; echo rea""dy\n')
    try:
        assert "ready" in seen(terminal, "ready")
        os.write(terminal, b"dr drill hm\t")
        assert "hmis" in seen(terminal, "hmis")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


@pytest.mark.needs("fish")
def test_fish_offers_commands_options_and_names(home: Path, tmp_path: Path) -> None:
    """A real fish, asked what it would offer at the end of each line."""
    ask = "; ".join(
        ["dr completion fish | source", *(f"complete -C '{line}'; echo ." for line in ("dr stat", "dr drill hm", "dr hosts enrol s"))]
    )
    environment = {"PATH": PATH, "DR_HOME": str(home), "HOME": str(tmp_path)}
    done = subprocess.run(["fish", "-c", ask], capture_output=True, text=True, check=True, env=environment, cwd="/")
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["status", ".", "hmis", ".", "standby", "."]


def seen(terminal: int, words: str, within: float = 60) -> str:
    """What the terminal shows until it shows these words."""
    shown, until = "", time.monotonic() + within
    while words not in shown and time.monotonic() < until:
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
    return shown


def test_no_heavy_library_is_loaded_to_answer_a_key(home: Path) -> None:
    """A completion that takes seconds is switched off by whoever tries it."""
    heavy = ("dbos", "sqlalchemy", "psycopg", "rich", "jinja2", "apprise", "cryptography")
    code = (
        "import sys\nfrom dr.app.completion import NOUNS, known\n"
        f"for noun in NOUNS: known(noun, {str(home)!r})\n"
        f"print(sorted(set({heavy!r}) & set(sys.modules)))"
    )
    python = str(Path(sysconfig.get_path("scripts")) / "python")
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert known("sets", str(home)) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str, home: Path) -> None:
    done = subprocess.run(["dr", "completion", shell], capture_output=True, text=True, check=True, env={"PATH": PATH})
    assert f"_DR_COMPLETE={shell}_complete" in done.stdout and "dr" in done.stdout and done.stderr == ""


def test_a_file_that_is_called_like_a_command_is_not_offered(tmp_path: Path) -> None:
    """Bash puts what it completes into the line unquoted; the control is the runbook beside it."""
    home = tmp_path / "home"
    init_home(str(home), "Harbor", "America/Chicago")
    for name in ("$(touch x)", "`id`", "a;id", "-rf", "two words", "line\nplain,x"):
        (home / "runbooks" / f"{name}.yaml").touch()
    assert known("runbooks", str(home)) == RUNBOOKS
