"""All checks of a bundle together; MONAI's required properties among them."""

import socket
from importlib.util import find_spec
from pathlib import Path

import pytest
from bundle_maker import change, make_bundle

from lungmonai.bundle_tools import check_bundle, find_bundle
from lungmonai.bundles import bundles_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b")


def failed(root: Path) -> dict[str, str]:
    return {check.name: check.reason for check in check_bundle(find_bundle(root)) if check.passed is False}


def test_a_sound_bundle_passes_offline_and_is_left_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a check went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    seen: list[tuple[str, int, int]] = []
    checks = check_bundle(find_bundle(root), lambda *step: seen.append(step))
    assert [check for check in checks if check.passed is False] == []
    assert len(checks) == 14
    assert seen[-1] == ("check", 14, 14)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


@pytest.mark.parametrize(
    ("file", "key", "name"),
    [
        ("train.json", "device", "properties of train.json"),
        ("train.json", "train#inferer", "properties of train.json"),
        ("train.json", "train#trainer#max_epochs", "properties of train.json"),
        ("inference.json", "dataset_dir", "properties of inference.json"),
        ("evaluate.json", "inferer", "properties of evaluate.json"),
        ("metadata.json", "monai_version", "properties of train.json"),
    ],
)
def test_a_property_that_is_missing(root: Path, file: str, key: str, name: str) -> None:
    change(root / file, **{key: None})
    shown = f"_meta_#{key}" if file == "metadata.json" else key
    assert f"{shown} is missing: " in failed(root)[name]


def test_an_optional_property_under_another_id(root: Path) -> None:
    handlers = [{"_target_": "StatsHandler"}]
    change(root / "inference.json", my_handlers=handlers, **{"evaluator#val_handlers": "@my_handlers"})
    assert failed(root) == {
        "properties of inference.json": "evaluator#val_handlers is @my_handlers; "
        "wanted @handlers, or an expression"
    }
    change(root / "inference.json", **{"evaluator#val_handlers": handlers})
    assert "in place of a reference such as @handlers" in failed(root)["properties of inference.json"]


def test_handlers_that_monai_cannot_look_through(root: Path) -> None:
    for handlers in ("$[]", ["@device"], [{}]):
        change(root / "train.json", **{"train#handlers": handlers})
        assert "train#handlers is no list of components" in failed(root)["properties of train.json"]


def test_what_is_broken_fails_its_own_check_and_the_others_are_made(root: Path) -> None:
    (root / "evaluate.json").write_text("{")
    (root / "models" / "model.pt").write_bytes(b"nothing")
    wrong = failed(root)
    assert set(wrong) == {
        "evaluate.json",
        "properties of evaluate.json",
        "weights",
        "network in and out",
        "TorchScript",
        *(["ONNX"] if find_spec("onnx") else []),
    }
    assert "evaluate.json, line 1, column 2" in wrong["evaluate.json"]
    assert all(len(reason) < 500 and "\n" not in reason for reason in wrong.values())


def test_a_bundle_without_a_network_is_checked_for_what_it_has() -> None:
    checks = check_bundle(find_bundle("analysis"))
    assert {check.name: check.passed for check in checks} == {
        "files": True,
        "code": True,
        "metadata": True,
        "inference.json": True,
        "properties of inference.json": None,
    }


BUNDLES = sorted(path.name for path in bundles_folder().iterdir() if path.is_dir())


@pytest.mark.parametrize("name", BUNDLES)
def test_the_bundles_that_ship_pass(name: str) -> None:
    assert [check for check in check_bundle(find_bundle(name)) if check.passed is False] == []


def test_there_are_bundles() -> None:
    assert {"analysis", "malignancy", "nodule", "seg"} <= set(BUNDLES)
