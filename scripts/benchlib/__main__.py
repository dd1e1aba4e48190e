"""`scripts/bench`: measure, print the table, leave nothing behind but what `--keep` names."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dr.units import parse_size

if TYPE_CHECKING:
    from benchlib.table import Report
    from dr.demo.world import World


@click.group()
def bench() -> None:
    """Measure dr against the same work by hand. The table goes to stdout, everything else to stderr."""


class Size(click.ParamType[int]):
    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else parse_size(str(value))
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


keep_option = click.option(
    "--keep", metavar="FOLDER", help="Work in this folder and leave what was generated there, for the next time (default: a temporary one)."
)


@bench.command("backup-restore")
@click.option("--size", default="1GiB", show_default=True, type=Size(), help="Of the database, as pg_database_size counts.")
@click.option("--repetitions", default=3, show_default=True, type=click.IntRange(1, 100))
@keep_option
def backup_restore(size: int, repetitions: int, keep: str | None) -> None:
    """Backup, drill and digest, each beside its twin by hand. Disk needed: about six times the size."""
    from benchlib.backup_restore import measure, report

    _in_a_world(keep, size, lambda world: report(*measure(world, repetitions, say), repetitions))


@bench.command("drill-ssh")
@click.option("--size", default="256MiB", show_default=True, type=Size(), help="Of the database, as pg_database_size counts.")
@click.option("--repetitions", default=3, show_default=True, type=click.IntRange(1, 100))
@keep_option
def drill_ssh(size: int, repetitions: int, keep: str | None) -> None:
    """A drill onto a standby over SSH, decrypted here, there, and with parts kept there, beside the local one and the work by hand."""
    from benchlib.drill_ssh import measure, report

    _in_a_world(keep, size, lambda world: report(*measure(world, repetitions, say), repetitions))


@bench.command()
@click.option("--systems", default=5000, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--nights", default=30, show_default=True, type=click.IntRange(1, 1000))
@click.option("--repetitions", default=3, show_default=True, type=click.IntRange(1, 100))
@keep_option
def catalog(systems: int, nights: int, repetitions: int, keep: str | None) -> None:
    """The status screen, listings and retention over many systems, with a copy of each night in two tiers."""
    from benchlib.catalog import make_home, measure

    with _place(keep) as folder:
        home = make_home(folder, systems, nights, say)
        _show(measure(home, systems, nights, repetitions).lines())


@bench.command()
@click.option("--recipients", default=10_000, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--failures", default=10_000, show_default=True, type=click.IntRange(1, 1_000_000))
@keep_option
def notices(recipients: int, failures: int, keep: str | None) -> None:
    """So many failures at one moment, told to so many people by a mail server of this machine: one message each."""
    from benchlib.notices import measure

    with _place(keep) as folder:
        found = measure(folder, recipients, failures, say)
        _show(found.lines())
        sys.exit(0 if found.whole else 1)


def say(words: str) -> None:
    click.echo(f"· {words}", err=True)


def _in_a_world(keep: str | None, size: int, measured: "Callable[[World], Report]") -> None:
    from benchlib.world import make_world
    from dr.app import stop_demo

    with _place(keep) as folder:
        world = make_world(folder, size, say)
        try:
            found = measured(world)
        finally:
            stop_demo(world.home)
            shutil.rmtree(folder / "by-hand", ignore_errors=True)
        _show(found.lines())


@contextmanager
def _place(keep: str | None) -> Iterator[Path]:
    if keep is not None:
        folder = Path(keep).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="dr-bench-") as temporary:
        yield Path(temporary)


def _show(lines: list[str]) -> None:
    click.echo("\n".join(lines))
    sys.stdout.flush()


if __name__ == "__main__":
    bench(prog_name="scripts/bench")
