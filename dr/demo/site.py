"""The files beside the database: templates, uploads, settings, and the oddities that every real file server has."""

import contextlib
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_TIME = int(datetime(2026, 11, 20, 18, 30, tzinfo=UTC).timestamp())
_PAGE = (
    "<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n" + "<p>Lorem ipsum dolor sit amet, consectetur adipiscing elit.</p>\n" * 40
)
_HOSTILE = (
    b"--checkpoint=1",
    b"-rf",
    b"line\nbreak.txt",
    b"quote \" and ' and $HOME.txt",
    "Grüße zum Büfett.txt".encode(),
    b"latin-1 caf\xe9.txt",
)
"""Names that a careless program takes for an option, two lines, shell text, or cannot decode."""


@dataclass(frozen=True)
class Plain:
    """A file: its path below the site, its mode, and how its bytes are made."""

    path: bytes
    mode: int
    size: int
    compressible: bool

    def content(self, seed: int) -> bytes:
        dice = random.Random(f"{seed}:{self.path!r}")
        if not self.compressible:
            return dice.randbytes(self.size)
        lines = [f"{dice.randint(1, 9999)},{dice.choice(('bed', 'meal', 'call', 'visit'))},invented,{n}\n" for n in range(400)]
        block = "".join(lines).encode()
        return (block * (self.size // len(block) + 1))[: self.size]


def fill_site(path: Path, *, seed: int = 20261122, files: int = 240, size: int = 56_000_000) -> tuple[int, int]:
    """Make a site of at least `files` plain files and `size` bytes; gives back how many files and bytes there are.

    The same for the same arguments, times and modes included. Safe to repeat: a file that is as it should be is left alone.
    """
    plain = list(_plain(files, size))
    for each in plain:
        _write(path, each, seed)
    _page(path / "templates" / "index.html", "Welcome")
    _page(path / "templates" / "intake.html", "Intake")
    _oddities(path)
    _settle(path)
    return len(plain) + 2, sum(each.size for each in plain)


def _plain(files: int, size: int) -> Iterator[Plain]:
    """Settings and hostile names, two big scans (60 % of the bytes), and many uploads that share the rest."""
    yield Plain(b"etc/hmis.ini", 0o640, 900, compressible=True)
    yield Plain(b"etc/session.key", 0o600, 64, compressible=False)
    yield Plain(b"bin/nightly-export", 0o755, 2_400, compressible=True)
    yield Plain(b"uploads/empty.txt", 0o644, 0, compressible=True)
    for number, name in enumerate(_HOSTILE):
        yield Plain(b"uploads/inbox/" + name, 0o644, 500 + number, compressible=True)
    yield Plain(b"uploads/scans/consents.pdf", 0o640, size * 3 // 10, compressible=False)
    yield Plain(b"exports/services.csv", 0o640, size * 3 // 10, compressible=True)
    count = max(1, files - 12)
    for number in range(count):
        folder = f"uploads/2026/{number % 12 + 1:02}"
        kind = "csv" if number % 3 == 0 else "pdf"
        share = size * 4 // 10 // count + 1 + number
        yield Plain(f"{folder}/document-{number:04}.{kind}".encode(), 0o640, share, compressible=kind == "csv")


def _write(site: Path, plain: Plain, seed: int) -> None:
    path = Path(os.fsdecode(os.fsencode(site) + b"/" + plain.path))
    with contextlib.suppress(FileNotFoundError):
        found = path.lstat()
        if (found.st_size, int(found.st_mtime), found.st_mode & 0o777) == (plain.size, _TIME, plain.mode):
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(plain.content(seed))
    path.chmod(plain.mode)
    os.utime(path, (_TIME, _TIME))


def _page(path: Path, title: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_PAGE.format(title=title), encoding="utf-8")
    path.chmod(0o644)
    os.utime(path, (_TIME, _TIME))


def _oddities(site: Path) -> None:
    """Links that lead somewhere and nowhere, a hard link, an empty folder, a closed folder, holes, an attribute."""
    (site / "spool").mkdir(exist_ok=True)
    (site / "private").mkdir(exist_ok=True)
    _link(site / "current", "templates")
    _link(site / "uploads" / "gone.pdf", "/nowhere/gone.pdf")
    twin = site / "exports" / "services-latest.csv"
    if not twin.exists():
        twin.hardlink_to(site / "exports" / "services.csv")
    sparse = site / "spool-index.dat"
    with sparse.open("wb") as out:
        out.write(b"head")
        out.seek(8 * 2**20)
        out.write(b"tail")
    os.utime(sparse, (_TIME, _TIME))
    with contextlib.suppress(OSError):  # not every file system has attributes
        os.setxattr(site / "etc" / "hmis.ini", "user.origin", b"demo")


def _link(path: Path, target: str) -> None:
    if not path.is_symlink():
        path.symlink_to(target)
    os.utime(path, (_TIME, _TIME), follow_symlinks=False)


def _settle(site: Path) -> None:
    """Folders get their modes and times last, since writing into them changes those."""
    for folder, _, _ in os.walk(site, topdown=False):
        Path(folder).chmod(0o700 if Path(folder).name == "private" else 0o755)
        os.utime(folder, (_TIME, _TIME))


def touch_site(site: Path, *, day: int = 1) -> int:
    """A day's uploads: a few new files and one changed; gives back how many."""
    for number in range(4):
        _write(site, Plain(f"uploads/day-{day:03}/upload-{number}.pdf".encode(), 0o640, 40_000 + number, compressible=False), seed=day)
    note = site / "uploads" / "inbox" / "notes.txt"
    with note.open("a", encoding="utf-8") as out:
        out.write(f"day {day}: invented note\n")
    return 5
