"""An exercise in the demo: its invented people are told by real channels to receivers of their own, and answer as they would."""

from collections.abc import Callable
from pathlib import Path

from dr.app.acknowledging import acknowledge
from dr.app.duties import Offices
from dr.app.exercise import Played, Prepared, Wish, play, prepare
from dr.app.home import App
from dr.demo.players import Players
from dr.demo.receivers import Doors, Heard, receivers
from dr.model.inventory import Inventory, SecretRef
from dr.model.record import Progress

SEED = 47
WAIT = 40.0
"""Seconds that the demo's people have."""


def prepare_in_demo(home: Path, watch: Callable[[Progress], None], seed: int = SEED) -> tuple[App, Prepared]:
    """Look, and begin nothing. Raises as `exercise.prepare`."""
    app = App.open(str(home), watch=watch)
    return app, prepare(app, Wish("office-failover", seed, wait=WAIT))


def play_in_demo(
    app: App, prepared: Prepared, say: Callable[[str], None], *, slowest: float = 6.0, listen: Callable[[Heard], None] = lambda _: None
) -> Played:
    """`slowest`: seconds after which everybody who is there has answered; `listen` hears every message, too."""

    def hear(heard: Heard) -> None:
        listen(heard)
        players.hear(heard)

    theirs = App(app.home, app.clock, lambda _: None)  # the players sit at a machine of their own
    players = Players(_Keyboard(theirs), prepared.scenario.seed, prepared.scenario.away, slowest=slowest)
    with receivers(hear) as doors, players.playing():
        for one in (app, theirs):
            one.services.address = addresses(one.inventory, doors)
        return play(app, prepared, say)


class _Keyboard:
    """`demo.players.Typed`, on a home."""

    def __init__(self, app: App) -> None:
        self._app = app

    def acknowledge(self, code: str) -> None:
        acknowledge(self._app, code, "", None)

    def accept(self, duty: str, office: str, number: int) -> None:
        self._offices(office).accept(duty, office, number)

    def refuse(self, duty: str, office: str) -> None:
        self._offices(office).refuse(duty, office, "two of us are ill")

    def _offices(self, office: str) -> Offices:
        return Offices(self._app, exercise=True, by=f"player of {office}")


def addresses(inventory: Inventory, doors: Doors) -> Callable[[SecretRef], str]:
    """Everybody's channels, as `HomeServices.address` has them."""
    known = {
        channel.place: doors.url(name, number)
        for name, contact in inventory.contacts.items()
        for number, channel in enumerate(contact.channels)
    }
    return lambda reference: known[reference.place]
