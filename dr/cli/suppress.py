"""`dr suppress`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dr.cli.completion import known
from dr.cli.show import coloured, json_option, marked, print_json, print_table
from dr.errors import ConfigError

if TYPE_CHECKING:
    from dr.app.suppress import Kept
    from dr.model.suppression import SuppressionKind


@click.group()
def suppress() -> None:
    """Requests to be erased, or shared no longer, that must not come back with a backup made before.

    \b
    They are written down outside the database, encrypted, in the home and in every repository, and replayed on every restore after the
    comparison with the source. The system says how, in inventory/systems.yaml:
      suppression: {source: database, database: hmis, erase: inventory/erase.sql, unshare: inventory/unshare.sql}
    A template is SQL with the one parameter :key, safe to run twice:
      DELETE FROM client WHERE id = :key;
    """


def _system(command: click.Command) -> click.Command:
    return click.argument("system", required=False, shell_complete=known("systems"))(command)


@suppress.command()
@_system  # type: ignore[arg-type]
@click.pass_obj
def begin(home: str | None, system: str | None) -> None:
    """Begin an empty journal. By hand, once a system: a journal that was lost must never look like an empty one.

    \b
    Example:
      dr suppress begin hmis
    """
    from dr.app import App
    from dr.app.suppress import begin as start

    app = App.open(home)
    _told(start(app, app.system(system)), f"the suppression journal of {app.system(system)} is begun")


@suppress.command()
@click.argument("system", shell_complete=known("systems"))
@click.option("--kind", required=True, type=click.Choice(["erase", "unshare"]), help="What was asked for.")
@click.option("--key-file", type=click.Path(path_type=Path), help="Read the key from the first line of this file.")
@click.pass_obj
def add(home: str | None, system: str, kind: "SuppressionKind", key_file: Path | None) -> None:
    """Write a request down. The key is asked for, or read from --key-file or standard input: never from the command line, which others see.

    \b
    Examples:
      dr suppress add hmis --kind erase
      dr suppress add hmis --kind unshare --key-file request.txt
    """
    from dr.app import App
    from dr.app.suppress import add as write
    from dr.app.suppress import without_sql

    app = App.open(home)
    kept = write(app, app.system(system), kind, _key(key_file))
    entry = kept.entry
    assert entry is not None
    for line in without_sql(app, system):
        click.echo(marked("amber", line))
    _told(kept, f"entry {entry.seq} of {system}: {kind}, key HMAC {entry.subject[:16]}")


def _key(file: Path | None) -> str:
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"{file} cannot be read as text", hint="its first line is the key") from None
        return text.split("\n", 1)[0].rstrip("\r")
    if sys.stdin.isatty():
        return str(click.prompt("Key", hide_input=True, confirmation_prompt="The same once more"))
    return sys.stdin.readline().rstrip("\r\n")


@suppress.command("list")
@_system  # type: ignore[arg-type]
@json_option
@click.pass_obj
def list_(home: str | None, system: str | None, as_json: bool) -> None:
    """List the requests: number, kind, date and the HMAC of the key; keys are never shown.

    \b
    Examples:
      dr suppress list hmis
      dr suppress list hmis --json
    """
    from dr.app import App
    from dr.app.suppress import journal_of
    from dr.clock import local

    app = App.open(home, looking=True)
    journal = journal_of(app, app.system(system))
    if as_json:
        return print_json([entry.model_dump(mode="json", include={"seq", "kind", "at", "by", "subject"}) for entry in journal.entries])
    zone = app.inventory.organisation.zone
    rows = [[str(e.seq), e.kind, local(e.at, zone), e.by, e.subject[:16]] for e in journal.entries]
    return print_table(["entry", "kind", "asked", "written by", "key HMAC"], rows, empty="nobody asked for anything")


@suppress.command()
@_system  # type: ignore[arg-type]
@click.option("--mend", is_flag=True, help="Write the journal wherever it is missing, damaged or behind.")
@json_option
@click.pass_obj
def verify(home: str | None, system: str | None, mend: bool, as_json: bool) -> None:
    """Compare every copy of the journal with the others and with the audit trail. Exit code 3 if none can be relied on, 1 if one is wrong.

    \b
    Examples:
      dr suppress verify hmis
      dr suppress verify hmis --mend
    """
    from dr.app import App
    from dr.app.suppress import look, unread, without_sql
    from dr.app.suppress import mend as write

    app = App.open(home)
    name = app.system(system)
    if mend:
        _told(write(app, name), f"the suppression journal of {name} is written wherever it was not")
    looked = look(app, name)
    if as_json:
        print_json(looked.to_facts())
    else:
        for place, one in sorted(looked.copies.items()):
            fine = one is not None and place not in looked.judged.behind and not looked.judged.wrong
            click.echo(marked("green" if fine else "amber", f"{place}: {f'{one.seq} entries' if one else 'no journal'}"))
        for place, what in sorted((looked.damaged | looked.unreachable).items()):
            click.echo(marked("red", f"{place}: {what}"))
    looked.holding(name)
    for line in without_sql(app, name):
        click.echo(marked("amber", line), err=as_json)
    wrong = unread(app, name)
    for line in wrong:
        click.echo(coloured(line, "red"))
    if looked.judged.behind or looked.damaged or looked.unreachable or wrong:
        raise SystemExit(1)


@suppress.command()
@_system  # type: ignore[arg-type]
@click.pass_obj
def shrink(home: str | None, system: str | None) -> None:
    """Let go of the requests that are older than every copy that exists, and than any that a tier may keep.

    \b
    Example:
      dr suppress shrink hmis
    """
    from dr.app import App
    from dr.app.suppress import shrink as let_go

    app = App.open(home)
    kept = let_go(app, app.system(system))
    _told(kept, f"{kept.gone} entries let go of, {len(kept.journal.entries)} kept" if kept.gone else "nothing to let go of yet")


def _told(kept: "Kept", what: str) -> None:
    click.echo(what)
    for place, why in sorted(kept.failed.items()):
        click.echo(coloured(f"not in {place} yet: {why}", "amber"))
    if kept.failed:
        click.echo("    HINT: dr suppress verify --mend writes it there once the repository answers")
        raise SystemExit(5)
