"""Where the home is: `--home`, then `DR_HOME`, then the nearest folder upwards that holds `inventory/`."""

from collections.abc import Mapping
from pathlib import Path

from dr.errors import ConfigError

_HINT = "dr init PATH makes a home; or name one with --home or DR_HOME"


def find_home(explicit: str | None, env: Mapping[str, str], cwd: Path) -> Path:
    """The home as an absolute path. Raises ConfigError if there is none; a place that is named must be one."""
    for named, by in ((explicit, "--home"), (env.get("DR_HOME"), "DR_HOME")):
        if named:
            home = (cwd / Path(named).expanduser()).resolve()
            if not (home / "inventory").is_dir():
                raise ConfigError(f"{home} ({by}) is not a home: it holds no inventory/", hint=_HINT)
            return _not_the_example(home)
    for folder in (cwd.resolve(), *cwd.resolve().parents):
        if (folder / "inventory").is_dir():
            return _not_the_example(folder)
    raise ConfigError(f"there is no home here: neither {cwd} nor a folder above it holds inventory/", hint=_HINT)


_PLACEHOLDER = "PUBLIC-DRILL-KEY"
"""What stands in the examples where `dr init` writes a home's own key."""


def _not_the_example(home: Path) -> Path:
    organisation = home / "inventory" / "organisation.yaml"
    if organisation.is_file() and _PLACEHOLDER in organisation.read_text(encoding="utf-8", errors="replace"):
        raise ConfigError(
            f"{home} is no home: its inventory/ is the example that comes with the source",
            hint="dr init PATH makes a home from it; then name that with --home or DR_HOME",
        )
    return home
