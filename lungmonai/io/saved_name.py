"""How MONAI's savers name what they write of a scan."""

from typing import Any

__all__ = ["series_name"]


def series_name(metadata: dict[str, Any], saver: object) -> dict[str, Any]:
    """Name a file by its series UID; an `output_name_formatter` for `SaveImage`.

    MONAI's own takes the input's name and cuts it at its last dot, so that DICOM folders named
    by UID would overwrite each other's results.

    Args:
        metadata: of an image that `CTReader` read.
        saver: that asks; not used.
    """
    return {"subject": f"{metadata['series_uid']}.nii.gz", "idx": None}
