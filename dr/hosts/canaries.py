"""Looking for what must not be left after a scrub, and the signed certificate that says where it was looked for."""

import base64
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from dr.hosts.guard import Target
from dr.hosts.production import protected
from dr.hosts.removal import Removed
from dr.model.base import ByteCount, RunId, canonical
from dr.model.ports import Keyring, Standing
from dr.model.record import ScrubCertificate

PREFIX = "dr-"
"""How temporary folders of ours are called."""
_BLOCK = 1 << 20


def certify(
    target: Target, standing: Standing, run: RunId, at: datetime, removed: Mapping[str, Removed], canaries: Sequence[bytes]
) -> ScrubCertificate:
    """Search the root, our temporary folders and our logs; sign what was found. `found` counts the canaries that are still somewhere."""
    wanted = {canary for canary in canaries if canary}
    apart = {target.root, target.home, *protected(standing.production).paths}
    logs = [str(path) for path in standing.logs if Path(path).exists()]
    found = search([target.root, *_temporary(apart), *logs], wanted)
    searched = [target.root, f"{tempfile.gettempdir()}/{PREFIX}*", *logs]
    plain = ScrubCertificate(
        host=target.name,
        run=run,
        at=at,
        removed=tuple(removed),
        files=sum(one.files for one in removed.values()),
        bytes=ByteCount(sum(one.size for one in removed.values())),
        searched=tuple(searched),
        canaries=len(wanted),
        found=len(found),
    )
    return _signed(plain, standing.keys)


def also_here(certificate: ScrubCertificate, standing: Standing, canaries: Sequence[bytes]) -> ScrubCertificate:
    """Of a standby across a network: signed anew, with what our own logs hold, which are on this machine."""
    logs = [str(path) for path in standing.logs if Path(path).exists()]
    if not logs:
        return certificate
    left = search(logs, {canary for canary in canaries if canary})
    beside = {"searched": (*certificate.searched, *logs), "found": certificate.found + len(left)}
    return _signed(certificate.model_copy(update=beside), standing.keys)


def _signed(certificate: ScrubCertificate, keys: Keyring) -> ScrubCertificate:
    return certificate.model_copy(update={"signature": base64.b64encode(keys.sign(signed_bytes(certificate))).decode("ascii")})


def _temporary(apart: set[str]) -> list[str]:
    """Temporary folders of ours; not one that a whole home, standby or production was put in, as a demo may do."""
    found = [str(path) for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*")]
    real = [os.path.realpath(place) + "/" for place in apart if place]
    return sorted(path for path in found if not any(place.startswith(os.path.realpath(path) + "/") for place in real))


def signed_bytes(certificate: ScrubCertificate) -> bytes:
    """What a certificate's signature is over: its canonical facts without the signature, and without what an older one does not say."""
    return canonical({key: value for key, value in certificate.to_facts().items() if key != "signature" and value is not None})


def verify(certificate: ScrubCertificate, keys: Keyring) -> None:
    """Raises Damaged if no trusted key signed it as it is."""
    keys.verify(signed_bytes(certificate), base64.b64decode(certificate.signature))


def search(places: Sequence[str], canaries: set[bytes]) -> set[bytes]:
    """Those that occur in a file's content or name below the places. No symbolic link is followed."""
    found: set[bytes] = set()
    if not canaries:
        return found
    for place in places:
        for path in _files(os.fsencode(place)):
            found |= {canary for canary in canaries - found if canary in path}
            found |= _in_file(path, canaries - found)
    return found


def _files(place: bytes) -> Iterator[bytes]:
    try:
        folder_here = stat.S_ISDIR(os.lstat(place).st_mode)
    except FileNotFoundError:  # a temporary folder of another process of ours, which has just ended
        return
    if not folder_here:
        yield place
        return
    for folder, folders, names in os.walk(place):
        yield from (os.path.join(folder, name) for name in (*names, *folders))  # noqa: PTH118 - bytes: names need not be UTF-8


def _in_file(path: bytes, canaries: set[bytes]) -> set[bytes]:
    """Read in blocks that overlap by the longest canary, so that none is missed between two."""
    overlap = max((len(canary) for canary in canaries), default=1) - 1
    found: set[bytes] = set()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # another user's, gone meanwhile, a link or a socket
        return found
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return found
    with os.fdopen(descriptor, "rb") as file:
        before = b""
        while block := file.read(_BLOCK):
            window = before + block
            found |= {canary for canary in canaries if canary in window}
            before = window[-overlap:] if overlap else b""
    return found
