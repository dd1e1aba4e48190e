"""A person at a terminal who does not say yes hears how things stand, whichever way they said no."""

import contextlib
import os
import pty
import select
import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit
ASK = """
import click
from dr.cli.asking import require_yes
@click.command()
def ask():
    require_yes("Recover hmis for real?", "nothing was begun")
    click.echo("it began")
ask()
"""


@pytest.mark.parametrize(("keys", "code"), [(b"\x03", 1), (b"\x04", 1), (b"\n", 1), (b"n\n", 1), (b"y\n", 0)])
def test_whoever_does_not_say_yes_is_told_that_nothing_began(keys: bytes, code: int) -> None:
    """Ctrl-C, the end of input, Enter and no; yes is the control."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(["setsid", "--ctty", "--wait", sys.executable, "-c", ASK], stdin=end, stdout=end, stderr=end)
    os.close(end)
    said = b""
    while b"[y/N]" not in said:
        said += os.read(terminal, 1000)
    with contextlib.suppress(OSError):  # EIO: it ended
        for _ in range(60):  # typed before the question really listens, it may be lost: a person types it again
            os.write(terminal, keys)
            while select.select([terminal], [], [], 0.5)[0]:
                said += os.read(terminal, 1000)
    os.close(terminal)  # whoever would still wait for an answer is hung up on
    assert (process.wait(timeout=30), b"nothing was begun" in said, b"it began" in said) == (code, bool(code), not code)
