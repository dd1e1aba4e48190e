"""Several sessions on one snapshot that work through one queue of chunks; ended at once when the step is stopped."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable

import psycopg

from dr.drivers.postgres.connect import Connection, Dsn
from dr.drivers.postgres.digest import Chunk, Digester, Tally
from dr.drivers.postgres.session import reading
from dr.errors import DrError, Failed, Stopped

Progress = Callable[[str, int, int], None]
_POLL = 0.02


class Crew:
    """Digests chunks with `workers` sessions. One use; `run` gives the tallies by table's oid."""

    def __init__(self, dsn: Dsn, snapshot: str, digester: Digester, stop: threading.Event, progress: Progress) -> None:
        self._dsn, self._snapshot, self._digester = dsn, snapshot, digester
        self._stop, self._progress = stop, progress
        self._lock = threading.Lock()
        self._queue: deque[Chunk] = deque()
        self._busy: set[Connection] = set()
        self._tallies: dict[int, Tally] = {}
        self._failure: BaseException | None = None
        self._done = self._total = 0
        self._news = ""

    def run(self, chunks: Iterable[Chunk], workers: int) -> dict[int, Tally]:
        """Raises Stopped, Unreachable, or Failed with the table's name and the SQLSTATE (the server's words may quote data)."""
        self._queue = deque(sorted(chunks, key=lambda c: c.blocks, reverse=True))
        self._total = sum(chunk.blocks for chunk in self._queue)
        sessions = max(1, min(workers, len(self._queue), self._digester.most_sessions))
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(sessions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(_POLL)
                self._say()
                if self._stop.is_set() or self._failure:
                    self._cancel()
        if self._stop.is_set():
            raise Stopped("the content proof was stopped")
        if self._failure:
            raise self._failure
        return self._tallies

    def _work(self) -> None:
        try:
            with reading(self._dsn, self._snapshot) as connection:
                self._serve(connection)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            self._failure = self._failure or error

    def _serve(self, connection: Connection) -> None:
        while not self._stop.is_set() and self._failure is None:
            with self._lock:
                if not self._queue:
                    return
                chunk = self._queue.popleft()
                self._busy.add(connection)
            try:
                tally = self._digest(connection, chunk)
            finally:
                with self._lock:
                    self._busy.discard(connection)
            self._record(chunk, tally)

    def _digest(self, connection: Connection, chunk: Chunk) -> Tally:
        try:
            return self._digester.digest(connection, chunk)
        except psycopg.Error as error:
            raise unreadable(f"table {chunk.table.shown}", error) from None

    def _record(self, chunk: Chunk, tally: Tally) -> None:
        with self._lock:
            oid = chunk.table.oid
            self._tallies[oid] = self._tallies.get(oid, Tally()) + tally
            self._done += chunk.blocks
            self._news = f"digest of {chunk.table.shown}"

    def _say(self) -> None:
        """From the thread that waits, so that nobody's progress need be ready for several."""
        news, self._news = self._news, ""
        if news:
            self._progress(news, self._done, self._total)

    def _cancel(self) -> None:
        with self._lock:
            busy = list(self._busy)
        for connection in busy:
            with contextlib.suppress(psycopg.Error):
                connection.cancel_safe(timeout=5)


def unreadable(what: str, error: psycopg.Error) -> DrError:
    """An error that names what could not be read, without the server's own words."""
    denied = error.sqlstate in ("42501", "55P03")
    hint = "the user needs to read every table, past row security, and no other session may hold it exclusively" if denied else ""
    return Failed(f"{what} could not be read (SQLSTATE {error.sqlstate or type(error).__name__})", hint=hint)
