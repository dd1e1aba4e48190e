"""Words that must be nowhere: every secret of a home and some values of clients; and the places where they are looked for."""

import base64
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 1 << 20


def secrets_of(home: Path) -> dict[str, str]:
    """Every word in `keys/` that must stay there, by its file: long words of each line of each private file."""
    found: dict[str, str] = {}
    for path in sorted((home / "keys").iterdir()):
        if path.suffix == ".pub" or not path.is_file():
            continue
        words = [line.strip() for line in path.read_text().splitlines() if line and not line.startswith(("#", "-----"))]
        found |= {f"{path.name}:{number}": word for number, word in enumerate(words) if len(word) >= 16}
    return found


@dataclass
class Search:
    """`sinks` counts what was looked through; `hits` says where which word was, by the word's name."""

    words: Mapping[str, str]
    sinks: int = 0
    hits: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        forms = {}
        for name, word in self.words.items():
            raw = word.encode()
            forms[name] = (raw, base64.b64encode(raw).rstrip(b"=")[:-1], raw.hex().encode())
        self._forms = forms

    def look(self, where: str, data: bytes) -> None:
        self.sinks += 1
        self.hits += [f"{name} in {where}" for name, forms in self._forms.items() if any(form in data for form in forms)]

    def look_below(self, folder: Path, *, but: tuple[str, ...] = ()) -> None:
        """Every file's bytes, and its name."""
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder).as_posix()
            if any(inside == left or inside.startswith(left + "/") for left in but):
                continue
            self.look(f"the name of {inside}", os.fsencode(inside))
            if path.is_file() and not path.is_symlink():
                self.look(inside, path.read_bytes())


@contextmanager
def sampled(search: Search) -> Iterator[None]:
    """Meanwhile, every few milliseconds, the arguments and environments of all processes there are: grandchildren's too."""
    halt, seen = threading.Event(), set()

    def sample() -> None:
        while not halt.wait(0.015):
            for pid in (name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()):
                for part in ("cmdline", "environ"):
                    with suppress(OSError):
                        data = Path(f"/proc/{pid}/{part}").read_bytes()
                        if data and (part, data) not in seen:
                            seen.add((part, data))
                            search.look(f"{part} of a process: {data.split(bytes(1))[0].decode(errors='replace')}", data)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield
    finally:
        halt.set()
        thread.join()
