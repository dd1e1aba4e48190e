"""The points at which a test kills what is no step of a run: bringing a home back, making a catalog anew."""

import os
from collections.abc import Callable
from pathlib import Path

from dr import plugins
from dr.engine.failpoints import Failpoints, all_failpoints

_TOLD = ("after-record", "after-owed", "after-carried")
OF_THE_TOOL = {
    "home-restore": ("after-claim", "after-unpack", "after-key", "after-catalog", "before-inventory", "after-move"),
    "keys-rotate": ("after-begun", "after-new", "after-kept", "after-key", "after-inventory", "after-record", "after-end"),
    **{f"outage-{act}": _TOLD for act in ("declare", "update", "assign", "resolve", "review", "dismiss")},
    **{f"incident-{act}": _TOLD for act in ("open", "note", "close")},
    **{f"office-{act}": ("after-turn", "after-claimed", "after-owed", "after-carried") for act in ("accept", "give")},
    "office-refuse": ("after-turn", "after-owed", "after-carried"),
    "office-works": ("after-turn", "after-carried"),
    "office-back": ("after-turn", "after-wanted", "after-owed", "after-carried"),
    "rebuild": ("after-begin", "after-copy", "after-proofs", "before-swap", "after-aside", "after-swap"),
}
"""Verb to its points, in the order in which they are reached."""


def failpoint_names() -> list[str]:
    """Every name that DR_FAILPOINT accepts."""
    return [*all_failpoints(plugins.ACTIONS.values()), *(f"{verb}.{point}" for verb, points in OF_THE_TOOL.items() for point in points)]


def of_verb(verb: str) -> Callable[[str], None]:
    """What a verb calls at each of its points, by the environment's DR_FAILPOINT. Raises ConfigError for one that there is not."""
    log = os.environ.get("DR_FAILPOINT_LOG")
    points = Failpoints(os.environ.get("DR_FAILPOINT"), failpoint_names(), Path(log) if log else None)
    return lambda point: points.fire(f"{verb}.{point}")
