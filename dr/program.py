"""This very program, as somebody else can type it: root's PATH need not have it, and a home is found only where it is named."""

import shlex
import shutil
import sys
from pathlib import Path


def program() -> str | None:
    """The path of this `dr`; None where it was started in a way that nobody can repeat."""
    beside = Path(sys.executable).parent / "dr"
    found = str(beside) if beside.is_file() else shutil.which("dr")
    return str(Path(found).absolute()) if found else None


def this_dr(home: str | Path) -> str:
    """How a command of this home begins, in any shell and anybody's."""
    return f"{shlex.quote(program() or 'dr')} --home {shlex.quote(str(Path(home).absolute()))}"


def owner(home: str | Path) -> str:
    """The account whose home it is."""
    try:
        return Path(home).owner()
    except KeyError:
        return str(Path(home).stat().st_uid)
