"""A story through a template: plain text, its first line the subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dr.errors import ConfigError
from dr.notify.story import Story

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"
_ENDING = ".txt.j2"


@dataclass(frozen=True)
class Message:
    subject: str
    body: str


def template_names() -> Sequence[str]:
    """Every template that a runbook may name."""
    return sorted(path.name.removesuffix(_ENDING) for path in _FOLDER.glob(f"[a-z]*{_ENDING}"))


def render(template: str, story: Story) -> Message:
    """Raises ConfigError for a template that does not exist."""
    if template not in template_names():
        raise ConfigError(f"there is no notice template '{template}'", hint=f"there are: {', '.join(template_names())}")
    text = _environment().get_template(template + _ENDING).render(dict(story))
    subject, _, body = text.strip().partition("\n")
    return Message(subject=" ".join(subject.split()), body=body.strip() + "\n")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(enabled_extensions=()),  # plain text; a provider that wants HTML converts it itself
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
