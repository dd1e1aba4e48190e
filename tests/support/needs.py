"""A pytest plugin: tests that need a program which this machine lacks are left out, and listed at the end; under CI=true that fails.

A test says what it needs by `@pytest.mark.needs("age", "zstd")`, by the mark `browser`, or by asking for a server's fixture. Of a suite
that several workers share, each worker finds the same; the one that reports hears it from them.
"""

import ctypes.util
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from dr.drivers.postgres import binaries
from dr.errors import Refused

_MISSING = pytest.StashKey[dict[str, list[str]]]()
_TOLD = "tests that lack a program"


def _postgres_15() -> bool:
    try:
        binaries.find("postgres", exactly=15)
    except Refused:
        return False
    return True


_FOUND: dict[str, Callable[[], bool]] = {
    "postgresql-15": _postgres_15,
    "pango": lambda: ctypes.util.find_library("pangoft2-1.0") is not None,
    "chromium": lambda: any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
}
"""How a need is looked for when it is not simply a program on PATH."""


def _needs(item: pytest.Item) -> Iterator[str]:
    for mark in item.iter_markers("needs"):
        yield from mark.args
    if item.get_closest_marker("browser"):
        yield "chromium"
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    if params.get("pg") == 15 or "pg15" in getattr(item, "fixturenames", ()):
        yield "postgresql-15"


def _absent(needs: Sequence[str], known: dict[str, bool]) -> list[str]:
    for need in needs:
        if need not in known:
            known[need] = _FOUND[need]() if need in _FOUND else shutil.which(need) is not None
    return [need for need in needs if not known[need]]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing: dict[str, list[str]] = {}
    known: dict[str, bool] = {}
    kept: list[pytest.Item] = []
    out: list[pytest.Item] = []
    for item in items:
        absent = _absent(tuple(_needs(item)), known)
        for need in absent:
            missing.setdefault(need, []).append(item.nodeid)
        (out if absent else kept).append(item)
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = kept
    config.stash[_MISSING] = missing
    if hasattr(config, "workeroutput"):
        config.workeroutput[_TOLD] = missing


class _Reporting:
    """What only a session with workers asks for."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        node.config.stash[_MISSING] = node.config.stash.get(_MISSING, {}) | getattr(node, "workeroutput", {}).get(_TOLD, {})


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Reporting())


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("CI") == "true" and session.config.stash.get(_MISSING, {}):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for need, tests in sorted(config.stash.get(_MISSING, {}).items()):
        terminalreporter.section(f"NOT RUN: {len(tests)} tests need {need}, which is not on this machine")
        for test in tests:
            terminalreporter.line(test)
