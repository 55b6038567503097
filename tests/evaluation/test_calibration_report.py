"""A calibration of a table: what is fitted, how it is measured, and what is stored."""

from pathlib import Path

import numpy as np
import pytest

from lungmonai.errors import SettingsError
from lungmonai.evaluation.calibration_report import calibrate_scores, calibration_text
from lungmonai.evaluation.score_table import ScoreTable, read_scores
from lungmonai.metrics.calibration import calibration, chance_ece
from lungmonai.metrics.calibrators import calibrator_from_dict, cross_fitted, fit_calibrator
from lungmonai.metrics.conformal import fit_conformal
from lungmonai.metrics.intervals import bootstrap


def write_table(path: Path, *, patients: bool = True, count: int = 400) -> Path:
    """Probabilities whose log-odds are three times too far from 0."""
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 2, count)
    labels = (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(int)
    probs = 1 / (1 + np.exp(-3 * odds))
    who = [f",p{number % 80}" if patients else "" for number in range(count)]
    rows = [f"{y},{float(p)!r}{w}" for y, p, w in zip(labels, probs, who, strict=True)]
    path.write_text("\n".join(["label,probability" + (",patient" if patients else ""), *rows]) + "\n")
    return path


@pytest.fixture
def table(tmp_path: Path) -> ScoreTable:
    return read_scores(write_table(tmp_path / "scores.csv"))


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_what_is_stored_is_fitted_on_all_and_measured_by_cross_fitting(
    table: ScoreTable, method: str
) -> None:
    report = calibrate_scores(table, method=method, coverage=0.9, seed=1)
    parts = report.parts("validation")
    stored = calibrator_from_dict(parts["calibration"])
    assert stored == fit_calibrator(method, table.labels, table.probs)
    crossed = cross_fitted(method, table.labels, table.probs, table.groups, seed=1)
    before, after = calibration(table.labels, table.probs), calibration(table.labels, crossed)
    assert parts["calibration"]["before"] == {"brier": before.brier, "ece": before.ece}
    assert parts["calibration"]["after"] == {"brier": after.brier, "ece": after.ece}
    assert after.ece < before.ece / 2
    chance = chance_ece(table.probs, seed=1)
    assert parts["calibration"]["chance_ece"] == chance
    assert 0 < chance < after.ece < 3 * chance
    assert parts["calibration"]["samples"] == 400
    assert parts["calibration"]["groups"] == 80
    sets = fit_conformal(table.labels, table.probs, 0.9)
    assert parts["conformal"] == sets.as_dict() | {"data": "validation"}
    text = calibration_text(report)
    assert f"{before.brier:8.4f}{before.ece:8.4f}" in text
    assert f"{after.brier:8.4f}{after.ece:8.4f}" in text
    assert f"if they were right              {chance:8.4f}" in text
    assert "of 80 patients" in text
    change = report.change
    assert change is not None
    assert change.value == pytest.approx(after.brier - before.brier)
    errors = (crossed - table.labels) ** 2 - (table.probs - table.labels) ** 2
    (plain,) = bootstrap(lambda rows: [errors[rows].mean()], table.groups, seed=1)
    assert (change.low, change.high) == pytest.approx((plain.low, plain.high))
    assert f"The Brier score changes by {change.value:+.4f} ({change.low:+.4f} to" in text
    assert "95% interval of 1,000 draws of the patients)." in text
    assert "5 fits, each without a fold of the patients" in text
    assert f"Sets at a coverage of 0.9: class 0 up to {sets.negative_up_to:.4f}" in text
    assert list(report.drawn()) == ["as they are", "calibrated, cross-fitted"]


def test_one_without_the_other(table: ScoreTable) -> None:
    assert list(calibrate_scores(table, method=None, coverage=0.8, seed=0).parts()) == ["conformal"]
    parts = calibrate_scores(table, method="temperature", coverage=None, seed=0).parts()
    assert list(parts) == ["calibration"]
    assert parts["calibration"]["data"] == "scores.csv"
    with pytest.raises(SettingsError, match="neither a method nor a coverage; wanted one of them at least"):
        calibrate_scores(table, method=None, coverage=None, seed=0)


def test_a_table_without_patients_is_said(tmp_path: Path) -> None:
    table = read_scores(write_table(tmp_path / "scores.csv", patients=False))
    text = calibration_text(calibrate_scores(table, method="isotonic", coverage=None, seed=0))
    assert "The table names no patients: rows of one patient may be in both." in text


def test_a_table_that_is_too_small_to_be_cross_fitted_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("label,probability,patient\n1,0.9,a\n1,0.4,a\n0,0.2,b\n0,0.6,b\n")
    report = calibrate_scores(read_scores(tmp_path / "t.csv"), method="temperature", coverage=None, seed=0)
    assert report.parts()["calibration"]["after"] is None
    assert "not measured: without a fold, " in calibration_text(report)
    assert list(report.drawn()) == ["as they are"]
