"""Two machines claim one duty in the same instant: the store itself lets one win, round after round, with no lock between them."""

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from dr.model.base import RepositoryName
from dr.repositories.directory import DirectoryRepository
from tests.support.stream_context import NOW

pytestmark = pytest.mark.fault
ROUNDS = 200
WAIT = 60.0
"""Seconds for the other process, which is there in a thousandth of one."""


class LaxRepository(DirectoryRepository):
    """Looks whether the number is free, and then puts its claim there: both look before either puts."""

    between: Barrier | None = None

    def _publish(self, path: str, data: bytes) -> None:
        free = not self._tree.is_file(path)
        if self.between is not None:
            self.between.wait(WAIT)
        if free:
            self._tree.publish(path + data.decode(), data)  # written aside under a name of its own, as ours is
            self._tree.rename(path + data.decode(), path)
            self.won = data


def repository(place: Path, kind: type[DirectoryRepository] = DirectoryRepository) -> DirectoryRepository:
    return kind(RepositoryName("vault"), "vault", place / "vault", organisation="Harbor")


def claim_all(place: Path, own: bytes, meet: Barrier, told: Path) -> None:
    """A process: one claim a round, begun together with the other's; what it was told, a line a round."""
    store = repository(place)
    said = []
    for number in range(1, ROUNDS + 1):
        meet.wait(WAIT)
        said.append(store.claim("help-desk", number, own + b"-%d" % number).decode())
    told.write_text("\n".join(said))


def test_two_processes_claim_two_hundred_numbers_and_each_has_one_winner(tmp_path: Path) -> None:
    """Both are told the same winner in every round, unless the next number was already taken: a later claim is then what stands."""
    repository(tmp_path).initialise("Harbor", "r-1", NOW)
    context = multiprocessing.get_context("spawn")
    meet = context.Barrier(2)
    offices = {name: tmp_path / name for name in ("milwaukee", "green-bay")}
    both = [context.Process(target=claim_all, args=(tmp_path, name.encode(), meet, told)) for name, told in offices.items()]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    stands = [data.decode() for _, data in repository(tmp_path).claims("help-desk")]
    assert len(stands) == ROUNDS
    told = [path.read_text().splitlines() for path in offices.values()]
    assert [set(each) for each in zip(*told, strict=True)] == [{winner} for winner in stands]
    assert len({winner.rpartition("-")[0] for winner in stands}) == 2, "one of them was never first: the race was none"


@pytest.mark.positive_control
def test_a_store_that_looks_first_and_puts_then_has_two_winners(tmp_path: Path) -> None:
    """What the link to a free name is there for."""
    import threading

    repository(tmp_path).initialise("Harbor", "r-1", NOW)
    both = [repository(tmp_path, LaxRepository), repository(tmp_path, LaxRepository)]
    meet = threading.Barrier(2)
    for one in both:
        assert isinstance(one, LaxRepository)
        one.between = meet  # type: ignore[assignment]
    threads = [threading.Thread(target=one.claim, args=("help-desk", 1, name)) for one, name in zip(both, (b"a", b"b"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [getattr(one, "won", None) for one in both] == [b"a", b"b"]
