"""The cache on disk: entries with a key that leaves nothing out, checked by hash when they are read."""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .store import CacheStore
    from .upkeep import cache_use, clear_cache
    from .warm import volumes_of, warm_volumes

__all__ = [
    "CacheStore",
    "cache_use",
    "clear_cache",
    "volumes_of",
    "warm_volumes",
]

__getattr__ = lazy_names(
    __name__,
    {
        "store": ("CacheStore",),
        "upkeep": ("cache_use", "clear_cache"),
        "warm": ("volumes_of", "warm_volumes"),
    },
)
