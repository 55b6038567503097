"""Warming makes what is missing, once, and says what it found."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scan_writers import volume, write_any, write_dicom, write_itk

from lungmonai.data.cache.store import CacheStore
from lungmonai.data.cache.upkeep import cache_entries
from lungmonai.data.cache.warm import Warmed, volumes_of, warm_volumes
from lungmonai.data.mapped import open_volume


def none(*step: Any) -> None:
    """No progress."""


@pytest.fixture
def volumes(tmp_path: Path) -> list[tuple[Path, str]]:
    mask = write_itk(tmp_path / "mask.nii.gz", (volume() > 0).astype(np.uint8))
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(mask.read_bytes()[:-20])
    names = [write_any(tmp_path, kind) for kind in (".mhd", ".nii.gz", ".nrrd+z")]
    return [*((name, "ct") for name in names), (mask, "label"), (bad, "ct"), (tmp_path / "none.mhd", "ct")]


@pytest.mark.parametrize("workers", [1, 3])
def test_first_and_second_time(tmp_path: Path, volumes: list[tuple[Path, str]], workers: int) -> None:
    store = CacheStore(tmp_path / "cache")
    seen: list[tuple[str, int, int]] = []
    first = warm_volumes(volumes, store, workers=workers, progress=lambda *step: seen.append(step))
    assert (first.plain, first.there, first.made, first.unkept) == (1, 0, 3, 0)
    assert sorted(path.name for path, _ in first.refused) == ["bad.nii.gz", "none.mhd"]
    assert [done for _, done, _ in seen] == [1, 2, 3, 4, 5, 6]
    made = {entry.path: entry.path.stat().st_ino for entry in cache_entries(store.folder)}
    assert len(made) == 3
    second = warm_volumes(volumes, store, workers=workers, progress=none)
    assert second == Warmed(1, 3, 0, 0, first.refused)
    for path, kind in volumes[:4]:
        assert open_volume(path, tmp_path / "cache", kind=kind).entry in {*made, None}
    assert {entry.path: entry.path.stat().st_ino for entry in cache_entries(store.folder)} == made


def test_it_goes_on_where_it_was_stopped(tmp_path: Path, volumes: list[tuple[Path, str]]) -> None:
    store = CacheStore(tmp_path / "cache")

    def stop(stage: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        warm_volumes(volumes, store, progress=stop)
    done = warm_volumes(volumes, store, progress=none)
    assert done.there >= 2
    assert done.there + done.made == 3


def test_a_budget_keeps_what_the_call_made(tmp_path: Path) -> None:
    scans = [(write_itk(tmp_path / f"{number}.nii.gz", volume((30, 30, 30))), "ct") for number in range(4)]
    old = CacheStore(tmp_path / "cache")
    warm_volumes(scans[:1], old, progress=none)
    store = CacheStore(tmp_path / "cache", budget_gb=120_000e-9)  # two entries of 54,000 bytes
    done = warm_volumes(scans[1:], store, progress=none)
    assert (done.made, done.unkept) == (2, 1)
    assert len(list(cache_entries(store.folder))) == 2
    assert warm_volumes(scans[1:3], store, progress=none).there == 2


def test_every_volume_of_a_datalist_once() -> None:
    both: Any = {"image": "/a.mhd", "label": "/a.nii.gz"}
    datalist = {
        "training": [both, {"image": "/b.mhd"}],
        "validation": [both],
        "test": [{"image": "/a.nii.gz"}],
    }
    assert volumes_of(datalist) == [
        (Path("/a.mhd"), "ct"),
        (Path("/a.nii.gz"), "label"),
        (Path("/b.mhd"), "ct"),
        (Path("/a.nii.gz"), "ct"),
    ]


def test_one_bad_volume_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short, good = write_itk(tmp_path / "short.mhd"), write_itk(tmp_path / "good.nii.gz")
    (tmp_path / "short.raw").write_bytes(b"12")
    monkeypatch.setattr("lungmonai.data.cache.files._MOST_FILES", 5)
    crowd = write_dicom(tmp_path / "crowd")
    volumes = [(short, "ct"), (crowd, "ct"), (good, "ct")]
    done = warm_volumes(volumes, CacheStore(tmp_path / "cache"), progress=none)
    assert (done.plain, done.made) == (0, 1)
    (_, many), (_, truncated) = done.refused
    assert "holds more than 5 files" in many
    assert "truncated" in truncated
