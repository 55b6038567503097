"""A malignancy network sees crops of the spacing that it was trained on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lungmonai.analysis import AnalysisSettings, Models, analyze_scan
from lungmonai.bundles import default_weights
from lungmonai.data.even_crop import even_crop
from lungmonai.io import read_ct
from lungmonai.networks import build_network, save_weights
from lungmonai.training.items import training_items

CROP_MM = (2.0, 0.9, 0.9)


@pytest.fixture(scope="module")
def malignancy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "malignancy.pt"
    torch.manual_seed(0)
    network = build_network("nodule_cnn")
    save_weights(path, "nodule_cnn", network, stand_in=True, origin="a test", crop_spacing_mm=CROP_MM)
    return path


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_the_answer_is_the_networks_on_an_even_crop(
    phantom_data: Path, malignancy: Path, engine: str
) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino")
    item = max(training_items(phantom_data), key=lambda one: len(one["nodules"]))
    scan = read_ct(item["image"])
    models = Models.load(default_weights("seg"), default_weights("nodule"), malignancy)
    result = analyze_scan(scan, models, AnalysisSettings(engine=engine, device="cpu", nodule_threshold=0.1))
    assert result.nodules
    network, upright = models.malignancy.network(), scan.canonical()  # type: ignore[union-attr]
    for nodule in result.nodules:
        placed = even_crop(nodule.center_vox, upright.shape, upright.spacing_mm[::-1], CROP_MM)
        crop = placed.sampled(upright.hu[placed.box]).clip(-1000, 1000)
        with torch.inference_mode():
            logits = network(torch.from_numpy(crop.astype(np.float32))[None, None])
        expected = float(torch.softmax(logits, 1)[0, 1])
        assert nodule.malignancy_prob == pytest.approx(expected, abs=1e-4)
