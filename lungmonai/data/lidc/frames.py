"""Where a LIDC scan lies in the patient, told from published boxes around its nodules.

The database places outlines in voxels and, along z, in millimetres; what is missing are the x and y of
the first voxel. A published box around a nodule gives them. Its corners were found to be the mean, over
the readers, of the boxes around their outlines, rounded to whole voxels, so that they are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .database import LidcScan
from .nodules import LidcNodule

__all__ = ["FITS_MM", "Frame", "LpsBox", "place_box"]

# (lowest x, y, z), (highest x, y, z), LPS mm.
LpsBox = tuple[tuple[float, float, float], tuple[float, float, float]]
# A scan lies as DICOM's axial scans do, or turned half round in its plane, as a few in LUNA16 do.
_STRAIGHT, _TURNED = 1, -1
# The edges of fitting boxes are equal but for the decimals; LIDC has no pixel smaller than 0.46 mm.
FITS_MM = 0.4


@dataclass(frozen=True, eq=False)
class Frame:
    """Where the voxels of a scan lie.

    Args:
        scan: whose voxels.
        origin_xy_mm: LPS x and y of the voxels of row 0 and column 0.
        direction: 1 where columns run to the left and rows to the back, -1 where both run the other way.
    """

    scan: LidcScan
    origin_xy_mm: tuple[float, float]
    direction: int = _STRAIGHT

    def lps_from_vox(self, vox: ArrayLike) -> NDArray[np.float64]:
        """World positions of voxels.

        Args:
            vox: (..., 3) float, (slice, row, column).

        Returns:
            (..., 3) float, LPS mm.
        """
        k, row, column = np.moveaxis(np.asarray(vox, dtype=np.float64), -1, 0)
        step = self.direction * self.scan.pixel_spacing_mm
        x, y = self.origin_xy_mm
        z = np.interp(k, np.arange(len(self.scan.slice_z_mm)), self.scan.slice_z_mm)
        return np.stack((x + step * column, y + step * row, z), axis=-1)

    def vox_from_lps(self, lps_mm: ArrayLike) -> NDArray[np.float64]:
        """Voxels of world positions; the inverse of `lps_from_vox` within the scan.

        Args:
            lps_mm: (..., 3) float, LPS mm.

        Returns:
            (..., 3) float, (slice, row, column), not rounded.
        """
        x, y, z = np.moveaxis(np.asarray(lps_mm, dtype=np.float64), -1, 0)
        step = self.direction * self.scan.pixel_spacing_mm
        k = np.interp(z, self.scan.slice_z_mm, np.arange(len(self.scan.slice_z_mm)))
        return np.stack((k, (y - self.origin_xy_mm[1]) / step, (x - self.origin_xy_mm[0]) / step), axis=-1)


def place_box(scan: LidcScan, nodules: Sequence[LidcNodule], box: LpsBox, diameter_mm: float) -> Frame | None:
    """The frame in which a published box lies around the nodule that it fits.

    The nodule is the one most like it in height and in size, since neither needs a frame.

    Args:
        scan: that the box is in.
        nodules: of the scan.
        box: LPS mm; of a scan that is turned in its plane the first corner has the higher x and y.
        diameter_mm: that was published with it.

    Returns:
        None where the box of no nodule has that height and size.
    """
    first, last = np.array(box)
    direction = _STRAIGHT if first[0] <= last[0] else _TURNED
    fitting = [nodule for nodule in nodules if _unlike_mm(nodule, first, last) < FITS_MM]
    if not fitting:
        return None
    best = min(fitting, key=lambda nodule: abs(nodule.diameter_mm - diameter_mm))
    step = direction * scan.pixel_spacing_mm
    corners = np.array(best.outline_box_vox)[:, :0:-1]  # (column, row)
    x, y = np.mean((first[:2] - step * corners[0], last[:2] - step * corners[1]), axis=0)
    return Frame(scan, (float(x), float(y)), direction)


def _unlike_mm(nodule: LidcNodule, first: NDArray[np.float64], last: NDArray[np.float64]) -> float:
    """By how much the edges of the boxes differ in height and in size, summed."""
    low, high = nodule.outline_box_vox
    low_z, high_z = nodule.scan.slice_z_mm[[int(low[0]), int(high[0])]]
    rows, columns = (high - low)[1:] * nodule.scan.pixel_spacing_mm
    width, depth = np.abs(last - first)[:2]
    return float(np.abs([low_z - first[2], high_z - last[2], columns - width, rows - depth]).sum())
