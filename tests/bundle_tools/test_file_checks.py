"""Files, metadata and configs of a bundle: each way to be wrong fails its check."""

import json
from pathlib import Path
from typing import Any

import pytest
from bundle_maker import change, make_bundle
from monai.bundle import verify_metadata

from lungmonai.bundle_tools import find_bundle
from lungmonai.bundle_tools.file_checks import (
    METADATA_SCHEMA,
    check_code,
    check_config,
    check_files,
    check_metadata,
)
from lungmonai.bundle_tools.outcome import FindingError, NotCheckedError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b")


def test_a_sound_bundle(root: Path) -> None:
    bundle = find_bundle(root)
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    assert check_files(bundle).startswith(f"9 files, {size / 1e6:.2f} MB, the largest ")
    assert check_code(bundle) == "none"
    assert check_metadata(bundle) == "version 0.1.0, MONAI 1.0.0"
    assert check_config(bundle, (root / "train.json",)) == "12 keys, 5 targets found"


@pytest.mark.parametrize(
    "name", ["train.json", "logging.conf", "docs/README.md", "LICENSE", "models/model.pt"]
)
def test_a_missing_file(root: Path, name: str) -> None:
    (root / name).unlink()
    with pytest.raises(FindingError, match=f"^missing: {name}$"):
        check_files(find_bundle(root))


def test_a_file_that_is_too_large(root: Path) -> None:
    with (root / "models" / "large.pt").open("wb") as file:
        file.truncate(101 * 2**20)  # takes no room on the disk
    with pytest.raises(FindingError, match=r"larger than 100 MiB: models/large\.pt"):
        check_files(find_bundle(root))


@pytest.mark.parametrize("name", ["docs/run.py", "models/net.so", "start", "scripts/train.sh"])
def test_code(root: Path, name: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("")
    with pytest.raises(FindingError, match=f"nor weights: {name}$"):
        check_code(find_bundle(root))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"authors": None}, r"keys: 'authors' is a required property"),
        ({"version": "new"}, r"version: 'new' does not match"),
        ({"version": "0.2.0"}, r"changelog: version 0\.2\.0 is not in it"),
        ({"changelog": {}}, r"changelog: "),
        ({"intended_use": "Anything."}, r"intended_use: .*does not match '\[Nn\]ot a medical device'"),
        ({"network_data_format#inputs#image": None}, r"network_data_format#inputs: 'image' is a required"),
        ({"network_data_format#inputs#image#num_channels": 0}, r"image#num_channels: 0 is less than"),
        ({"network_data_format#inputs#image#spatial_shape": ["x"]}, r"spatial_shape#0: 'x' is not valid"),
        ({"network_data_format#outputs#pred#dtype": "float"}, r"outputs#pred#dtype: 'float' is not one of"),
        ({"network_data_format#outputs#pred#value_rang": []}, r"outputs#pred: .*'value_rang' was unexpected"),
    ],
)
def test_metadata_that_are_wrong(root: Path, keys: dict[str, Any], says: str) -> None:
    change(root / "metadata.json", **keys)
    with pytest.raises(FindingError, match=says):
        check_metadata(find_bundle(root))


@pytest.mark.parametrize("name", ["seg", "analysis"])
def test_monai_takes_the_schema_for_the_bundles_that_ship(name: str, tmp_path: Path) -> None:
    """Offline: it fetches a schema only where the file is not there."""
    schema = tmp_path / "schema.json"
    schema.write_text(METADATA_SCHEMA.read_text())
    metadata = find_bundle(name).metadata
    verify_metadata(meta_file=str(metadata), filepath=str(schema))
    broken = {k: v for k, v in json.loads(metadata.read_text()).items() if k != "authors"}
    (tmp_path / "metadata.json").write_text(json.dumps(broken))
    with pytest.raises(ValueError, match="'authors' is a required property"):
        verify_metadata(meta_file=str(tmp_path / "metadata.json"), filepath=str(schema))


def test_the_schema_is_a_schema() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(json.loads(METADATA_SCHEMA.read_text()))


def test_without_jsonschema_it_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jsonschema", None)
    with pytest.raises(NotCheckedError, match="jsonschema is not installed: pip install"):
        check_metadata(find_bundle(root))


def test_every_problem_of_a_config_is_a_line(root: Path) -> None:
    change(root / "train.json", max_epochs="abc", device="$nothing")
    with pytest.raises(FindingError) as raised:
        check_config(find_bundle(root), (root / "train.json",))
    lines = str(raised.value).splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{root / 'train.json'}: ") for line in lines)
