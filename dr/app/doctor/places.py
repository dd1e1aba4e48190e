"""Hosts and repositories: do they answer, are they what they should be."""

from collections.abc import Iterator

from dr.app.agreements import found
from dr.app.home import App
from dr.app.hosts import check_host
from dr.app.keys import Line
from dr.errors import DrError


def hosts(app: App) -> Iterator[Line]:
    """As `dr hosts check`; and what still lies on a standby from a drill that nobody carries."""
    for name, entry in app.inventory.hosts.items():
        try:
            wrong = [what for fine, what in check_host(app, name) if not fine]
        except DrError as error:
            yield Line("red", f"{name}: {error.message}", error.hint or f"dr hosts check {name}")
            continue
        for what in wrong:
            yield Line("red", f"{name}: {what}", f"dr hosts check {name}")
        if not wrong:
            yield Line("green", f"{name} ({entry.role}) is as it should be")
    for one in (one for one in found(app) if one.severity == "warning"):  # where none is in force, the guard has said so above
        yield Line("amber", one.message, one.hint)
    active = app.services.active()
    for state in app.records.hosts():
        if state.state in ("claimed", "adopted") and state.run not in active:
            yield Line(
                "amber", f"{state.host} still holds the data of {state.run}", "the next drill scrubs it first; `dr drill` now does it now"
            )


def repositories(app: App) -> Iterator[Line]:
    """Whether each is there and is ours."""
    for repository in app.repositories():
        try:
            repository.identity()
        except DrError as error:
            yield Line("red", f"{repository.name}: {error.message}", error.hint or f"dr repositories check {repository.name}")
        else:
            yield Line("green", f"{repository.name} (tier {repository.tier}) answers and is ours")
