"""The command: what it writes, what it says, and how it ends."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from lungmonai.cli import build_parser, main
from lungmonai.networks import build_network, save_weights

FILES = [
    "candidates.csv",
    "nodules.csv",
    "nodules.nii.gz",
    "overview.png",
    "probability.nii.gz",
    "result.json",
]


@pytest.fixture(scope="module")
def scan(coarse_scan: Path) -> Path:
    return coarse_scan


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Untrained networks: what they mark is noise, which is enough to go through every step."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(3)
    words = []
    for option, name in (("--seg", "seg_reference_unet"), ("--nodule", "nodule_cnn")):
        network = build_network(name)
        shape = (2, 7, 64, 64) if option == "--seg" else (2, 1, 32, 48, 48)
        network(torch.randn(shape) * 300 - 600)
        path = folder / f"{name}.pt"
        save_weights(path, name, network, stand_in=True, origin="a test")
        words += [option, str(path)]
    return words


@pytest.fixture(scope="module")
def ran(scan: Path, weights: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "new" / "folder"
    words = [*weights, "--malignancy", weights[3], "--nodule-threshold", "0", "--device", "cpu"]
    assert main(["analyze", str(scan), "-o", str(folder), *words]) == 0
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_analyze_writes_every_file_and_nothing_else(ran: Path) -> None:
    assert sorted(p.name for p in ran.iterdir()) == FILES


def test_tables_begin_with_the_columns_of_luna16(ran: Path) -> None:
    for name in ("candidates.csv", "nodules.csv"):
        head = (ran / name).read_text().splitlines()[0].split(",")
        assert head[:5] == ["seriesuid", "coordX", "coordY", "coordZ", "probability"]
        assert {row["seriesuid"] for row in rows(ran / name)} == {"scan"}
        assert {row["weights"] for row in rows(ran / name)} == {"stand-in"}


def test_every_candidate_over_the_threshold_is_in_one_nodule(ran: Path) -> None:
    nodules = json.loads((ran / "result.json").read_text())["nodules"]
    taken = sorted(place for nodule in nodules for place in nodule["candidates"])
    assert taken == list(range(len(rows(ran / "candidates.csv"))))
    judged = [nodule for nodule in nodules if nodule["equivalent_diameter_mm"] <= 30]
    assert all(0 <= nodule["malignancy_prob"] <= 1 for nodule in judged)
    assert all(nodule["malignancy_prob"] is None for nodule in nodules if nodule not in judged)


def test_volumes_lie_on_the_scans_grid(ran: Path, scan: Path) -> None:
    from lungmonai.io import ras_from_lps, read_ct

    ct = read_ct(scan)
    for name in ("nodules.nii.gz", "probability.nii.gz"):
        image = nibabel.load(ran / name)
        assert image.shape == ct.shape[::-1]
        assert np.allclose(image.affine, ras_from_lps(ct.affine_lps), atol=1e-3)


def test_the_mask_and_the_table_agree_on_volume(ran: Path) -> None:
    image = nibabel.load(ran / "nodules.nii.gz")
    voxels = np.bincount(np.asarray(image.dataobj).ravel().astype(int))[1:]
    volumes = [float(row["volume_mm3"]) for row in rows(ran / "nodules.csv")]
    assert voxels * np.prod(image.header.get_zooms()) == pytest.approx(volumes, rel=1e-3)


def test_a_second_run_is_the_same(ran: Path, scan: Path, weights: list[str], tmp_path: Path) -> None:
    words = [*weights, "--malignancy", weights[3], "--nodule-threshold", "0", "--device", "cpu", "--quiet"]
    assert main(["analyze", str(scan), "-o", str(tmp_path), *words]) == 0
    for name in ("candidates.csv", "nodules.csv", "nodules.nii.gz", "probability.nii.gz"):
        assert (tmp_path / name).read_bytes() == (ran / name).read_bytes()


def test_the_screen_shows_progress_a_table_and_the_stand_in(
    scan: Path, weights: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(scan), "-o", str(tmp_path), *weights, "--device", "cpu"]) == 0
    shown = capsys.readouterr()
    assert "NOT detected nodules" in shown.err
    assert "Segmenting slices" in shown.err
    assert "STAND-IN WEIGHTS" in shown.out
    assert str(tmp_path / "overview.png") in shown.out
    assert "not a medical device" in shown.out


def test_quiet_says_only_what_must_be_said(
    scan: Path, weights: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(scan), "-o", str(tmp_path), *weights, "--device", "cpu", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Segmenting" not in shown.err


def test_mhd_volumes(scan: Path, weights: list[str], tmp_path: Path) -> None:
    words = [*weights, "--device", "cpu", "--quiet", "--volume-format", "mhd", "--region", "lungs"]
    assert main(["analyze", str(scan), "-o", str(tmp_path), *words]) == 0
    assert {"nodules.mhd", "probability.mhd"} <= {p.name for p in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["analyze", "nowhere.mhd"], 3, "nowhere.mhd"),
        (["analyze", "SCAN", "--seg", "nothing.pt"], 4, "nothing.pt does not exist"),
        (["analyze", "SCAN", "--merge-radius-mm", "-1"], 2, "merge_radius_mm is -1.0"),
        (["analyze", "SCAN", "--device", "abacus"], 6, "device 'abacus' cannot be used"),
        (["weights", "import", "nothing.state"], 4, "nothing.state does not exist"),
    ],
    ids=["scan", "weights", "setting", "device", "import"],
)
def test_what_goes_wrong_is_one_line_and_an_exit_code(
    words: list[str], code: int, text: str, scan: Path, weights: list[str], tmp_path: Path, capsys
) -> None:
    words = [str(scan) if word == "SCAN" else word for word in words]
    given = [] if "--seg" in words or words[0] == "weights" else weights
    assert main([*words, "-o", str(tmp_path / "out"), *given]) == code
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("lungmonai: ")
    assert text in error
    assert not (tmp_path / "out" / "result.json").exists()


def test_results_that_cannot_be_written_are_said_before_the_work(
    scan: Path, weights: list[str], tmp_path: Path, capsys
) -> None:
    (tmp_path / "file").write_text("")
    started = time.monotonic()
    assert main(["analyze", str(scan), "-o", str(tmp_path / "file" / "out"), *weights]) == 5
    assert "could not be written" in capsys.readouterr().err
    assert time.monotonic() - started < 20


def test_a_run_that_fails_leaves_no_old_record(
    ran: Path, scan: Path, weights: list[str], monkeypatch
) -> None:
    import shutil

    from lungmonai.analysis import run
    from lungmonai.errors import OutputError

    folder = ran.parent / "again"
    shutil.copytree(ran, folder)

    def full(*_: object, **__: object) -> None:
        raise OutputError("the disk is full", wanted="room", do="Free some.")

    monkeypatch.setattr(run, "write_overview", full)
    assert main(["analyze", str(scan), "-o", str(folder), *weights, "--device", "cpu", "--quiet"]) == 5
    assert not (folder / "result.json").exists()
    assert not list(folder.glob(".partial*"))


def test_a_scan_is_never_replaced_by_a_result(scan: Path, weights: list[str], tmp_path: Path, capsys) -> None:
    import SimpleITK

    path = tmp_path / "nodules.nii.gz"
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(scan)), str(path))
    before = path.read_bytes()
    assert main(["analyze", str(path), "-o", str(tmp_path), *weights]) == 2
    assert "is the scan and would be replaced" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_volumes_of_an_earlier_run_do_not_stay(
    ran: Path, scan: Path, weights: list[str], tmp_path: Path
) -> None:
    import shutil

    folder = tmp_path / "again"
    shutil.copytree(ran, folder)
    words = [*weights, "--device", "cpu", "--quiet", "--volume-format", "mhd"]
    assert main(["analyze", str(scan), "-o", str(folder), *words]) == 0
    assert not list(folder.glob("*.nii.gz"))


@pytest.mark.parametrize("empty", [["", "-o", "out"], ["scan.mhd", "-o", ""]])
def test_empty_paths_are_refused(empty: list[str], weights: list[str], capsys) -> None:
    assert main(["analyze", *empty, *weights]) == 2
    assert "a path is empty" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_says_so_and_leaves_nothing_half_written(
    stop: signal.Signals, scan: Path, weights: list[str], tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "lungmonai.cli", "analyze", str(scan), "-o", str(tmp_path / "out")]
    run = subprocess.Popen([*words, *weights, "--device", "cpu"], stderr=subprocess.PIPE, text=True)
    while "Segmenting" not in run.stderr.read(20) and run.poll() is None:
        pass
    run.send_signal(stop)
    _, said = run.communicate(timeout=60)
    if run.returncode != 0:  # it may have been done already
        assert run.returncode == 128 + stop
        assert "stopped; no file was left half-written" in said
        assert not (tmp_path / "out" / "result.json").exists()
    assert not list((tmp_path / "out").glob(".partial*"))


def test_series_are_listed_for_people(tmp_path: Path, capsys) -> None:
    from scan_writers import SERIES, write_dicom

    write_dicom(tmp_path / "scan")
    assert main(["series", str(tmp_path / "scan")]) == 0
    assert capsys.readouterr().out.startswith(f"{SERIES}  CT  axial  10x8x6  ")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from lungmonai.cli import build_parser; build_parser().format_help();"
        "print([m for m in ('numpy', 'scipy', 'torch', 'monai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_every_option_of_analyze_is_explained() -> None:
    parser = build_parser()
    (verbs,) = (action for action in parser._actions if hasattr(action, "choices") and action.choices)
    for action in verbs.choices["analyze"]._actions:
        assert action.help, action.dest
