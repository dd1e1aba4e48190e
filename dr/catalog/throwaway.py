"""A copy of the catalog to look at: whatever is done to it, the catalog itself is only read."""

import sqlite3
from contextlib import closing
from pathlib import Path

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import Clock


def open_throwaway(catalog: Path, folder: Path, clock: Clock) -> Catalog:
    """A copy in `folder` of what the catalog says now (of an empty one, where there is none). The file is opened read-only."""
    place = folder / "catalog.db"
    if catalog.is_file():
        with closing(sqlite3.connect(f"{catalog.absolute().as_uri()}?mode=ro", uri=True)) as real, closing(sqlite3.connect(place)) as copy:
            real.backup(copy)
    return open_catalog(place, clock)
