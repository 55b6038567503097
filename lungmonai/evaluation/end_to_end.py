"""The end-to-end evaluation of one set of weights over a list of scans, as a folder of results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..data.datalist import ScanItem
from ..errors import SettingsError
from ..files import written_whole
from ..json_file import write_json
from ..metrics.intervals import DRAWS
from ..progress import Progress
from .analysis_tables import write_tables
from .analysis_text import analysis_text
from .cohort import Cohort, analyze_cohort
from .cohort_evaluation import CohortEvaluation, evaluate_cohort
from .cohort_items import check_items
from .result_folder import JSON, PARTS, held_folder
from .scan_answers import ScanAnalyst

if TYPE_CHECKING:
    from ..analysis.models import ModelFile

__all__ = ["FORMAT", "evaluate_analysis", "evaluation_head"]

# Raised when the meaning of a key of `evaluation.json` changes.
FORMAT = 1


def evaluate_analysis(
    items: Sequence[ScanItem],
    analyst: ScanAnalyst,
    folder: Path,
    *,
    datalist: str,
    split: str,
    draws: int = DRAWS,
    seed: int = 0,
    page: Callable[[dict[str, Any]], None] | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Analyse scans, hold the answers against the nodules, and write tables, figure, text and JSON.

    `evaluation.json` is removed first and written last: where it stands, the folder is whole. No other
    process can write there meanwhile.

    Args:
        items: of a datalist.
        analyst: the weights and settings.
        folder: for the results, made where it is not there; a stopped run in it goes on.
        datalist: name of the datalist, for people.
        split: name of the list.
        draws: of the bootstrap intervals; 0 gives none.
        seed: of the draws.
        page: called with what `evaluation.json` will hold, to write the page; None leaves the page out.
        progress: called with a stage, scans done and scans in all.

    Returns:
        What `evaluation.json` holds.

    Raises:
        DataError: the datalist cannot be used, or no scan at all could be analysed.
        OutputError: the results could not be written.
        SettingsError: draws or seed below 0; or another process writes into the folder.
    """
    _check_draws(draws, seed)
    check_items(items)
    with held_folder(folder):
        cohort = analyze_cohort(items, analyst, folder / PARTS, progress=progress)
        about = evaluation_head(analyst, datalist=datalist, split=split)
        whole = evaluate_cohort(cohort, analyst.settings, about, draws=draws, seed=seed)
        _write(folder, cohort, whole)
        if page is not None:
            page(whole.evaluation)
        write_json(folder / JSON, whole.evaluation)
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


def _check_draws(draws: int, seed: int) -> None:
    if draws < 0 or seed < 0:
        raise SettingsError(
            f"{draws} draws with seed {seed}", wanted="numbers from 0", do="0 draws give no intervals."
        )
