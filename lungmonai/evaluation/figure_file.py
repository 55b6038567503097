"""A picture as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..files import written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["write_figure"]


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure as PNG, whole or not at all; the same figure gives the same bytes.

    Raises:
        OutputError: it cannot be written.
    """
    with written_whole(path) as part:
        # The version of matplotlib would stand in it.
        figure.savefig(part, format="png", metadata={"Software": None})
