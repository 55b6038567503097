"""From spacing, direction and origin to one affine that can be trusted."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import GeometryError

__all__ = ["DIRECTION_TOLERANCE", "SPACING_LIMITS_MM", "affine_from_axes", "affine_from_parts"]

# Headers write cosines with 6 digits or more; a shear of 1e-3 moves the end of a 300 mm scan by 0.3 mm.
DIRECTION_TOLERANCE = 1e-3
# Micro-CT lies below, no chest CT protocol above: outside it the unit is not the millimetre.
SPACING_LIMITS_MM = (0.05, 25.0)

_AGAIN = "Export the scan again from its DICOM series, with its geometry."


def affine_from_axes(name: str, axes: ArrayLike, origin_mm: ArrayLike) -> NDArray[np.float64]:
    """Affine from the steps between neighbouring voxels, checked.

    Args:
        name: the file, for messages.
        axes: (3, 3) float, columns are the steps along column, row and slice index, in mm.
        origin_mm: (3,) float, centre of the first voxel.

    Returns:
        (4, 4) float, in the world frame of its arguments.

    Raises:
        GeometryError: not finite, a spacing of zero or beyond `SPACING_LIMITS_MM`, or sheared.
    """
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, origin_mm
    if not np.isfinite(affine).all():
        raise GeometryError(
            f"{name} has a geometry that is not finite: {_short(affine[:3])}", wanted="numbers", do=_AGAIN
        )
    with np.errstate(over="ignore"):  # an infinite length is refused just below
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
    _check_spacing(name, spacing)
    _check_orthonormal(name, affine[:3, :3] / spacing)
    return affine


def affine_from_parts(
    name: str, spacing_mm: ArrayLike, direction: ArrayLike, origin_mm: ArrayLike
) -> NDArray[np.float64]:
    """Affine from what ITK's formats store apart; checked as `affine_from_axes`.

    Args:
        name: the file, for messages.
        spacing_mm: (3,) float, must be positive.
        direction: (3, 3) float, columns are unit vectors along column, row and slice index.
        origin_mm: (3,) float, centre of the first voxel.
    """
    spacing, cosines = np.asarray(spacing_mm, dtype=np.float64), np.asarray(direction, dtype=np.float64)
    _check_spacing(name, spacing)
    if not np.isfinite(cosines).all():
        raise GeometryError(
            f"{name} has a direction that is not finite: {_short(cosines)}", wanted="numbers", do=_AGAIN
        )
    # Before the product below, which would hide vectors that are not of unit length in the spacing.
    _check_orthonormal(name, cosines)
    return affine_from_axes(name, cosines * spacing, origin_mm)


def _check_spacing(name: str, spacing: NDArray[np.float64]) -> None:
    low, high = SPACING_LIMITS_MM
    # Negated so that a NaN is refused too.
    if not ((spacing >= low) & (spacing <= high)).all():
        raise GeometryError(
            f"{name} has the voxel spacing {_short(spacing)} mm",
            wanted=f"three spacings from {low} to {high} mm",
            do=_AGAIN,
        )


def _check_orthonormal(name: str, direction: NDArray[np.float64]) -> None:
    # Asked first, as the product of numbers beyond all sense would overflow.
    huge = np.abs(direction).max() > 2
    if huge or np.abs(direction.T @ direction - np.eye(3)).max() > DIRECTION_TOLERANCE:
        raise GeometryError(
            f"{name} has sheared axes or a direction that is not orthonormal: {_short(direction)}",
            wanted=f"three perpendicular unit vectors, to {DIRECTION_TOLERANCE}",
            do="Resample the scan to a rectangular grid, or export it again from its DICOM series.",
        )


def _short(numbers: NDArray[np.float64]) -> str:
    with np.errstate(over="ignore"):  # rounding multiplies first
        return str(np.round(numbers, 6).tolist())
