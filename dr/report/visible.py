"""Text that was made elsewhere, made safe to show: names may hold control characters, and marks that turn the reading direction round."""


def visible(text: str) -> str:
    """`text` with every character that shows nothing, moves the cursor or changes direction written as `\\u202e`; line breaks stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text)
