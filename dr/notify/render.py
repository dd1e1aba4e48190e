"""A story through a template, its first line the subject: plain text (`.txt.j2`, a run's story), or Markdown (`.md.j2`, any other)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from dr.errors import ConfigError
from dr.model.base import StrictModel
from dr.notify.typed import require_typed

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "templates"
_TEXT, _MARKDOWN = ".txt.j2", ".md.j2"
Form = Literal["text", "markdown"]
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
"""Line breaks, what a terminal obeys, and what turns the reading direction round."""
_OBEYED = re.compile(_CONTROL.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))
"""The same, but for the line breaks of a message's own."""


@dataclass(frozen=True)
class Message:
    subject: str
    body: str
    form: Form = "text"


def template_names() -> Sequence[str]:
    """Every template that a runbook may name."""
    return sorted(path.name.removesuffix(_TEXT) for path in FOLDER.glob(f"[a-z]*{_TEXT}"))


def word_templates() -> Sequence[str]:
    """Every template of a word that no run's story is behind."""
    return sorted(path.name.removesuffix(_MARKDOWN) for path in FOLDER.glob(f"[a-z]*{_MARKDOWN}"))


def render(template: str, story: StrictModel) -> Message:
    """Its fields are all that a template can name. Raises ConfigError for a template that does not exist, TypeError for a story that
    could hold what nobody named."""
    require_typed(type(story))
    ending = next((ending for ending in (_TEXT, _MARKDOWN) if (FOLDER / f"{template}{ending}").is_file()), None)
    if ending is None or "/" in template:
        raise ConfigError(f"there is no notice template '{template}'", hint=f"there are: {', '.join(template_names())}")
    form: Form = "markdown" if ending == _MARKDOWN else "text"
    text = environment().get_template(template + ending).render(dict(in_lines(story) if form == "markdown" else story))
    subject, _, body = text.strip().partition("\n")
    return Message(subject=" ".join(_CONTROL.sub(" ", subject).split()), body=_OBEYED.sub(" ", body).strip() + "\n", form=form)


Told = TypeVar("Told", bound=StrictModel)


def in_lines(story: Told) -> Told:
    """In Markdown a line break of a value's would be one of the message's: a heading, a list, a command to type. So a value has none."""
    return story.model_copy(update={name: _in_line(value) for name, value in story})


def _in_line(value: object) -> object:
    if isinstance(value, str):
        return _CONTROL.sub(" ", value)
    if isinstance(value, tuple):
        return tuple(_in_line(each) for each in value)
    return in_lines(value) if isinstance(value, StrictModel) else value


@cache
def environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(enabled_extensions=()),  # plain text; what is made HTML of it is escaped there
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
