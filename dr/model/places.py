"""What an entry of the inventory takes for itself on this machine, as far as its parameters alone tell: its folders and its servers."""

from dataclasses import dataclass

NEEDLE = ".dr-needle"
"""The planted file, at the top of a protected file set."""


@dataclass(frozen=True)
class Folder:
    """`at`: where in `with` it is written. `path`: absolute, links not yet followed."""

    at: tuple[str, ...]
    path: str


@dataclass(frozen=True)
class Server:
    """`at`: where in `with` its port is written."""

    at: tuple[str, ...]
    address: str
    port: int


Place = Folder | Server
