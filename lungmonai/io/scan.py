"""A CT in memory: Hounsfield units and where each voxel lies in the patient."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import GeometryError, NotCTError

if TYPE_CHECKING:
    from monai.data.meta_tensor import MetaTensor

__all__ = ["CTScan", "ras_from_lps", "spacing_of", "vox_from_lps"]

# Negating x and y turns LPS (LUNA16, ITK, DICOM) into RAS (NIfTI, MONAI) and back.
_FLIP_XY = np.diag([-1.0, -1.0, 1.0, 1.0])


def ras_from_lps(affine: ArrayLike) -> NDArray[np.float64]:
    """Switch an affine between LPS and RAS world frames; the same rule serves both ways.

    Args:
        affine: (4, 4) float, voxel to world.
    """
    return _FLIP_XY @ np.asarray(affine, dtype=np.float64)


def spacing_of(affine_lps: NDArray[np.float64]) -> tuple[float, float, float]:
    """Distance between neighbouring voxels along column, row and slice index, in mm.

    Args:
        affine_lps: (4, 4) float, maps (column, row, slice, 1) to LPS millimetres.
    """
    x, y, z = np.linalg.norm(affine_lps[:3, :3], axis=0)
    return float(x), float(y), float(z)


def vox_from_lps(affine_lps: NDArray[np.float64], lps_mm: ArrayLike) -> NDArray[np.float64]:
    """Voxel indices of world positions.

    Args:
        affine_lps: (4, 4) float, maps (column, row, slice, 1) to LPS millimetres.
        lps_mm: (..., 3) float, LPS mm.

    Returns:
        (..., 3) float, (slice, row, column), not rounded.
    """
    moved = np.asarray(lps_mm, dtype=np.float64) - affine_lps[:3, 3]
    return (moved @ np.linalg.inv(affine_lps[:3, :3]).T)[..., ::-1]


@dataclass(frozen=True, eq=False)
class CTScan:
    """One CT volume.

    Args:
        hu: (slices, rows, columns) int16, Hounsfield units.
        affine_lps: (4, 4) float, maps (column, row, slice, 1) to LPS millimetres.
        series_uid: DICOM series instance UID, or the file's name without suffix.
        source: path that it was read from, as given.
        notes: what the reader found and did, one sentence each.

    Raises:
        NotCTError: `hu` is not three-dimensional int16 with at least 3 voxels along every axis.
        GeometryError: `affine_lps` is not a finite, invertible (4, 4) matrix.
    """

    hu: NDArray[np.int16]
    affine_lps: NDArray[np.float64]
    series_uid: str
    source: str = ""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.hu.ndim != 3 or self.hu.dtype != np.int16:
            raise NotCTError(
                f"{self.source or 'the volume'} is {self.hu.dtype} of shape {self.hu.shape}",
                wanted="int16 Hounsfield units of shape (slices, rows, columns)",
                do="Convert it to a single-channel three-dimensional CT.",
            )
        if min(self.hu.shape) < 3:
            raise NotCTError(
                f"{self.source or 'the volume'} has the shape {self.hu.shape}",
                wanted="at least 3 voxels along every axis",
                do="Give a whole CT volume.",
            )
        affine = np.array(self.affine_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
            raise GeometryError(
                f"{self.source or 'the volume'} has the affine {affine.tolist()}",
                wanted="a finite, invertible 4 by 4 matrix from voxel to LPS millimetres",
                do="Export the scan again with its geometry.",
            )
        affine.setflags(write=False)
        object.__setattr__(self, "affine_lps", affine)

    def __repr__(self) -> str:
        slices, rows, columns = self.hu.shape
        x, y, z = self.spacing_mm
        return f"CTScan({columns}×{rows}×{slices}, {x:.4g}×{y:.4g}×{z:.4g} mm, {self.series_uid})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        slices, rows, columns = self.hu.shape
        return slices, rows, columns

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along column, row and slice index, in mm."""
        return spacing_of(self.affine_lps)

    def lps_from_vox(self, vox: ArrayLike) -> NDArray[np.float64]:
        """World positions of voxel indices.

        Args:
            vox: (..., 3) float, (slice, row, column); integers are voxel centres.

        Returns:
            (..., 3) float, LPS mm.
        """
        columns_first = np.asarray(vox, dtype=np.float64)[..., ::-1]
        return columns_first @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3]

    def vox_from_lps(self, lps_mm: ArrayLike) -> NDArray[np.float64]:
        """Voxel indices of world positions; the inverse of `lps_from_vox`.

        Args:
            lps_mm: (..., 3) float, LPS mm.

        Returns:
            (..., 3) float, (slice, row, column), not rounded.
        """
        return vox_from_lps(self.affine_lps, lps_mm)

    def canonical(self) -> CTScan:
        """The same scan with columns towards the left, rows to the back, slices upwards.

        Axes are swapped and flipped, never resampled, so every voxel keeps its value and its
        position in the patient; an oblique scan goes to the nearest such order.
        """
        order, flips = _axes_to_lps(self.affine_lps)
        if order == (0, 1, 2) and not any(flips):
            return self
        # affine columns are (column, row, slice); array axes are the reverse.
        hu_xyz = self.hu.transpose(2, 1, 0).transpose(order)
        affine = self.affine_lps.copy()
        affine[:, :3] = affine[:, :3][:, order]
        for axis, flip in enumerate(flips):
            if flip:
                hu_xyz = np.flip(hu_xyz, axis)
                affine[:3, 3] += affine[:3, axis] * (hu_xyz.shape[axis] - 1)
                affine[:3, axis] *= -1
        return replace(self, hu=np.ascontiguousarray(hu_xyz.transpose(2, 1, 0)), affine_lps=affine)

    def to_metatensor(self) -> MetaTensor:
        """The scan as MONAI sees it: (1, columns, rows, slices) int16, RAS affine."""
        import torch
        from monai.data.meta_tensor import MetaTensor

        writable = self.hu if self.hu.flags.writeable else self.hu.copy()
        meta = {"series_uid": self.series_uid, "filename_or_obj": self.source, "notes": "\n".join(self.notes)}
        affine = torch.as_tensor(ras_from_lps(self.affine_lps))
        return MetaTensor(torch.from_numpy(writable).permute(2, 1, 0)[None], affine=affine, meta=meta)


def _axes_to_lps(affine: NDArray[np.float64]) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Which voxel axis runs nearest to L, P and S, and whether it runs backwards."""
    from nibabel.orientations import io_orientation

    orientation = io_orientation(affine)  # type: ignore[no-untyped-call]  # row per voxel axis: (world axis, sign)
    order = tuple(int(axis) for axis in np.argsort(orientation[:, 0]))
    flips = tuple(bool(orientation[axis, 1] < 0) for axis in order)
    return order, flips  # type: ignore[return-value]
