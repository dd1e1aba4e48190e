"""Secrets: read where they are kept, only when they are used; and kept out of everything that is written."""

import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from dr.config.inventory import read_folder
from dr.config.nodes import plain_table, secrets
from dr.config.problems import STARS, Problem
from dr.errors import Refused
from dr.model.inventory import Inventory, SecretRef

MAX_BYTES = 64 * 1024
_OPENS_SETS = frozenset({"restore", "check", "scrub"})
_DIGESTS = frozenset({"backup", "check"})
_REACHES_SERVERS = _OPENS_SETS | {"backup", "command"}
_LOOKS = frozenset({"watch-redundancy", "detect-outages"})
_SHORTEST = 4
"""A shorter secret is not masked: stars in place of every 'a' would hide the log and give the secret away."""


def resolve_secret(ref: SecretRef, home: Path, env: Mapping[str, str] | None = None) -> str:
    """The secret itself, without its last line break. Raises Refused, saying where it was looked for and never what it holds."""
    env = os.environ if env is None else env
    if ref.env is not None:
        return _from_env(ref.env, env)
    if ref.credential is not None:
        return _from_credential(ref.credential, env)
    if ref.file is not None:
        return _read(home / ref.file, f"secret file {ref.file}", private=True)
    raise Refused("a secret names no place", hint="write !secret {file: ...}, {env: ...} or {credential: ...}")


def _from_env(name: str, env: Mapping[str, str]) -> str:
    if not env.get(name):
        raise Refused(f"the environment variable {name} is not set", hint=f"export {name}=... for whoever runs dr, and for its timer")
    return env[name]


def _from_credential(name: str, env: Mapping[str, str]) -> str:
    folder = env.get("CREDENTIALS_DIRECTORY")
    if not folder:
        hint = f"start dr from a systemd unit with LoadCredential={name}:/path"
        raise Refused(f"credential '{name}': no CREDENTIALS_DIRECTORY is set", hint=hint)
    if "/" in name or name in ("", ".", ".."):
        raise Refused(f"'{name}' is not a credential's name", hint="it is the word before the colon in LoadCredential=")
    return _read(Path(folder) / name, f"credential '{name}'", private=False)


def _read(path: Path, what: str, *, private: bool) -> str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO must not hang the tool
    except OSError as error:
        raise Refused(f"{what}: {(error.strerror or 'cannot be opened').lower()}", hint=_how_to_make(path)) from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise Refused(f"{what} is not a regular file", hint="put the secret into a plain file")
        if private and mode & 0o077:
            raise Refused(f"{what} can be read by others (mode {mode & 0o777:04o})", hint=f"chmod 600 {path}")
        data = os.read(handle, MAX_BYTES + 1)
    finally:
        os.close(handle)
    return _text(data, what)


def _text(data: bytes, what: str) -> str:
    if len(data) > MAX_BYTES:
        raise Refused(f"{what} is larger than 64 KiB", hint="is this the right file?")
    try:
        text = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Refused(f"{what} is not UTF-8 text", hint="is this the right file?") from None
    if not text:
        raise Refused(f"{what} is empty", hint="write the secret into it")
    return text


def _how_to_make(path: Path) -> str:
    return f"write the secret into {path}, after `umask 077`"


def used_by(actions: Collection[str], own_key: bool = True) -> Callable[[tuple[str, ...]], bool]:
    """Whether a run of these actions cannot do without the secret at a place in the inventory.

    Reading stored bytes back needs no password and no private age key. A contact's channel and a ping stop no backup: a notice that
    cannot be sent is in the ledger, and red; a ping that is missed is noticed where it is missed. `own_key`: False where
    the backups are read with a key that a person brought.
    """

    def used(where: tuple[str, ...]) -> bool:
        if where[0] in ("contacts", "pings"):
            return False
        if where[0] == "redundancy" or "detection" in where:
            return not _LOOKS.isdisjoint(actions)
        if where == ("organisation", "keys", "identity"):
            return own_key and not _OPENS_SETS.isdisjoint(actions)
        if where == ("organisation", "keys", "digest"):
            return not _DIGESTS.isdisjoint(actions)
        if where[0] in ("systems", "hosts"):
            return not _REACHES_SERVERS.isdisjoint(actions)
        return True

    return used


def every_secret(_where: tuple[str, ...]) -> bool:
    """As `dr check` asks."""
    return True


def check_secrets(
    inventory: Inventory, home: Path, env: Mapping[str, str] | None = None, *, wanted: Callable[[tuple[str, ...]], bool] = every_secret
) -> list[Problem]:
    """A problem for every wanted secret that the inventory names and that is not there, so that a run stops before it does anything."""
    root, _ = read_folder(home)
    problems = []
    for where, node in secrets(root):
        if not wanted(where):
            continue
        about = ".".join(where)
        try:
            resolve_secret(SecretRef.from_facts(plain_table(node)), home, env)
        except Refused as error:
            problems.append(node.problem(f"{about}: {error.message}", error.hint + _channel_hint(where, inventory)))
    return problems


def _channel_hint(where: tuple[str, ...], inventory: Inventory) -> str:
    if len(where) > 2 and where[0] == "contacts":
        contact = inventory.contacts.get(where[1])
        return f"; it is the Apprise URL by which {contact.name if contact else where[1]} is told: mailtos://user:password@mail.example.org?to=..."
    return ""


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it replaced by stars; the longest first, and each line of one that has several."""
    pieces = {line for secret in secrets for line in (secret, *secret.splitlines()) if len(line) >= _SHORTEST}
    if not pieces:
        return text
    return re.sub("|".join(map(re.escape, sorted(pieces, key=len, reverse=True))), STARS, text)
