"""What must agree about duties: offices and skills that exist, an order that names each office once."""

from collections.abc import Iterator

from dr.config.names import Names, article
from dr.config.nodes import Items, Node, Scalar, Table, match
from dr.config.problems import Problem

_DUTY = ("duties", "*")
_NAMED = (
    ((*_DUTY, "office"), "office"),
    ((*_DUTY, "succession", "*"), "office"),
    ((*_DUTY, "needs", "*"), "skill"),
)


def duty_rules(root: Table, names: Names) -> Iterator[Problem]:
    """Everything about duties that does not agree with the offices and the people there are.

    That nobody could take a duty over is not said here but by `dr doctor`: backups go on in an organisation that a person has left.
    """
    for pattern, noun in _NAMED:
        for _, _, node in match(root, pattern):
            word = _text(node)
            if word is not None and not names.has(noun, word):
                none = "nobody's skill" if noun == "skill" else f"not {article(noun)}"
                yield node.problem(f"'{word}' is {none}", names.hint(noun, word))
    for _, _, node in match(root, (*_DUTY, "succession")):
        yield from _twice(node)


def _twice(succession: Node) -> Iterator[Problem]:
    seen: set[str] = set()
    for node in succession.items if isinstance(succession, Items) else ():
        word = _text(node)
        if word in seen:
            yield node.problem(f"'{word}' is in this succession already", "an office is asked once, where it stands first")
        seen |= {word} if word is not None else set()


def _text(node: Node) -> str | None:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None
