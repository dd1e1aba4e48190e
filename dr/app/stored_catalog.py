"""The catalog as it was when a home was stored in a repository: where the present one is lost, what it says of production still counts.

Only a home that one of this home's trusted keys signed is read, and only with an age key that this home has.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dr.app.services import HomeServices
from dr.clock import local
from dr.config.keys import fingerprint as fingerprint_of
from dr.disk import make_folder
from dr.errors import Damaged, DrError
from dr.model.home import HomeManifest
from dr.model.ports import Repository
from dr.stream import home as stored
from dr.stream.encode import Decoder
from dr.stream.homepack import CATALOG, unpack

_WORK = "rebuild-home"


@dataclass(frozen=True)
class Found:
    """A catalog that was laid out for a moment, and where it came from, in words."""

    path: Path
    origin: str


@contextmanager
def stored_catalogs(house: HomeServices, repositories: Sequence[Repository], problems: list[str]) -> Iterator[Iterator[Found]]:
    """Those of the stored homes that can be believed and opened, newest first, each gone when the next one is taken.

    Why others cannot goes into `problems`.
    """
    work = house.state / _WORK
    shutil.rmtree(work, ignore_errors=True)
    try:
        yield _each(house, repositories, work, problems)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _each(house: HomeServices, repositories: Sequence[Repository], work: Path, problems: list[str]) -> Iterator[Found]:
    for name, repository in _names(repositories, problems):
        shutil.rmtree(work, ignore_errors=True)
        make_folder(work)
        try:
            manifest = stored.read_manifest(repository, name, house.inventory.organisation.name)
            _require_trusted(manifest, repository, house)
            files = unpack(stored.plain_parts(repository, manifest, Decoder(house.keys.identity())), work)
        except DrError as error:
            problems.append(f"the stored home {name} in {repository.name} is not used: {error.message}")
            continue
        if CATALOG in files:
            yield Found(work / CATALOG, f"{repository.name}, of {local(manifest.created, house.inventory.organisation.zone)}")


def _names(repositories: Sequence[Repository], problems: list[str]) -> list[tuple[str, Repository]]:
    found: list[tuple[str, Repository]] = []
    for repository in repositories:
        try:
            found += [(name, repository) for name in stored.names(repository)]
        except DrError as error:
            problems.append(f"the stored homes in {repository.name} could not be listed: {error.message}")
    return sorted(found, key=lambda one: one[0], reverse=True)


def _require_trusted(manifest: HomeManifest, repository: Repository, house: HomeServices) -> None:
    """`read_manifest` says only that the signature is whole; whose it must be is said by the inventory."""
    trusted = {fingerprint_of(house.home / name).replace(" ", "") for name in house.inventory.organisation.keys.trusted}
    if stored.fingerprint(manifest.public) not in trusted:
        raise Damaged(f"repository '{repository.name}': home {manifest.name}: it was signed by a key that this home does not trust")
