"""What a second drill sends to a standby that keeps its encrypted parts, when one row in a hundred has changed since the first.

Counted on the line: every byte of the SSH connections, both ways. An UPDATE writes the new row elsewhere in the table, so rows that lay
together are cut out of one place and added in another.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from psycopg import sql

from benchlib.backup_restore import Measured, run_dr
from benchlib.table import Report
from benchlib.world import BACKUP, VERIFY, Say
from dr.demo.world import World
from dr.drivers.postgres.connect import connect
from dr.units import show_size
from tests.support.ssh_world import Machine
from tests.support.tcp_proxy import Proxy

AT_MOST = 0.5
"""Of the bytes of the first drill, where the changed rows lie together."""
FIRST, TOGETHER, SCATTERED = "first", "together", "scattered"
_WHERE = {
    TOGETHER: "ctid >= format('(%%s,0)', %(pages)s * 40 / 100)::tid AND ctid < format('(%%s,0)', %(pages)s * 41 / 100)::tid",
    SCATTERED: "abs(hashtext(ctid::text)) %% 100 = 0",
}
"""Of a table's rows: a hundredth of its pages in one piece, or each hundredth row."""


def first(world: World, there: Machine, runbook: str) -> int:
    """Bytes of a drill whose standby keeps nothing yet, of a set that was verified: a part serves the next set only if it was read back."""
    run_dr(world, VERIFY, Measured())
    return _sent(world, there, runbook)


def measure(world: World, there: Machine, runbook: str, say: Say) -> dict[str, tuple[int, int]]:
    """How the rows lay, to how many were changed and how many bytes the next drill sent."""
    found = {}
    for how in (TOGETHER, SCATTERED):
        say(f"one row in a hundred is changed, {how}")
        rows = _change(world, how)
        run_dr(world, BACKUP, Measured())
        run_dr(world, VERIFY, Measured())
        found[how] = (rows, _sent(world, there, runbook))
    return found


def add(report: Report, whole: int, found: dict[str, tuple[int, int]]) -> None:
    """To the table, with its verdict."""
    report.figures.append(("bytes sent: nothing kept", show_size(whole), ""))
    for how, (rows, sent) in found.items():
        verdict = ("as expected" if sent <= whole * AT_MOST else "MISSED") if how == TOGETHER else ""
        report.figures.append((f"bytes sent: {rows:,} rows changed, {how}", f"{show_size(sent)}, {sent / whole:.2f}", verdict))


def _change(world: World, how: str) -> int:
    """Of every table of clients' data; how many rows that were."""
    changed = 0
    with connect(world.dsn) as connection:
        connection.execute("ANALYZE")
        big = "SELECT relname, relpages FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relpages >= 100"
        for table, pages in connection.execute(big).fetchall():
            update = sql.SQL('UPDATE public.{} SET "DateUpdated" = "DateUpdated" + interval \'1 second\' WHERE ' + _WHERE[how])
            changed += connection.execute(update.format(sql.Identifier(table)), {"pages": pages}).rowcount
    return changed


def _sent(world: World, there: Machine, runbook: str) -> int:
    with closing(Proxy(there.port)) as line, _by_way_of(line.port, world, there):
        run_dr(world, runbook, Measured())
        return line.passed


@contextmanager
def _by_way_of(port: int, world: World, there: Machine) -> Iterator[None]:
    """The inventory's logins on that machine go by another port, and its host key is known there."""
    hosts = Path(world.home) / "inventory" / "hosts.yaml"
    before = hosts.read_text()
    there.know(f"[127.0.0.1]:{there.port}", f"[127.0.0.1]:{port}")
    hosts.write_text(before.replace(f"port: {there.port}\n", f"port: {port}\n"))
    try:
        yield
    finally:
        hosts.write_text(before)
