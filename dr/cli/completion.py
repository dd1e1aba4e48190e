"""`dr completion`, and what the shell offers for an argument."""

from collections.abc import Callable
from typing import Literal

import click
from click.shell_completion import CompletionItem, get_completion_class

Noun = Literal["offices", "duties", "runbooks", "runs", "sets", "tiers", "systems", "hosts", "repositories", "redundancy", "contacts"]
_VARIABLE = "_DR_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")


def known(noun: Noun) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """What offers the names of a noun. It reads only; whatever goes wrong, it offers nothing and says nothing."""

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            from dr.app.completion import known as names

            return [CompletionItem(name) for name in names(noun, ctx.find_root().params.get("home")) if name.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - a key press is no place for an error
            return []

    return complete


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """The script by which a shell completes commands, options, and the names of runbooks, runs, sets, systems, hosts and repositories.

    Put the line into your shell's own file, once: for bash into ~/.bashrc, for zsh into ~/.zshrc, for fish into
    ~/.config/fish/completions/dr.fish (without the eval).

    \b
    Examples:
      eval "$(dr completion bash)"
      eval "$(dr completion zsh)"
      dr completion fish
    """
    from dr.cli import cli

    made = get_completion_class(shell)
    assert made is not None  # click knows the three
    shown = made(cli, {}, "dr", _VARIABLE)
    click.echo(shown.source_template % shown.source_vars())
