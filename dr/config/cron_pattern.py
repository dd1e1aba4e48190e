"""The five fields of a schedule as one regular expression: all that `is_cron` takes, and little more (a 31st of February)."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def _any_case(words: tuple[str, ...]) -> str:
    return "|".join("".join(f"[{letter}{letter.lower()}]" for letter in word) for word in words)


def _field(values: str, more: str = "") -> str:
    """`*`, a value, a range, each maybe with a step; or a list of such. `more`: what else one of them may be."""
    one = rf"(?:\*|(?:{values})(?:-(?:{values}))?{more})(?:/[0-9]+)?"
    return rf"{one}(?:,{one})*"


_WEEKDAY = f"0*[0-7]|{_any_case(_DAYS)}"
_FIELDS = (
    _field("0*[0-5]?[0-9]"),
    _field("0*(?:1?[0-9]|2[0-3])"),
    _field("0*(?:[1-9]|[12][0-9]|3[01])", "|[lL][wW]?"),
    _field(f"0*(?:[1-9]|1[0-2])|{_any_case(_MONTHS)}"),
    _field(_WEEKDAY, f"|0*[0-7][lL]|(?:{_WEEKDAY})#0*[1-5]"),
)
_SPACE = r"\s+"
CRON = rf"^\s*{_SPACE.join(_FIELDS)}\s*$"
