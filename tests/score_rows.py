"""Tables of scores for the tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

COLUMNS = ("seriesuid", "patient", "label", "probability", "diameter_mm", "texture")


def nodule_rows(
    seed: int = 0, count: int = 120, patients: int = 50, gain: float = 1.0
) -> list[dict[str, str]]:
    """Nodules of several a patient, larger where malignant; the probability adds `gain` to their size."""
    rng = np.random.default_rng(seed)
    diameters = rng.lognormal(2, 0.5, count)
    labels = rng.random(count) < 1 / (1 + np.exp(-2.5 * (np.log(diameters) - 2.2)))
    logits = 2 * (np.log(diameters) - 2.2) + gain * (2 * labels - 1) + rng.normal(size=count)
    who = rng.integers(0, patients, count)
    return [
        {
            "seriesuid": f"scan{who[row]}",
            "patient": f"p{who[row]}",
            "label": str(int(labels[row])),
            "probability": f"{1 / (1 + np.exp(-logits[row])):.5f}",
            "diameter_mm": f"{diameters[row]:.2f}",
            "texture": str(rng.integers(1, 6)),
        }
        for row in range(count)
    ]


def write_rows(path: Path, rows: Sequence[Mapping[str, str]], leave_out: Sequence[str] = ()) -> Path:
    """Write rows as CSV, without some columns."""
    columns = [name for name in rows[0] if name not in leave_out]
    lines = [",".join(columns), *(",".join(row[name] for name in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
