"""The end-to-end evaluation of one set of weights over a list of scans, as a folder of results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..data.datalist import ScanItem
from ..errors import SettingsError
from ..files import make_folder, written_whole
from ..metrics.intervals import DRAWS
from ..progress import Progress
from .analysis_tables import write_tables
from .analysis_text import analysis_text
from .cohort import Cohort, analyze_cohort
from .cohort_evaluation import CohortEvaluation, evaluate_cohort
from .json_file import write_json
from .scan_answers import ScanAnalyst

if TYPE_CHECKING:
    from ..analysis.models import ModelFile

__all__ = ["FORMAT", "PAGE", "PARTS", "evaluate_analysis", "evaluation_head"]

# Raised when the meaning of a key of `evaluation.json` changes.
FORMAT = 1
# In the folder of results: one file for each scan that was analysed.
PARTS = "parts"
_LAST = "evaluation.json"
# Written by who has the pictures; one of an earlier run would tell of other numbers.
PAGE = "evaluation.html"


def evaluate_analysis(
    items: Sequence[ScanItem],
    analyst: ScanAnalyst,
    folder: Path,
    *,
    datalist: str,
    split: str,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Analyse scans, hold the answers against the nodules, and write tables, figure, text and JSON.

    `evaluation.json` is removed first and written last: where it stands, the folder is whole.

    Args:
        items: of a datalist.
        analyst: the weights and settings.
        folder: for the results, made where it is not there; a stopped run in it goes on.
        datalist: name of the datalist, for people.
        split: name of the list.
        draws: of the bootstrap intervals; 0 gives none.
        seed: of the draws.
        progress: called with a stage, scans done and scans in all.

    Returns:
        What `evaluation.json` holds.

    Raises:
        DataError: the datalist cannot be used, or no scan at all could be analysed.
        OutputError: the results could not be written.
        SettingsError: draws or seed below 0.
    """
    _check_draws(draws, seed)
    make_folder(folder)
    for name in (_LAST, PAGE):
        (folder / name).unlink(missing_ok=True)
    cohort = analyze_cohort(items, analyst, folder / PARTS, progress=progress)
    about = evaluation_head(analyst, datalist=datalist, split=split)
    whole = evaluate_cohort(cohort, analyst.settings, about, draws=draws, seed=seed)
    _write(folder, cohort, whole)
    return whole.evaluation


def evaluation_head(analyst: ScanAnalyst, *, datalist: str, split: str) -> dict[str, Any]:
    """What was evaluated, on what, and how.

    Args:
        analyst: the weights and settings.
        datalist: its name.
        split: name of its list.
    """
    models = analyst.models
    return {
        "format": FORMAT,
        "lungmonai": __version__,
        "datalist": datalist,
        "split": split,
        "weights": {
            "seg": _weights(models.seg),
            "nodule": _weights(models.nodule),
            "malignancy": _weights(models.malignancy) if models.malignancy else None,
        },
        "settings": analyst.settings.as_dict(),
        "engine": analyst.engine_record(),
    }


def _weights(model: ModelFile) -> dict[str, Any]:
    return {"sha256": model.sha256, "origin": model.about.get("origin"), "stand_in": model.stand_in}


def _write(folder: Path, cohort: Cohort, whole: CohortEvaluation) -> None:
    from .froc_figure import draw_froc

    write_tables(folder, cohort, whole)
    draw_froc(folder / "froc.png", {whole.report.name: whole.report})
    with written_whole(folder / "evaluation.txt") as partial:
        partial.write_text(analysis_text(whole.evaluation), encoding="utf-8")
    write_json(folder / _LAST, whole.evaluation)


def _check_draws(draws: int, seed: int) -> None:
    if draws < 0 or seed < 0:
        raise SettingsError(
            f"{draws} draws with seed {seed}", wanted="numbers from 0", do="0 draws give no intervals."
        )
