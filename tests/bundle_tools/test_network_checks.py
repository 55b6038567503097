"""The network of a bundle: shapes, weights, and exports that must answer as it does."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from bundle_maker import change, make_bundle

from lungmonai.bundle_tools import find_bundle
from lungmonai.bundle_tools import network_checks as module
from lungmonai.bundle_tools.network_checks import NetworkChecks, example_shape, export_torchscript
from lungmonai.bundle_tools.outcome import FindingError, NotCheckedError
from lungmonai.errors import WeightsError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b")


def checks(root: Path) -> NetworkChecks:
    return NetworkChecks(find_bundle(root))


def test_a_sound_network(root: Path) -> None:
    sound = checks(root)
    assert sound.weights() == "10 parameters, trained"
    assert sound.in_out() == "2×1×32×32 to 2×1×32×32"
    assert sound.torchscript().startswith("largest difference 0, largest answer ")


def test_the_callers_random_numbers_stay_as_they_were(root: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        checks(root).torchscript()
        assert torch.initial_seed() == 7


@pytest.mark.parametrize(
    ("pattern", "shape"),
    [(["16*n", "16*n"], (64, 64)), ([32, 48, 48], (32, 48, 48)), (["2**p*n", "*"], (16, 64)), ([], ())],
)
def test_shapes_of_examples(pattern: list[int | str], shape: tuple[int, ...]) -> None:
    assert example_shape(pattern) == shape


def test_weights_of_another_network(root: Path) -> None:
    change(root / "inference.json", channels=2)
    with pytest.raises(WeightsError, match=r"weight of shape \(1, 1, 3, 3\) instead of \(2, 1, 3, 3\)"):
        checks(root).weights()


def test_an_answer_of_other_channels_than_the_metadata_say(root: Path) -> None:
    change(root / "metadata.json", **{"network_data_format#outputs#pred#num_channels": 2})
    with pytest.raises(ValueError, match="output channel number `1` doesn't match: `2`"):
        checks(root).in_out()


def test_an_export_that_answers_otherwise(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_weights(bundle: object, path: Path) -> None:
        export_torchscript(find_bundle(root), path)
        exported = torch.jit.load(str(path))
        exported.bias.data += 1.0
        exported.save(str(path))

    monkeypatch.setattr(module, "export_torchscript", other_weights)
    with pytest.raises(
        FindingError, match=r"^largest difference 1, largest answer .*; wanted at most 0\.0001"
    ):
        checks(root).torchscript()


def test_an_export_holds_the_weights_and_the_metadata(root: Path, tmp_path: Path) -> None:
    export_torchscript(find_bundle(root), tmp_path / "model.ts")
    extra = {"metadata.json": "", "inference.json": ""}
    exported = torch.jit.load(str(tmp_path / "model.ts"), _extra_files=extra)
    assert exported.weight[0, 0, 0, 0].item() == 0.25
    assert all(extra.values())


@pytest.mark.skipif(find_spec("onnx") is None, reason="onnx is not installed")
def test_onnx(root: Path) -> None:
    assert checks(root).onnx().startswith("largest difference ")


def test_without_onnx_it_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(NotCheckedError, match=r"onnx is not installed: pip install onnx$"):
        checks(root).onnx()
    monkeypatch.setattr(module, "find_spec", lambda name: sys if name == "onnx" else None)
    with pytest.raises(NotCheckedError, match="none of onnxruntime, openvino is installed"):
        checks(root).onnx()
