"""The reference: every command with its arguments, options and examples, as Markdown and as a man page, made from the commands themselves.

`scripts/reference` writes both. Pure: no clock, no machine, so that the same commands give the same bytes.
"""

import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from dr import __version__

SUMMARY = "disaster-recovery orchestrator and backup verifier"
EXIT_CODES = (
    ("0", "done, or PASS"),
    ("1", "FAIL; a listing that found something wrong. A run that FAILED ends with 2 to 6 where its first failed step failed for that"),
    ("2", "what was written (YAML, command line) is wrong; nothing was run"),
    ("3", "refused by a guard, or because there is nothing to work with (no copy to restore)"),
    ("4", "bytes are not what was signed"),
    ("5", "a host, repository, server or channel did not answer"),
    ("6", "an effect may or may not have happened; the message says how to find out"),
    ("7", "INCOMPLETE"),
    ("130", "interrupted and resumable: dr runs resume"),
)
ENVIRONMENT = (
    ("DR_HOME", "The home, where --home does not name one. Without both: the nearest parent that holds inventory/."),
    ("DR_LOG", "debug: an unexpected error of the machine is shown with where in the program it came from."),
    ("NO_COLOR", "If set, nothing is coloured; a shape says what the colour would."),
    ("DR_FAILPOINT", "NAME[:N], for tests: the process is killed when it comes to that point. `dr debug failpoints` lists them."),
    ("CREDENTIALS_DIRECTORY", "Where systemd puts credentials, for !secret {credential: NAME}."),
)
FILES = (
    ("inventory/*.yaml", "What is protected, where, by whom and how well; read as one."),
    ("runbooks/*.yaml", "What is done, step by step; one runbook a file."),
    (".schema/*.json", "The schemas by which an editor completes and checks the two."),
    ("keys/", "The drill key, the signing key and the secrets that the inventory names; readable by their owner only."),
    ("evidence/", "Signed evidence of every run, as JSON and as a page."),
    ("state/", "The catalog, the engine's own store, what is under way, and what the files said when all of them were right last."),
)


@dataclass(frozen=True)
class Entry:
    """One command. `terms`: arguments and options with what they mean."""

    words: str
    usage: str
    text: tuple[str, ...]
    """Paragraphs; one that begins with a line break is shown as it is written."""
    terms: tuple[tuple[str, str], ...]
    group: bool


def entries(command: click.Command, name: str = "dr", parent: click.Context | None = None) -> Iterator[Entry]:
    """The command and all below it, in the order of `--help`."""
    context = click.Context(command, info_name=name, parent=parent)
    with context:
        usage = " ".join(command.collect_usage_pieces(context))
        terms = [record for one in command.get_params(context) if (record := one.get_help_record(context)) and "--help" not in record[0]]
        yield Entry(
            context.command_path,
            usage,
            tuple(_paragraphs(command.help or "")),
            tuple(term for term in map(_plain, terms) if term[1]),
            isinstance(command, click.Group),
        )
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None and not found.hidden:
                yield from entries(found, inner, context)


def _plain(record: tuple[str, str]) -> tuple[str, str]:
    return record[0], " ".join(record[1].split())


def _paragraphs(text: str) -> Iterator[str]:
    """Blocks that are marked with a backspace stay as they are; in the others line breaks mean nothing."""
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if block.lstrip().startswith("\b"):
            yield "\n" + textwrap.dedent(block.lstrip().lstrip("\b").strip("\n"))
        elif block.strip():
            yield " ".join(block.split())


# ------------------------------------------------------------ Markdown


def markdown(root: click.Command) -> str:
    """The reference as one page."""
    lines = [
        f"# dr {__version__}: reference",
        "",
        "Made from the commands themselves by `scripts/reference`; `dr COMMAND --help` says the same.",
        "",
    ]
    for entry in entries(root):
        lines += _as_markdown(entry)
    lines += ["## Exit codes", "", *_table(("code", "means"), EXIT_CODES)]
    lines += ["## Environment", "", *_table(("variable", "means"), ENVIRONMENT)]
    lines += ["## Files of a home", "", *_table(("file", "holds"), FILES)]
    return "\n".join(lines).rstrip() + "\n"


def _as_markdown(entry: Entry) -> Iterator[str]:
    yield from (
        f"{'#' * min(4, 1 + len(entry.words.split()))} `{entry.words}`",
        "",
        "```",
        f"{entry.words} {entry.usage}".strip(),
        "```",
        "",
    )
    for text in entry.text:
        yield from (["```", *text.strip("\n").split("\n"), "```", ""] if text.startswith("\n") else [_escaped(text), ""])
    if entry.terms:
        yield from _table(("option", "means"), entry.terms)


def _table(heads: tuple[str, str], rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"| {heads[0]} | {heads[1]} |", "|---|---|", *(f"| `{_cell(one)}` | {_escaped(_cell(other))} |" for one, other in rows), ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_") if "`" not in text else text


# ------------------------------------------------------------ man


def man(root: click.Command) -> str:
    """The reference as a man page (section 1)."""
    first, *others = entries(root)
    lines = [
        f'.TH DR 1 "" "dr {__version__}" "User Commands"',
        ".SH NAME",
        f"dr \\- {_roff(SUMMARY)}",
        ".SH SYNOPSIS",
        f".B dr\n{_roff(first.usage)}",
    ]
    lines += [".SH DESCRIPTION", *_as_roff(first), ".SH COMMANDS"]
    for entry in others:
        lines += [f'.SS "{_roff(entry.words)} {_roff(entry.usage).replace(chr(34), "")}"', *_as_roff(entry)]
    for title, rows in (("EXIT STATUS", EXIT_CODES), ("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        lines += [f".SH {title}", *_terms(rows)]
    return "\n".join(lines) + "\n"


def _as_roff(entry: Entry) -> Iterator[str]:
    for text in entry.text:
        yield from ([".PP", ".nf", *map(_roff, text.strip("\n").split("\n")), ".fi"] if text.startswith("\n") else [".PP", _roff(text)])
    yield from _terms(entry.terms)


def _terms(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, words in rows:
        yield from (".TP", f".B {_roff(name)}", _roff(words))


def _roff(text: str) -> str:
    """Safe in roff: a backslash is itself, a dash a dash that can be copied, and no line begins a request."""
    escaped = (
        text.replace("\\", "\\e")
        .replace("-", "\\-")
        .replace("`", "\\(ga")
        .replace("'", "\\(aq")
        .replace("^", "\\(ha")
        .replace("~", "\\(ti")
    )
    return "".join(char if ord(char) < 128 else f"\\[u{ord(char):04X}]" for char in escaped.replace("\n.", "\n\\&."))
