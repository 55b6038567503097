"""Where a LUNA16 download keeps its scans and tables.

The folder may hold any number of the subsets. Tables are also found where the organisers' archives
unpack them: `candidates_V2.zip` into a folder of its own, the evaluation script's into `evaluationScript`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ...errors import DataError

__all__ = ["TABLES", "Luna16Files", "SubsetScan", "find_luna16", "without_dots"]

# Names of each table, the one to prefer first: the organisers ask to use the second list of candidates.
TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "annotations": ("annotations.csv",),
    "candidates": ("candidates_V2.csv", "candidates.csv"),
    "excluded": ("annotations_excluded.csv",),
    "malignancy": ("annotations_with_malignancy.csv",),
    "patients": ("patients.csv",),
    "phantom": ("phantom_nodules.csv",),
})  # fmt: skip
_EVALUATION = Path("evaluationScript") / "annotations"


@dataclass(frozen=True)
class SubsetScan:
    """One `.mhd` file below a subset folder.

    Args:
        path: absolute.
        subset: number of the subset folder; None where its name ends in none.
    """

    path: Path
    subset: int | None

    @property
    def seriesuid(self) -> str:
        """The series, by which LUNA16 names its files."""
        return self.path.name[: -len(".mhd")]


@dataclass(frozen=True)
class Luna16Files:
    """The files of a LUNA16 folder.

    Args:
        root: the folder, absolute.
        scans: by subset, then by path.
        tables: path of each of `TABLES` that is there.
    """

    root: Path
    scans: tuple[SubsetScan, ...]
    tables: dict[str, Path]

    def shown(self, path: Path) -> str:
        """A path as messages and tables say it: relative to the folder where it lies below it."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def find_luna16(root: Path, **given: Path | None) -> Luna16Files:
    """Find scans and tables.

    Args:
        root: folder that holds `subset0` and so on, or some of them.
        given: path of a table that lies elsewhere, by its name in `TABLES`.

    Raises:
        DataError: no such folder, no scan in it, no annotations, or a table that was given is not there.
    """
    root = without_dots(Path(root).absolute())
    scans = _scans(root)
    if not scans:
        raise DataError(
            f"{root} has no .mhd file below a folder subset*" if root.is_dir() else f"{root} is no folder",
            wanted="the folder that holds LUNA16's folders subset0, subset1 and so on",
            do="Name that folder with --root, or make data to try with `lungmonai phantom DIR`.",
        )
    tables = {kind: _given(kind, path) for kind, path in given.items() if path is not None}
    tables |= {kind: path for kind in TABLES if kind not in tables and (path := _found(root, kind))}
    if "annotations" not in tables:
        raise DataError(
            f"{root} has no annotations.csv", wanted="LUNA16's table of nodules", do="Copy it there, or "
            "name it with --annotations."
        )  # fmt: skip
    return Luna16Files(root, scans, tables)


def without_dots(path: Path) -> Path:
    """The same path without `..`, which hides that one path lies below another."""
    return path.resolve() if ".." in path.parts else path


def _scans(root: Path) -> tuple[SubsetScan, ...]:
    found = []
    # Small or capital letters: a disk that does not tell them apart may have changed them.
    for folder in (one for one in root.glob("*") if one.name.lower().startswith("subset")):
        number = re.search(r"(\d+)$", folder.name)
        subset = int(number[1]) if number else None
        # Names with a leading dot are what macOS leaves on foreign disks.
        names = (path for path in folder.rglob("*") if not path.name.startswith("."))
        headers = (path for path in names if path.suffix.lower() == ".mhd")
        found += [SubsetScan(path, subset) for path in headers]
    return tuple(sorted(found, key=lambda scan: (scan.subset is None, scan.subset or 0, scan.path)))


def _given(kind: str, path: Path) -> Path:
    if not path.is_file():
        what = "is no file" if path.exists() else "is not there"
        raise DataError(f"{path} {what}", wanted=f"the table of {kind}", do="Check the path.")
    return without_dots(path.absolute())


def _found(root: Path, kind: str) -> Path | None:
    places = (
        root / folder / name
        for name in TABLES[kind]
        for folder in ("", name.removesuffix(".csv"), _EVALUATION)
    )
    return next((place for place in places if place.is_file()), None)
