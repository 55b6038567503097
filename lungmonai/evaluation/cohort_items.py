"""What a datalist must say of its scans before an evaluation spends hours on them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..data.datalist import ScanItem
from ..errors import DataError

__all__ = ["check_items"]

_AXES = 3
_PLACE = "x, y and z in mm, and a diameter in mm: above 0, or -1 where nobody measured it"
_MEND = "Mend the datalist."
# LIDC's ratings.
_LOWEST, _HIGHEST = 1, 5


def check_items(items: Sequence[ScanItem]) -> None:
    """Refuse scans that are listed twice, and findings that no mark could be held against.

    Args:
        items: of a datalist.

    Raises:
        DataError: there is no scan; one is listed twice; a place or a diameter is no number, or a diameter is
            0; or it is not said whether a nodule is malignant, or what its texture is, as it should be.
    """
    if not items:
        raise DataError("there is no scan to evaluate", wanted="at least one", do="Name another list.")
    series, times = Counter(item["seriesuid"] for item in items).most_common(1)[0]
    if times > 1:
        raise DataError(f"scan {series} is listed {times} times", wanted="each scan once", do=_MEND)
    for item in items:
        for nodule in _list(item, "nodules"):
            _check_nodule(item, nodule)
        for finding in _list(item, "excluded"):
            _check_place(item, "excluded finding", finding)


def _list(item: ScanItem, key: str) -> Sequence[Any]:
    value: Any = item.get(key, [])
    if not isinstance(value, list | tuple):
        raise DataError(
            f"scan {item['seriesuid']} has {str(value)[:40]!r} under {key}",
            wanted="a list, which may be empty",
            do=_MEND,
        )
    return value


def _check_nodule(item: ScanItem, nodule: Any) -> None:
    told: Mapping[str, Any] = nodule if isinstance(nodule, Mapping) else {}
    place = told.get("lps_mm")
    numbers = (*place, told.get("diameter_mm")) if isinstance(place, list | tuple) else None
    _check_place(item, "nodule", numbers if numbers is not None else nodule)
    malignant = told.get("malignant", "nothing")
    if not (malignant is None or isinstance(malignant, bool)):
        raise DataError(
            f"scan {item['seriesuid']} has a nodule with {malignant!r} under malignant",
            wanted="true, false, or null where nobody decided it",
            do=_MEND,
        )
    ratings = (told.get("ratings") or {}).get("texture", [])
    if not (isinstance(ratings, list | tuple) and all(map(_is_rating, ratings))):
        raise DataError(
            f"scan {item['seriesuid']} has a nodule with the texture {ratings!r}",
            wanted="a list of ratings from 1 to 5, which may be empty",
            do=_MEND,
        )


def _check_place(item: ScanItem, what: str, numbers: Any) -> None:
    right = isinstance(numbers, list | tuple) and len(numbers) == _AXES + 1 and all(map(_is_number, numbers))
    if not right or numbers[-1] == 0:
        raise DataError(f"scan {item['seriesuid']} has the {what} {numbers!r}", wanted=_PLACE, do=_MEND)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_rating(value: Any) -> bool:
    return _is_number(value) and _LOWEST <= value <= _HIGHEST
