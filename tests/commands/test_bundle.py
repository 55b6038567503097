"""`lungmonai bundle`: what it says and how it ends."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundle_maker import change, make_bundle

from lungmonai.cli import main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b")


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """The verb is for a process of its own: it stills MONAI's log."""
    yield
    logging.disable(logging.NOTSET)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["bundle", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_sound_bundle_is_a_table_of_passes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", root)
    assert code == 0
    lines = out.splitlines()
    assert re.match(r"pass {9}files +9 files, ", lines[0])
    assert lines[-1].startswith("b: 14 checks, 0 failed, ")
    assert "FAIL" not in out
    assert "largest difference" in out
    assert "14/14" in err  # progress


def test_a_broken_bundle_says_what_and_ends_with_8(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(root / "train.json", max_epochs="abc", device="$nothing")
    code, out, err = run(capsys, "check", root, "--quiet")
    assert code == 8
    assert err == ""
    lines = out.splitlines()
    assert lines[0].startswith(
        f"FAIL         train.json + multi_gpu_train.json  {root / 'train.json'}: device"
    )
    assert lines[1].strip().startswith(f"{root / 'train.json'}: max_epochs is 'abc'; wanted a whole number")
    assert lines[-1].startswith("b: 14 checks, 2 failed")
    assert "pass" not in out


def test_pack_says_what_it_wrote(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "pack", root, "-o", tmp_path / "b.zip")
    assert code == 0
    assert "b/configs/train.json\n" in out
    assert out.endswith(f"{tmp_path / 'b.zip'}: 9 files\n")


def test_no_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "check", "nowhere")
    assert code == 2
    assert err.startswith("lungmonai: nowhere is no bundle; wanted ")
