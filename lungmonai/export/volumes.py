"""Write masks and probabilities on a scan's grid, as NIfTI or MetaImage."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GeometryError, OutputError, SettingsError
from ..files import written_whole

if TYPE_CHECKING:
    from ..io.scan import CTScan

__all__ = ["restore", "write_mask", "write_probability"]

# The float32 just below 1/255: the one just above would show readers a probability over 1.
_PROB_STEP = np.nextafter(np.float32(1 / 255), np.float32(0))

# Label volumes are nearly all zeros: the lowest level is several times faster, files hardly larger.
_COMPRESSION = 1

# NIfTI's quaternions cannot hold sheared axes and lose digits near half a turn.
_QFORM_TOLERANCE_MM = 0.01

_ELEMENT_TYPES = {"uint8": "MET_UCHAR", "uint16": "MET_USHORT", "float32": "MET_FLOAT"}


def write_mask(scan: CTScan, mask: NDArray[Any], path: Path | str) -> None:
    """Write a label volume in the scan's geometry, as uint8, or uint16 above 255 labels.

    Args:
        scan: whose grid the mask lies on.
        mask: (slices, rows, columns) bool or integer, 0 the background, else a nodule's number.
        path: ends in `.nii.gz` (RAS, millimetres) or `.mhd` (LPS; the data goes to a `.zraw` beside).

    Raises:
        OutputError: the files could not be written; nothing is left behind.
        SettingsError: the mask is not on the scan's grid or not of labels from 0 to 65535, or the
            suffix is another.
    """
    _check_grid(scan, mask, "mask")
    _write(scan, _as_labels(mask), Path(path))


def write_probability(scan: CTScan, prob_uint8: NDArray[np.uint8], path: Path | str) -> None:
    """Write a probability volume in the scan's geometry; readers see 0 to 1.

    NIfTI keeps the bytes and scales them by its header; MetaImage, whose readers ignore such a
    scale, gets float32.

    Args:
        scan: whose grid the volume lies on.
        prob_uint8: (slices, rows, columns) uint8, probability in steps of 1/255.
        path: ends in `.nii.gz` (RAS, millimetres) or `.mhd` (LPS; the data goes to a `.zraw` beside).

    Raises:
        OutputError: the files could not be written; nothing is left behind.
        SettingsError: the volume is not uint8 on the scan's grid, or the suffix is another.
    """
    _check_grid(scan, prob_uint8, "probability")
    if prob_uint8.dtype != np.uint8:
        raise SettingsError(
            f"the probability is {prob_uint8.dtype}",
            wanted="uint8 in steps of 1/255",
            do="Multiply by 255, round and convert.",
        )
    _write(scan, prob_uint8, Path(path), scaled=True)


def restore(scan_original: CTScan, scan_canonical: CTScan, array: NDArray[Any]) -> NDArray[Any]:
    """Take an array from the canonical grid back to the original grid, voxel for voxel.

    Axes are swapped and flipped, never resampled. The two scans may change places.

    Args:
        scan_original: the scan as it was read.
        scan_canonical: the same scan with its axes swapped and flipped.
        array: (slices, rows, columns) of `scan_canonical`.

    Returns:
        (slices, rows, columns) of `scan_original`, contiguous.

    Raises:
        GeometryError: the two grids do not hold the same voxels.
        SettingsError: the array is not on the canonical grid.
    """
    _check_grid(scan_canonical, array, "array")
    order, flips = _swaps(scan_original, scan_canonical)
    # Affines speak (column, row, slice); arrays are the reverse.
    array_xyz = array.transpose(2, 1, 0).transpose(order)
    array_xyz = np.flip(array_xyz, tuple(axis for axis, flip in enumerate(flips) if flip))
    return np.ascontiguousarray(array_xyz.transpose(2, 1, 0))


def _swaps(original: CTScan, canonical: CTScan) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """For each original axis (column, row, slice): which canonical axis it is, and if backwards."""
    index_map = np.linalg.solve(canonical.affine_lps, original.affine_lps)
    steps = np.rint(index_map[:3, :3])
    order = tuple(int(axis) for axis in np.abs(steps).argmax(axis=0))
    flips = tuple(bool(steps[axis, place] < 0) for place, axis in enumerate(order))
    sizes = np.array(canonical.shape[::-1])
    expected = np.eye(4)
    expected[:3, :3] = np.eye(3)[:, order] * np.where(flips, -1, 1)
    for axis, flip in zip(order, flips, strict=True):
        expected[axis, 3] = sizes[axis] - 1 if flip else 0
    same_sizes = tuple(sizes[list(order)]) == original.shape[::-1]
    if sorted(order) != [0, 1, 2] or not same_sizes or not np.allclose(index_map, expected, atol=1e-3):
        raise GeometryError(
            f"{original!r} and {canonical!r} do not hold the same voxels",
            wanted="one scan and its canonical() form",
            do="Restore with the scan that the analysed one was made from.",
        )
    return order, flips


def _check_grid(scan: CTScan, array: NDArray[Any], name: str) -> None:
    if array.shape != scan.shape:
        raise SettingsError(
            f"the {name} has the shape {array.shape}",
            wanted=f"{scan.shape} (slices, rows, columns), as {scan.series_uid} has",
            do="Restore it to the scan's own grid first.",
        )


def _as_labels(mask: NDArray[Any]) -> NDArray[Any]:
    if mask.dtype == np.bool_:
        return mask.view(np.uint8)
    whole = np.issubdtype(mask.dtype, np.integer)
    if not whole or mask.min() < 0 or mask.max() > np.iinfo(np.uint16).max:
        raise SettingsError(
            f"the mask is {mask.dtype} from {mask.min()} to {mask.max()}",
            wanted="whole numbers from 0 to 65535",
            do="Label the nodules from 1.",
        )
    return mask.astype(np.uint8 if mask.max() <= np.iinfo(np.uint8).max else np.uint16, copy=False)


def _write(scan: CTScan, voxels: NDArray[Any], path: Path, *, scaled: bool = False) -> None:
    if path.name.endswith(".nii.gz"):
        _write_nifti(_nifti_image(scan, voxels, scaled=scaled), path)
    elif path.suffix == ".mhd":
        _write_metaimage(scan, voxels, path, np.dtype(np.float32) if scaled else voxels.dtype)
    else:
        raise SettingsError(
            f"{path.name} has the suffix {path.suffix or 'of no format'}",
            wanted=".nii.gz or .mhd",
            do="Name the file with one of these.",
        )


def _write_nifti(image: Any, path: Path) -> None:
    with written_whole(path) as partial:
        # nibabel compresses at level 1 and with a modification time of 0: same input, same bytes.
        image.to_filename(partial)


def _nifti_image(scan: CTScan, voxels: NDArray[Any], *, scaled: bool) -> Any:
    from nibabel.nifti1 import Nifti1Image

    from ..io.scan import ras_from_lps

    affine = ras_from_lps(scan.affine_lps)
    image: Any = Nifti1Image(voxels.transpose(2, 1, 0), affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    if _farthest_apart_mm(image.get_qform(), affine, scan.shape) > _QFORM_TOLERANCE_MM:
        image.set_qform(None, code="unknown")
    if scaled:
        image.header.set_slope_inter(_PROB_STEP, 0.0)
    return image


def _farthest_apart_mm(one: NDArray[Any], other: NDArray[Any], shape: tuple[int, int, int]) -> float:
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(shape[::-1]) - 1)
    difference = np.asarray(one)[:3] - np.asarray(other)[:3]
    return float(np.linalg.norm(corners @ difference[:, :3].T + difference[:, 3], axis=1).max())


def _write_metaimage(scan: CTScan, voxels: NDArray[Any], path: Path, dtype: np.dtype[Any]) -> None:
    # Data first: a header is never there without them.
    data_path = path.with_suffix(".zraw")
    with written_whole(data_path) as partial, partial.open("wb") as file:
        for piece in _compressed(voxels, dtype):
            file.write(piece)
        size = file.tell()
    try:
        with written_whole(path) as partial:
            partial.write_text(_metaimage_header(scan, dtype, size, data_path.name), encoding="utf-8")
    except OutputError:
        data_path.unlink(missing_ok=True)
        raise


def _compressed(voxels: NDArray[Any], dtype: np.dtype[Any]) -> Iterator[bytes]:
    """Slice by slice, so that no second volume is ever in memory; floats are n/255."""
    packer = zlib.compressobj(_COMPRESSION)
    levels = (np.arange(256) / 255).astype(dtype)
    for image in voxels:
        values = levels[image] if dtype.kind == "f" else image
        yield packer.compress(values.astype(dtype.newbyteorder("<"), copy=False).tobytes())
    yield packer.flush()


def _metaimage_header(scan: CTScan, dtype: np.dtype[Any], size: int, data_name: str) -> str:
    spacing = scan.spacing_mm
    directions = (scan.affine_lps[:3, :3] / spacing).T  # MetaImage lists one axis after another
    columns_first = scan.shape[::-1]
    entries = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "True",
        "CompressedDataSize": str(size),
        "TransformMatrix": _numbers(directions.ravel()),
        "Offset": _numbers(scan.affine_lps[:3, 3]),
        "CenterOfRotation": "0 0 0",
        "ElementSpacing": _numbers(spacing),
        "DimSize": " ".join(map(str, columns_first)),
        "ElementType": _ELEMENT_TYPES[dtype.name],
        "ElementDataFile": data_name,
    }
    return "".join(f"{key} = {value}\n" for key, value in entries.items())


def _numbers(values: Any) -> str:
    return " ".join(repr(float(value)) for value in values)
