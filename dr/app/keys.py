"""What a person asks of the keys: whether all is well with them, and a drill with the key that was brought."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dr.actions.canary import EscrowDue, escrow_due, escrow_recipients, how_to_try, noted_escrow, open_newest
from dr.app.home import App
from dr.app.rotate import unfinished_rotation
from dr.clock import local
from dr.config.key_files import key_troubles
from dr.config.keys import FOLDER, HomeKeys, kept_drill_keys, place, public_half, read_identity
from dr.errors import DrError, Refused, Unreachable
from dr.model.base import HostPath, JsonObject, SystemName
from dr.model.inventory import SecretRef
from dr.model.readiness import Colour
from dr.model.record import RunRecord

_PRIVATE = ("*.agekey*", "*.key", ".next-*", "*.url", "*.password")


@dataclass(frozen=True)
class Line:
    """One thing about the keys. Red is wrong; amber wants a person; a hint says what next."""

    colour: Colour
    text: str
    hint: str = ""

    def to_facts(self) -> JsonObject:
        return {"colour": self.colour, "text": self.text, "hint": self.hint}


def check(app: App) -> list[Line]:
    """Everything about the keys of a home; reads, writes nothing."""
    mine = _mine(app)
    escrow = escrow_recipients(app.inventory.organisation.keys.recipients, mine, noted_escrow(HostPath(str(app.home))))
    troubles = key_troubles(app.inventory.organisation.keys, app.home)
    wrong = {one.where[-1] for one in troubles}
    return [
        *_permissions(app.home),
        *(Line("red", one.message, one.hint) for one in troubles if "can be read by others" not in one.message),
        *_recipients(app, mine),
        *(() if wrong & {"signing", "trusted"} else _signing(app)),
        *(() if "identity" in wrong else _drill(app, mine)),
        *_escrow_here(app, mine, escrow),
        *(line for name in app.inventory.systems for line in _exercised(app, SystemName(name), escrow)),
        *_unfinished(app.home),
    ]


def drill_with(app: App, system: str, tier: str, select: str | None, key: Path) -> RunRecord:
    """A drill that reads the backups with the key in `key` (0600) instead of the home's own.

    Raises ConfigError or Refused for a file that is no such key. While another run is under way or interrupted it is Refused: this
    process may have to take that one up, and would read with the wrong key.
    """
    identity = read_identity(SecretRef(file=str(key.expanduser().absolute())), app.home, str(key))
    public_half(identity)
    others = sorted(app.services.active())
    if others:
        raise Refused(
            f"{others[0]} is not over, and it is to read with the home's own key", hint="`dr runs list`; `dr runs resume` ends it"
        )
    app.own_key = False
    app.services.keys = HomeKeys(app.home, app.inventory.organisation.keys, borrowed=identity)
    return app.drill(system, tier, select)


def _mine(app: App) -> frozenset[str]:
    named = app.inventory.organisation.keys.identity
    try:
        return frozenset({public_half(read_identity(named, app.home, place(named)))}) if named else frozenset()
    except DrError:
        return frozenset()  # said by `key_troubles`


def _held(app: App) -> frozenset[str]:
    """The public halves of the home's own key and of those that were kept."""
    try:
        return frozenset(map(public_half, app.services.keys.identity().splitlines()))
    except DrError:
        return frozenset()  # said by `key_troubles`


def _permissions(home: Path) -> Iterator[Line]:
    folder = home / FOLDER
    private = sorted({path for ending in _PRIVATE for path in folder.glob(ending) if path.is_file()})
    open_ones = [path for path in private if path.stat().st_mode & 0o077]
    for path in open_ones:
        yield Line("red", f"{path.relative_to(home)} can be read by others (mode {path.stat().st_mode & 0o777:04o})", f"chmod 600 {path}")
    if not open_ones:
        yield Line("green", f"the {len(private)} private files in {FOLDER}/ are readable by their owner only")
    if folder.stat().st_mode & 0o077:
        yield Line("amber", f"others can look into {FOLDER}/", f"chmod 700 {folder}")


def _recipients(app: App, mine: frozenset[str]) -> Iterator[Line]:
    recipients = set(app.inventory.organisation.keys.recipients)
    if len(recipients) < 2:
        yield Line("red", "new sets are encrypted to one key only", "name the drill key's and the escrow key's under keys.recipients")
    else:
        yield Line("green", f"new sets are encrypted to {len(recipients)} keys")
    if mine and mine.isdisjoint(recipients):
        if not _held(app).isdisjoint(recipients):
            yield Line("amber", "only an earlier drill key is one of them", "dr keys rotate drill")
        else:
            yield Line("red", "the drill key here is none of them: new sets could not be read here", "put the right key into its place")


def _signing(app: App) -> Iterator[Line]:
    keys, probe = app.services.keys, b"dr: does the signing key sign?"
    try:
        keys.verify(probe, keys.sign(probe))
        yield Line("green", f"the signing key signs, and is one of {len(app.inventory.organisation.keys.trusted)} that are believed")
    except DrError as error:
        yield Line("red", f"the signing key: {error.message}", error.hint)


def _drill(app: App, mine: frozenset[str]) -> Iterator[Line]:
    if app.inventory.organisation.keys.identity is None:
        yield Line("amber", "this home has no drill key: whether it opens the backups is tried where drills run", "dr keys check, there")
        return
    kept = kept_drill_keys(app.home)
    if mine and kept:
        yield Line("green", f"{len(kept)} earlier drill key(s) are kept, for what was made in their time")
    for name in app.inventory.systems:
        for repository in app.repositories():
            try:
                found = open_newest(SystemName(name), repository, app.services.sets)
            except Unreachable as error:
                yield Line("amber", f"{repository.name} could not be looked at: {error.message}", error.hint)
                continue
            except DrError as error:
                yield Line("red", f"the drill key does not open the newest set of {name} in {repository.name}: {error.message}", error.hint)
                continue
            if found is None:
                yield Line("amber", f"{repository.name} holds no set of {name} yet", "dr run nightly")
            else:
                yield Line("green", f"the drill key opens {found.set} in {repository.name} (tier {found.tier})")


def _escrow_here(app: App, mine: frozenset[str], escrow: frozenset[str]) -> Iterator[Line]:
    """`dr init` makes the escrow key here, for it must be made somewhere: until it is carried away, whoever has this machine has it."""
    away = "print it or put it on a stick, lock it in a safe in another building, then delete this file"
    there = sorted(path for path in (app.home / FOLDER).glob("escrow*") if path.is_file())
    for path in there:
        yield Line("amber", f"the escrow private key is still on this machine: {path}", away)
    if mine & escrow:
        yield Line("amber", "the drill key of this home is the escrow key", "dr keys rotate drill makes it one of its own again")
    if not there and not mine & escrow:
        yield Line("green", "no escrow private key lies in keys/")


def _exercised(app: App, system: SystemName, escrow: frozenset[str]) -> Iterator[Line]:
    due: EscrowDue = escrow_due(system, escrow, app.records)
    if due.due is None:
        yield Line("amber", f"when the escrow key of {system} must be tried cannot be told yet: there is no set, or no key to tell it by")
        return
    zone = app.inventory.organisation.zone
    last = f"last tried on {local(due.last, zone)}" if due.last else "never tried by a drill"
    hint = how_to_try(system, app.inventory)
    if app.clock.now() > due.due:
        yield Line("amber", f"the escrow key of {system} was {last}; a drill with it was due on {local(due.due, zone)}", hint)
    else:
        yield Line("green", f"the escrow key of {system} was {last}; a drill with it is due by {local(due.due, zone)}", hint)


def _unfinished(home: Path) -> Iterator[Line]:
    begun = unfinished_rotation(home)
    if begun:
        yield Line("amber", f"a rotation of the {begun.what} key is not finished", f"dr keys rotate {begun.what}")
