"""The demo's home: made as `dr init` makes one, with the inventory's places and ports set to the demo's own."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from dr.config.init import init_home
from dr.errors import Failed

PRODUCTION_PASSWORD = "keys/production-postgres.password"  # noqa: S105 - where it is, not what it is
APPLICATION_PASSWORD = "keys/hmis-web.password"  # noqa: S105
_CHANNELS = ("system-administrator", "help-desk-lead", "executive-director", "green-bay-lead", "eau-claire-lead")
_NAME, _ZONE = "Invented Homelessness Services (demo)", "America/Chicago"


@dataclass(frozen=True)
class Remembered:
    """What a later `dr demo` must know: ports (0: none yet), how many days of work there were, how large it was made."""

    production: int = 0
    standby: int = 0
    days: int = 0
    scale: float = 1.0


def make_home(home: Path) -> None:
    """Keys, inventory and runbooks; nothing if they are there. Raises Refused if `home` holds other things."""
    if not (home / "demo").is_dir():
        init_home(home, _NAME, _ZONE)
        (home / "demo").mkdir(mode=0o700)
        _set_places(home)
    for contact in _CHANNELS:
        # Local mail, which needs no credentials: a notice that cannot be delivered is shown by `dr status`.
        place = home / "keys" / f"notify-{contact}.url"
        if not place.exists():
            write_private(place, f"mailto://localhost?from=dr@localhost&to={contact}@localhost")


def _set_places(home: Path) -> None:
    """The example inventory, with what it protects and where it keeps it moved below `demo/`."""
    _replace(home / "inventory" / "systems.yaml", "/srv/hmis/site", "demo/site")
    for name in ("fileserver", "bank-vault"):
        _replace(home / "inventory" / "repositories.yaml", f"repositories/{name}", f"demo/{name}")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise Failed(f"the example inventory's {path.name} names no '{old}'", hint="this installation's examples do not fit its demo")
    write_text(path, text.replace(old, new))


def write_hosts(home: Path, known: Remembered) -> None:
    """The hosts with the ports of this start; written only if it says something new."""
    text = _HOSTS.format(production=known.production, standby=known.standby, password=PRODUCTION_PASSWORD)
    path = home / "inventory" / "hosts.yaml"
    there = path.read_text(encoding="utf-8")
    if _RECOVERED not in there and there != text:
        write_text(path, text)


_RECOVERED = "# dr reprotect"
"""Where this stands, production is another host by now, and the file is the person's."""
_HOSTS = """\
# The demo's machines: both are this one. Written anew by `dr demo` when a port had to change.

hosts:
  production:
    kind: local
    role: production
    with:
      postgres:
        host: 127.0.0.1
        port: {production}
        user: postgres
        password: !secret {{file: {password}}}
        data_directory: demo/production/pgdata
  standby:
    kind: local
    role: standby
    with:
      path: demo/standby
      postgres:
        port: {standby}
"""


def recall(home: Path) -> Remembered:
    """What `remember` wrote, or nothing yet."""
    try:
        return Remembered(**json.loads((home / "demo" / "ports.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Remembered()


def remember(home: Path, known: Remembered) -> None:
    write_text(home / "demo" / "ports.json", json.dumps(asdict(known)) + "\n")


def secret(home: Path, name: str) -> str:
    """The secret in a file of the home; made if there is none."""
    path = home / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8").strip()


def write_text(path: Path, text: str) -> None:
    """Replace a file whole, so that nobody reads half of it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def write_private(path: Path, text: str) -> None:
    """A new file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text + "\n")
