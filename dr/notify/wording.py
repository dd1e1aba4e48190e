"""One notice as one message for one channel: what its subject says of it, its code, and its forms: HTML, Markdown, text, a short text."""

import re
from dataclasses import dataclass
from functools import lru_cache

from dr.model.notice_record import Mark, Notice

EXERCISE = "EXERCISE"
_MARKS: dict[Mark, str] = {
    "repeat": "(repeat)",
    "again": "(again: nobody has acknowledged)",
    "raised": "(more severe now)",
}
REPEAT = _MARKS["repeat"]
SHORT = 300
"""Letters of the short text, code and all; two messages of a telephone."""
_REHEARSED = "This is an EXERCISE. Nothing has failed; do as if it had."
_PLAYED = "This was an EXERCISE. Nothing had failed."
_ENDS = ("outage-resolved", "outage-dismissed")


@dataclass(frozen=True)
class Wording:
    """What a channel is given; it takes the form that it can show."""

    subject: str
    text: str
    markdown: str | None = None
    short: str = ""


def subject_of(notice: Notice, mark: Mark) -> str:
    return " ".join(part for part in (marked(notice.subject, exercise=notice.exercise), _MARKS.get(mark, "")) if part)


def marked(subject: str, *, exercise: bool) -> str:
    return f"{EXERCISE}: {subject}" if exercise and not subject.startswith(EXERCISE) else subject


def unmarked(subject: str) -> str:
    """Of a message within a message, which says of itself that it is an exercise."""
    return subject.removeprefix(f"{EXERCISE}: ")


def wording(notice: Notice, mark: Mark = "", code: str = "") -> Wording:
    """`code`: what whoever reads it types to say that they saw it; empty where nobody need."""
    subject = subject_of(notice, mark)
    rehearsed = notice.exercise and EXERCISE not in notice.body.partition("\n")[0]
    body = f"{_PLAYED if notice.template in _ENDS else _REHEARSED}\n\n{notice.body}" if rehearsed else notice.body
    command = f"dr ack {code}"
    seen = f"Say that you saw it:\n\n    {command}\n" if code else ""
    whole = f"{body.rstrip()}\n\n{seen}" if seen else body
    markdown = whole if notice.form == "markdown" else None
    return Wording(
        subject, plain(whole) if markdown else whole, markdown, _short(subject, plain(body), f" Saw it? {command}" if code else "")
    )


def plain(markdown: str) -> str:
    """Markdown as one reads it where nothing shows it: without its stars and hashes."""
    text = re.sub(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", markdown)
    text = re.sub(r"(?m)^#{1,6} +", "", text)
    text = re.sub(r"`([^`\n]+)`", r"\1", text)
    return re.sub(r"(?m)[ \t]*\\$| {2,}$", "", text)


@lru_cache(maxsize=16)
def html(markdown: str) -> str:
    """Made once for the very many who are told the same. Whatever looks like HTML in it is shown, not obeyed; so is a link or a picture: no
    message of ours has one, and whoever can get a word into one could send people elsewhere with it."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False, "linkify": False}).disable(["link", "image", "autolink", "reference"])
    return str(made.render(markdown))


def _short(subject: str, body: str, tail: str) -> str:
    """The subject and the first paragraph, as far as they fit beside the code."""
    first = " ".join(body.strip().partition("\n\n")[0].split())
    text, room = f"{subject}. {first}" if first else subject, SHORT - len(tail)
    return (text if len(text) <= room else text[: room - 3].rstrip() + "...") + tail
