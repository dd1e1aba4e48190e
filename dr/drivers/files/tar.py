"""GNU tar's arguments: everything of a file is kept, and an unchanged tree gives unchanged bytes."""

import re
from collections.abc import Sequence

from dr.model.base import HostPath

_KEEP = ("--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner")


def create(root: HostPath, exclude: Sequence[str]) -> list[str]:
    """Write the tree to standard output.

    Sorted, without access and change times, and with header names that hold no process id (sparse format 1.0 has one, 0.0 has not), so
    that the same files are the same bytes every night.
    """
    return [
        "tar",
        "--create",
        "--file=-",
        "--format=posix",
        "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
        "--sparse",
        "--sparse-version=0.0",
        "--sort=name",
        *_KEEP,
        "--anchored",
        "--wildcards",
        "--wildcards-match-slash",
        *(f"--exclude=./{_escape(pattern)}" for pattern in exclude),
        f"--directory={root}",
        ".",
    ]


def extract(into: HostPath, *, root: bool) -> list[str]:
    """Read standard input into a fresh folder. `root`: owners can be given back. Absolute names and `..` are tar's to refuse."""
    return [
        "tar",
        "--extract",
        "--file=-",
        *_KEEP,
        "--preserve-permissions",
        "--same-owner" if root else "--no-same-owner",
        "--delay-directory-restore",
        f"--directory={into}",
    ]


def _escape(pattern: str) -> str:
    """Only `*` and `?` are special in a pattern of ours."""
    return re.sub(r"([\[\]\\])", r"\\\1", pattern)
