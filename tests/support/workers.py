"""A pytest plugin for a suite that several workers share by its files (`scripts/test`): the files that take long are begun first.

A long file begun last would be waited for by one worker while the others have nothing left to do.
"""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        longest_first(items)


def longest_first(items: list[pytest.Item]) -> None:
    """By the marks of its longest test; files of one kind, and the tests of a file, stay in their order."""
    ranks: dict[str, int] = {}
    for item in items:
        file = str(item.path)
        ranks[file] = min(rank(item), ranks.get(file, rank(item)))
    items.sort(key=lambda item: ranks[str(item.path)])


def rank(item: pytest.Item) -> int:
    slow, fault, integration, browser = (item.get_closest_marker(mark) is not None for mark in ("slow", "fault", "integration", "browser"))
    if slow:
        return 0 if fault else 1
    return 2 if fault or integration or browser else 3
