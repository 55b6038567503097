"""Text out of a header that may be damaged, fit for one line of a message."""

__all__ = ["header_line", "printable"]


def printable(text: str) -> str:
    """The text with line breaks, control characters and the like replaced by `�`."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "�" for char in text)


def header_line(line: bytes) -> str:
    """One line of a text header: UTF-8 as today's writers use it, else Latin-1."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    return printable(text.strip())
