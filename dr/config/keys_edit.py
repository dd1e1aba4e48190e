"""The keys in inventory/*.yaml rewritten: one value exchanged, every other character of the file as it was. Pure."""

import re

_ITEM = re.compile(r"age1[0-9a-z]+")
_SIGNING = re.compile(r"^(?P<head>[ ]+signing:[ \t]*!secret[ \t]*\{[ \t]*file:[ \t]*)(?P<value>[^}\s#]+)(?=[ \t]*\})", re.M)
_FLOW = re.compile(r"^[ ]+trusted:[ \t]*\[[ \t]*", re.M)
_BLOCK = re.compile(r"^[ ]+trusted:[ \t]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*(?P<dash>[ ]*-[ ]+)", re.M)


def with_recipient(text: str, old: str, new: str) -> str | None:
    """The file with a recipient replaced wherever it is a value, never in a comment; None if it does not stand there."""
    found = [one for one in _ITEM.finditer(text) if one[0] == old and not _in_comment(text, one.start())]
    for one in reversed(found):
        text = text[: one.start()] + new + text[one.end() :]
    return text if found else None


def with_signing(text: str, private: str, public: str) -> str | None:
    """The file with another signing key, whose public half is the first of those trusted; None if it is written in a way of its own."""
    signing = _SIGNING.search(text)
    if signing is None:
        return None
    text = text[: signing.start("value")] + private + text[signing.end("value") :]
    if flow := _FLOW.search(text):
        return f"{text[: flow.end()]}{public}, {text[flow.end() :]}"
    if block := _BLOCK.search(text):
        return f"{text[: block.start('dash')]}{block['dash']}{public}\n{text[block.start('dash') :]}"
    return None


def _in_comment(text: str, at: int) -> bool:
    return re.search(r"(?:^|\s)#", text[text.rfind("\n", 0, at) + 1 : at]) is not None
