"""Tests run on a private copy of the tree with one guard switched off.

A worker imports what the house is built on once and forks for every run, so that a run costs what its own tests cost.
"""

import contextlib
import importlib
import json
import os
import py_compile
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from tests.support.guards.guard import TOP, Guard

ASSERTED = {"AssertionError", "Failed"}
"""How a test's own assertion ends; the second is pytest's, as where nothing was raised."""
PATIENCE = 240.0
"""Seconds after which a run has hung."""
_BUILT_ON = ("alembic.command", "click", "cryptography.hazmat.primitives.asymmetric.ed25519", "hypothesis", "jinja2", "psycopg", "pydantic")
_AND_ON = ("pyrage", "sqlalchemy", "yaml")
_OWN = {"dr", "tests", "conftest"}

Ended = dict[str, str]
"""Test to `passed`, `skipped`, or the name of the exception that it ended with. Empty where nothing ran."""


@contextlib.contextmanager
def copied(top: Path = TOP) -> Iterator[Path]:
    """A private copy of what git tracks, or would."""
    with tempfile.TemporaryDirectory(prefix="guards-of-dr-") as folder:
        copy = Path(folder) / "tree"
        listing = ["git", "-C", str(top), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listing, check=True, capture_output=True).stdout.decode().split("\0"):
            if name and (top / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(top / name, copy / name)
        yield copy


@contextlib.contextmanager
def without(guard: Guard, tree: Path) -> Iterator[None]:
    """The copy, with the guard switched off meanwhile."""
    file = tree / guard.file
    text = file.read_text(encoding="utf-8")
    _write(file, guard.switched_off(text))
    try:
        yield
    finally:
        _write(file, text)


def _write(file: Path, text: str) -> None:
    """Compiled by what it holds, not by when it was written: a second write within the clock's tick is not taken for the first."""
    file.write_text(text, encoding="utf-8")
    py_compile.compile(str(file), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


def preload() -> None:
    """Import what every run would import anew; nothing of the house itself."""
    for name in (*_BUILT_ON, *_AND_ON):
        importlib.import_module(name)


def run(tests: Sequence[str], tree: Path, patience: float = PATIENCE) -> Ended:
    """Run these tests on the copy, in a process of their own. Raises TimeoutError where they hang."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        with contextlib.suppress(BaseException):
            os.write(writing, json.dumps(_in_child(tests, tree)).encode() + b"\n")
        os._exit(0)
    os.close(writing)
    try:
        return _said(reading, patience)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # with whatever the tests left running
        os.waitpid(child, 0)


def _said(reading: int, patience: float) -> Ended:
    data = b""
    while not data.endswith(b"\n"):
        if not select.select([reading], [], [], patience)[0]:
            raise TimeoutError(f"no end within {patience:g} s")
        more = os.read(reading, 2**16)
        if not more:
            break
        data += more
    return cast("Ended", json.loads(data)) if data else {}


@dataclass
class _Reporter:
    """A pytest plugin: notes how each test ended."""

    ended: Ended = field(default_factory=dict)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        outcome = yield
        report = outcome.get_result()  # type: ignore[attr-defined]
        how = "passed" if report.outcome == "passed" else "skipped" if report.skipped else _name(call)
        if how != "passed" or call.when == "call":
            self.ended[item.nodeid] = how if call.when == "call" or how == "skipped" else f"{how} in {call.when}"


def _name(call: pytest.CallInfo[None]) -> str:
    return call.excinfo.type.__name__ if call.excinfo else "failed"


def _in_child(tests: Sequence[str], tree: Path) -> Ended:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.chdir(tree)
    for name in [name for name in sys.modules if name.partition(".")[0] in _OWN]:
        del sys.modules[name]
    sys.path[:] = [str(tree), *(entry for entry in sys.path if entry not in ("", str(TOP)))]
    os.environ["PYTHONPATH"] = str(tree)
    importlib.invalidate_caches()
    reporter = _Reporter()
    pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", str(tree), *tests], plugins=[reporter])
    return reporter.ended
