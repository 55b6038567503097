"""Datalists: what was written comes back, here and in MONAI; what is none is refused."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lungmonai.data.datalist import NoduleItem, ScanItem, all_items, read_datalist, write_datalist
from lungmonai.errors import DataError, OutputError


def item(image: Path, **more: Any) -> ScanItem:
    return {
        "image": str(image),
        "seriesuid": image.stem,
        "patient": "P1",
        "nodules": [{"lps_mm": (1.5, -2.25, 1 / 3), "diameter_mm": 4.2, "malignant": None}],
        "candidates": [(1.5, -2.25, 1 / 3, 1), (0.1, 0.2, 0.3, 0)],
        "fold": 3,
        **more,  # type: ignore[typeddict-item]
    }


def plain(value: Any) -> Any:
    """With lists for tuples, as JSON has it."""
    return json.loads(json.dumps(value))


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    here = item(tmp_path / "subset0" / "a.mhd", label=str(tmp_path / "masks" / "a.nii.gz"))
    far = item(Path("/somewhere/else/b.mhd"))
    path = tmp_path / "list.json"
    write_datalist(path, {"name": "test", "counts": {"scans": 2}}, {"training": [here], "test": [far]})
    read = read_datalist(path)
    assert read["name"] == "test"
    assert list(all_items(read)) == [("training", plain(here)), ("test", plain(far))]


def test_paths_below_the_file_are_relative_to_it(tmp_path: Path) -> None:
    path = tmp_path / "lists" / "list.json"
    path.parent.mkdir()
    inside, outside = item(path.parent / "a.mhd"), item(tmp_path / "b.mhd")
    write_datalist(path, {}, {"training": [inside, outside]})
    said = json.loads(path.read_text())["training"]
    assert [one["image"] for one in said] == ["a.mhd", str(tmp_path / "b.mhd")]
    moved = tmp_path / "moved"
    path.parent.rename(moved)
    (first, _) = read_datalist(moved / "list.json")["training"]
    assert first["image"] == str(moved / "a.mhd")


def test_a_relative_file_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_datalist(Path("list.json"), {}, {"training": [item(tmp_path / "a.mhd")]})
    assert json.loads(Path("list.json").read_text())["training"][0]["image"] == "a.mhd"
    assert read_datalist(Path("list.json"))["training"][0]["image"] == str(tmp_path / "a.mhd")


@pytest.mark.parametrize("is_segmentation", [True, False])
def test_monai_reads_it(tmp_path: Path, is_segmentation: bool) -> None:
    from monai.data import load_decathlon_datalist

    (tmp_path / "masks").mkdir()
    label = tmp_path / "masks" / "a.nii.gz"
    label.touch()
    wanted = item(tmp_path / "subset0" / "a.mhd", label=str(label))
    write_datalist(tmp_path / "list.json", {"name": "x"}, {"training": [wanted], "validation": [wanted]})
    for key in ("training", "validation"):
        (read,) = load_decathlon_datalist(tmp_path / "list.json", is_segmentation, key)
        assert read == plain(wanted)
        assert os.path.isabs(read["image"])  # noqa: PTH117


def test_a_list_without_scans_is_left_out_for_monai(tmp_path: Path) -> None:
    from monai.data import load_decathlon_datalist

    write_datalist(tmp_path / "list.json", {}, {"training": [item(tmp_path / "a.mhd")], "test": []})
    with pytest.raises(ValueError, match="Data list test not specified"):
        load_decathlon_datalist(tmp_path / "list.json", True, "test")
    assert [name for name, _ in all_items(read_datalist(tmp_path / "list.json"))] == ["training"]


def test_one_line_a_scan(tmp_path: Path) -> None:
    items = [item(tmp_path / f"{number}.mhd") for number in range(3)]
    write_datalist(tmp_path / "list.json", {}, {"training": items})
    lines = (tmp_path / "list.json").read_text().splitlines()
    assert [json.loads(line.rstrip(","))["seriesuid"] for line in lines if "seriesuid" in line] == [*"012"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", r"list\.json could not be read: Expecting property name"),
        ("[]", r"list\.json has none of the lists training, validation, test"),
        ('{"training": {}}', r"has none of the lists"),
        ('{"training": [], "test": 5}', r"has none of the lists .* or no list under such a name"),
        ('{"training": []}', r"has format None; wanted format 1\. Make one with `lungmonai prepare"),
        ('{"training": [], "format": 99}', r"has format 99"),
        ('{"format": 1, "test": ["a.mhd"]}', r'an item in test that is no scan: "a\.mhd"'),
        ('{"format": 1, "test": [{"image": "a.mhd"}]}', r"wanted items with image, seriesuid"),
        ('{"format": 1, "test": [{"image": 5, "seriesuid": "1"}]}', r"wanted items with image, seriesuid"),
    ],
)
def test_what_is_no_datalist_is_refused(tmp_path: Path, content: str, text: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(content)
    with pytest.raises(DataError, match=text):
        read_datalist(path)


def test_a_datalist_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_datalist(tmp_path / "list.json")


def test_numbers_that_json_has_not_are_never_written(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_datalist(path, {}, {"training": [item(tmp_path / "a.mhd", fold=float("nan"))]})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        write_datalist(tmp_path / "no" / "list.json", {}, {"training": []})


def test_the_page_on_data_explains_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    tables = "".join(line for line in page.splitlines() if line.startswith("|"))
    for key in (*ScanItem.__annotations__, *NoduleItem.__annotations__):
        assert f"`{key}`" in tables, key
