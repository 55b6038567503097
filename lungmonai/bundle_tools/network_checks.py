"""Checks of a bundle's network: its weights, its shapes, and that exports answer as it does."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from monai.bundle import ckpt_export, verify_net_in_out
from monai.utils import safe_eval
from torch import Tensor, nn

from ..analysis.no_telemetry import forbid_telemetry
from ..networks.weights import fill_network, read_checkpoint
from .config import Config, read_config
from .layout import BundleFolder
from .outcome import FindingError, NotCheckedError

__all__ = ["NetworkChecks", "example_shape", "export_torchscript"]

_NETWORK, _STATE_KEY = "network_def", "model"
# For `16*n` of the metadata: large enough that no level of a network is a single pixel.
_N, _P, _ANY = 4, 2, 64
# Two, since an export may fix the size of the batch.
_BATCH = 2
# MONAI's `convert_to_torchscript` and `convert_to_onnx` compare with this relative difference;
# here it is relative to the largest answer, so that answers near nought do not decide.
PARITY = 1e-4
_SEED = 0


@dataclass(frozen=True)
class NetworkChecks:
    """What can be asked of a bundle's network.

    Args:
        bundle: whose inference config holds `network_def`.
    """

    bundle: BundleFolder

    def weights(self) -> str:
        """Whether the weights load safely, fit and are finite.

        Raises:
            WeightsError: they do not.
        """
        about = read_checkpoint(self.bundle.weights).get("lungmonai")
        parameters = sum(p.numel() for p in self._network.parameters())
        kind = "stand-in" if isinstance(about, dict) and about.get("stand_in") else "trained"
        return f"{parameters:,} parameters, {kind}"

    def in_out(self) -> str:
        """What `monai.bundle verify_net_in_out` asks: channels and type of the answer.

        Raises:
            ValueError: it is not as the metadata say.
        """
        verify_net_in_out(
            net_id=_NETWORK,
            meta_file=str(self.bundle.metadata),
            config_file=str(self._config_file),
            device="cpu",
        )
        answer = self._answer
        return f"{_size(self._example)} to {_size(answer)}"

    def torchscript(self) -> str:
        """Whether a TorchScript export answers as the network does.

        Raises:
            FindingError: it answers otherwise.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.ts"
            export_torchscript(self.bundle, path)
            exported = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
            with torch.no_grad():
                return _parity(self._answer, exported(self._example))

    def onnx(self) -> str:
        """Whether an ONNX export answers as the network does.

        Raises:
            FindingError: it answers otherwise.
            NotCheckedError: a package that this needs is not installed.
        """
        if find_spec("onnx") is None:
            raise NotCheckedError("onnx is not installed: pip install onnx")
        runner = next((run for name, run in _RUNNERS.items() if find_spec(name)), None)
        if runner is None:
            raise NotCheckedError(f"none of {', '.join(_RUNNERS)} is installed to run the export")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            # The exporter that traces: the newer one needs onnxscript and fixes the input's shape.
            torch.onnx.export(
                self._network,
                (self._example[:1],),
                path,
                dynamo=False,
                input_names=["image"],
                output_names=["pred"],
                dynamic_axes={"image": {0: "batch"}, "pred": {0: "batch"}},
            )
            return _parity(self._answer, torch.from_numpy(runner(path, self._example.numpy())))

    @property
    def _config_file(self) -> Path:
        return self.bundle.configs / "inference.json"

    @cached_property
    def _config(self) -> Config:
        return read_config([self._config_file], metadata=self.bundle.metadata)

    @cached_property
    def _network(self) -> nn.Module:
        network: nn.Module = self._config.parser.get_parsed_content(_NETWORK)
        checkpoint = read_checkpoint(self.bundle.weights)
        return fill_network(network, checkpoint.get(_STATE_KEY, {}), self.bundle.weights).eval()

    @cached_property
    def _example(self) -> Tensor:
        """A batch of noise as large and as bright as the metadata say."""
        image = self._config.parser["_meta_#network_data_format#inputs#image"]
        shape = example_shape(image["spatial_shape"])
        low, high = image["value_range"] or (0, 1)
        generator = torch.Generator().manual_seed(_SEED)
        noise = torch.rand(_BATCH, image["num_channels"], *shape, generator=generator)
        return low + (high - low) * noise

    @cached_property
    def _answer(self) -> Tensor:
        with torch.no_grad():
            answer: Tensor = self._network(self._example)
        return answer


def example_shape(pattern: list[int | str]) -> tuple[int, ...]:
    """A shape that fits the `spatial_shape` of metadata.

    Args:
        pattern: whole numbers, "*" for any, or products such as "16*n" and "2**p*n".
    """
    names = {"n": np.int32(_N), "p": np.int32(_P)}
    return tuple(_ANY if one == "*" else int(safe_eval(str(one), names, rewrite_np=True)) for one in pattern)


def export_torchscript(bundle: BundleFolder, path: Path) -> None:
    """Export a bundle's network with its weights, as `monai.bundle ckpt_export` does.

    Args:
        bundle: whose inference config holds `network_def`.
        path: the `.ts` file to write.
    """
    ckpt_export(
        net_id=_NETWORK,
        filepath=str(path),
        ckpt_file=str(bundle.weights),
        meta_file=str(bundle.metadata),
        config_file=str(bundle.configs / "inference.json"),
        key_in_ckpt=_STATE_KEY,
    )


def _parity(ours: Tensor, exported: Tensor) -> str:
    if ours.shape != exported.shape:
        raise FindingError(f"answers {_size(exported)} instead of {_size(ours)}")
    difference, largest = float((ours - exported).abs().max()), float(ours.abs().max())
    text = f"largest difference {difference:.2g}, largest answer {largest:.3g}"
    if not difference <= PARITY * largest:  # a difference that is no number fails too
        raise FindingError(f"{text}; wanted at most {PARITY:g} of it")
    return text


def _size(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape))


def _run_onnxruntime(path: Path, example: np.ndarray) -> np.ndarray:
    session = import_module("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {session.get_inputs()[0].name: example})
    return np.asarray(answer)


def _run_openvino(path: Path, example: np.ndarray) -> np.ndarray:
    forbid_telemetry()
    from ..analysis.openvino_core import openvino_core

    # Its own choice on some CPUs is bfloat16.
    model = openvino_core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(model(example)[0])


_RUNNERS = {"onnxruntime": _run_onnxruntime, "openvino": _run_openvino}
