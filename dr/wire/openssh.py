"""OpenSSH's own client: how it is called, which host keys it may meet, and what its words mean.

It is used for control and for bytes alike: it is the best kept client there is, and its strictness is configuration, not code of ours.
Whatever a person's own ssh configuration says is not read (`-F none`): what is trusted is in the inventory, and nowhere else.
"""

import base64
import contextlib
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dr.errors import DrError, NotProvablyStandby, Refused, Unreachable
from dr.units import visible

_NO_PROGRAM = re.compile(r"not found$|No such file", re.MULTILINE)
_NOT_ALLOWED = re.compile(r": Permission denied$", re.MULTILINE)
_NAMED = "`dr:` in the inventory names it, or the forced command in authorized_keys there, which wins"


@dataclass(frozen=True)
class Address:
    """One login on one machine."""

    host: str
    """As the inventory names it."""
    at: str
    port: int
    user: str
    key: str
    """The private key's file."""
    known_hosts: str
    silence: float
    """Seconds without a sign of life after which the link is dead."""

    @property
    def known_as(self) -> str:
        """As known_hosts(5) writes it."""
        return self.at if self.port == 22 else f"[{self.at}]:{self.port}"


def argv(address: Address, command: Sequence[str]) -> list[str]:
    """`ssh` with everything that could loosen it switched off. `command`: words without a character that a shell knows."""
    alive = max(1, int(address.silence / 3))
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": _file(address.known_hosts),
        "HostKeyAlias": address.known_as,  # else a key that is known for the name alone would do for any port of it
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "CheckHostIP": "no",
        "VerifyHostKeyDNS": "no",
        "IdentityFile": _file(address.key),  # `-i` would fall back to a person's own keys where that file is not there
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "ForwardAgent": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "ControlMaster": "no",
        "ControlPath": "none",
        "Compression": "no",
        "ConnectTimeout": str(max(5, int(address.silence / 2))),
        "ServerAliveInterval": str(alive),
        "ServerAliveCountMax": "3",
        "LogLevel": "ERROR",
    }
    words = ["ssh", "-F", "none", "-T", "-x", "-a", "-p", str(address.port), "-l", address.user]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return [*words, "--", address.at, " ".join(command)]


def _file(path: str) -> str:
    """As ssh_config(5) reads a path."""
    escaped = path.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def fingerprints(address: Address, output: Callable[[Sequence[str]], bytes]) -> tuple[str, ...]:
    """Of the keys that the host may show, by its known_hosts file. Raises Refused if there is none: then nothing is sent to it.

    `output`: what a command of this machine prints, whatever it ends with.
    """
    if not Path(address.known_hosts).is_file():
        raise _unknown(address)
    text = output(["ssh-keygen", "-F", address.known_as, "-f", address.known_hosts]).decode("utf-8", errors="replace")
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if any(_is_broad(words, address.known_as) for words in lines):
        raise Refused(
            f"host '{address.host}': {address.known_hosts} lets other keys than its own pass for {address.known_as}, so nothing is sent",
            hint="a line that is @cert-authority, or whose name is a pattern, says of no one machine which it is: write its own",
        )
    found = {_fingerprint(words[2]) for words in lines if len(words) > 2 and words[0] != "@revoked"} - {""}
    if not found:
        raise _unknown(address)
    return tuple(sorted(found))


def _is_broad(words: Sequence[str], known_as: str) -> bool:
    """Whether a line of known_hosts(5) would let in more machines than one by its key: those of an authority, or of a pattern."""
    if words[0].startswith("@"):
        return words[0] != "@revoked"
    return not words[0].startswith("|1|") and known_as.lower() not in words[0].lower().split(",")


def _fingerprint(key: str) -> str:
    """As OpenSSH shows a key; empty for what is none."""
    with contextlib.suppress(ValueError):
        return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(key, validate=True)).digest()).decode("ascii").rstrip("=")
    return ""


def _unknown(address: Address) -> Refused:
    scan = f"ssh-keyscan -p {address.port} {address.at} >> {address.known_hosts}"
    return Refused(
        f"host '{address.host}': no SSH host key is known for {address.known_as}, so nothing is sent to it",
        hint=f"{scan}; then compare the fingerprint (ssh-keygen -lf) with the one on the machine's own console",
    )


def why(address: Address, said: bytes, code: int, otherwise: str) -> DrError:
    """What ended a connection before anything was asked, from ssh's own words (which never hold client data: nothing was sent yet).

    `otherwise`: where it said none.
    """
    text = visible(said.decode("utf-8", errors="replace").replace("\r", ""))
    where = f"host '{address.host}'"
    if "Host key verification failed" in text or "IDENTIFICATION HAS CHANGED" in text:
        return NotProvablyStandby(
            f"{where}: {address.known_as} shows an SSH host key that is not the known one, so nothing was sent to it",
            hint=f"was the machine replaced, or is it another one? Compare on its console, then mend {address.known_hosts}",
        )
    if "Permission denied (" in text:
        return Unreachable(
            f"{where}: user {address.user} is not let in with the key {address.key}",
            hint="its public half belongs in that user's authorized_keys; the key's file must be readable by dr alone (0600)",
        )
    if code == 126 or _NOT_ALLOWED.search(text):  # by its words too: ssh may have been ended before it could say its code
        return Unreachable(
            f"{where}: user {address.user} may not run the dr there",
            hint=f"it, its Python and every folder above both must be open to that user, and no disk mounted noexec; {_NAMED}",
        )
    if code == 127 or _NO_PROGRAM.search(text):
        return Unreachable(f"{where}: there is no dr where it is looked for", hint=f"install the same version of dr there; {_NAMED}")
    ended = otherwise if code < 0 else f"ssh ended with exit code {code}"
    last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), ended)
    met = f"{address.user}@{address.known_as}"
    return Unreachable(f"{where}: {met} does not answer: {last[:200]}", hint=f"try: dr hosts check {address.host}")
