"""`lungmonai evaluate calibrate`: prints scores before and after, stores what was fitted, draws."""

import json
from pathlib import Path

import numpy as np
import pytest

from lungmonai.analysis.operating import read_operating, write_operating
from lungmonai.cli import main
from lungmonai.files import sha256_of
from lungmonai.metrics.calibrators import Temperature


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "malignancy.pt"
    path.write_bytes(b"any file will do")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    odds = rng.normal(0, 2, 200)
    labels = (rng.random(200) < 1 / (1 + np.exp(-odds))).astype(int)
    rows = [f"{number},p{number % 40},{y},{float(1 / (1 + np.exp(-2 * o)))!r}" for number, (y, o) in
            enumerate(zip(labels, odds.tolist(), strict=True))]  # fmt: skip
    path = tmp_path / "scores_malignancy.csv"
    path.write_text("\n".join(["seriesuid,patient,label,probability", *rows]) + "\n")
    return path


def run(table: Path, *words: str) -> int:
    return main(["evaluate", "calibrate", str(table), *words])


def test_it_prints_stores_and_draws(
    table: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--weights",
        str(weights),
        "--method",
        "temperature",
        "--conformal",
        "0.9",
        "-o",
        str(tmp_path / "o"),
    ]
    assert run(table, *words, "--data", "validation") == 0
    out, err = capsys.readouterr()
    assert "scores_malignancy.csv: 200 samples" in out
    assert "of 40 patients" in out
    stored = read_operating(weights)
    assert stored is not None
    assert isinstance(stored.calibration, Temperature)
    assert stored.calibration.temperature == pytest.approx(2, rel=0.35)
    assert f"temperature {stored.calibration.temperature:.4g}" in out
    assert stored.conformal is not None
    assert stored.conformal.coverage == 0.9
    assert stored.content["calibration"]["data"] == stored.content["conformal"]["data"] == "validation"
    assert stored.content["calibration"]["after"]["ece"] < stored.content["calibration"]["before"]["ece"]
    assert (tmp_path / "o" / "reliability.png").read_bytes().startswith(b"\x89PNG")
    assert "reliability.png" in err

    # Another method changes the calibration and keeps the sets; the same once more gives the same bytes.
    path = weights.with_name("malignancy.operating.json")
    before, picture = path.read_bytes(), (tmp_path / "o" / "reliability.png").read_bytes()
    assert run(table, *words, "--data", "validation") == 0
    assert path.read_bytes() == before
    assert (tmp_path / "o" / "reliability.png").read_bytes() == picture
    assert run(table, "--weights", str(weights), "--method", "isotonic") == 0
    content = json.loads(path.read_text())
    assert content["calibration"]["method"] == "isotonic"
    assert content["conformal"] == json.loads(before)["conformal"]


def test_a_dry_run_writes_nothing(table: Path, weights: Path) -> None:
    assert run(table, "--weights", str(weights), "--method", "isotonic", "--dry-run") == 0
    assert not weights.with_name("malignancy.operating.json").exists()


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--method", "isotonic"], 2, "neither --weights nor --bundle; wanted what the table was made with"),
        (["--weights", "W"], 2, "neither a method nor a coverage"),
        (["--weights", "W", "--conformal", "0.999"], 2, "a coverage of 0.999; wanted at least 999 of each"),
        (["--weights", "W", "--conformal", "90"], 2, "coverage is 90.0; wanted between 0 and 1"),
        (["--weights", "W", "--method", "isotonic", "--bins", "0"], 2, "0 bins; wanted at least 1"),
        (["--bundle", "nothing", "--method", "isotonic"], 2, "nothing is no bundle"),
    ],
)
def test_what_cannot_be_is_one_line(
    words: list[str], code: int, text: str, table: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(table, *(str(weights) if word == "W" else word for word in words)) == code
    assert text in capsys.readouterr().err.strip().splitlines()[-1]
    assert not weights.with_name("malignancy.operating.json").exists()


def test_tables_and_files_that_cannot_be_used(
    table: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_operating(weights, "22" * 32, {"calibration": Temperature(3.0).as_dict()})
    assert run(table, "--weights", str(weights), "--method", "isotonic") == 7
    assert "Add --replace to begin a new one" in capsys.readouterr().err
    assert run(table, "--weights", str(weights), "--method", "isotonic", "--replace") == 0
    stored = read_operating(weights)
    assert stored is not None
    assert stored.weights_sha256 == sha256_of(weights)
    table.write_text("label,probability\n1,0.5\n1,0.7\n")
    assert run(table, "--weights", str(weights), "--method", "isotonic") == 7
    assert "wanted some of both classes" in capsys.readouterr().err
