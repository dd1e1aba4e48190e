"""Every command of `dr`, and the examples that its help gives."""

import shlex
from collections.abc import Iterator

import click

from dr.cli import cli


def commands(command: click.Command = cli, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The words that lead to it, and the command; groups too, the whole of it without words first."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=command.name)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from commands(inner, (*words, name))


def examples(command: click.Command) -> list[str]:
    """The lines below `Example:` or `Examples:` that a person may type."""
    lines = (command.help or "").splitlines()
    begin = next((n for n, line in enumerate(lines) if line.strip() in ("Example:", "Examples:")), len(lines))
    return [line.strip() for line in lines[begin + 1 :] if line.strip().startswith(("dr ", "eval ", "source "))]


def reached(line: str) -> click.Command:
    """The command to which the real parser takes an example. Raises click.UsageError for what it does not take.

    A file that an example names need not be there.
    """
    inside = line.partition("$(")[2].partition(")")[0] or line
    words = shlex.split(inside.partition(" > ")[0])
    context = cli.make_context("dr", words[1:])
    while isinstance(context.command, click.Group) and (left := [*context._protected_args, *context.args]):
        name, command, rest = context.command.resolve_command(context, left)
        assert command is not None
        try:
            context = command.make_context(name, rest, parent=context)
        except click.BadParameter as error:
            if "does not exist" not in str(error):
                raise
            return command
    return context.command
