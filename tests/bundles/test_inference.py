"""The analysis and the segmentation run as bundles, as a user runs them; `test_runs.py` has the others."""

import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from monai.bundle import ConfigParser

from lungmonai.bundles import bundles_folder, default_weights

SERIES = "1.3.6.1.4.1.14519.5.2.1.7085.2626.242193282649561899185427104083"
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scan(coarse_scan: Path) -> Path:
    return coarse_scan


def run_bundle(name: str, *words: str) -> str:
    """Run a bundle in a process of its own, from the checkout's root."""
    config = f"bundles/{name}/inference.json"
    command = [sys.executable, "-m", "monai.bundle", "run", "inference", "--config_file", config, *words]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_seg_bundle_marks_what_the_analysis_marks(scan: Path, tmp_path: Path) -> None:
    run_bundle("seg", "--scan", str(scan), "--output_dir", str(tmp_path))
    run_bundle("analysis", "--scan", str(scan), "--output_dir", str(tmp_path / "a"), "--device", "cpu")
    probability, marked = (
        nibabel.load(tmp_path / f"scan_{name}.nii.gz") for name in ("probability", "marked")
    )
    analysis = nibabel.load(tmp_path / "a" / "probability.nii.gz")
    assert np.allclose(probability.affine, analysis.affine, atol=1e-3)
    assert np.abs(probability.get_fdata() - analysis.get_fdata()).max() < 0.5 / 255 + 2e-3
    assert np.array_equal(marked.get_fdata() > 0, probability.get_fdata() > 0.5)


def test_the_analysis_bundle_logs_its_table(scan: Path, tmp_path: Path) -> None:
    said = run_bundle("analysis", "--scan", str(scan), "--output_dir", str(tmp_path), "--merge", "False")
    assert "STAND-IN WEIGHTS" not in said
    assert "candidates" in said
    record = json.loads((tmp_path / "result.json").read_text())
    assert record["record"]["settings"]["merge"] is False
    assert record["record"]["stand_in"] is False


@pytest.mark.parametrize("name", ["analysis", "seg"])
@pytest.mark.parametrize(
    ("scan", "code", "text"), [("", 2, "empty; wanted"), ("/nowhere.mhd", 3, "/nowhere.mhd does not exist")]
)
def test_a_wrong_scan_is_one_line_and_an_exit_code(
    name: str, scan: str, code: int, text: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "monai.bundle", "run", "inference", "--output_dir", str(tmp_path)]
    config = ["--config_file", f"bundles/{name}/inference.json", "--scan", scan]
    done = subprocess.run([*command, *config], cwd=CHECKOUT, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("lungmonai: ")
    assert text in last
    assert done.returncode == code


@pytest.mark.shared_data
def test_the_seg_bundle_takes_published_weights_and_dicom(
    shared_data: Path, published_weights, tmp_path: Path
) -> None:
    """As in the README; the golden slices are the reference project's answer."""
    run_bundle(
        "seg",
        *("--scan", str(shared_data / "ct" / "c3n-00247"), "--output_dir", str(tmp_path)),
        *(
            "--weights",
            str(published_weights[0]),
            "--network_def#_target_",
            "lungmonai.networks.ReferenceUNet",
        ),
    )
    found = nibabel.load(tmp_path / f"{SERIES}_probability.nii.gz").get_fdata(dtype=np.float32)
    golden = np.load(shared_data / "golden" / "c3n-00247_segmentation_slices.npz")
    ours = found.transpose(2, 1, 0)[golden["slice_index"]]
    assert np.abs(ours - golden["probability"].astype(np.float32)).max() < 2e-3


def test_the_default_weights_fit_the_seg_config() -> None:
    from lungmonai.networks import load_weights

    config = ConfigParser()
    config.read_config(str(bundles_folder() / "seg" / "inference.json"))
    target = config["network_def#_target_"]
    loaded = load_weights(default_weights("seg"), task="segmentation")
    assert target.endswith(type(loaded.network).__name__)
