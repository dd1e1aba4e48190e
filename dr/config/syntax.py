"""What PyYAML says when a text is not YAML, in our words and at the place that helps."""

import re

import yaml

from dr.config.nodes import Document
from dr.config.problems import Problem, mask_line

BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""Where YAML ends a line."""
UNREADABLE = (yaml.YAMLError, ValueError, OverflowError, IndexError)
"""What PyYAML raises for a text that it cannot read; the last three for escapes and numbers beyond any bound."""


def syntax_problem(error: Exception, text: str, document: Document) -> Problem:
    """Where PyYAML stopped, in our words. For something left open, where it was opened: the end of the file tells nobody anything."""
    if isinstance(error, yaml.MarkedYAMLError):
        message, hint, mark = _explain(error)
        if mark is not None:
            return _point(document, mark.line, mark.column, message, hint)
    elif isinstance(error, yaml.reader.ReaderError):
        before = BREAK.split(text[: error.position])
        return _point(
            document,
            len(before) - 1,
            len(before[-1]),
            "a character that no text file should hold",
            "take it out, or write it as an escape in quotes",
        )
    return Problem(
        document.name, 0, 0, 0, "not YAML: an escape or a number in it cannot be understood", "look for a backslash in double quotes"
    )


def _point(document: Document, line: int, col: int, message: str, hint: str) -> Problem:
    source = document.lines[line] if line < len(document.lines) else ""
    shown, caret, length = mask_line(source, col, 1)
    return Problem(document.name, line + 1, col + 1, length, message, hint, shown, caret)


def _explain(error: yaml.MarkedYAMLError) -> tuple[str, str, yaml.Mark | None]:
    why, context = (error.problem or "").replace("'<stream end>'", "the end of the file"), error.context or ""
    mark = error.problem_mark or error.context_mark
    opened = error.context_mark
    if "'\\t'" in why:
        return "a tab, where YAML takes only spaces", "indent with spaces", mark
    if "mapping values are not allowed" in why:
        return "a second ': ' in one value", "put the value in quotes, or begin a new line for the next name", mark
    if "quoted scalar" in context and "end of stream" in why:
        return "a quote that is never closed", "close it; a quote inside a quoted text is doubled", opened
    if "flow" in context and why.startswith("expected ',' or"):
        return (
            f"a bracket that is not closed: {why}",
            "close it, or put a comma before what follows",
            opened,
        )
    return f"not YAML: {why or context}", "check quotes, brackets, colons and indentation near here", mark
