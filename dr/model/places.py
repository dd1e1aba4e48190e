"""What an entry of the inventory takes for itself on its machine, as far as its parameters alone tell: its folders and its servers."""

from dataclasses import dataclass

NEEDLE = ".dr-needle"
"""The planted file, at the top of a protected file set."""


@dataclass(frozen=True)
class Folder:
    """`at`: where in `with` it is written. `path`: absolute, links not yet followed. `swap`: a restored file set may take its place."""

    at: tuple[str | int, ...]
    path: str
    swap: bool = False


@dataclass(frozen=True)
class Server:
    """`at`: where in `with` its port is written."""

    at: tuple[str | int, ...]
    address: str
    port: int


Place = Folder | Server
