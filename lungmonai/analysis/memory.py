"""Keep freed memory in the process, so that large outputs do not cost page faults."""

import ctypes
import sys

__all__ = ["keep_freed_memory"]

# glibc's mallopt: malloc.h, M_TRIM_THRESHOLD and M_MMAP_THRESHOLD.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# Large enough for any activation of these networks, small enough for mallopt's int.
_KEPT_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """Tell glibc to reuse large blocks instead of unmapping them; True if it was told.

    By default every block over 128 KiB to 32 MiB is mapped, zeroed page by page and unmapped
    again, which costs these networks as much time as their arithmetic. Does nothing elsewhere.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))
