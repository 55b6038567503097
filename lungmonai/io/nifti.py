"""NIfTI: `.nii` and `.nii.gz`, versions 1 and 2. The header is nibabel's to read, the voxels are ours."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import DamagedError, GeometryError, NotCTError
from .geometry import affine_from_axes
from .scan import ras_from_lps
from .voxels import VoxelBlock, check_sizes, inflated

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header

__all__ = ["read_nifti_header"]

# Header sizes of version 1 and 2, which also tell the byte order.
_SIZE_1, _SIZE_2 = 348, 540
# Unit codes of the NIfTI standard; 0 is "unknown", which nearly always means mm.
_MM_FROM_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
# Half a voxel of a fine chest CT: nearer than this, two transforms say the same.
_SAME_PLACE_MM = 0.25
_DO = "Convert the scan again from its DICOM series, for example with dcm2niix."


def read_nifti_header(
    path: Path,
) -> tuple[VoxelBlock, NDArray[np.float64], tuple[float, float], tuple[str, ...]]:
    """What a NIfTI header says, checked before any voxel is read.

    Returns:
        The block of voxels, the (4, 4) LPS affine, the slope and intercept of the rescale, and notes.

    Raises:
        ScanError: whatever does not fit a three-dimensional single-channel image.
    """
    compressed = path.name.lower().endswith(".gz")
    with path.open("rb") as file:
        start = bytes(inflated(file, _SIZE_2, str(path), whole=False)) if compressed else file.read(_SIZE_2)
    header = _header(path, start)
    block = VoxelBlock(
        name=str(path),
        path=path,
        start=0,
        shape=check_sizes(str(path), _sizes(path, header)),
        dtype=_dtype(path, header),
        compressed=compressed,
        skip=_offset(path, header),
    )
    affine, notes = _affine(path, header, block.shape)
    return block, affine, _rescale(path, header), notes


def _header(path: Path, start: bytes) -> "Nifti1Header":
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    sizes = {int.from_bytes(start[:4], order) for order in ("little", "big")}
    kind = Nifti1Header if _SIZE_1 in sizes else Nifti2Header
    wanted = _SIZE_1 if _SIZE_1 in sizes else _SIZE_2
    if not sizes & {_SIZE_1, _SIZE_2} or len(start) < wanted:
        raise DamagedError(
            f"{path} does not begin with a NIfTI header ({len(start)} bytes, {start[:4].hex()})",
            wanted="348 or 540 in its first four bytes, and the rest of the header",
            do=_DO,
        )
    magic = start[344:348] if wanted == _SIZE_1 else start[4:8]
    if magic[:3] not in (b"n+1", b"n+2"):
        raise DamagedError(
            f"{path} has the magic {magic!r}", wanted="n+1 or n+2, header and voxels in one file", do=_DO
        )
    header: Nifti1Header = kind.from_fileobj(BytesIO(start[:wanted]), check=False)  # type: ignore[no-untyped-call]
    return header


def _sizes(path: Path, header: "Nifti1Header") -> tuple[int, ...]:
    dims = [int(size) for size in header["dim"]]
    # A time axis of length 1 is no time axis.
    if not 3 <= dims[0] <= 7 or any(size != 1 for size in dims[4 : dims[0] + 1]):
        raise NotCTError(
            f"{path} has the dimensions {dims[1 : max(min(dims[0], 7), 0) + 1]}",
            wanted="three, or further ones of length 1",
            do="Give one single-channel CT volume, not a slice or a series in time.",
        )
    return tuple(dims[1:4])


def _dtype(path: Path, header: "Nifti1Header") -> np.dtype[np.generic]:
    from nibabel.spatialimages import HeaderDataError

    try:
        dtype: np.dtype[np.generic] = header.get_data_dtype()  # type: ignore[no-untyped-call]
    except (HeaderDataError, KeyError):
        dtype = np.dtype("V")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise NotCTError(
            f"{path} has the data type code {int(header['datatype'])}",
            wanted="an integer or float type of one channel",
            do="Write the CT as 16-bit signed integers.",
        )
    return dtype.newbyteorder(header.endianness)


def _offset(path: Path, header: "Nifti1Header") -> int:
    offset, smallest = float(header["vox_offset"]), header.sizeof_hdr
    if not smallest <= offset <= 2**31 or not offset.is_integer():
        raise DamagedError(f"{path} has vox_offset {offset:g}", wanted=f"at least {smallest}", do=_DO)
    return int(offset)


def _rescale(path: Path, header: "Nifti1Header") -> tuple[float, float]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    # By the standard a slope of 0 means that there is none; nibabel writes NaN for the same.
    if slope == 0 or np.isnan(slope):
        return 1.0, 0.0
    if not np.isfinite([slope, intercept]).all():
        raise DamagedError(
            f"{path} has scl_slope {slope:g} and scl_inter {intercept:g}", wanted="finite numbers", do=_DO
        )
    return slope, intercept


def _affine(
    path: Path, header: "Nifti1Header", shape: tuple[int, int, int]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    pixdim = np.array(header["pixdim"][1:4], dtype=np.float64)
    if not (pixdim > 0).all():
        raise GeometryError(f"{path} has pixdim {pixdim.tolist()}", wanted="three positive spacings", do=_DO)
    to_mm, notes = _unit(path, header)
    sform, qform = _sform(header), _qform(path, header)
    ras = sform if sform is not None else qform
    if ras is None:
        raise GeometryError(
            f"{path} has sform_code 0 and qform_code 0, so its orientation is unknown",
            wanted="at least one code above 0",
            do=_DO,
        )
    if sform is not None and qform is not None and (far := _apart_mm(sform, qform, shape)) > _SAME_PLACE_MM:
        notes += (f"sform and qform differ by up to {far:.3g} mm; the sform was taken.",)
    lps = ras_from_lps(ras)
    return affine_from_axes(str(path), lps[:3, :3] * to_mm, lps[:3, 3] * to_mm), notes


def _unit(path: Path, header: "Nifti1Header") -> tuple[float, tuple[str, ...]]:
    code = int(header["xyzt_units"]) & 7
    if code not in _MM_FROM_UNIT:
        raise GeometryError(
            f"{path} has the length unit code {code}", wanted="2 (mm), 1 (m) or 3 (µm)", do=_DO
        )
    to_mm = _MM_FROM_UNIT[code]
    return to_mm, () if to_mm == 1 else (f"Lengths were scaled by {to_mm:g} to millimetres.",)


def _sform(header: "Nifti1Header") -> NDArray[np.float64] | None:
    if int(header["sform_code"]) <= 0:
        return None
    return np.asarray(header.get_sform(), dtype=np.float64)  # type: ignore[no-untyped-call]


def _qform(path: Path, header: "Nifti1Header") -> NDArray[np.float64] | None:
    from nibabel.spatialimages import HeaderDataError

    if int(header["qform_code"]) <= 0:
        return None
    try:
        return np.asarray(header.get_qform(), dtype=np.float64)  # type: ignore[no-untyped-call]
    except (HeaderDataError, ValueError) as error:
        raise GeometryError(
            f"{path} has a qform that is no rotation ({error})", wanted="a unit quaternion", do=_DO
        ) from error


def _apart_mm(first: NDArray[np.float64], second: NDArray[np.float64], shape: tuple[int, int, int]) -> float:
    """Largest distance between where two affines put a corner of the volume."""
    slices, rows, columns = shape
    corners = np.array(np.meshgrid([0, columns - 1], [0, rows - 1], [0, slices - 1])).reshape(3, -1)
    homogeneous = np.vstack([corners, np.ones((1, corners.shape[1]))])
    return float(np.linalg.norm(((first - second) @ homogeneous)[:3], axis=0).max())
