"""The schemas of the files, as an editor wants them: of the kinds that this installation has."""

import os
from pathlib import Path

from dr import plugins
from dr.config.home import find_home
from dr.config.schema import FOLDER, as_text, schemas, write_schemas

NAMES = ("inventory", "runbook")


def text(name: str) -> str:
    """One of NAMES as JSON."""
    return as_text(schemas(plugins.kinds())[name])


def write(folder: Path, name: str | None) -> list[Path]:
    """Into a folder: one, or both."""
    return write_schemas(folder, plugins.kinds(), (name,) if name else NAMES)


def home_folder(home: str | None) -> Path:
    """Where a home's own are: the place that the first line of the files made by `dr init` names. Raises ConfigError without a home."""
    return find_home(home, os.environ, Path.cwd()) / FOLDER
