"""What a recovery still does on a machine across a network that it made production: as on a local host, asked of `dr` there."""

from typing import Protocol

from dr.hosts.told import shown
from dr.model.base import HostPath, JsonObject


class Asked(Protocol):
    """As much of a host of kind ssh as is asked here."""

    @property
    def known(self) -> tuple[str, ...]: ...
    def ask(self, verb: str, **args: object) -> JsonObject: ...
    def close(self) -> None: ...


class ServingSsh:
    """`dr.model.ports.ServingHost` on another machine: made only where its `dr` says that this run made it production."""

    def __init__(self, host: Asked) -> None:
        self._host = host

    def settled(self) -> JsonObject:
        """As on a local host; it is recognised by its host keys too."""
        return {**self._host.ask("settled"), "host_keys": list(self._host.known)}

    def accept(self, how: JsonObject) -> JsonObject:
        told = shown(self._host.ask("accept", how=how))
        assert isinstance(told, dict)
        return told

    def swap_in(self, source: str, place: HostPath) -> JsonObject:
        """As on a local host."""
        told = shown(self._host.ask("swap-in", source=source, place=place))
        assert isinstance(told, dict)
        return told

    def close(self) -> None:
        self._host.close()
