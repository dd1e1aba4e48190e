"""Where a restored file set may take its place: a path that means one folder, whoever reads it."""

import posixpath
from typing import Annotated

from pydantic import AfterValidator

from dr.model.base import HostPath


def _plain(path: HostPath) -> HostPath:
    if not path.startswith("/"):
        raise ValueError(f"'{path}' is not absolute")
    if not path.isprintable() or path.startswith("//") or posixpath.normpath(path) != path:
        raise ValueError(f"'{path}' is not written plainly: no '.', '..', doubled or last '/', and nothing that does not show")
    if path.count("/") < 2:
        raise ValueError(f"'{path}' is no folder of an application: it lies at the top of the machine")
    return path


PlacePath = Annotated[HostPath, AfterValidator(_plain)]
"""Absolute, without anything to be resolved in it, and not at the top of a file system's tree."""


def kept_name(place: str, run: str) -> str:
    """How what stood at `place` is called once a run has put something else there: beside it, never removed."""
    return f"{place}.before-{run}"
