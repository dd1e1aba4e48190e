"""The catalog as it is, but for what a test's own kind of it does otherwise."""

from typing import Any

from dr.catalog.catalog import Catalog


class But:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)
