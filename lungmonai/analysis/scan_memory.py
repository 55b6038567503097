"""What networks answered on one scan, kept in a file, so that they are not asked the same again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from .parts import read_arrays, write_arrays

__all__ = ["ScanMemory", "question"]


def question(*told: object, voxels: NDArray[np.int16]) -> str:
    """The name of a question: what was asked, and the hash of the very voxels that were shown.

    Args:
        told: what decides the answer beside the voxels.
        voxels: of any shape.
    """
    shown = xxhash.xxh3_128_hexdigest(np.ascontiguousarray(voxels).data)
    return " ".join(map(str, (*told, voxels.shape, shown)))


class ScanMemory:
    """Answers by question, to the last bit; a file holds those that were asked for since it was opened."""

    def __init__(self) -> None:
        self._known: dict[str, NDArray[Any]] = {}
        self._asked: dict[str, NDArray[Any]] = {}
        self._is_open = False

    def open(self, path: Path) -> None:
        """Know what a file holds, and nothing else; without a file, or with a damaged one, nothing."""
        self._known, self._asked, self._is_open = read_arrays(path) or {}, {}, True

    def close(self) -> None:
        """Know nothing, and remember nothing."""
        self._known, self._asked, self._is_open = {}, {}, False

    def recall(self, asked: str, work: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The answer to a question.

        Args:
            asked: from `question`.
            work: gives the answer where it is not known.
        """
        known = self._known.get(asked)
        answer = work() if known is None else known
        if self._is_open:
            self._asked[asked] = answer
        return answer

    def keep(self, path: Path) -> None:
        """Write what was asked since the file was opened, if it is not what the file holds.

        Raises:
            OutputError: it could not be written.
        """
        if self._asked.keys() != self._known.keys():
            write_arrays(path, self._asked, compressed=True)
