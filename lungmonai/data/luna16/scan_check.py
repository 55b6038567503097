"""Whether a scan on disk can be trusted, without reading more of it than that takes.

The header is checked as `read_ct` checks it, then the size of the voxels' file, then the HU of the middle
slice. A compressed file is decompressed whole: nothing less tells that it is sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ScanError
from ...io.hounsfield import checked_hu, hu_from_stored
from ...io.metaimage import read_metaimage_header
from ...io.scan import CTScan
from ...io.voxels import check_there, open_error, read_voxels

__all__ = ["FileMark", "ScanCheck", "check_scan", "mark_of"]

# (name, bytes, modification time in ns): a file that still has the same mark was not changed.
FileMark = tuple[str, int, int]


@dataclass(frozen=True, eq=False)
class ScanCheck:
    """What was found of one MetaImage file.

    Args:
        files: marks of the header and of its voxels' file, as they were before the check.
        shape: (slices, rows, columns); empty for a bad scan.
        affine_lps: 4 rows of 4 numbers; empty for a bad scan.
        reason: why the scan is bad, one line; empty for a good one.
    """

    files: tuple[FileMark, ...]
    shape: tuple[int, ...] = ()
    affine_lps: tuple[tuple[float, ...], ...] = ()
    reason: str = ""

    def geometry(self) -> CTScan:
        """A scan of the same size and place whose voxels are all 0, which takes no memory.

        Only `CTScan` converts between world and voxels; this lends it to code that needs no voxels.
        """
        return CTScan(np.broadcast_to(np.int16(0), self.shape), np.array(self.affine_lps), "")

    def as_json(self) -> dict[str, Any]:
        """Numbers and texts only; `from_json` takes them back, to the last bit."""
        return vars(self)

    @staticmethod
    def from_json(said: dict[str, Any]) -> ScanCheck:
        """The check that `as_json` described.

        Raises:
            ValueError, KeyError, TypeError: it describes none.
        """
        check = ScanCheck(
            files=tuple((str(name), int(size), int(changed)) for name, size, changed in said["files"]),
            shape=tuple(map(int, said["shape"])),
            affine_lps=tuple(tuple(map(float, row)) for row in said["affine_lps"]),
            reason=str(said["reason"]),
        )
        if not check.reason and (len(check.shape), np.shape(check.affine_lps)) != (3, (4, 4)):
            raise ValueError("a good scan without its geometry")
        return check


def check_scan(path: Path) -> ScanCheck:
    """Check one `.mhd` or `.mha` file; a bad one gives a reason, never an error."""
    files: tuple[FileMark, ...] = ()
    try:
        try:
            check_there(path)  # opening a pipe would wait for ever
            block, affine = read_metaimage_header(path)
            # Before the voxels are read: a file that changes meanwhile must be checked again.
            files = tuple(mark_of(one) for one in dict.fromkeys((path, block.path)))
            _check_middle(read_voxels(block), str(path))
        except OSError as error:
            raise open_error(path, error) from error
    except ScanError as error:
        # Without the folder, which may be mounted elsewhere the next time.
        return ScanCheck(files, reason=" ".join(str(error).replace(f"{path.parent}/", "").split()))
    except MemoryError:
        return ScanCheck(files, reason="it does not fit in memory; check with fewer workers")
    return ScanCheck(files, block.shape, tuple(map(tuple, affine.tolist())))


def mark_of(path: Path) -> FileMark:
    """Name, size and modification time of a file.

    Raises:
        OSError: it is not there.
    """
    said = path.stat()
    return path.name, said.st_size, said.st_mtime_ns


def _check_middle(voxels: NDArray[np.generic], name: str) -> None:
    """Refuse a scan whose middle slice is no CT in Hounsfield units."""
    middle = voxels[len(voxels) // 2 :][:1]
    checked_hu(hu_from_stored(middle, name), name)
