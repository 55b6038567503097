"""What size and texture say: on other patients, or in folds of the same table."""

from pathlib import Path

import numpy as np
import pytest
from score_rows import nodule_rows, write_rows

from lungmonai.errors import DataError
from lungmonai.evaluation.score_baselines import baseline_scores
from lungmonai.evaluation.score_table import ScoreTable, read_scores
from lungmonai.metrics.baselines import cross_fitted
from lungmonai.metrics.logistic import fit_logistic


def table_of(path: Path, rows, leave_out=()) -> ScoreTable:
    return read_scores(write_rows(path, rows, leave_out))


def others(seed: int = 1) -> list[dict[str, str]]:
    """Nodules of patients who are in no other table."""
    return [{**row, "patient": "other " + row["patient"]} for row in nodule_rows(seed)]


def test_diameter_and_a_model_in_folds(tmp_path: Path) -> None:
    table = table_of(tmp_path / "t.csv", nodule_rows())
    (diameter, model), notes = baseline_scores(table, seed=3)
    assert notes == ()
    np.testing.assert_array_equal(diameter.scores, table.diameter_mm)
    features = np.column_stack([np.log(table.diameter_mm), table.texture])
    assert model.scores == pytest.approx(cross_fitted(features, table.labels, table.groups, seed=3))
    assert (model.name, model.how) == (
        "size and texture",
        "fitted on this table, in 5 folds of whole patients",
    )


def test_a_model_of_other_patients(tmp_path: Path) -> None:
    table = table_of(tmp_path / "t.csv", nodule_rows())
    train = table_of(tmp_path / "train.csv", others(), ["texture"])
    (_, model), _ = baseline_scores(table, train, seed=0)
    fitted = fit_logistic(np.log(train.diameter_mm)[:, None], train.labels)
    assert model.scores == pytest.approx(fitted(np.log(table.diameter_mm)[:, None]))
    assert (model.name, model.how) == ("size", "fitted on the 120 samples of train.csv")


def test_samples_without_a_diameter_are_left_out(tmp_path: Path) -> None:
    rows = nodule_rows()
    for row in rows[:20]:
        row["diameter_mm"] = ""
    table = table_of(tmp_path / "t.csv", rows)
    for one in baseline_scores(table, seed=0)[0]:
        assert one.rows.tolist() == [False] * 20 + [True] * 100
        assert len(one.scores) == 100


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    none = table_of(tmp_path / "t.csv", nodule_rows(), ["diameter_mm"])
    assert baseline_scores(none, seed=0) == (
        (), ("no baselines: they need the diameter_mm of 2 samples of each class",)
    )  # fmt: skip
    one_sized = [{**row, "diameter_mm": "8" if row["label"] == "0" else ""} for row in nodule_rows()]
    next(row for row in one_sized if row["label"] == "1")["diameter_mm"] = "9"
    assert baseline_scores(table_of(tmp_path / "t.csv", one_sized), seed=0) == baseline_scores(none, seed=0)
    few = [{**row, "patient": str(place % 4)} for place, row in enumerate(nodule_rows())]
    found, (note,) = baseline_scores(table_of(tmp_path / "t.csv", few), seed=0)
    assert [one.name for one in found] == ["diameter"]
    assert note.startswith("no logistic baseline: 5 folds of 4 patients, 4 with a positive and 4 with a neg")


def test_a_table_to_fit_on_that_cannot_serve_is_refused(tmp_path: Path) -> None:
    table = table_of(tmp_path / "t.csv", nodule_rows())
    shared = table_of(tmp_path / "train.csv", [*others()[:30], *nodule_rows(1)[:1]])
    with pytest.raises(
        DataError, match=r"share 1 of the column patient, such as p\d+; wanted a baseline fit"
    ):
        baseline_scores(table, shared, seed=0)
    bare = table_of(tmp_path / "train.csv", others(), ["diameter_mm"])
    with pytest.raises(DataError, match=r"train.csv has no diameter_mm for samples of both classes"):
        baseline_scores(table, bare, seed=0)
