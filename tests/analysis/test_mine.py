"""Mining goes on where it was stopped, uses nothing stale, and is not ended by one bad scan."""

import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scan_writers import volume, write_itk

from lungmonai.analysis import AnalysisSettings
from lungmonai.analysis.candidates import FoundCandidates
from lungmonai.analysis.mine import STAGE, mine_scans
from lungmonai.errors import OutputError, SettingsError, WeightsError


class Finder:
    """Counts the scans that it is given; finds one candidate whose place tells the scan's first voxel."""

    def __init__(self, seg: str = "a", broken: tuple[str, ...] = (), **settings: float) -> None:
        self.seg = SimpleNamespace(sha256=seg)
        self.settings = AnalysisSettings(**settings)
        self.engine = SimpleNamespace(segment_precision="float32")
        self.seen, self.broken = [], broken

    def __call__(self, scan):
        self.seen.append((scan.series_uid, threading.current_thread().name))
        if scan.series_uid in self.broken:
            raise WeightsError("it marks everything", wanted="less", do="Train.")
        place = np.array([[float(scan.hu[0, 0, 0]), 0.0, 0.0]])
        return FoundCandidates(place, np.ones(1, np.float32), np.ones(1, np.int64))


def write_scan(folder: Path, number: int, first_hu: int, rows: int = 8) -> Path:
    hu = volume((6, rows, 10))
    hu[0, 0, 0] = first_hu
    return write_itk(folder / f"scan{number}.mhd", hu)


@pytest.fixture
def items(tmp_path: Path) -> list[dict]:
    def item(number: int) -> dict:
        return {"image": str(write_scan(tmp_path, number, number)), "seriesuid": f"series{number}"}

    return [item(number) for number in range(3)]


def places(mined) -> dict[str, float]:
    return {series: found.lps_mm[0, 0] for series, found in mined.found.items()}


EVERY = {"series0": 0.0, "series1": 1.0, "series2": 2.0}


def test_finished_scans_are_not_found_again(items: list[dict], tmp_path: Path) -> None:
    class Stopped(Finder):
        def __call__(self, scan):
            if len(self.seen) == 2:
                raise KeyboardInterrupt
            return super().__call__(scan)

    parts = tmp_path / "new" / "parts"
    with pytest.raises(KeyboardInterrupt):
        mine_scans(items, Stopped(), parts)
    finder, calls = Finder(), []
    mined = mine_scans(items, finder, parts, progress=lambda *call: calls.append(call))
    assert [series for series, _ in finder.seen] == ["scan2"]
    assert places(mined) == EVERY
    assert (mined.resumed, mined.failed) == (2, {})
    assert calls == [(STAGE, 2, 3), (STAGE, 3, 3)]  # an estimate must not count what was there


@pytest.mark.parametrize("change", ["threshold", "thin", "weights", "scan", "part"])
def test_nothing_stale_is_used(change: str, items: list[dict], tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    mine_scans(items, Finder(), parts)
    if change == "scan":
        write_scan(tmp_path, 1, 7, rows=9)
    if change == "part":
        for part in parts.iterdir():
            part.write_bytes(part.read_bytes()[:-9])
    changed = {"threshold": {"mark_threshold": 0.4}, "thin": {"keep_thin_mm": 5.0}, "weights": {"seg": "b"}}
    finder = Finder(**changed.get(change, {}))
    mined = mine_scans(items, finder, parts)
    again = ["scan1"] if change == "scan" else ["scan0", "scan1", "scan2"]
    assert [series for series, _ in finder.seen] == again
    assert places(mined)["series1"] == (7.0 if change == "scan" else 1.0)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_scan_does_not_end_the_others(workers: int, items: list[dict], tmp_path: Path) -> None:
    Path(items[0]["image"]).with_suffix(".raw").write_bytes(b"short")
    finder = Finder(broken=("scan1",))
    mined = mine_scans(items, finder, tmp_path / "parts", workers=workers)
    assert places(mined) == {"series2": 2.0}
    assert sorted(mined.failed) == ["series0", "series1"]
    assert "scan0" in mined.failed["series0"]
    assert mined.failed["series1"].endswith("scan1.mhd: it marks everything; wanted less. Train.")
    in_main = {name == threading.main_thread().name for _, name in finder.seen}
    assert in_main == {workers == 1}


def test_where_parts_cannot_be_written_it_stops(items: list[dict], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="wanted a folder that can be written to"):
        mine_scans(items, Finder(), tmp_path / "file" / "parts")
    with pytest.raises(SettingsError, match="workers is 0; wanted 1 or more"):
        mine_scans(items, Finder(), tmp_path / "parts", workers=0)
