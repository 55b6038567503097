"""Where a bundle's files are found."""

import shutil
from pathlib import Path

import pytest
from bundle_maker import make_bundle, write_json

from lungmonai.bundle_tools import find_bundle
from lungmonai.bundles import bundles_folder
from lungmonai.errors import SettingsError


def test_a_bundle_is_found_by_name_and_by_folder() -> None:
    by_name, by_folder = find_bundle("seg"), find_bundle(bundles_folder() / "seg")
    assert by_name == by_folder
    assert (by_name.name, by_name.configs) == ("seg", bundles_folder() / "seg")
    assert by_name.weights.is_file()


def test_a_folder_named_dot_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_bundle(tmp_path / "mine"))
    assert find_bundle(".").name == "mine"


def test_both_layouts(tmp_path: Path) -> None:
    root = make_bundle(tmp_path / "flat")
    (tmp_path / "packed" / "configs").mkdir(parents=True)
    for path in root.glob("*.json"):
        shutil.copy(path, tmp_path / "packed" / "configs")
    flat, packed = find_bundle(root), find_bundle(tmp_path / "packed")
    assert [p.name for p in flat.config_files()] == [p.name for p in packed.config_files()]
    assert packed.metadata == tmp_path / "packed" / "configs" / "metadata.json"


def test_a_config_without_a_root_is_run_on_top_of_train(tmp_path: Path) -> None:
    bundle = find_bundle(make_bundle(tmp_path / "b"))
    runs = [tuple(path.name for path in run) for run in bundle.workflows()]
    assert runs == [
        ("evaluate.json",),
        ("inference.json",),
        ("train.json", "multi_gpu_train.json"),
        ("train.json",),
    ]


def test_results_of_runs_are_no_part_of_a_bundle(tmp_path: Path) -> None:
    root = make_bundle(tmp_path / "b")
    before = list(find_bundle(root).files())
    (root / "eval").mkdir()
    (root / "eval" / "mask.nii.gz").write_text("")
    assert list(find_bundle(root).files()) == before


def test_whether_a_bundle_has_a_network(tmp_path: Path) -> None:
    assert find_bundle(make_bundle(tmp_path / "b")).has_network
    (tmp_path / "c").mkdir()
    write_json(tmp_path / "c" / "inference.json", {"bundle_root": ""})
    assert not find_bundle(tmp_path / "c").has_network


def test_no_bundle() -> None:
    with pytest.raises(SettingsError, match=r"sgg is no bundle; wanted .* the nearest is seg\. Name one of"):
        find_bundle("sgg")
