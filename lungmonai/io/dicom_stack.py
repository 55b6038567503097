"""From slices in any order to one volume: sorted along the normal, evenly spaced, or refused."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import GeometryError, SeriesError
from .dicom_slice import Slice
from .geometry import DIRECTION_TOLERANCE, affine_from_axes
from .voxels import SMALLEST_SIDE

__all__ = ["stacked"]

# Some scanners round positions to 0.1 mm. Of a thin spacing, a tenth.
SPACING_TOLERANCE_MM = 0.1
SPACING_TOLERANCE_FRACTION = 0.1
# Positions are written with at least two digits after the point.
SAME_POSITION_MM = 0.01
# Pixel spacing is written with at least six digits.
SAME_PIXEL_MM = 1e-4

_MOST_NAMED = 5


def stacked(slices: Sequence[Slice], name: str) -> tuple[list[Slice], NDArray[np.float64], tuple[str, ...]]:
    """Put slices in order and find where they lie.

    Args:
        slices: of one series.
        name: the series, for messages.

    Returns:
        The slices by rising position along their normal, the (4, 4) LPS affine, and notes.

    Raises:
        GeometryError: mixed grids, missing slices, uneven spacing or a tilted gantry.
        SeriesError: differing slices at one position.
    """
    # 1. One grid for all.
    _check_same_grid(slices, name)
    # 2. Order along the normal.
    normal = slices[0].normal
    ordered = sorted(slices, key=lambda one: float(one.position_mm @ normal))
    # 3. One slice at each position.
    ordered, notes = _without_duplicates(ordered, normal, name)
    if len(ordered) < SMALLEST_SIDE:
        raise SeriesError(
            f"{name} has {len(ordered)} slices",
            wanted=f"at least {SMALLEST_SIDE}",
            do="Give the whole series.",
        )
    # 4. Even steps, straight along the normal.
    positions = np.array([one.position_mm for one in ordered])
    step = (positions[-1] - positions[0]) / (len(ordered) - 1)
    _check_even(positions @ normal, name)
    _check_straight(positions, step, normal, name)
    first = ordered[0]
    axes = np.column_stack(
        [first.orientation[0] * first.spacing_mm[0], first.orientation[1] * first.spacing_mm[1], step]
    )
    return ordered, affine_from_axes(name, axes, positions[0]), notes


def _check_same_grid(slices: Sequence[Slice], name: str) -> None:
    first = slices[0]
    for one in slices[1:]:
        if one.shape != first.shape:
            _refuse_mixed(name, "sizes", first, one, f"{first.shape}", f"{one.shape}")
        if np.abs(one.orientation - first.orientation).max() > DIRECTION_TOLERANCE:
            _refuse_mixed(
                name, "orientations", first, one, _vector(first.orientation), _vector(one.orientation)
            )
        if np.abs(np.subtract(one.spacing_mm, first.spacing_mm)).max() > SAME_PIXEL_MM:
            _refuse_mixed(name, "pixel spacings", first, one, f"{first.spacing_mm}", f"{one.spacing_mm}")


def _refuse_mixed(name: str, what: str, first: Slice, other: Slice, came: str, came_too: str) -> None:
    raise GeometryError(
        f"{name} mixes {what}: {came} in {first.name}, {came_too} in {other.name}",
        wanted="one for the whole series",
        do="Take the slices that do not belong out of the folder.",
    )


def _without_duplicates(
    ordered: list[Slice], normal: NDArray[np.float64], name: str
) -> tuple[list[Slice], tuple[str, ...]]:
    kept: list[Slice] = []
    for one in ordered:
        along = float(one.position_mm @ normal)
        if not kept or along - float(kept[-1].position_mm @ normal) > SAME_POSITION_MM:
            kept.append(one)
        elif not _same(kept[-1], one):
            raise SeriesError(
                f"{name} has differing slices at {along:.2f} mm along the normal: "
                f"{kept[-1].name} and {one.name}",
                wanted="one slice at each position",
                do="Keep one time point or reconstruction in the folder.",
            )
    dropped = len(ordered) - len(kept)
    return kept, (f"{dropped} identical duplicates of slices were dropped.",) if dropped else ()


def _same(first: Slice, second: Slice) -> bool:
    apart = float(np.linalg.norm(first.position_mm - second.position_mm))
    return apart <= SAME_POSITION_MM and np.array_equal(first.read_hu()[0], second.read_hu()[0])


def _check_even(along: NDArray[np.float64], name: str) -> None:
    gaps = np.diff(along)
    # With a few slices missing the median gap is still the spacing; with half of them gone nothing can tell.
    usual = float(np.median(gaps))
    tolerance = min(SPACING_TOLERANCE_MM, SPACING_TOLERANCE_FRACTION * usual)
    index = np.arange(len(along))
    even = np.polyval(np.polyfit(index, along, 1), index)
    # A rounded position moves both of its gaps.
    if np.abs(along - even).max() <= tolerance and np.abs(gaps - usual).max() <= 2 * tolerance:
        return
    steps = np.rint(gaps / usual).astype(int)
    if (steps >= 1).all() and (steps > 1).any() and np.abs(gaps - steps * usual).max() <= 2 * tolerance:
        missing = [
            start + usual * k
            for start, count in zip(along, steps, strict=False)
            for k in range(1, min(count, 1000))
        ]
        raise GeometryError(
            f"{name} lacks {int((steps - 1).sum())} slices, at {_listed(missing)} mm along the normal",
            wanted=f"a slice every {usual:.4g} mm from {along[0]:.2f} to {along[-1]:.2f} mm",
            do="Copy or export the whole series again.",
        )
    worst = int(np.abs(gaps - usual).argmax())
    raise GeometryError(
        f"{name} is unevenly spaced: {gaps[worst]:.4g} mm from {along[worst]:.2f} to "
        f"{along[worst + 1]:.2f} mm, {usual:.4g} mm elsewhere",
        wanted="one spacing throughout",
        do="Give one evenly spaced reconstruction.",
    )


def _check_straight(
    positions: NDArray[np.float64], step: NDArray[np.float64], normal: NDArray[np.float64], name: str
) -> None:
    along = float(step @ normal)
    drift = float(np.linalg.norm(step - along * normal))
    if drift > DIRECTION_TOLERANCE * along:
        raise GeometryError(
            f"{name} has a tilted gantry: positions drift {drift:.3g} mm a slice, "
            f"{np.degrees(np.arctan2(drift, along)):.1f}° off the normal",
            wanted="slices stacked along their normal",
            do="Resample the series to a rectangular grid first.",
        )
    line = positions[0] + np.arange(len(positions))[:, None] * step
    off = np.linalg.norm(positions - line, axis=1)
    if off.max() > 2 * SPACING_TOLERANCE_MM:
        worst = int(off.argmax())
        raise GeometryError(
            f"{name} has a slice {off[worst]:.3g} mm beside the others, at {positions[worst].tolist()}",
            wanted="slices stacked along their normal",
            do="Export the series again.",
        )


def _listed(positions: list[float]) -> str:
    shown = ", ".join(f"{position:.2f}" for position in positions[:_MOST_NAMED])
    more = len(positions) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _vector(values: NDArray[np.float64]) -> str:
    return str(np.round(values.ravel(), 4).tolist())
