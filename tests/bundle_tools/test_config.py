"""Configs are read as MONAI reads them, and each key knows its file."""

from pathlib import Path

import pytest
from bundle_maker import write_json
from monai.bundle import ConfigParser

from lungmonai.bundle_tools import read_config
from lungmonai.errors import SettingsError


def test_files_are_merged_as_monai_merges_them(tmp_path: Path) -> None:
    one = write_json(tmp_path / "a.json", {"x": 1, "list": [1], "deep": {"y": 2, "z": "@x", "w": "@#y"}})
    two = write_json(tmp_path / "b.json", {"+list": [2], "deep#y": 3, "new": "%x"})
    config = read_config([one, two], {"x": 9})
    monai = ConfigParser(ConfigParser.load_config_files([str(one), str(two)]))
    monai["x"] = 9
    monai.resolve_macro_and_relative_ids()
    assert {k: v for k, v in config.parser.get().items() if k != "_meta_"} == monai.get()
    assert config.items()["list::1"] == 2
    assert config.items()["deep::w"] == "@deep::y"
    assert config.items()["new"] == 9


def test_a_key_knows_what_set_it(tmp_path: Path) -> None:
    one = write_json(tmp_path / "a.json", {"x": 1, "deep": {"y": 2, "z": 3}})
    two = write_json(tmp_path / "b.json", {"deep#y": 3})
    config = read_config([one, two], {"x": 9})
    assert [config.file_of(key) for key in ("x", "deep::y", "deep::z", "deep")] == [
        "the command line",
        str(two),
        str(one),
        str(one),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{\n  "a": 1,\n  "b": 2,\n}', r"bad\.json, line \d, column \d: .*; wanted JSON\."),
        ('{"a": 1, "a": 2}', r"bad\.json: a stands there twice; wanted it once"),
        ('{"a": {"b": 1, "b": 2}}', r"bad\.json: b stands there twice"),
        ("[1]", r"bad\.json holds a list; wanted keys"),
        ('{"a": "%nowhere.json#x"}', r"bad\.json: a value that begins with % or @# leads nowhere"),
        ('{"a": "%nothing"}', r"leads nowhere"),
        ('{"a": "@####b"}', r"leads nowhere"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=says) as raised:
        read_config([path])
    assert "\n" not in str(raised.value)


def test_the_line_of_an_error_is_the_one_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{\n  "a": 1\n  "b": 2\n}')
    with pytest.raises(SettingsError, match="line 3, column 3: Expecting ',' delimiter"):
        read_config([path])


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.json cannot be read: No such file"):
        read_config([tmp_path / "none.json"])
    (tmp_path / "latin.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(SettingsError, match="it is not UTF-8"):
        read_config([tmp_path / "latin.json"])
