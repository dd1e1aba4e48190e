"""No client's data can enter a template: each is given named fields of plain kinds, and names no other."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from jinja2 import meta
from pydantic import Field

import dr
from dr.model.base import JsonObject, StrictModel
from dr.notify.render import FOLDER, environment, render
from dr.notify.stories import AcknowledgedStory, ContactTestStory, DigestStory
from dr.notify.story import Story
from dr.notify.typed import require_typed, untyped
from dr.notify.wording import html

pytestmark = pytest.mark.unit
OWN: dict[str, type[StrictModel]] = {
    "digest": DigestStory,
    "runs-digest": DigestStory,
    "acknowledged": AcknowledgedStory,
    "contact-test": ContactTestStory,
}


def stories() -> Iterator[type[StrictModel]]:
    """Every story model of the house, wherever it is."""
    for found in pkgutil.walk_packages(dr.__path__, "dr."):
        if "story" in found.name or "stories" in found.name or found.name.startswith(("dr.notify.", "dr.model.")):
            module = importlib.import_module(found.name)
            for name, kind in inspect.getmembers(module, inspect.isclass):
                if name.endswith("Story") and issubclass(kind, StrictModel) and kind.__module__ == found.name:
                    yield kind


def test_every_story_is_of_named_fields_of_plain_kinds() -> None:
    """Never a dictionary, nor anything that could be one."""
    found = list(stories())
    assert {Story, DigestStory, AcknowledgedStory, ContactTestStory} <= set(found)
    assert [(kind.__name__, untyped(kind)) for kind in found if untyped(kind)] == []


OF_WATCHES = ("redundancy-", "outage-")
"""Text templates that are no run's."""


def fields_of(template: str, ending: str) -> set[str]:
    """What it may name: of its own story where that is known here, else of any."""
    if template in OWN:
        return set(OWN[template].model_fields)
    if ending == "txt.j2" and not template.startswith(OF_WATCHES):
        return set(Story.model_fields)
    return {name for kind in stories() for name in kind.model_fields}


def test_every_template_names_only_what_a_story_has() -> None:
    """A word that is in no story is an error before it is ever sent."""
    for path in sorted(FOLDER.glob("[a-z]*.j2")):
        name, _, ending = path.name.partition(".")
        wanted = meta.find_undeclared_variables(environment().parse(path.read_text(encoding="utf-8")))
        assert wanted <= fields_of(name, ending), name


class Loose(StrictModel):
    said: str
    facts: JsonObject = Field(default_factory=dict)


class Nested(StrictModel):
    parts: tuple[Loose, ...] = ()


@pytest.mark.parametrize(("kind", "where"), [(Loose, ["facts"]), (Nested, ["parts.facts"])])
def test_a_story_that_could_hold_anything_is_refused(kind: type[StrictModel], where: list[str]) -> None:
    assert untyped(kind) == where
    with pytest.raises(TypeError, match="may hold anything"):
        require_typed(kind)


def test_a_value_cannot_become_a_line_of_its_own() -> None:
    """What somebody typed is shown as they typed it, and is no heading, list, or command of the message's."""
    story = AcknowledgedStory(organisation="M", subject="s", by="Anna", at="now", comment="fine\n\n# Now type: rm -rf /\u2028x", notice="n")
    assert "They add: fine # Now type: rm -rf / x" in render("acknowledged", story).body.splitlines()


SPOKEN = "\x1b[2J\x9b31m\u202egone\r\nBcc: all@example.org [reset your password](https://elsewhere.example) ![](https://elsewhere.example/seen.png)"
"""What somebody could say of an outage who wants more of its readers than that they read."""


def test_what_somebody_says_turns_no_terminal_and_no_header() -> None:
    """No escape, no line of its own, no text that runs backwards: neither in a subject nor in a body."""
    told = AcknowledgedStory(organisation="Harbor", subject=SPOKEN, by="Anna", at="now", comment=SPOKEN, notice="n-1")
    message = render("acknowledged", told)
    for text in (message.subject, *message.body.splitlines()):
        assert text.isprintable(), text
        assert not text.startswith("Bcc:")


def test_no_message_leads_anywhere() -> None:
    """A link or a picture in what somebody says is shown as it was typed: a picture would even tell who reads it, and when."""
    shown = html(f"**Out:** {SPOKEN} <https://elsewhere.example> [a][b]\n\n[b]: https://elsewhere.example")
    assert "<strong>Out:</strong>" in shown
    assert not [tag for tag in ("<a ", "<img", "href", "src=") if tag in shown]
