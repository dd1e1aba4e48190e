"""A dump in the clear while it is loaded: in a private folder of the claimed place, which is gone afterwards however that ends."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

from dr.drivers.postgres.names import shown
from dr.drivers.postgres.tar import extract_dump
from dr.errors import Damaged, Failed
from dr.model.ports import ArtifactReader
from dr.sources.postgres_meter import Meter


class _NoServerError(Exception):
    """There is no use in taking a dump apart any further."""


@contextmanager
def unpacked(
    place: Path, reader: ArtifactReader, name: str, meter: Meter, made: "Future[Any]", check_stop: Callable[[], None]
) -> Iterator[Path]:
    """The folder with the files of the dump of database `name`. `made`: the server for it, which may still be in the making.

    Raises Damaged, naming the artifact; or, as soon as it is known that the server could not be made, what that ended with.
    """

    def watch() -> None:
        check_stop()
        if made.done() and made.exception() is not None:
            raise _NoServerError

    private(place / "staging")
    folder = private(place / "staging" / reader.artifact.name)
    try:
        with naming(reader):
            with reader.stream() as stream:
                described = extract_dump(meter.reading(name, shown(name), stream), folder, watch)
            if described.get("name") != name:
                raise Damaged("it holds another database than the set's globals say", hint="restore another set")
        yield folder
    except _NoServerError:
        made.result()
    finally:
        rmtree(folder)


def private(folder: Path) -> Path:
    """The folder, made if it is not there, for its owner alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    return folder


@contextmanager
def naming(reader: ArtifactReader) -> Iterator[None]:
    """What is found inside an artifact, or what loading it ended with, names the artifact first, as damage of its parts does."""
    try:
        yield
    except (Damaged, Failed) as error:
        if error.message.startswith(reader.artifact.name):
            raise
        raise type(error)(f"{reader.artifact.name}: {error.message}", hint=error.hint) from None
