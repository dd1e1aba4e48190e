"""Where a repository is now: the path in inventory/*.yaml rewritten, every other character of the file as it was."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from dr.disk import replace_file
from dr.errors import ConfigError

_VALUE = r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,}#][^,}#\n]*?"""
_PATH = re.compile(rf"(?:^|[\s{{,])path:[ \t]*(?P<value>{_VALUE})(?=[ \t]*(?:[,}}#\n]|$))", re.M)


def relocate(home: Path, places: Mapping[str, Path]) -> None:
    """Give each named repository its new path. Raises ConfigError for a name or a way of writing that is not found."""
    for name, place in places.items():
        for file in sorted((home / "inventory").glob("*.yaml")):
            text = file.read_text(encoding="utf-8")
            changed = rewritten(text, name, place)
            if changed is not None:
                replace_file(file, changed.encode())
                break
        else:
            hint = "inventory/repositories.yaml names them; write its path there by hand"
            raise ConfigError(f"no repository '{name}' with a path is in the inventory", hint=hint)


def rewritten(text: str, name: str, place: Path) -> str | None:
    """The file with one repository's path replaced; None if it does not stand there."""
    section = _block(text, 0, len(text), "repositories")
    entry = _block(text, *section, name) if section else None
    found = next((one for one in _PATH.finditer(text, *entry) if not _in_comment(text, one.start("value"))), None) if entry else None
    if found is None:
        return None
    return text[: found.start("value")] + json.dumps(str(place), ensure_ascii=False) + text[found.end("value") :]


def _in_comment(text: str, at: int) -> bool:
    return re.search(r"(?:^|\s)#", text[text.rfind("\n", 0, at) + 1 : at]) is not None


def _block(text: str, start: int, end: int, key: str) -> tuple[int, int] | None:
    """Where what belongs to a key begins and ends, by its indentation."""
    found = re.compile(rf"^(?P<in>[ ]*){re.escape(key)}:(?=\s)", re.M).search(text, start, end)
    if found is None:
        return None
    indent = len(found["in"])
    after = re.compile(rf"^[ ]{{0,{indent}}}[^\s#]", re.M).search(text, found.end(), end)
    return found.end(), after.start() if after else end
