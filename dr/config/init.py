"""`dr init`: a home for a new organisation, made from the example files, with keys of its own."""

import re
from pathlib import Path

from dr.config.keys import DRILL, ESCROW, SIGNING, SIGNING_PUBLIC, fingerprint, make_keys
from dr.config.kinds import Kinds
from dr.config.schema import FOLDER as SCHEMAS
from dr.config.schema import MODELINE, as_text, schemas
from dr.config.zones import is_zone, zone_hint
from dr.disk import make_folder, write_new
from dr.errors import ConfigError, Refused

OURS = ("inventory", "runbooks", "keys", "evidence", "state", "repositories", "standby", SCHEMAS)
"""All that a home's top folder may hold for `init_home` to work in it."""
SYSTEM = "hmis"
_TITLE = "Homeless Management Information System"
"""How the examples call their system."""
DRILL_PLACE = "PUBLIC-DRILL-KEY"
ESCROW_PLACE = "PUBLIC-ESCROW-KEY"


def examples() -> Path:
    """The example organisation: in an installed package `dr/examples/`, in a checkout the folders beside the package."""
    package = Path(__file__).resolve().parent.parent
    for place in (package / "examples", package.parent):
        if (place / "inventory" / "organisation.yaml").is_file():
            return place
    raise Refused("this installation holds no example files", hint="install dr again")


def init_home(path: Path, name: str, zone: str, system: str = SYSTEM, kinds: Kinds | None = None) -> list[str]:
    """Make the home at `path`: inventory, runbooks, keys, empty state/ and evidence/. What is there already is left as it is, and an
    inventory that was whole once gets no example beside it: the example's duties ask for skills that its people may not have.

    `system`: what the examples' system is called there. `kinds`: with them, schemas of these kinds too, named in each file's first line.

    Gives back lines of instruction for the person. Raises ConfigError for a name, zone or system that cannot be, Refused for a place that
    holds anything else.
    """
    _check(name, zone, system)
    place = examples()
    _refuse_strange(path)
    before = _files(path)
    newer = _newer(path, place)
    make_folder(path)
    for folder in ("keys", "state", "evidence"):
        make_folder(path / folder)
    keys = make_keys(path)
    if kinds is not None:
        make_folder(path / SCHEMAS, 0o755)
        for schema, value in schemas(kinds).items():
            write_new(path / SCHEMAS / f"{schema}.json", as_text(value).encode(), 0o644)
    for folder in ("inventory", "runbooks"):
        make_folder(path / folder, 0o755)
        head = MODELINE.format(name=folder.removesuffix("s")) if kinds is not None else ""
        for template in sorted((place / folder).glob("*.yaml")):
            if folder == "inventory" and template.name in newer:
                continue
            text = template.read_text(encoding="utf-8")
            filled = _fill(text, name, zone, keys) if template.name == "organisation.yaml" else _called(text, system)
            write_new(path / folder / template.name, (head + filled).encode(), 0o644)
    if newer:
        return _upgraded(path, newer, _files(path) - before)
    return (
        _instructions(path, system) if _files(path) != before else [f"{path} is a home already, with all its files; nothing was changed."]
    )


def _newer(path: Path, place: Path) -> list[str]:
    """The example files that an inventory which was whole once does not have: its last is there, so none is missing for a crash."""
    names = sorted(template.name for template in (place / "inventory").glob("*.yaml"))
    held = path / "inventory"
    return [name for name in names if not (held / name).exists()] if names and (held / names[-1]).exists() else []


def _upgraded(path: Path, newer: list[str], made: set[Path]) -> list[str]:
    """What is told of a home that was there before these examples were."""
    added = sorted(str(file.relative_to(path)) for file in made if file.is_file())
    return [
        f"{path} is a home already; {'added: ' + ', '.join(added) if added else 'nothing was changed'}.",
        f"Not in its inventory/: {', '.join(newer)}. It works without; to have them, make an example elsewhere (dr init /tmp/example),",
        f"copy what you want of its inventory/ and make it your own, then: dr --home {path} check",
    ]


def _called(text: str, system: str) -> str:
    """The example's own words, for a system of another name."""
    if system == SYSTEM:
        return text
    for words, instead in ((_TITLE, system), ("the client database", f"{system}'s database")):
        text = text.replace(words, instead)
    return re.sub(rf"\b{SYSTEM}\b", system, text)


def _files(path: Path) -> set[Path]:
    """What `init_home` may make in it."""
    folders = [path / name for name in ("inventory", "runbooks", "keys", "state", "evidence", SCHEMAS)]
    return {file for folder in folders if folder.is_dir() for file in (folder, *folder.iterdir())}


def _check(name: str, zone: str, system: str) -> None:
    if not name.strip() or not name.isprintable():
        raise ConfigError("an organisation needs a name of one line", hint='write --name "Your Organisation"')
    if not is_zone(zone):
        raise ConfigError(f"'{zone}' is not a time zone", hint=zone_hint(zone))
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", system):
        raise ConfigError(
            f"'{system}' cannot name a system", hint="write small letters, digits and dashes, a letter first, such as client-records"
        )


def _refuse_strange(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise Refused(f"{path} is not a folder", hint="name a new place")
    strange = sorted(item.name for item in path.iterdir() if item.name not in OURS) if path.is_dir() else []
    if strange:
        shown = ", ".join(strange[:3]) + (", ..." if len(strange) > 3 else "")
        raise Refused(f"{path} holds other things ({shown})", hint="name a new or empty folder")


def _fill(text: str, name: str, zone: str, keys: dict[str, str]) -> str:
    """The template with the organisation's own name, zone and public keys; its comments stay."""
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    text = re.sub(r"(?m)^(  name: ).*$", lambda found: found[1] + quoted, text, count=1)
    text = re.sub(r"(?m)^(  zone: )\S+", lambda found: found[1] + zone, text, count=1)
    return text.replace(DRILL_PLACE, keys["drill"]).replace(ESCROW_PLACE, keys["escrow"])


def _instructions(path: Path, system: str) -> list[str]:
    return [
        f"Made the home {path}. Each key belongs in one place:",
        f"  {path / ESCROW}",
        "    the escrow key: print it or put it on a stick, lock it in a safe in another building, then delete this file.",
        "    With it and any copy of the backups, everything can be read back, even if this machine is gone.",
        f"  {path / DRILL}",
        "    the drill key: only on the machine where drills run. If backups are made elsewhere, move it away from there.",
        f"  {path / SIGNING}",
        "    the signing key: stays here, readable by dr's user only. It signs backups and evidence.",
        f"  its fingerprint: {fingerprint(path / SIGNING_PUBLIC)}",
        "    write it on the paper that lies with the escrow key: by it a home that is brought back is known to be yours.",
        "Next:",
        "  1. read inventory/*.yaml and write down your own hosts, paths, people and objectives;",
        "  2. put the secrets that it names into files (chmod 600): the database's password, and a channel for each contact;",
        f"  3. dr --home {path} check        says what is wrong or still missing;",
        f"  4. export DR_HOME={path}",
        "     dr hosts enrol production; dr hosts enrol standby       what each is recognised by is recorded;",
        "     dr repositories init fileserver; dr repositories init bank-vault",
        f"  5. dr run nightly, then dr drill {system} --tier online, then dr status.",
        "  6. dr schedule install        has the nights and drills begin by themselves; dr doctor looks for what goes wrong unnoticed.",
        f'  7. dr recover {system} --reason "a rehearsal" --rehearse        says what a recovery would bring back and lose; read',
        "     runbooks/recover.yaml now: where users will reach the system, and what moves them there.",
    ]
