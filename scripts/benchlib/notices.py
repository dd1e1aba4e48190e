"""Very many people and very many failures at once: how long until each has the one message that tells them, and at what memory."""

import asyncio
import os
import resource
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchlib.watch import timed
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import SystemClock
from dr.model.base import JsonObject, StrictModel
from dr.model.inventory import Inventory, SecretRef
from dr.model.ports import Word
from dr.notify.carrier import Carrier
from dr.notify.codes import Codes
from dr.notify.post import LedgerPost
from dr.notify.stories import AcknowledgedStory

GROUP = "staff"
_PATIENCE = 30.0
Say = Callable[[str], None]


class Counting:
    """An SMTP server's handler that keeps a line for each message; run by `python -m aiosmtpd`, in a process of its own."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)

    @classmethod
    def from_cli(cls, parser: ArgumentParser, *args: str) -> "Counting":
        if len(args) != 1:
            parser.error("one file is wanted")
        return cls(args[0])

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        with self._file.open("a", encoding="utf-8") as kept:
            kept.write(envelope.rcpt_tos[0] + "\n")
        await asyncio.sleep(0)
        return "250 kept"


@dataclass(frozen=True)
class Measured:
    recipients: int
    failures: int
    owed: float
    carried: float
    again: float
    """A round in which nothing is due."""
    messages: int
    told: int
    """How many people have one."""
    notices: int
    peak: int
    """Bytes, of this process."""

    def lines(self) -> list[str]:
        """A table, and what must be so of it."""
        rate = self.messages / self.carried if self.carried else 0.0
        rows = [
            ("recipients", f"{self.recipients:,}"),
            ("failures at once", f"{self.failures:,}"),
            ("into the ledger", f"{self.owed:.1f} s ({1000 * self.owed / self.failures:.2f} ms each)"),
            ("gathered, sent and recorded", f"{self.carried:.1f} s ({rate:.0f} messages a second)"),
            ("messages that arrived", f"{self.messages:,}, at {self.told:,} people"),
            ("a round with nothing due", f"{1000 * self.again:.0f} ms"),
            ("memory at its peak", f"{self.peak / 1e6:.0f} MB"),
        ]
        whole = self.messages == self.told == self.recipients
        verdict = "each has one message" if whole else "NOT everybody has exactly one message"
        return ["| what | measured |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows), "", verdict]

    @property
    def whole(self) -> bool:
        return self.messages == self.told == self.recipients


def measure(folder: Path, recipients: int, failures: int, say: Say) -> Measured:
    """Owe `failures` messages to one group of `recipients`, then carry once."""
    box, clock = folder / "arrived.txt", SystemClock()
    box.write_text("")
    with _mail_server(box) as port, open_catalog(folder / "catalog.db", clock) as catalog:
        post = _post(_inventory(recipients), catalog, port)
        say(f"{failures:,} failures into the ledger")
        owed = timed(lambda: [post.owe(_word(number)) for number in range(failures)])[0]
        say(f"one message to each of {recipients:,} people")
        carried = timed(post.carry)[0]
        again = timed(post.carry)[0]
        notices = len(catalog.notices(failures + 10))
    arrived = box.read_text().split()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Measured(recipients, failures, owed, carried, again, len(arrived), len(set(arrived)), notices, peak)


def _word(number: int) -> Word:
    story: StrictModel = AcknowledgedStory(organisation="Bench", subject=f"system {number}", by="nobody", at="now", comment="", notice="n")
    return Word(id=f"failure-{number}", to=GROUP, template="acknowledged", story=story, severity="critical" if number == 0 else "warning")


def _post(inventory: Inventory, catalog: Catalog, port: int) -> LedgerPost:
    def secret(reference: SecretRef) -> str:
        return f"mailto://127.0.0.1:{port}/?from=dr@example.org&to={reference.env}@example.org"

    def audit(event: str, subject: str, facts: JsonObject) -> None:
        catalog.audit(event, subject, facts, actor="bench", at=clock.now())

    clock = SystemClock()
    carrier = Carrier(inventory, catalog, clock, secret, codes=Codes(catalog, lambda: b"k" * 32))
    return LedgerPost(inventory, catalog, clock, carrier, audit)


def _inventory(recipients: int) -> Inventory:
    keys = {"recipients": ["age1a", "age1b"], "signing": {"file": "k"}, "trusted": ["k"]}
    people = {f"p{n}": {"name": f"Person {n}", "groups": [GROUP], "channels": [{"env": f"p{n}"}]} for n in range(recipients)}
    facts = {"organisation": {"name": "Bench", "keys": keys}, "systems": {}, "hosts": {}, "repositories": {}, "contacts": people}
    return Inventory.from_facts(facts)


@contextmanager
def _mail_server(box: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    serving = ["-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c", "benchlib.notices.Counting", str(box)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    server = subprocess.Popen([sys.executable, "-W", "ignore", *serving], stderr=subprocess.DEVNULL, env=environment)
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    ended = time.monotonic() + _PATIENCE
    while time.monotonic() < ended:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    raise RuntimeError("the mail server did not start")
