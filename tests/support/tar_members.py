"""Members of a tar that an honest program would not write, and how they get into a whole archive."""

import io
import tarfile
from collections.abc import Mapping, Sequence

CONTENT = b"planted\n"


def file(name: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.mode = len(CONTENT), 0o644
    return made


def folder(name: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mode = tarfile.DIRTYPE, 0o777
    return made


def link(name: str, to: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = tarfile.SYMTYPE, to
    return made


def hard_link(name: str, to: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = tarfile.LNKTYPE, to
    return made


def device(name: str, major: int, minor: int) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.devmajor, made.devminor, made.mode = tarfile.BLKTYPE, major, minor, 0o666
    return made


def hole(name: str, size: int) -> tarfile.TarInfo:
    """A file that is nothing but a hole, as GNU's sparse format 0.1 says it: a header, and no data."""
    made = tarfile.TarInfo(name)
    made.mode = 0o644
    made.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": name,
        "GNU.sparse.size": str(size),
        "GNU.sparse.numblocks": "1",
        "GNU.sparse.map": f"{size},0",
    }
    return made


def appended(archive: bytes, members: Sequence[tarfile.TarInfo], names: Mapping[str, str]) -> bytes:
    """The archive with more members before its end; `names`: what to put for a placeholder in a name or a link's target."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        opened.getmembers()
        end = opened.offset
    more = b"".join(_block(member, names) for member in members)
    return archive[:end] + more + bytes(tarfile.RECORDSIZE)


def _block(member: tarfile.TarInfo, names: Mapping[str, str]) -> bytes:
    made = tarfile.TarInfo(_filled(member.name, names))
    made.type, made.mode, made.size = member.type, member.mode, member.size
    made.devmajor, made.devminor, made.pax_headers = member.devmajor, member.devminor, dict(member.pax_headers)
    made.linkname = _filled(member.linkname, names)
    content = CONTENT if made.isreg() and made.size else b""
    return made.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE)


def _filled(text: str, names: Mapping[str, str]) -> str:
    for placeholder, name in names.items():
        text = text.replace(placeholder, name)
    return text
