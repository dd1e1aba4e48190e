"""How a reason is worded: spans of time as a person says them."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def spoken(length: float) -> str:
    """A length of time in one rounded-down unit: `40 minutes`, `31 hours`, `2 days`; a policy's own `24 h` is written by `short`."""
    length = abs(length)
    for unit, size, most in (("second", 1.0, MINUTE), ("minute", MINUTE, HOUR), ("hour", HOUR, 2 * DAY)):
        if length < most:
            count = int(length // size)
            return f"{count} {unit}" + ("" if count == 1 else "s")
    return f"{int(length // DAY)} days"


def short(length: float) -> str:
    """A policy's or an objective's span: `30 d`, `24 h`, `90 min`, `45 s`."""
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if length >= size and length % size == 0 and not (unit == "d" and length < 2 * DAY):
            return f"{int(length // size)} {unit}"
    return f"{length:g} s"
