"""How a person is asked before something happens."""

import sys

import click

from dr.errors import ConfigError


def require_yes(question: str, otherwise: str) -> None:
    """Go on when a person says yes; end with exit 1, and say how things stand, when they say no or Ctrl-C. Raises ConfigError where
    nobody is there to be asked.

    `otherwise`: how things stand then, as "nothing was begun".
    """
    if not sys.stdin.isatty():
        raise ConfigError(f"{otherwise}: nobody is there to be asked", hint="say --yes, or type it in a terminal")
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort:
        click.echo(f"\n{otherwise}", err=True)
        raise
