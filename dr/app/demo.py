"""The demo's world, as a person asks for it: made, started again, stopped."""

from collections.abc import Callable
from pathlib import Path

from dr.app.home import App
from dr.app.hosts import check_host, enrol
from dr.app.repositories import initialise


def prepare_demo(home: Path, *, scale: float, say: Callable[[str], None], seed: int = 20261122) -> None:
    """Make (or start again) the demo's world: production running and filled, hosts enrolled, repositories initialised."""
    from dr.demo.world import prepare

    prepare(home, scale=scale, seed=seed, say=say)
    app = App.open(str(home))
    recorded = {facts.host for facts in app.records.production()}
    for name, host in app.inventory.hosts.items():
        if (host.role == "production" and name not in recorded) or (
            host.role == "standby" and not all(ok for ok, _ in check_host(app, name))
        ):
            say(enrol(app, name)[0])
    for repository in app.repositories():
        initialise(app, repository.name)


def stop_demo(home: Path) -> bool:
    """Stop the demo's servers; False if none ran."""
    from dr.demo.world import stop

    return stop(home)


def is_demo(home: Path) -> bool:
    """Whether a home is the demo's world and no organisation's."""
    return (home / "demo" / "ports.json").is_file()
