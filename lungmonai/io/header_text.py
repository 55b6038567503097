"""Text out of a header that may be damaged, fit for one line of a message."""

from pathlib import Path

from ..errors import DamagedError

__all__ = ["LONGEST_HEADER", "WRITE_AGAIN", "damaged_header", "header_line", "header_start", "printable"]

LONGEST_HEADER = 65_536
WRITE_AGAIN = "Write the file again with ITK, SimpleITK or 3D Slicer."


def header_start(path: Path) -> bytes:
    """As much of a file as a text header may take."""
    with path.open("rb") as file:
        return file.read(LONGEST_HEADER)


def damaged_header(path: Path, came: str, wanted: str) -> DamagedError:
    """The error for a MetaImage or NRRD header that says what it must not."""
    return DamagedError(f"{path} has {came}", wanted=wanted, do=WRITE_AGAIN)


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
