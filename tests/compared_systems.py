"""Two systems on the small case of `froc_tables`, compared."""

from pathlib import Path

from froc_tables import HEAD, small_case, written

from lungmonai.evaluation.comparison import Comparison, compare_submissions
from lungmonai.evaluation.submission import read_submission
from lungmonai.evaluation.truth import read_truth

POINTS = f"{HEAD},probability"


def compared(
    folder: Path,
    other: list[tuple[object, ...]],
    *,
    listed: bool = True,
    scans: Path | None = None,
    **how: int,
) -> Comparison:
    """The small case's marks, A, against others, B."""
    files = small_case(folder)
    systems = [read_submission(path) for path in (files["marks"], written(folder / "b.csv", POINTS, other))]
    scans = scans or (files["scans"] if listed else None)
    truth = read_truth(files["annotations"], excluded=files["excluded"], scans=scans, submissions=systems)
    return compare_submissions(*systems, truth, **{"draws": 50, "permutations": 20, **how})
