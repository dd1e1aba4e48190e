"""The door: one file a noun, each a thin command over `dr.app`.

Here: words, options, tables, exit codes. Not here: any decision or effect. Heavy imports belong inside the commands, so that
`dr --help` is immediate. To add a command: a file with a click command, and one line in `COMMANDS`.
"""

import contextlib
import errno
import gc
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from dr import __version__
from dr.errors import ConfigError, DrError, Unreachable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: dict[str, tuple[str, str]] = {
    "status": ("dr.cli.status:status", "What would we get back, how fast, and how do we know?"),
    "init": ("dr.cli.home:init", "Write a commented inventory, runbooks and keys for a new organisation."),
    "check": ("dr.cli.home:check", "Read every file and say everything that is wrong with it; run nothing."),
    "schema": ("dr.cli.schema:schema", "Write what an editor needs to complete and check the files."),
    "run": ("dr.cli.run:run", "Run a runbook."),
    "runs": ("dr.cli.runs:runs", "List, show, watch, note, resume, cancel, pause and approve runs."),
    "schedule": ("dr.cli.schedule:schedule", "Run the runbooks by their schedules: systemd's timers or cron."),
    "drill": ("dr.cli.run:drill", "Restore a system onto the standby, timed and proven, then scrub it."),
    "recover": ("dr.cli.recover:recover", "Bring a system back for real, onto its standby, which is production from then on."),
    "outage": ("dr.cli.outage:outage", "Say that something is out, how it goes, and that it is over; keep people told."),
    "incident": ("dr.cli.incident:incident", "A copy, a key or a medium may have been exposed: who accessed what."),
    "reprotect": ("dr.cli.recover:reprotect", "After a recovery: let the nightlies read the new production."),
    "duties": ("dr.cli.duties:duties", "Who holds which duty since when, and by which fencing number."),
    "office": ("dr.cli.office:office", "An office is lost or back: its duties move, and each has one holder."),
    "exercise": ("dr.cli.exercise:exercise", "Rehearse a disaster with people, and score it; nothing real moves."),
    "explain": ("dr.cli.explain:explain", "Say what a runbook would do, in words and as a picture."),
    "plan": ("dr.cli.plan:plan", "Write the disaster recovery plan, for who asks to see it."),
    "doctor": ("dr.cli.doctor:doctor", "Look for what goes wrong unnoticed: clock, room, keys, hosts, timers."),
    "backups": ("dr.cli.backups:backups", "List, show and verify backup sets."),
    "verify": ("dr.cli.verify:verify", "Read backups back; --sabotage tries whether verification finds damage."),
    "retention": ("dr.cli.retention:retention", "Show what expires and why; delete what no rule keeps."),
    "report": ("dr.cli.report:report", "Show the evidence of a run, or verify an evidence file."),
    "redundancy": ("dr.cli.redundancy:redundancy", "What there are two of, and whether one half is lost."),
    "hosts": ("dr.cli.hosts:hosts", "Enrol and check hosts."),
    "repositories": ("dr.cli.repositories:repositories", "Initialise and check repositories."),
    "ack": ("dr.cli.ack:ack", "Say that you saw a message, by the code in it."),
    "contacts": ("dr.cli.contacts:contacts", "Whether an alarm would reach people: test their channels."),
    "notices": ("dr.cli.notices:notices", "List the notices owed and delivered."),
    "audit": ("dr.cli.audit:audit", "Show and verify the audit trail."),
    "suppress": ("dr.cli.suppress:suppress", "Requests to be erased or unshared, replayed on whatever is restored."),
    "keys": ("dr.cli.keys:keys", "Check the keys; make new ones."),
    "home": ("dr.cli.home_verbs:home", "The home itself, stored beside the backups: bring it back on a bare machine."),
    "catalog": ("dr.cli.catalog:catalog", "Make the catalog anew from the repositories."),
    "completion": ("dr.cli.completion:completion", "The script by which bash, zsh or fish completes commands and names."),
    "agent": ("dr.cli.agent:agent", "Work here for a dr on another machine (its forced command over SSH)."),
    "debug": ("dr.cli.debug:debug", "Look inside: failpoints, a set's manifest and index."),
    "demo": ("dr.cli.demo:demo", "The whole way, once, on a database of our own."),
}


_COLLECT_AFTER = (50_000, 20, 50)
"""Of Python's garbage: importing makes a million objects that stay, and the default goes through them every 700: a twelfth of the
processor time until a run begins. What holds bytes is freed by its count of references, so memory stays as it was."""


class Lazy(click.Group):
    """Lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but a name that is nearly one is answered with it."""
        from difflib import get_close_matches

        near = [] if args[0] in COMMANDS else get_close_matches(args[0], COMMANDS, n=1)
        if near:
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """As click does, without importing a command to learn what it is called."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=words) for name, (_, words) in COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dr")
@click.option("--home", metavar="PATH", help="The home (default: DR_HOME, then the nearest parent that holds inventory/).")
@click.pass_context
def cli(ctx: click.Context, home: str | None) -> None:
    """If we lost the system right now, what would we get back, how fast, and how do we know?

    \b
    Examples:
      dr status
      dr run nightly
      dr drill hmis --tier online
    """
    ctx.obj = home


def main() -> None:
    """Run the tool: an error of ours is printed as text with its hint, and ends in its own exit code.

    Whatever it makes, also by the libraries and programs it uses, is for its user's eyes alone. The end of a service or a session
    (SIGTERM) is as Ctrl-C: what runs stays resumable, and that is said.
    """
    gc.set_threshold(*_COLLECT_AFTER)
    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cli(standalone_mode=True, **({"color": False} if os.environ.get("NO_COLOR") else {}))
    except DrError as error:
        _end(error)
    except OSError as error:
        if os.environ.get("DR_LOG") == "debug":
            raise
        _end(in_words(error))


def in_words(error: OSError) -> DrError:
    """What the machine refused, and where, as an error of ours: 2 for one who may not, 5 for a disk or a place."""
    where = f"{error.filename}: " if isinstance(error.filename, str) else ""
    message = where + (os.strerror(error.errno) if error.errno else type(error).__name__)
    if error.errno in (errno.EACCES, errno.EPERM):
        return ConfigError(message, hint=f"you are {_user()}: run dr as the user whose home it is, or name a place that is yours")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unreachable(message, hint="make room on that disk, then do it again")
    return Unreachable(message, hint="is the place there, and may it be written to? DR_LOG=debug shows the whole of it")


def _user() -> str:
    import pwd

    try:
        return f"'{pwd.getpwuid(os.geteuid()).pw_name}'"
    except KeyError:
        return f"user {os.geteuid()}"


def _end(error: DrError) -> NoReturn:
    with contextlib.suppress(OSError):  # also where nobody reads any more, or the disk below stdout is full
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        click.echo(str(error) if error.exit_code == ConfigError.exit_code else f"error: {error}", err=True)
        sys.stderr.flush()
    os._exit(error.exit_code)  # an engine that was opened may have threads that never end
