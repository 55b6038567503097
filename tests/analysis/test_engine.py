"""Choosing an engine, and that every engine gives the same answer."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lungmonai.analysis.engine import choose_engine
from lungmonai.analysis.models import ModelFile
from lungmonai.analysis.settings import AnalysisSettings
from lungmonai.errors import EngineError, SettingsError
from lungmonai.networks import build_network, save_weights

OPENVINO = importlib.util.find_spec("openvino") is not None
needs_openvino = pytest.mark.skipif(not OPENVINO, reason="OpenVINO is not installed")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelFile]:
    """Networks whose batch norms have seen HU, as trained ones have."""
    folder = tmp_path_factory.mktemp("weights")
    made = {}
    for name, shape in (
        ("seg_basic_unet", (2, 7, 64, 64)),
        ("seg_reference_unet", (2, 7, 64, 64)),
        ("nodule_cnn", (4, 1, 32, 48, 48)),
    ):
        torch.manual_seed(0)
        network = build_network(name)
        for _ in range(3):
            network(torch.randn(shape) * 400 - 500)
        if name == "nodule_cnn":
            # Or every crop answers one half.
            network.head.weight.data *= 1000
            with torch.no_grad():
                network.eval()
                network.head.bias.data -= network(torch.randn(shape) * 400 - 500).mean(0)
        save_weights(folder / f"{name}.pt", name, network, stand_in=True, origin="a test")
        task = "classification" if name == "nodule_cnn" else "segmentation"
        made[name] = ModelFile.open(folder / f"{name}.pt", task=task)
    return made


def blocks(name: str) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (4, 1, 32, 48, 48) if name == "nodule_cnn" else (7, 64, 80)
    return [rng.integers(-1200, 2000, shape).astype(np.int16) for _ in range(5)]


def answers(model: ModelFile, **settings) -> np.ndarray:
    engine = choose_engine(AnalysisSettings(**{"device": "cpu", **settings}))
    given = blocks(model.architecture.name)
    return np.stack([answer.copy() for answer in engine.prepare(model, given[0].shape)(given)])


def plain(model: ModelFile) -> np.ndarray:
    """The answer of the network alone, one block after the other."""
    network, out = model.network(), []
    for block in blocks(model.architecture.name):
        hu = torch.from_numpy(block).clamp(-1000, 1000).float()
        with torch.no_grad():
            if model.architecture.task == "classification":
                out.append(torch.softmax(network(hu), 1)[:, 1].numpy())
            else:
                out.append(torch.sigmoid(network(hu[None]))[:, 0].numpy())
    return np.stack(out)


NAMES = ["seg_basic_unet", "seg_reference_unet", "nodule_cnn"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("engine", ["torch", pytest.param("openvino", marks=needs_openvino)])
def test_engines_answer_as_the_network_does(models, name: str, engine: str) -> None:
    expected = plain(models[name])
    assert expected.std() > 1e-3  # or equality says nothing
    assert np.abs(answers(models[name], engine=engine) - expected).max() < 1e-5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("engine", ["torch", pytest.param("openvino", marks=needs_openvino)])
def test_bfloat16_stays_near(models, name: str, engine: str) -> None:
    found = answers(models[name], engine=engine, precision="bfloat16")
    assert found.dtype == np.float32
    assert np.abs(found - plain(models[name])).mean() < 0.02


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("name", NAMES)
def test_a_gpu_answers_the_same(models, name: str) -> None:
    found = answers(models[name], device="cuda", precision="float32")
    assert np.abs(found - plain(models[name])).max() < 2e-3


def test_torch_takes_many_slices_at_once(models) -> None:
    model = models["seg_reference_unet"]
    run = choose_engine(AnalysisSettings(engine="torch", device="cpu")).prepare(model, (12, 64, 64))
    hu = np.random.default_rng(2).integers(-1200, 2000, (12, 64, 64)).astype(np.int16)
    (many,) = run([hu])
    single = np.concatenate([next(iter(run([hu[i : i + 7]]))) for i in range(6)])
    assert np.abs(many - single).max() < 1e-5


@needs_openvino
@needs_no_gpu
def test_auto_takes_openvino_in_float32_on_a_cpu() -> None:
    engine = choose_engine(AnalysisSettings())
    assert (engine.name, engine.device, engine.notes) == ("openvino", "cpu", ())
    assert (engine.segment_precision, engine.classify_precision) == ("float32", "float32")


def test_auto_falls_back_to_torch_with_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)  # as if it were missing or broken
    for asked in ("auto", "openvino"):
        engine = choose_engine(AnalysisSettings(engine=asked, device="cpu"))
        assert engine.name == "torch"
        assert "OpenVINO cannot be used" in engine.notes[0]


def test_mixed_segments_in_float32() -> None:
    engine = choose_engine(AnalysisSettings(precision="mixed", device="cpu"))
    assert (engine.segment_precision, engine.classify_precision) == ("float32", "bfloat16")


@pytest.mark.parametrize("device", ["cuda:99", "abacus", "meta"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(EngineError, match=f"device '{device}' cannot be used"):
        choose_engine(AnalysisSettings(device=device))


@pytest.mark.gpu
@needs_gpu
def test_openvino_on_a_gpu_is_refused() -> None:
    with pytest.raises(EngineError, match="engine openvino on device cuda"):
        choose_engine(AnalysisSettings(engine="openvino", device="cuda"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"engine": "onnx"},
        {"precision": "float16"},
        {"region": "heart"},
        {"merge_radius_mm": -1.0},
        {"nodule_threshold": 1.5},
        {"mark_threshold": float("nan")},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    (name,) = wrong
    with pytest.raises(SettingsError, match=f"^{name} is .*wanted"):
        AnalysisSettings(**wrong)


def test_choosing_loads_neither_torch_nor_monai() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from lungmonai.analysis import AnalysisSettings;"
        "from lungmonai.analysis.engine import choose_engine; choose_engine(AnalysisSettings(device='cpu'));"
        "print([m for m in ('torch', 'monai', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd())
    assert done.stdout.strip() == "[]", done.stderr
