"""Which stored parts of earlier sets may serve again, by format 1's rules. Pure.

The plain bytes are the same (by HMAC), so are format, recipients and compression; the stored bytes were read back within 7 days; and
they were written less than 14 days ago, so that one bad sector is never in every night's set.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.model.backup import PartCopy
from dr.model.base import RepositoryName, Sha256

READ_BACK_WITHIN = timedelta(days=7)
WRITTEN_WITHIN = timedelta(days=14)
CLOCK_SLACK = timedelta(minutes=5)
"""An instant further ahead of now than this comes from a bad clock and vouches for nothing."""


def reusable(part: PartCopy, encoding: Sha256, now: datetime) -> bool:
    if part.encoding != encoding or part.read_back is None:
        return False
    read, written = now - part.read_back, now - part.written
    return -CLOCK_SLACK <= read <= READ_BACK_WITHIN and -CLOCK_SLACK <= written < WRITTEN_WITHIN


@dataclass(frozen=True)
class Choice:
    """One encoding of a part that some repositories hold already; every copy will get these very bytes."""

    sha256: Sha256
    size: int
    held: Mapping[RepositoryName, PartCopy]


class Reusable:
    """The parts of each repository's newest set that may serve again."""

    def __init__(self, parts: Iterable[PartCopy], encoding: Sha256, now: datetime) -> None:
        self._by_plain: dict[str, list[PartCopy]] = {}
        for part in parts:
            if reusable(part, encoding, now):
                self._by_plain.setdefault(part.plain, []).append(part)

    def choose(self, plain: str, repositories: Iterable[RepositoryName]) -> Choice | None:
        """The encoding that most of `repositories` hold, the newest of those; None if none of them holds any."""
        wanted = set(repositories)
        found: dict[tuple[Sha256, int], dict[RepositoryName, PartCopy]] = {}
        for part in self._by_plain.get(plain, ()):
            if part.repository in wanted:
                found.setdefault((part.sha256, part.size), {})[part.repository] = part
        if not found:
            return None
        (sha, size), held = max(found.items(), key=lambda one: (len(one[1]), max(p.written for p in one[1].values()), one[0]))
        return Choice(sha, size, held)
