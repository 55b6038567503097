"""The cached data set gives what the transforms give, every time, whatever happens to the cache."""

import multiprocessing
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, PersistentDataset
from monai.transforms import (
    Compose,
    DeleteItemsd,
    EnsureTyped,
    Lambda,
    LoadImaged,
    MapTransform,
    OneOf,
    Orientationd,
    RandFlipd,
    RandGaussianNoised,
    ScaleIntensityRanged,
    Spacingd,
    Transform,
)
from scan_writers import Geometry, volume, write_itk

from lungmonai.data.cache.entry import write_entry
from lungmonai.data.cache.upkeep import cache_entries
from lungmonai.data.cached_dataset import CachedDataset
from lungmonai.errors import DataError, SettingsError

OBLIQUE = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1.0]])


class Counted(Transform):
    """Writes a line for every call; processes can share the file."""

    def __init__(self, log: Path) -> None:
        # Not as a path: that would make the file's size a part of the key.
        self.parts = [part.encode() for part in log.parts]

    def __call__(self, data: Any) -> Any:
        with Path(*(part.decode() for part in self.parts)).open("a") as file:
            file.write("called\n")
        return data


def load(**options: Any) -> LoadImaged:
    reader = "lungmonai.io.CTReader"
    return LoadImaged(keys="image", reader=reader, dtype=np.int16, ensure_channel_first=True, **options)


def steps() -> list[Any]:
    return [
        load(),
        Orientationd(keys="image", axcodes="LPS", labels=None),
        Spacingd(keys="image", pixdim=(1, 1, 2)),
        ScaleIntensityRanged(keys="image", a_min=-1000, a_max=1000, b_min=-1, b_max=1),
    ]


@pytest.fixture
def scans(tmp_path: Path) -> list[dict[str, Any]]:
    items = []
    for number in range(3):
        geometry = Geometry(direction=OBLIQUE, origin=(float(number), 2.0, 3.0))
        path = write_itk(tmp_path / f"scan{number}.mhd", volume() + np.int16(number), geometry)
        items.append({"image": path, "nodules": [{"lps_mm": (1.0, 2.0, number), "malignant": None}]})
    return items


def entries(tmp_path: Path) -> list[Path]:
    return sorted(entry.path for entry in cache_entries(tmp_path / "cache" / "data"))


def assert_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert list(first) == list(second)
    one, other = first["image"], second["image"]
    assert type(one) is type(other) is MetaTensor
    assert one.dtype == other.dtype
    assert torch.equal(one.as_tensor(), other.as_tensor())
    assert torch.equal(one.affine, other.affine)
    assert torch.equal(one.meta["original_affine"], other.meta["original_affine"])
    plain = {key: value for key, value in one.meta.items() if not isinstance(value, torch.Tensor)}
    assert plain == {key: other.meta[key] for key in plain}
    assert len(one.applied_operations) == len(other.applied_operations)
    assert {key: first[key] for key in first if key != "image"} == {
        key: second[key] for key in second if key != "image"
    }


@pytest.mark.parametrize("deterministic", [[load()], steps()], ids=["int16", "resampled"])
def test_first_second_and_uncached_reading_agree(tmp_path: Path, scans: Any, deterministic: Any) -> None:
    cached = CachedDataset(scans, deterministic, tmp_path / "cache")
    plain = Dataset(scans, Compose(deterministic))
    for index in range(3):
        first, second = cached[index], cached[index]
        assert_same(first, second)
        assert_same(first, plain[index])
    assert len(entries(tmp_path)) == 3
    assert cached[0]["image"].dtype == plain[0]["image"].dtype


def test_it_hits_after_loadimaged_where_monai_does_not(tmp_path: Path, scans: Any) -> None:
    log = tmp_path / "log"
    for _ in range(2):  # as two runs of a program
        chain = [LoadImaged(keys="image", reader="lungmonai.io.CTReader"), Counted(log)]
        for item in CachedDataset(scans, chain, tmp_path / "cache"):
            assert item["image"].affine[0, 0] == pytest.approx(-0.56)
    assert len(log.read_text().split()) == 3


def test_random_transforms_run_anew_on_a_copy(tmp_path: Path, scans: Any) -> None:
    chain = [*steps(), RandGaussianNoised(keys="image", prob=1.0, std=1.0)]
    cached = CachedDataset(scans, chain, tmp_path / "cache")
    clean = cached.cached(0)["image"].clone()
    first, second = cached[0]["image"], cached[0]["image"]
    assert not torch.equal(first, second)
    first += 1000
    assert torch.equal(cached.cached(0)["image"], clean)
    cached.transform.set_random_state(3)
    again = cached[0]["image"]
    cached.transform.set_random_state(3)
    assert torch.equal(cached[0]["image"], again)


def test_nested_chains_are_cached_up_to_the_first_random_transform(tmp_path: Path, scans: Any) -> None:
    log = tmp_path / "log"
    chain = Compose(
        [Compose(steps()), Compose([Counted(log), RandFlipd(keys="image", prob=0.5)]), Counted(log)]
    )
    cached = CachedDataset(scans, chain, tmp_path / "cache")
    for _ in range(3):
        cached[0]
    assert len(log.read_text().split()) == 1 + 3


@pytest.mark.parametrize(
    "random_first", [RandFlipd("image", prob=0.5), OneOf([Lambda(dict)]), lambda data: data]
)
def test_what_begins_at_random_is_not_cached(tmp_path: Path, scans: Any, random_first: Any) -> None:
    item = {"image": torch.zeros(1, 2, 2, 2)}
    cached = CachedDataset([item], [random_first], tmp_path / "cache")
    found = cached[0]["image"]
    found += 1
    assert not item["image"].any()
    assert entries(tmp_path) == []


def test_another_parameter_or_file_is_another_entry(tmp_path: Path, scans: Any) -> None:
    def value(low: float) -> float:
        chain = [load(), ScaleIntensityRanged("image", low, 1000, 0, 1)]
        return float(CachedDataset(scans[:1], chain, tmp_path / "cache")[0]["image"].min())

    before = value(-1000)
    assert value(-900) != before
    assert value(-1000) == before
    assert len(entries(tmp_path)) == 2
    write_itk(tmp_path / "scan0.mhd", volume() - np.int16(50))
    assert value(-1000) != before


def test_only_the_voxels_of_an_mhd_change(tmp_path: Path, scans: Any) -> None:
    cached = CachedDataset(scans, [load()], tmp_path / "cache")
    before = cached[0]["image"].clone()
    raw = tmp_path / "scan0.raw"
    shifted = np.fromfile(raw, "<i2") + 5
    seen = raw.stat().st_mtime_ns
    shifted.astype("<i2").tofile(raw)
    os.utime(raw, ns=(seen, seen + 1))
    assert torch.equal(cached[0]["image"], before + 5)


@pytest.mark.parametrize("damage", ["flip", "truncate", "pickle"])
def test_a_damaged_entry(tmp_path: Path, scans: Any, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    cached = CachedDataset(scans, steps(), tmp_path / "cache")
    right = cached[0]
    (path,) = entries(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 + 200] ^= 16
    other = {
        "flip": bytes(content),
        "truncate": bytes(content[:-100]),
        "pickle": pickle.dumps(right["nodules"]),
    }
    path.write_bytes(other[damage])
    assert_same(cached[0], right)
    assert_same(cached[0], right)
    assert len([record for record in caplog.records if record.name == "lungmonai"]) == 1
    assert "is damaged or not ours" in caplog.text


def test_an_entry_that_holds_something_else(
    tmp_path: Path, scans: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cached = CachedDataset(scans, [load()], tmp_path / "cache")
    right = cached[0]
    (path,) = entries(tmp_path)
    for values in ({"~": "tensor", "name": "a7"}, {"~": "scalar", "dtype": "O", "bytes": ""}, {"~": "path"}):
        write_entry(path, "", values, {})
        assert_same(cached[0], right)
    assert "holds something else than an item" in caplog.text


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_planted_pickle_does_not_run(tmp_path: Path, scans: Any) -> None:
    cached = CachedDataset(scans, [load()], tmp_path / "cache")
    cached[0]
    (path,) = entries(tmp_path)
    sprung = tmp_path / "sprung"
    for planted in (pickle.dumps(Trap(sprung)), None):
        if planted is None:
            torch.save(Trap(sprung), path)
        else:
            path.write_bytes(planted)
        cached[0]
        assert not sprung.exists()
    old = PersistentDataset(scans, [load()], tmp_path / "pt", weights_only=False)  # the trap would work there
    old[0]
    torch.save(Trap(sprung), next((tmp_path / "pt").glob("*.pt")))
    old[0]
    assert sprung.exists()


def _reads(folder: Path, scans: Any, log: Path, start: Any, queue: Any) -> None:
    torch.set_num_threads(1)
    cached = CachedDataset(scans, [*steps(), Counted(log)], folder)
    start.wait()
    queue.put([float(item["image"].double().sum()) for item in cached])


def test_eight_processes_warm_one_cache(tmp_path: Path, scans: Any) -> None:
    fork = multiprocessing.get_context("fork")
    log, start, queue = tmp_path / "log", fork.Event(), fork.Queue()
    names = (tmp_path / "cache", scans, log, start, queue)
    workers = [fork.Process(target=_reads, args=names) for _ in range(8)]
    for worker in workers:
        worker.start()
    start.set()
    sums = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
    right = [float(item["image"].double().sum()) for item in Dataset(scans, Compose(steps()))]
    assert sums == [right] * 8
    assert len(log.read_text().split()) == 3
    assert len(entries(tmp_path)) == 3


def _loads(folder: Path, scans: Any, start: str) -> None:
    cached = CachedDataset(scans, [*steps(), EnsureTyped("image"), DeleteItemsd("nodules")], folder / "cache")
    right = [item["image"] for item in cached]
    before = [path.stat().st_ino for path in entries(folder)]
    loader = DataLoader(cached, batch_size=1, num_workers=2, multiprocessing_context=start)
    for batch, image in zip(loader, right, strict=True):
        assert torch.equal(batch["image"][0].as_tensor(), image.as_tensor())
        assert torch.equal(batch["image"].affine[0], image.affine)
    assert [path.stat().st_ino for path in entries(folder)] == before  # the workers found the same keys


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_in_a_dataloader(tmp_path: Path, scans: Any, start: str) -> None:
    """In a fresh process: by now this one has the threads of every library that the tests before used."""
    process = multiprocessing.get_context("spawn").Process(target=_loads, args=(tmp_path, scans, start))
    process.start()
    process.join(120)
    assert process.exitcode == 0


def test_warm(tmp_path: Path, scans: Any) -> None:
    seen: list[tuple[str, int, int]] = []
    cached = CachedDataset(scans, steps(), tmp_path / "cache", budget_gb=1)
    cached.warm(lambda *step: seen.append(step))
    assert seen == [("warm", 1, 3), ("warm", 2, 3), ("warm", 3, 3)]
    assert len(entries(tmp_path)) == 3


class Adds(MapTransform):
    def __init__(self, value: Callable[[], Any]) -> None:
        super().__init__("image")
        self.value = value

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "extra": self.value()}


def test_what_cannot_be_cached_is_named(tmp_path: Path, scans: Any) -> None:
    cached = CachedDataset(scans, [load(), Adds(object)], tmp_path / "cache")
    with pytest.raises(DataError, match=r"item\['extra'\] is a object, which cannot be cached"):
        cached[0]


def test_what_cannot_be_described_is_named(tmp_path: Path, scans: Any) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(SettingsError, match=r"transform 1 \(Adds\)\.value\.__self__ is a numpy.random"):
        CachedDataset(scans, [load(), Adds(rng.random)], tmp_path / "cache")


def test_the_users_cache_is_the_default(scans: Any, cache: Path) -> None:
    assert CachedDataset(scans, [load()]).store.folder == cache / "data"
