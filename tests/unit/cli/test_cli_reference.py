"""Help, reference and man page: each command has an example that the real parser takes, and what is committed is what the commands say."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from dr.cli import cli
from dr.cli.reference import entries, man, markdown
from tests.support.commands import commands, examples, reached

pytestmark = pytest.mark.unit
DOCS = Path(__file__).parents[3] / "docs"
EVERY = list(commands())
LEAVES = [(words, command) for words, command in EVERY if not isinstance(command, click.Group)]


def name(case: tuple[tuple[str, ...], click.Command]) -> str:
    return " ".join(case[0])


def test_there_are_commands() -> None:
    assert len(LEAVES) > 40


@pytest.mark.parametrize("case", LEAVES, ids=name)
def test_every_command_shows_an_example(case: tuple[tuple[str, ...], click.Command]) -> None:
    """Who asks for help wants to see what to type."""
    assert 1 <= len(examples(case[1])) <= 6, f"dr {name(case)} --help has no Examples"


@pytest.mark.parametrize("case", EVERY, ids=name)
def test_every_example_is_taken_by_the_parser_and_is_of_its_command(case: tuple[tuple[str, ...], click.Command]) -> None:
    """An example that the tool itself refuses is worse than none."""
    for line in examples(case[1]):
        assert reached(line) is case[1] or isinstance(case[1], click.Group), line


@pytest.mark.positive_control
@pytest.mark.parametrize("line", ["dr runs list --limt 5", "dr drill", "dr stauts", "dr runs list --limit many", "dr check more"])
def test_an_example_that_is_wrong_would_be_found(line: str) -> None:
    """The twin: the parser refuses what no command takes."""
    with pytest.raises(click.UsageError):
        reached(line)


@pytest.mark.parametrize(("file", "made"), [("reference.md", markdown), ("dr.1", man)], ids=["reference.md", "dr.1"])
def test_what_is_committed_is_what_the_commands_say(file: str, made: Callable[[click.Command], str]) -> None:
    """Made anew with scripts/reference whenever a command changes."""
    assert (DOCS / file).read_text(encoding="utf-8") == made(cli), f"docs/{file} is out of date: run scripts/reference"


def test_the_reference_holds_every_command_option_exit_code_and_file() -> None:
    page = markdown(cli)
    for words, command in EVERY:
        assert f"# `{' '.join(('dr', *words))}`\n" in page
        for one in command.params:
            if isinstance(one, click.Option) and one.help and not one.hidden:
                assert one.opts[-1] in page
    assert all(word in page for word in ("| `130` |", "`DR_HOME`", "`NO_COLOR`", "`evidence/`"))
    assert len(list(entries(cli))) == len(EVERY)


def test_the_exit_codes_are_those_of_the_errors() -> None:
    from dr import errors
    from dr.cli.reference import EXIT_CODES

    tree: list[type[errors.DrError]] = [errors.DrError, *errors.DrError.__subclasses__()]
    used = {str(error.exit_code) for error in tree} | {str(value) for key, value in vars(errors).items() if key.startswith("EXIT_")}
    assert {code for code, _ in EXIT_CODES} == used


@pytest.mark.needs("man", "groff")
def test_man_renders_it_without_a_warning() -> None:
    """With every section, and examples as they are typed: dashes are dashes, so that they can be copied."""
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", str(DOCS / "dr.1")],
        capture_output=True,
        text=True,
        check=True,
        env={"MANWIDTH": "110", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""},
    )
    text = re.sub(".\b", "", done.stdout)
    assert done.stderr == ""
    for words in ("NAME", "SYNOPSIS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES", "dr drill hmis --tier online", "dr runs show"):
        assert words in text, words
