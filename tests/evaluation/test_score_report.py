"""A score report against plain computations of each number."""

import json
from pathlib import Path

import numpy as np
import pytest
from score_rows import nodule_rows, write_rows

from lungmonai.errors import DataError, SettingsError
from lungmonai.evaluation.score_report import score_report
from lungmonai.evaluation.score_table import ScoreTable, read_scores
from lungmonai.metrics.calibration import chance_ece
from lungmonai.metrics.intervals import bootstrap, draw_counts
from lungmonai.metrics.ranking import average_precision, roc_auc, roc_curve


@pytest.fixture
def table(tmp_path: Path) -> ScoreTable:
    return read_scores(write_rows(tmp_path / "t.csv", nodule_rows()))


def test_numbers_are_those_of_the_definitions(table: ScoreTable) -> None:
    report = score_report(table, draws=400, permutations=0)
    labels, probs = table.labels, table.probs
    said = probs > 0.5
    assert report.roc_auc.value == pytest.approx(roc_auc(labels, probs))
    assert report.average_precision.value == pytest.approx(average_precision(labels, probs))
    assert report.prevalence == labels.mean()
    assert report.groups == len(set(table.groups))
    assert report.at_threshold["sensitivity"].value == pytest.approx(said[labels].mean())
    assert report.at_threshold["specificity"].value == pytest.approx((~said[~labels]).mean())
    errors = (probs - labels) ** 2
    assert report.calibration.brier == report.brier.value == pytest.approx(errors.mean())
    (plain,) = bootstrap(lambda rows: [errors[rows].mean()], table.groups, seed=0, draws=400)
    assert (report.brier.low, report.brier.high) == pytest.approx((plain.low, plain.high))
    assert report.chance_ece == chance_ece(probs, seed=0)
    curve = roc_curve(labels, probs)
    assert report.roc.y == pytest.approx(np.interp(report.roc.x, curve.x, curve.y))
    assert (report.roc.low <= report.roc.y + 1e-9).all()
    assert (report.precision_recall.high >= report.precision_recall.y - 1e-9).mean() > 0.9


def test_intervals_are_those_of_a_plain_bootstrap_over_patients(table: ScoreTable) -> None:
    """Another bootstrap, with draws of its own: the ends agree but for chance."""

    def plain(rows):
        labels, probs = table.labels[rows], table.probs[rows]
        return [roc_auc(labels, probs), average_precision(labels, probs), (probs[labels] > 0.5).mean()]

    expected = bootstrap(plain, table.groups, seed=7, draws=1500)
    report = score_report(table, draws=3000, permutations=0)
    found = (report.roc_auc, report.average_precision, report.at_threshold["sensitivity"])
    for one, other in zip(found, expected, strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.015)


def test_shares_are_drawn_with_their_patients(table: ScoreTable) -> None:
    patients, number = np.unique(table.groups, return_inverse=True)
    report = score_report(table, seed=5, draws=30, permutations=0)
    drawn = []
    for times in draw_counts(len(patients), 30, 5):
        rows = np.repeat(np.arange(len(table)), times[number])
        said, labels = table.probs[rows] > 0.5, table.labels[rows]
        drawn.append((said[labels].mean(), (said == labels).mean()))
    for name, values in zip(("sensitivity", "accuracy"), np.transpose(drawn), strict=True):
        one = report.at_threshold[name]
        assert (one.low, one.high) == pytest.approx((values.min(), values.max()))  # 0 and 29 of 30


def test_rivals_are_compared_on_their_rows(table: ScoreTable, tmp_path: Path) -> None:
    other = read_scores(write_rows(tmp_path / "worse.csv", nodule_rows(gain=0.2)))
    assert (other.labels == table.labels).all()
    report = score_report(table, against=other, draws=100, permutations=100)
    assert [one.name for one in report.rivals] == ["worse.csv", "diameter", "size and texture"]
    against, diameter, _ = report.rivals
    difference = roc_auc(table.labels, table.probs) - roc_auc(table.labels, other.probs)
    assert against.compared.roc_auc.difference.value == pytest.approx(difference)
    assert against.compared.roc_auc.p_value < 0.05
    assert diameter.compared.roc_auc.second.value == pytest.approx(roc_auc(table.labels, table.diameter_mm))


def test_the_same_seed_gives_the_same_json(table: ScoreTable) -> None:
    one, again, other = (
        json.dumps(score_report(table, seed=seed, draws=50, permutations=20).as_dict(), allow_nan=False)
        for seed in (1, 1, 2)
    )
    assert one == again != other
    content = json.loads(one)
    assert content["samples"] == 120
    assert list(content["compared_with"][0])[:2] == ["name", "how"]
    assert len(content["roc"]["low"]) == len(content["precision_recall"]["recall"]) == 101


def test_a_score_that_never_says_positive_has_no_precision(tmp_path: Path) -> None:
    rows = [{**row, "probability": str(float(row["probability"]) / 3)} for row in nodule_rows()]
    report = score_report(read_scores(write_rows(tmp_path / "t.csv", rows)), draws=20, permutations=0)
    assert report.at_threshold["precision"].as_dict()["value"] is None
    assert report.at_threshold["sensitivity"].value == 0


def test_what_cannot_be_measured_is_refused(table: ScoreTable, tmp_path: Path) -> None:
    fewer = read_scores(write_rows(tmp_path / "b.csv", nodule_rows()[1:]))
    with pytest.raises(DataError, match=r"t.csv has 120 rows and b.csv 119"):
        score_report(table, against=fewer)
    with pytest.raises(SettingsError, match=f"0 draws of {len(set(table.groups))} patients with seed 0"):
        score_report(table, draws=0)
    with pytest.raises(SettingsError, match="-1 permutations with seed 0"):
        score_report(table, draws=5, permutations=-1)
    rows = [{**row, "label": str(int(place == 0))} for place, row in enumerate(nodule_rows())]
    with pytest.raises(SettingsError, match="1 positive and 119 negative samples"):
        score_report(read_scores(write_rows(tmp_path / "b.csv", rows)), draws=5)
