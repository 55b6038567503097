"""A packed bundle has the standard layout, equal bytes for equal content, and runs from where it lies."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from bundle_maker import change, make_bundle, network
from monai.bundle import ConfigParser, load_bundle_config, verify_metadata

from lungmonai.bundle_tools import check_bundle, find_bundle, pack_bundle
from lungmonai.bundle_tools.file_checks import METADATA_SCHEMA
from lungmonai.errors import OutputError, SettingsError
from lungmonai.files import written_whole

CONFIGS = (
    "evaluate.json",
    "inference.json",
    "logging.conf",
    "metadata.json",
    "multi_gpu_train.json",
    "train.json",
)
NAMES = ["b/LICENSE", *(f"b/configs/{name}" for name in CONFIGS), "b/docs/README.md", "b/models/model.pt"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b")


@pytest.fixture
def unpacked(root: Path, tmp_path: Path) -> Path:
    pack_bundle(find_bundle(root), tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    return tmp_path / "elsewhere" / "b"


def test_the_layout(root: Path, tmp_path: Path) -> None:
    assert pack_bundle(find_bundle(root), tmp_path / "b.zip") == NAMES
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.namelist() == NAMES
        assert archive.testzip() is None
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100644}


def test_only_the_root_of_a_config_changes(root: Path, unpacked: Path) -> None:
    for path in root.glob("*.json"):
        before = ConfigParser.load_config_file(path)
        after = ConfigParser.load_config_file(unpacked / "configs" / path.name)
        assert after == ({**before, "bundle_root": "."} if "bundle_root" in before else before)
    for name in ("LICENSE", "docs/README.md", "models/model.pt"):
        assert (unpacked / name).read_bytes() == (root / name).read_bytes()


def test_equal_content_gives_equal_bytes(root: Path, tmp_path: Path) -> None:
    pack_bundle(find_bundle(root), tmp_path / "1.zip")
    for path in root.rglob("*"):
        path.touch()
    pack_bundle(find_bundle(root), tmp_path / "2.zip")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_a_packed_bundle_passes_the_checks_and_packs_to_the_same_bytes(
    unpacked: Path, tmp_path: Path
) -> None:
    assert [check for check in check_bundle(find_bundle(unpacked)) if check.passed is False] == []
    pack_bundle(find_bundle(unpacked), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_monai_reads_the_archive_and_takes_its_metadata(unpacked: Path, tmp_path: Path) -> None:
    config = load_bundle_config(str(tmp_path / "b.zip"), "train.json")
    assert config["max_epochs"] == 1
    schema = tmp_path / "schema.json"
    schema.write_text(METADATA_SCHEMA.read_text())
    verify_metadata(meta_file=str(unpacked / "configs" / "metadata.json"), filepath=str(schema))


def test_inference_runs_from_the_unpacked_folder_with_its_weights(unpacked: Path) -> None:
    torch.save({"model": network(0.625).state_dict()}, unpacked / "models" / "model.pt")
    command = [sys.executable, "-m", "monai.bundle", "run", "inference", "--config_file"]
    done = subprocess.run([*command, "configs/inference.json"], cwd=unpacked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "first weight 0.625" in done.stdout


def test_a_folder(root: Path, tmp_path: Path) -> None:
    names = pack_bundle(find_bundle(root), tmp_path / "out" / "here")
    written = sorted((tmp_path / "out" / "here").rglob("*"))
    assert [str(p.relative_to(tmp_path / "out" / "here")) for p in written if p.is_file()] == names
    with pytest.raises(SettingsError, match=r"here/b is there already; wanted a folder without it"):
        pack_bundle(find_bundle(root), tmp_path / "out" / "here")


def test_a_full_disk_leaves_no_half_of_a_folder(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> Any:
        if path.name == "metadata.json":
            raise OutputError("the disk is full", wanted="room", do="Free some.")
        return written_whole(path)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("lungmonai.bundle_tools.pack.written_whole", full)
        with pytest.raises(OutputError):
            pack_bundle(find_bundle(root), out)
    assert list(out.iterdir()) == []
    pack_bundle(find_bundle(root), out)
    assert [path.name for path in out.iterdir()] == ["b"]


def test_torchscript_is_packed_on_request(root: Path, tmp_path: Path) -> None:
    names = pack_bundle(find_bundle(root), tmp_path / "out", torchscript=True)
    assert "b/models/model.ts" in names
    exported = torch.jit.load(str(tmp_path / "out" / "b" / "models" / "model.ts"))
    example = torch.rand(1, 1, 8, 8)
    ours = network(0.25)
    ours.load_state_dict(torch.load(root / "models" / "model.pt", weights_only=True)["model"])
    assert torch.allclose(exported(example), ours(example))


def test_results_and_strangers_are_left_out(root: Path, tmp_path: Path) -> None:
    (root / "eval").mkdir()
    (root / "eval" / "x.json").write_text("{}")
    (root / "notes.py").write_text("")
    assert pack_bundle(find_bundle(root), tmp_path / "b.ZIP") == NAMES
    assert zipfile.is_zipfile(tmp_path / "b.ZIP")


def test_a_value_that_only_looks_like_the_root_stays(root: Path, tmp_path: Path) -> None:
    change(root / "train.json", note='"bundle_root": "here"', **{"train#bundle": "@bundle_root"})
    pack_bundle(find_bundle(root), tmp_path / "o")
    after = ConfigParser.load_config_file(tmp_path / "o" / "b" / "configs" / "train.json")
    assert after["note"] == '"bundle_root": "here"'
    assert after["bundle_root"] == "."


def test_the_root_of_a_config_in_one_line_changes_too(root: Path, tmp_path: Path) -> None:
    train = root / "train.json"
    train.write_text(json.dumps(json.loads(train.read_text())))
    pack_bundle(find_bundle(root), tmp_path / "o")
    before = json.loads(train.read_text())
    after = json.loads((tmp_path / "o" / "b" / "configs" / "train.json").read_text())
    assert after == {**before, "bundle_root": "."}


def test_what_cannot_be_packed(root: Path, tmp_path: Path) -> None:
    (root / "models" / "model.pt").unlink()
    with pytest.raises(SettingsError, match=r"model\.pt does not exist; wanted weights to export"):
        pack_bundle(find_bundle(root), tmp_path / "b.zip", torchscript=True)
    (root / "train.json").write_text("{")
    with pytest.raises(SettingsError, match=r"train\.json, line 1, column 2"):
        pack_bundle(find_bundle(root), tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_outputs_that_are_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"lies in the bundle; wanted another place"):
        pack_bundle(find_bundle(root), root / "out.zip")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        pack_bundle(find_bundle(root), tmp_path / "file" / "b.zip")


def test_what_is_stored_beside_the_weights_travels_with_them(root: Path, tmp_path: Path) -> None:
    (root / "models" / "model.operating.json").write_text("{}")
    names = pack_bundle(find_bundle(root), tmp_path / "out")
    assert names == sorted([*NAMES, "b/models/model.operating.json"])
    assert (tmp_path / "out" / "b" / "models" / "model.operating.json").read_text() == "{}"
