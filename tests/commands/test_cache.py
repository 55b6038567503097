"""`lungmonai cache`: what it says and how it ends."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scan_writers import volume, write_any, write_itk

from lungmonai.cli import main
from lungmonai.data.cache.upkeep import cache_entries
from lungmonai.data.datalist import FORMAT


@pytest.fixture
def datalist(tmp_path: Path) -> Path:
    """One scan that is mapped as it is, one that is not, and a mask."""
    write_any(tmp_path, ".mhd")
    write_itk(tmp_path / "packed.nii.gz")
    write_itk(tmp_path / "mask.nii.gz", (volume() > 0).astype(np.uint8))
    rest = {"seriesuid": "1", "patient": "1", "nodules": [], "candidates": [], "fold": 0}
    items = [{"image": "scan.mhd", "label": "mask.nii.gz", **rest}, {"image": "packed.nii.gz", **rest}]
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps({"format": FORMAT, "training": items, "validation": [], "test": []}))
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["cache", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_warm_stat_verify_clear(datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--cache-dir", tmp_path / "cache")
    code, out, err = run(capsys, "warm", datalist, *where, "--workers", 2)
    assert code == 0
    assert "3 volumes: 1 need no entry, 0 had one, 2 made, 0 not kept, 0 refused" in out
    assert "3/3" in err  # progress
    code, out, err = run(capsys, "warm", datalist, *where, "--quiet")
    assert (code, err) == (0, "")
    assert "1 need no entry, 2 had one, 0 made" in out

    code, out, _ = run(capsys, "stat", *where)
    assert code == 0
    assert re.search(r"volumes: 2 entries, 0\.000 GB\nall: 2 entries", out)
    assert "used least recently: 20" in out
    assert "left by killed writers: 0 files" in out

    code, out, _ = run(capsys, "verify", *where)
    assert (code, out) == (0, "2 entries, 0 damaged\n")
    one = next(cache_entries(tmp_path / "cache" / "data")).path
    one.write_bytes(one.read_bytes()[:-1])
    code, out, _ = run(capsys, "verify", *where)
    assert code == 8
    assert f"{one} is damaged or not ours" in out
    assert out.endswith("2 entries, 1 damaged\n")
    code, out, _ = run(capsys, "verify", "--remove", *where)
    assert code == 8
    assert out.endswith("2 entries, 1 damaged, removed\n")
    assert run(capsys, "verify", *where)[:2] == (0, "1 entries, 0 damaged\n")

    assert run(capsys, "clear", "--older-than", 1, *where)[:2] == (0, "0 files removed, 0.000 GB\n")
    assert run(capsys, "clear", *where)[:2] == (0, "1 files removed, 0.000 GB\n")


def test_warm_says_what_it_refused(
    datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "packed.nii.gz").write_bytes(b"nothing")
    code, out, err = run(capsys, "warm", datalist, "--cache-dir", tmp_path / "cache", "--quiet")
    assert code == 8
    assert "1 refused" in out
    assert err.startswith(f"Refused: {tmp_path / 'packed.nii.gz'}: ")


def test_warm_says_what_did_not_fit(
    datalist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("warm", datalist, "--cache-dir", tmp_path / "cache", "--quiet", "--budget-gb", 1e-9)
    code, out, err = run(capsys, *words)
    assert code == 8
    assert "2 not kept" in out
    assert "2 entries were not kept; give a larger budget or disk" in err


def test_clear_all_takes_the_converted_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "ab-cd.bin").write_bytes(b"1")
    assert run(capsys, "clear", "--cache-dir", tmp_path)[1].startswith("0 files")
    assert run(capsys, "clear", "--all", "--cache-dir", tmp_path)[1].startswith("1 files")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("clear", "--older-than", "0"), "--older-than 0; wanted a number of days above 0"),
        (("clear", "--older-than", "3", "--all"), "--older-than 3 with --all; wanted"),
        (("warm", "none.json", "--workers", "0"), "--workers is 0; wanted 1 or more"),
        (("warm", "none.json", "--budget-gb", "0"), "the budget is 0.0 GB; wanted more than 0"),
    ],
)
def test_options_that_make_no_sense(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], text: str
) -> None:
    code, _, err = run(capsys, *words)
    assert code != 0
    assert text in err
