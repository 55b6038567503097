"""Small tables in LUNA16's columns, for the tests of the evaluation."""

from collections.abc import Iterable, Sequence
from pathlib import Path

HEAD = "seriesuid,coordX,coordY,coordZ"


def written(path: Path, head: str, rows: Iterable[Sequence[object]]) -> Path:
    """A CSV file."""
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def small_case(folder: Path) -> dict[str, Path]:
    """Four scans with three nodules, one excluded finding and six marks.

    By hand: nodule 1 is found at 0.9 (and again at 0.4), nodule 2 at 0.6, nodule 3 never. False marks
    score 0.8 and 0.5; one mark is ignored. So at half a false positive a scan (two of four scans) 2 of 3
    nodules are found, and before the first false mark 1 of 3.
    """
    annotations = written(
        folder / "annotations.csv",
        f"{HEAD},diameter_mm,texture,pleural",
        [("a", 0, 0, 0, 5, 5, 1), ("b", 10, 0, 0, 8, 1.2, 0), ("b", 90, 0, 0, 12, "", "")],
    )
    excluded = written(folder / "excluded.csv", f"{HEAD},diameter_mm", [("c", 0, 0, 0, -1)])
    marks = written(
        folder / "marks.csv",
        f"{HEAD},probability",
        [
            ("a", 2, 0, 0, 0.9),
            ("a", 0, 0, 0, 0.4),
            ("a", 70, 0, 0, 0.8),
            ("b", 12, 0, 0, 0.6),
            ("c", 4.9, 0, 0, 0.7),
            ("c", 5, 0, 0, 0.5),
        ],
    )
    scans = folder / "scans.csv"
    scans.write_text("a\nb\nc\nd\n")
    return {"annotations": annotations, "excluded": excluded, "marks": marks, "scans": scans}
