"""Secrets, keys, the audit trail, what was left unfinished."""

from collections.abc import Iterator

from dr.actions.reconcile import EXPIRY
from dr.app.home import App
from dr.app.keys import Line
from dr.app.keys import check as check_keys
from dr.config.problems import ConfigProblems
from dr.errors import Damaged


def secrets(app: App) -> Iterator[Line]:
    """Every `!secret` is where the inventory says, and private."""
    try:
        app.require_secrets()
    except ConfigProblems as error:
        for problem in error.problems:
            yield Line("red", f"{problem.file}:{problem.line + 1}: {problem.message}", problem.hint)
    else:
        yield Line("green", "every secret that the inventory names is there, and private")


def keys(app: App) -> Iterator[Line]:
    """As `dr keys check`."""
    yield from check_keys(app)


def records(app: App) -> Iterator[Line]:
    """The trail is whole; nothing was left half-way; retention works."""
    try:
        trail = app.verify_audit()
    except Damaged as error:
        yield Line("red", error.message, error.hint)
    else:
        yield Line("green", f"the audit trail is whole: {trail.entries} entries, as far as {trail.vouched} sets and evidence files vouch")
        for remark in trail.remarks:
            yield Line("amber", remark, "dr audit verify")
    for run in app.interrupted():
        yield Line("amber", f"{run} was interrupted and waits", f"dr runs resume {run}")
    if app.records.setting(EXPIRY) == "off":
        yield Line("amber", "expiry is turned off: nothing is deleted, and the repositories grow", "dr retention --turn-on")
