"""What a bare word means. YAML gives surprising answers (`12:30` is 750, `no` is false, `010` is 8): here each of those is a problem."""

import re
from dataclasses import dataclass

from dr.model.base import JsonValue

_WORDS: dict[str, JsonValue] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_YES_NO = {"yes": "true", "no": "false", "on": "true", "off": "false"}
_CLOCK = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OCTAL = re.compile(r"[-+]?0o?[0-9_]+")
_OTHER = re.compile(
    r"(?i)[-+]?(?:0x[0-9a-f_]+|0b[01_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?|\.[0-9][0-9_]*(?:e[-+]?[0-9]+)?|\.inf|\.nan)"
)


@dataclass(frozen=True)
class Surprise:
    """A bare word that programs read differently."""

    message: str
    hint: str


def read_plain(text: str) -> JsonValue | Surprise:
    """The value of an unquoted word: null, true, false, a decimal number, or text; or the Surprise that it is."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return _surprise(text) or text


def _surprise(text: str) -> Surprise | None:
    if text.lower() in _YES_NO:
        return Surprise(
            f"'{text}' means {_YES_NO[text.lower()]} to some YAML readers and a word to others",
            f'write {_YES_NO[text.lower()]}, or "{text}" in quotes if the word is meant',
        )
    if _CLOCK.fullmatch(text):
        return Surprise(
            f"'{text}' is a number in base 60 to some YAML readers", f'write "{text}" in quotes, or a duration such as 12h or 30m'
        )
    if _OCTAL.fullmatch(text):
        return Surprise(f"'{text}' is an octal number to some YAML readers", f'write it without the leading zero, or "{text}" in quotes')
    if text == "=":
        return Surprise("'=' has a meaning of its own to some YAML readers", 'write "=" in quotes')
    if _OTHER.fullmatch(text):
        return Surprise(f"'{text}' is not a plain decimal number", f'write plain digits, or "{text}" in quotes if text is meant')
    return None
