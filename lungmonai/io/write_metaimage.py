"""Write a CT as LUNA16 has it: an `.mhd` header beside uncompressed voxels in a `.raw`."""

from __future__ import annotations

from pathlib import Path

from ..errors import SettingsError
from ..files import written_whole
from .scan import CTScan

__all__ = ["write_metaimage"]


def write_metaimage(scan: CTScan, path: Path | str) -> None:
    """Write the header and, beside it, the voxels.

    The voxels come first, so that a header never names what is not there.

    Args:
        scan: what to write, as it is stored.
        path: ends in `.mhd`; the `.raw` gets the same name.

    Raises:
        OutputError: a file could not be written; none is left half-written.
        SettingsError: the suffix is another.
    """
    path = Path(path)
    if path.suffix != ".mhd":
        raise SettingsError(
            f"{path.name} has the suffix {path.suffix or 'of no format'}", wanted=".mhd", do="Rename it."
        )
    voxels = path.with_suffix(".raw")
    with written_whole(voxels) as partial, partial.open("wb") as file:
        for plane in scan.hu:
            plane.astype("<i2", copy=False).tofile(file)
    with written_whole(path) as partial:
        partial.write_text(_header(scan, voxels.name), encoding="utf-8")


def _header(scan: CTScan, voxels: str) -> str:
    """LUNA16's keys in LUNA16's order; directions one axis after another."""
    directions = (scan.affine_lps[:3, :3] / scan.spacing_mm).T.ravel()
    lines = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": " ".join(f"{cosine:.12g}" for cosine in directions),
        "Offset": " ".join(map(str, scan.affine_lps[:3, 3].tolist())),
        "CenterOfRotation": "0 0 0",
        "AnatomicalOrientation": "RAI",
        "ElementSpacing": " ".join(f"{step:.12g}" for step in scan.spacing_mm),
        "DimSize": " ".join(map(str, scan.shape[::-1])),
        "ElementType": "MET_SHORT",
        "ElementDataFile": voxels,
    }
    return "".join(f"{key} = {value}\n" for key, value in lines.items())
