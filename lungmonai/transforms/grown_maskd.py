"""`NoduleMaskd`: the grown mask of a scan's nodules inside MONAI pipelines."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms.transform import MapTransform
from numpy.typing import NDArray

from ..errors import DataError
from ..io.scan import ras_from_lps, spacing_of, vox_from_lps
from .grown_mask import nodule_mask
from .mask_image import like_image, one_key, scan_image

__all__ = ["NoduleMaskd"]


class NoduleMaskd(MapTransform):
    """Add the mask of a scan's nodules to an item, as `nodule_mask` grows it.

    It asks about Hounsfield units, so that it comes before any scaling of intensities. The scan may
    lie in any orientation: its own affine places the nodules. The nodules are those of a datalist,
    mappings with `lps_mm`; one that lies outside the image, after a crop for example, is an error.

    Args:
        keys: of the image, exactly one: (1, columns, rows, slices) MetaTensor, RAS affine, HU.
        nodules_key: of the nodules.
        mask_key: where the mask goes: uint8, of the image's shape and affine.
        instances: number the nodules from 1 in their order; otherwise every nodule is 1.

    Raises:
        SettingsError: there is not exactly one key.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        nodules_key: Hashable = "nodules",
        mask_key: Hashable = "label",
        *,
        instances: bool = False,
    ) -> None:
        super().__init__(keys)
        self.image_key = one_key(self.keys)
        self.nodules_key = nodules_key
        self.mask_key = mask_key
        self.instances = instances

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with its mask.

        Raises:
            DataError: the image is no scan in HU with an affine, or a nodule lies outside it.
        """
        image = scan_image(data[self.image_key])
        hu = image.numpy(force=True)[0]
        affine_lps = ras_from_lps(image.affine.numpy(force=True))
        labels = nodule_mask(
            hu,
            _centers_vox(data[self.nodules_key], affine_lps),
            instances=self.instances,
            spacing_mm=spacing_of(affine_lps),
        )
        return {**data, self.mask_key: like_image(labels, image)}


def _centers_vox(
    nodules: Sequence[Mapping[str, Any]], affine_lps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N, 3) float in the order of the image's axes."""
    try:
        lps_mm = np.array([nodule["lps_mm"] for nodule in nodules], dtype=np.float64).reshape(-1, 3)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"the nodules cannot be read: {error!r}",
            wanted="mappings with lps_mm, three numbers",
            do="Take the items from a datalist of this project.",
        ) from error
    return vox_from_lps(affine_lps, lps_mm)[:, ::-1]
