"""Converted models on disk: found again, never stale, never trusted when damaged."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from lungmonai.analysis.models import ModelFile
from lungmonai.networks import build_network, save_weights

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed"
)
BLOCK = np.random.default_rng(0).integers(-1000, 1000, (4, 1, 32, 48, 48)).astype(np.int16)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LUNGMONAI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "openvino"


def weights(path: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    save_weights(path, "nodule_cnn", build_network("nodule_cnn"), stand_in=True, origin="a test")
    return path


def answer(path: Path) -> np.ndarray:
    from lungmonai.analysis.engine_openvino import openvino_runner

    model = ModelFile.open(path, task="classification")
    (found,) = openvino_runner(model, BLOCK.shape, "float32")([BLOCK])
    return found.copy()


def test_the_second_run_does_not_open_the_weights(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = weights(tmp_path / "m.pt", 0)
    first = answer(path)
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("the weights were opened again"))
    assert np.array_equal(answer(path), first)
    assert sorted(p.suffix for p in folder.iterdir()) == [".bin", ".json", ".xml"]


def test_other_weights_under_the_same_name_are_converted_anew(tmp_path: Path, folder: Path) -> None:
    first = answer(weights(tmp_path / "m.pt", 0))
    second = answer(weights(tmp_path / "m.pt", 1))
    assert not np.allclose(first, second)
    assert len(list(folder.glob("*.json"))) == 2


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [("xml", "flip"), ("bin", "flip"), ("json", "flip"), ("bin", "truncate"), ("xml", "remove")],
)
def test_a_damaged_file_is_converted_anew(tmp_path: Path, folder: Path, suffix: str, damage: str) -> None:
    path = weights(tmp_path / "m.pt", 0)
    first = answer(path)
    (kept,) = folder.glob(f"*.{suffix}")
    content = bytearray(kept.read_bytes())
    if damage == "remove":
        kept.unlink()
    elif damage == "truncate":
        kept.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 0x5A
        kept.write_bytes(content)
    assert np.array_equal(answer(path), first)


def test_a_folder_that_cannot_be_written_costs_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LUNGMONAI_CACHE", str(tmp_path / "file" / "cache"))
    assert answer(weights(tmp_path / "m.pt", 0)).shape == (4,)


def test_other_code_makes_another_graph(tmp_path: Path, folder: Path, monkeypatch) -> None:
    from lungmonai.analysis import converted

    path = weights(tmp_path / "m.pt", 0)
    answer(path)
    monkeypatch.setattr(converted, "_recipe", lambda: "changed")
    answer(path)
    assert len(list(folder.glob("*.json"))) == 2


def test_a_disk_that_is_full_costs_time_only(tmp_path: Path, folder: Path, monkeypatch) -> None:
    import openvino

    def full(graph, path, **_):
        Path(path).with_suffix(".bin").write_bytes(b"half")
        raise RuntimeError("basic_ios::clear: iostream error")

    monkeypatch.setattr(openvino, "save_model", full)
    assert answer(weights(tmp_path / "m.pt", 0)).shape == (4,)
    assert list(folder.iterdir()) == []


def test_a_user_without_a_home_keeps_nothing(tmp_path: Path, monkeypatch) -> None:
    from lungmonai.analysis.converted import cache_folder

    for name in ("LUNGMONAI_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    assert cache_folder().name == "lungmonai"


def test_a_kept_model_is_still_checked_for_its_task(tmp_path: Path, folder: Path) -> None:
    from lungmonai.errors import WeightsError

    path = weights(tmp_path / "m.pt", 0)
    answer(path)
    with pytest.raises(WeightsError, match="for classification; wanted weights for segmentation"):
        ModelFile.open(path, task="segmentation")
