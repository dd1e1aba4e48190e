"""What a person asks of homes that are stored, and of where a home's repositories are."""

import os
from collections.abc import Mapping
from pathlib import Path

from dr.app.home import App
from dr.app.relocate import relocate
from dr.app.stored_homes import Place, open_place
from dr.config.home import find_home
from dr.model.base import RepositoryName


def place_of(source: str, home: str | None) -> Place:
    """A repository by its folder, which needs no home, or by its name in this home's inventory."""
    if "/" in source or Path(source).is_dir():
        return open_place(source)
    app = App.open(home)
    repository = app.services.repository(RepositoryName(source))
    identity = repository.identity()
    return Place(repository, identity.organisation, identity.tier)


def relocate_in(home: str | None, places: Mapping[str, Path]) -> list[str]:
    """Rewrite the paths and read all of it again. Raises ConfigError, with every problem, if the home is none then."""
    found = find_home(home, os.environ, Path.cwd())
    relocate(found, places)
    app = App.open(str(found))
    return [f"{name} is at {app.inventory.repositories[name].with_['path']}" for name in places]
