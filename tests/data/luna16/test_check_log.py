"""Checks are kept, used while the files stay as they were, and never trusted when torn."""

import os
from pathlib import Path

import pytest
from scan_writers import write_itk

from lungmonai.data.luna16 import check_log
from lungmonai.data.luna16.check_log import CheckLog, check_scans
from lungmonai.data.luna16.scan_check import check_scan
from lungmonai.errors import OutputError


@pytest.fixture
def scans(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "subset0"
    folder.mkdir()
    return [write_itk(folder / f"{number}.mhd") for number in range(5)]


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the scans that were checked anew."""
    names: list[str] = []

    def check(path: Path) -> object:
        names.append(path.name)
        return check_scan(path)

    monkeypatch.setattr(check_log, "check_scan", check)
    return names


def check(scans: list[Path]) -> dict[Path, dict]:
    root = scans[0].parents[1]
    found = check_scans(scans, CheckLog(root, root / "out"), workers=2)
    return {path: vars(one) for path, one in found.items()}


def test_a_second_run_checks_only_what_is_new_or_changed(scans: list[Path], looked_at: list[str]) -> None:
    check(scans[:4])
    assert sorted(looked_at) == ["0.mhd", "1.mhd", "2.mhd", "3.mhd"]
    looked_at.clear()
    os.utime(scans[1].with_suffix(".raw"), ns=(1, 1))
    text = scans[2].read_text()
    scans[2].write_text(text.replace("Offset = -", "Offset = -1"))
    again = check(scans)
    assert sorted(looked_at) == ["1.mhd", "2.mhd", "4.mhd"]
    assert again == {path: vars(check_scan(path)) for path in scans}


def test_a_bad_scan_is_looked_at_again(scans: list[Path], looked_at: list[str]) -> None:
    raw = scans[0].with_suffix(".raw")
    content = raw.read_bytes()
    raw.unlink()
    assert "not beside it" in check(scans)[scans[0]]["reason"]
    looked_at.clear()
    raw.write_bytes(content)
    assert check(scans)[scans[0]]["reason"] == ""
    assert looked_at == ["0.mhd"]


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_torn_last_line_costs_one_check(scans: list[Path], looked_at: list[str], cut: int) -> None:
    wanted = check(scans)
    log = scans[0].parents[1] / ".lungmonai" / "checks.jsonl"
    log.write_bytes(log.read_bytes()[:-cut])
    looked_at.clear()
    assert check(scans) == wanted
    # Without its line break alone, the last line is still whole.
    assert len(looked_at) == (0 if cut == 1 else 1)
    looked_at.clear()
    os.utime(scans[0], ns=(1, 1))
    check(scans)
    check(scans)
    assert looked_at == ["0.mhd"]


def test_lines_of_another_version_or_kind_are_ignored(
    scans: list[Path], looked_at: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check(scans)
    log = scans[0].parents[1] / ".lungmonai" / "checks.jsonl"
    with log.open("ab") as file:
        file.write(b'[]\nnull\n{"checks": 1}\n{"checks": 1, "scan": "a", "files": 3}\n\xff\n')
    looked_at.clear()
    check(scans)
    assert looked_at == []
    monkeypatch.setattr(check_log, "CHECKS", 2)
    check(scans)
    assert len(looked_at) == 5


def test_a_moved_folder_keeps_its_checks(scans: list[Path], looked_at: list[str], tmp_path: Path) -> None:
    check(scans)
    looked_at.clear()
    root = scans[0].parents[1]
    moved = root.parent / f"{root.name}-moved"
    root.rename(moved)
    check([moved / path.relative_to(root) for path in scans])
    assert looked_at == []


def test_a_folder_that_cannot_be_written_to_leaves_the_checks_elsewhere(
    scans: list[Path], looked_at: list[str], tmp_path: Path
) -> None:
    root, out = tmp_path, tmp_path / "out"
    out.mkdir()
    (root / ".lungmonai").write_text("a file, so that no folder can be made")
    check_scans(scans, CheckLog(root, out), workers=1)
    looked_at.clear()
    check_scans(scans, CheckLog(root, out), workers=1)
    assert looked_at == []
    assert len(list((out / ".lungmonai").iterdir())) == 1
    # Another data set with scans of the same names has checks of its own.
    assert CheckLog(root / "subset0", out).path != CheckLog(root, out).path


def test_a_full_disk_is_said(scans: list[Path], tmp_path: Path) -> None:
    log = CheckLog(tmp_path, tmp_path / "out")
    log.path.mkdir()  # in place of the file
    with pytest.raises(OutputError, match=r"checks\.jsonl could not be written: .*what was checked is kept"):
        check_scans(scans, log, workers=1)


def test_checks_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    (tmp_path / ".lungmonai" / "checks.jsonl").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"checks\.jsonl could not be read: .*Remove it"):
        CheckLog(tmp_path, tmp_path)


def test_progress_counts_what_was_known(scans: list[Path]) -> None:
    check(scans[:2])
    seen: list[tuple[str, int, int]] = []
    root = scans[0].parents[1]
    check_scans(scans, CheckLog(root, root), workers=1, progress=lambda *step: seen.append(step))
    assert [(done, total) for _, done, total in seen] == [(2, 5), (3, 5), (4, 5), (5, 5)]
