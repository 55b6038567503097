"""`CachedDataset`: MONAI's data set with the deterministic transforms done once, and kept on disk.

MONAI's `PersistentDataset` does the same with pickles: with metadata tracked it does not hit after
`LoadImaged`, without it the affine is lost; its key leaves out the file's content and the transforms'
parameters; a damaged entry stops every run or loads silently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from monai.data import Dataset
from monai.transforms import Compose, Transform
from monai.transforms.traits import RandomizableTrait
from monai.transforms.utils import reset_ops_id

from ..errors import DataError
from ..progress import Progress
from .cache.entry import read_entry
from .cache.key import item_key, transforms_told
from .cache.store import CacheStore, Content
from .cache.values import packed, unpacked

__all__ = ["CachedDataset"]

_KIND = "items"


class CachedDataset(Dataset):
    """Items after their deterministic transforms from the cache, after the random ones anew each time.

    What stands before the first random transform is cached, by MONAI's rule: a callable that is no
    `Transform` counts as random. The transforms are described when the data set is made; one that is
    changed in place later goes unnoticed.

    Args:
        data: items; a text or path in them that names a file stands for the file too.
        transform: one transform or a list of them.
        cache_dir: the cache's folder; default: `LUNGMONAI_CACHE`, else the user's cache folder.
        budget_gb: as in `CacheStore`.

    Raises:
        SettingsError: a transform whose parameters cannot be described.
    """

    def __init__(
        self,
        data: Sequence[Any],
        transform: Sequence[Callable[..., Any]] | Callable[..., Any],
        cache_dir: Path | str | None = None,
        *,
        budget_gb: float | None = None,
    ) -> None:
        whole = transform if type(transform) is Compose else Compose(transform)
        chain = whole.flatten()  # type: ignore[no-untyped-call]
        super().__init__(data=data, transform=chain)
        self._random_from = next(
            (index for index, one in enumerate(chain.transforms) if _is_random(one)), len(chain.transforms)
        )
        settings = [chain.map_items, chain.unpack_items, chain.lazy, chain.overrides]
        self._told = transforms_told([*chain.transforms[: self._random_from], settings])
        self.store = CacheStore(cache_dir, budget_gb=budget_gb)

    def cached(self, index: int) -> Any:
        """An item after the deterministic transforms; a copy of one's own.

        Raises:
            DataError: the transforms give something that cannot be cached; the message names its key.
            SettingsError: the item holds something that cannot be described.
        """
        item = self.data[index]
        if self._random_from == 0:
            return deepcopy(item)
        key, about = item_key(item, self._told)
        return self.store.fetch(_KIND, key, _read, lambda: self._made(item, about))

    def warm(self, progress: Progress) -> None:
        """Make every entry that is not there yet.

        Args:
            progress: called with `warm`, items done and items in all.
        """
        for index in range(len(self)):
            self.cached(index)
            progress("warm", index + 1, len(self))

    def _transform(self, index: int) -> Any:
        value = self.cached(index)
        if self._random_from == len(self.transform.transforms):
            return value
        return self.transform(value, start=self._random_from)

    def _made(self, item: Any, about: str) -> tuple[Any, Content]:
        # threading=True: MONAI then copies the transforms that cannot be shared between threads.
        value = self.transform(deepcopy(item), end=self._random_from, threading=True)
        # Ids of transform objects mean nothing in another process.
        reset_ops_id(value)  # type: ignore[no-untyped-call]
        tree, arrays = packed(value)
        return value, Content(about, tree, arrays)


def _is_random(transform: Any) -> bool:
    return isinstance(transform, RandomizableTrait) or not isinstance(transform, Transform)


def _read(path: Path) -> Any:
    entry, arrays = read_entry(path)
    try:
        return unpacked(entry.values, arrays)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise DataError(
            f"the cache's entry {path} holds something else than an item ({error})",
            wanted="an entry that this class wrote",
            do="It can be deleted.",
        ) from error
