"""What the models and kinds say of themselves, read from their own source: so that an editor shows the words that a reader of it sees."""

import ast
import inspect
import sys
import textwrap
from functools import cache
from itertools import pairwise

from pydantic import BaseModel


@cache
def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Field name to the text that stands below it in the model's source; a field without one is left out. Bases are read too."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            found |= _of_class(one)
    return found


def _of_class(model: type[BaseModel]) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except (OSError, SyntaxError):  # made at run time, or installed without its source: then it says nothing
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        name.target.id: _one_line(text.value.value)
        for name, text in pairwise(body)
        if isinstance(name, ast.AnnAssign)
        and isinstance(name.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def model_doc(model: type[BaseModel]) -> str:
    """The model's own docstring; nothing where it has none."""
    return _one_line(model.__dict__.get("__doc__") or "")


def kind_doc(model: type[BaseModel]) -> str:
    """What a kind is: the first sentence or so of the file in which its parameters are declared, without its name in front."""
    first = (sys.modules[model.__module__].__doc__ or "").split("\n\n", maxsplit=1)[0]
    name, colon, rest = _one_line(first).partition(": ")
    said = rest if colon and (" " not in name or name.startswith("Kind `")) else _one_line(first)
    return said[:1].upper() + said[1:]


def _one_line(text: str) -> str:
    return " ".join(text.split())
