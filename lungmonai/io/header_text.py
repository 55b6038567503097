"""Text out of a header that may be damaged, fit for one line of a message."""

__all__ = ["printable"]


def printable(text: str) -> str:
    """The text with line breaks, control characters and the like replaced by `�`."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "�" for char in text)
