"""Candidates of one scan: from a table of positions to crops, and from answers to a table."""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedEvaluator
from monai.utils.enums import CommonKeys
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ..analysis.classify import crop_places
from ..data.csv_points import lps_point
from ..data.csv_rows import read_rows
from ..data.even_crop import checked_spacing
from ..errors import DataError, SettingsError
from ..files import make_folder, written_whole
from ..io import CTScan, read_ct
from ..networks.shapes import HU_LIMIT

__all__ = ["CandidateCrops", "ProbabilityTable"]

_log = logging.getLogger(__name__)

_LUNA16 = ("coordX", "coordY", "coordZ")
_PLAIN = ("x", "y", "z")


class CandidateCrops(Dataset[dict[str, Tensor]]):
    """The crop around each candidate of a scan, as the analysis cuts it.

    A sample is `image` (1, 32, 48, 48) float32 HU, clamped to [−1000, 1000].

    Args:
        scan: anything that `lungmonai.io.read_ct` takes.
        table: CSV with coordX, coordY, coordZ, as LUNA16's and as `candidates.csv` of an analysis, or
            with x, y, z: LPS mm. Where it has `seriesuid`, only the rows of this scan count.
        dataset_dir: folder that both are relative to; empty for the current one.
        spacing_mm: between slices, rows and columns of a crop; None for the scan's own.

    Raises:
        SettingsError: no scan or no table was named, or the spacing is none.
        ScanError: the scan is refused.
        DataError: the table cannot be used, or has no row of this scan.
    """

    def __init__(
        self,
        scan: str | float,
        table: str | float,
        dataset_dir: str | float = "",
        *,
        spacing_mm: Sequence[float] | None = None,
    ) -> None:
        for name, value in (("scan", scan), ("candidates", table)):
            if not str(value):
                raise SettingsError(f"{name} is empty", wanted="a path", do=f"Add `--{name} PATH`.")
        folder = Path(str(dataset_dir))
        read = read_ct(folder / str(scan))
        self.seriesuid = read.series_uid
        self.points_lps = _points(folder / str(table), read.series_uid)
        upright = read.canonical()
        centers_vox = _inside(upright, self.points_lps)
        self._places, self._cut = crop_places(upright, centers_vox, checked_spacing(spacing_mm))

    def __len__(self) -> int:
        return len(self.points_lps)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        crop = self._cut(self._places[index]).clip(-HU_LIMIT, HU_LIMIT).astype(np.float32)
        return {CommonKeys.IMAGE: torch.from_numpy(crop)[None]}


class ProbabilityTable:
    """Write what an evaluator answers: LUNA16's columns, and a probability for each candidate.

    MONAI's `ClassificationSaver` knows a sample by its file, and here all are of one.

    Args:
        dataset: the candidates, evaluated in order.
        path: of the CSV.
    """

    def __init__(self, dataset: CandidateCrops, path: str | Path) -> None:
        self.dataset, self.path = dataset, Path(path)
        self._answers: list[Tensor] = []

    def attach(self, engine: Engine) -> None:
        """Add it to an evaluator."""
        engine.add_event_handler(Events.STARTED, self._answers_forgotten)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._answered)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _answers_forgotten(self, _: Engine) -> None:
        self._answers = []

    def _answered(self, engine: SupervisedEvaluator) -> None:
        self._answers.append(torch.softmax(engine.state.output[CommonKeys.PRED].float(), 1)[:, 1].cpu())

    def _write(self, _: Engine) -> None:
        probability = torch.cat(self._answers).tolist()
        make_folder(self.path.parent)
        with written_whole(self.path) as part, part.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["seriesuid", *_LUNA16, "probability"])
            for point, prob in zip(self.dataset.points_lps.tolist(), probability, strict=True):
                rows.writerow([self.dataset.seriesuid, *(f"{mm:.3f}" for mm in point), f"{prob:.6f}"])
        _log.info("%d candidates with their probabilities: %s", len(probability), self.path)


def _points(table: Path, seriesuid: str) -> NDArray[np.float64]:
    """(N, 3) float, LPS mm."""
    rows = read_rows(table, ())
    here = [row for row in rows if row.get("seriesuid", seriesuid) == seriesuid]
    if not here:
        raise DataError(
            f"{table} has {len(rows)} rows, none of the scan {seriesuid}",
            wanted="at least one candidate",
            do="Name the table that belongs to the scan.",
        )
    columns = next((names for names in (_LUNA16, _PLAIN) if set(names) <= here[0].keys()), None)
    if columns is None:
        raise DataError(
            f"{table} has the columns {', '.join(here[0])}",
            wanted="coordX, coordY, coordZ, or x, y, z, in LPS mm",
            do="Name its columns so.",
        )
    return np.array([lps_point(table, row, columns) for row in here])


def _inside(scan: CTScan, points_lps: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) float, (slice, row, column) of points that must lie in the scan."""
    centers_vox = scan.vox_from_lps(points_lps)
    outside = (centers_vox < -0.5) | (centers_vox > np.array(scan.shape) - 0.5)
    if outside.any():
        which = int(outside.any(axis=1).argmax())
        raise DataError(
            f"{points_lps[which].tolist()} lies outside {scan!r}",
            wanted="LPS mm within the scan",
            do="Check that the table belongs to the scan, and the signs of x and y.",
        )
    return centers_vox
