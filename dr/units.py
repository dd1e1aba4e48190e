"""Durations (`4h`, `1d 12h`, `30s`) and sizes (`10GiB`, `500MB`): read, checked and written for people; strange text made safe to show."""

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)")


def parse_duration(text: str) -> float:
    """Seconds in `4h`, `90m`, `1d 12h`. Raises ValueError with the form that is wanted; a bare number has no unit and is refused."""
    parts = _DURATION_PART.findall(text)
    if not parts or _DURATION_PART.sub("", text).strip():
        raise ValueError(f"'{text}' is not a duration; write for example 30s, 15m, 4h, 30d or '1d 12h'")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def parse_size(text: str) -> int:
    """Bytes in `10GiB`, `500MB`. Raises ValueError with the form that is wanted; a bare number has no unit and is refused."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"'{text}' is not a size; write for example 512KiB, 10GiB or 500MB")
    return int(float(found[1]) * _BYTES[found[2]])


def show_duration(seconds: float) -> str:
    """`3.2 s`, `4 min 12 s`, `3 h 05 min`, `24 h`, `2 d 4 h`: two units at most, a second one that is zero left out."""
    if seconds < 0:
        return "-" + show_duration(-seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s", digits=2)
    if whole < 172800:
        return _two(whole // 3600, "h", whole % 3600 // 60, "min", digits=2)
    return _two(whole // 86400, "d", whole % 86400 // 3600, "h", digits=1)


def _two(big: int, unit: str, small: int, lesser: str, *, digits: int) -> str:
    return f"{big} {unit} {small:0{digits}d} {lesser}" if small else f"{big} {unit}"


def show_size(count: int) -> str:
    """`812 B`, `14.2 MiB`: binary units, one decimal."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def visible(text: str) -> str:
    """`text` with every character that shows nothing, moves the cursor or turns the reading direction round written as `\\u202e`.

    For names and messages that were made elsewhere. Line breaks stay.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text)
