"""What a person reads of a table of scores."""

from pathlib import Path

from score_rows import nodule_rows, write_rows

from lungmonai.evaluation.score_report import score_report
from lungmonai.evaluation.score_table import read_scores
from lungmonai.evaluation.score_text import score_text


def test_what_a_person_reads(tmp_path: Path) -> None:
    table = read_scores(write_rows(tmp_path / "t.csv", nodule_rows()))
    report = score_report(table, draws=50, permutations=0)
    text = score_text(report)
    assert text.startswith(f"t.csv: 120 samples, {int(table.labels.sum())} positive (")
    assert f"of {report.groups} patients\nIn brackets the 95% interval of 50 draws of the patients." in text
    assert f"AUC                         {report.roc_auc}   by DeLong" in text
    assert "Beside diameter: larger is more likely; 120 samples" in text
    assert "Note: DeLong takes samples as independent, which those of one patient are not" in text
    brier = report.brier
    assert f"Brier score                 {brier.value:.4f} ({brier.low:.4f} to {brier.high:.4f})\n" in text
    assert f"{report.calibration.ece:.4f}   {report.chance_ece:.4f} if they were right" in text
    assert "nan" not in text
    alone = read_scores(write_rows(tmp_path / "r.csv", nodule_rows(), ["patient", "seriesuid"]))
    assert "names no patients, so that rows count as independent" in score_text(
        score_report(alone, draws=5, permutations=0)
    )


def test_what_is_no_number_is_a_dash(tmp_path: Path) -> None:
    rows = [{**row, "probability": str(float(row["probability"]) / 3)} for row in nodule_rows()]
    report = score_report(read_scores(write_rows(tmp_path / "t.csv", rows)), draws=20, permutations=0)
    text = score_text(report)
    assert "precision over 0.5          –\n" in text
    assert "(DeLong), – (permutation)" in text


def test_one_patient_has_no_interval_and_the_reader_is_told(tmp_path: Path) -> None:
    rows = [{**row, "patient": "p"} for row in nodule_rows()]
    report = score_report(read_scores(write_rows(tmp_path / "t.csv", rows)), draws=20, permutations=9)
    text = score_text(report)
    assert ", of 1 patient\n" in text
    assert "In brackets" not in text
    assert "nan" not in text
    assert f"AUC                         {report.roc_auc.value:.3f}   by DeLong 0." in text
    assert "(DeLong), – (permutation)" in text
    assert "Note: one patient only: how far numbers might be off with other patients cannot be told" in text
    told = report.as_dict()
    assert (told["bootstrap"]["draws"], told["permutations"]) == (0, 0)
    assert (told["auc"]["low"], told["auc"]["high"], told["auc"]["draws"]) == (None, None, 0)
    assert told["roc"]["low"] == [None] * len(told["roc"]["sensitivity"])
    assert (told["brier"]["low"], told["at_threshold"]["accuracy"]["high"]) == (None, None)
