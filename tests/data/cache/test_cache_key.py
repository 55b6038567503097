"""The key changes with everything that decides what is cached, and with nothing else."""

import contextlib
import copy
import enum
import functools
import importlib
import json
import logging
import os
import pickle
import re
import subprocess
import sys
import textwrap
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import (
    Compose,
    CropForegroundd,
    EnsureTyped,
    Lambdad,
    LoadImaged,
    MapTransform,
    NormalizeIntensityd,
    Orientationd,
    Resized,
    ScaleIntensityRanged,
    Spacingd,
    ThresholdIntensityd,
    Transform,
)
from scan_writers import write_dicom, write_itk

from lungmonai.data.cache.key import item_key, key_of, transforms_told, volume_key
from lungmonai.errors import SettingsError


def key(*transforms: Any, item: Any = "item") -> str:
    return item_key(item, transforms_told(transforms))[0]


def told(value: Any) -> str:
    return json.dumps(transforms_told([value]))


SAME = [
    (lambda: Spacingd("image", (1, 1, 2)), Spacingd("image", (1, 1, 2))),
    (lambda: {"a": 1, "b": [2]}, {"b": [2], "a": 1}),
    (lambda: {3, 1, 2}, {2, 3, 1}),
    (lambda: OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
    (lambda: np.arange(4).reshape(2, 2).T, np.array([[0, 2], [1, 3]])),
    (lambda: float("nan"), float("nan")),
]


@pytest.mark.parametrize(("make", "other"), SAME)
def test_what_is_the_same_has_the_same_key(make: Callable[[], Any], other: Any) -> None:
    assert told(make()) == told(make()) == told(other) == told(copy.deepcopy(other))


DIFFERENT: list[tuple[Any, Any]] = [
    (1, 1.0), (1, True), (1, "1"), (None, "None"), (0.1, 0.1 + 2e-17), ([1, 2], (1, 2)), ([[1], 2], [[1, 2]]),
    (0.0, -0.0), (np.float32(0.5), np.float64(0.5)), (np.zeros(2, np.int16), np.zeros(2, np.uint16)),
    (np.zeros((2, 3)), np.zeros((3, 2))), (np.zeros(3), np.array([0, 0, 1e-300])), ({1: 2}, {2: 1}),
    (torch.zeros(2), torch.zeros(2, dtype=torch.bfloat16)), (torch.zeros(2), torch.tensor([0, 1.0])),
    (torch.zeros(0, 2), torch.zeros(2, 0)), (torch.float32, torch.float64), (np.int16, np.int32),
    (MetaTensor(torch.zeros(1, 2, 2, 2)), MetaTensor(torch.zeros(1, 2, 2, 2), affine=torch.eye(4) * 2)),
    (slice(1, 2), slice(1, 3)), (Path("a"), "a"), (re.compile("a"), re.compile("a", re.I)), (b"a", b"b"),
    (np.clip, np.add), (torch.clamp, torch.add), (len, str.upper), ([].append, [1].append),
    (logging.getLogger("a"), logging.getLogger("b")), (partial(max, 1), partial(max, 2)), (os, sys),
    (LoadImaged("image", reader="NibabelReader"), LoadImaged("image", reader="PydicomReader")),
    (LoadImaged("image", dtype=np.int16), LoadImaged("image", dtype=np.float32)),
    (Orientationd("image", "LPS", labels=None), Orientationd("image", "RAS", labels=None)),
    (Spacingd("image", (1, 1, 2)), Spacingd("image", (1, 1, 2.0000001))),
    (Spacingd("image", (1, 1, 2)), Spacingd("label", (1, 1, 2))),
    (Spacingd("image", (1, 1, 2), mode="bilinear"), Spacingd("image", (1, 1, 2), mode="nearest")),
    (ScaleIntensityRanged("image", 0, 4, 0, 1), ScaleIntensityRanged("image", 0, 4, 0, 1, clip=True)),
    (ThresholdIntensityd("image", -700), ThresholdIntensityd("image", -700, above=False)),
    (NormalizeIntensityd("image", np.zeros(1)), NormalizeIntensityd("image", np.ones(1))),
    (Resized("image", (4, 4, 4)), Resized("image", (4, 4, 4), size_mode="longest")),
    (CropForegroundd("image", "image", select_fn=lambda x: x > 0),
     CropForegroundd("image", "image", select_fn=lambda x: x > 1)),
    (Lambdad("image", func=lambda x: x + 1), Lambdad("image", func=lambda x: x - 1)),
    (EnsureTyped("image", dtype=torch.float16), EnsureTyped("image", dtype=torch.float32)),
    (Compose([EnsureTyped("image")]), Compose([EnsureTyped("image")] * 2)),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_what_differs_has_another_key(first: Any, second: Any) -> None:
    assert told(first) != told(second)
    assert told(first) == told(first)


def test_the_order_of_transforms_counts() -> None:
    first, second = Spacingd("image", (1, 1, 1)), Orientationd("image", "LPS", labels=None)
    assert key(first, second) != key(second, first) != key(first)


def scaled_by(factor: float, base: list[float]) -> Callable[[Any], Any]:
    def scale(image: Any, extra: float = 1.0) -> Any:
        return image * factor * base[0] * extra

    return scale


def test_closures_and_defaults_count() -> None:
    base = [1.0]
    first = scaled_by(2.0, base)
    assert told(first) == told(scaled_by(2.0, [1.0])) != told(scaled_by(3.0, [1.0]))
    before = told(first)
    base[0] = 5.0
    assert told(first) != before
    other = scaled_by(2.0, [5.0])
    other.__defaults__ = (2.0,)
    assert told(first) != told(other)


LIMIT = {"hu": -700}


def helper(image: Any) -> Any:
    return image > LIMIT["hu"]


class OwnTransform(MapTransform):
    """A transform as a user writes it."""

    factor = 2

    def __init__(self, keys: str, offset: float) -> None:
        super().__init__(keys)
        self.offset = offset

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        return {name: helper(data[name]) * self.factor + self.offset for name in self.keys}


def test_own_code_counts_with_what_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(OwnTransform("image", 1))
    assert before == key(OwnTransform("image", 1)) != key(OwnTransform("image", 2))
    monkeypatch.setattr(OwnTransform, "factor", 3)
    assert key(OwnTransform("image", 1)) != before
    monkeypatch.undo()
    monkeypatch.setitem(LIMIT, "hu", -600)  # a constant of the module, used by a function that it calls
    assert key(OwnTransform("image", 1)) != before
    monkeypatch.undo()
    monkeypatch.setattr(OwnTransform, "__call__", lambda self, data: data)
    assert key(OwnTransform("image", 1)) != before
    monkeypatch.undo()
    assert key(OwnTransform("image", 1)) == before


@cache
def kept(number: int) -> int:
    return number + LIMIT["hu"]


def test_a_wrapped_function_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    before = told(kept)
    monkeypatch.setitem(LIMIT, "hu", 0)
    assert told(kept) != before


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], ModuleType]:
    """Write and import a module that is no library."""
    monkeypatch.syspath_prepend(tmp_path)

    def imported(name: str, text: str) -> ModuleType:
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        for loaded in [one for one in sys.modules if one.partition(".")[0].startswith("own_")]:
            monkeypatch.delitem(sys.modules, loaded)
        importlib.invalidate_caches()
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        try:
            return importlib.import_module("own_main")
        finally:
            sys.dont_write_bytecode = before

    return imported


IMPORTS = [
    ("import own_config", "own_config.LIMITS['hu']"),
    ("import own_tools.config", "own_tools.config.LIMITS['hu']"),
    ("from own_config import LIMITS", "LIMITS['hu']"),
    ("", "__import__('math') and inside()"),
]


@pytest.mark.parametrize(("line", "taken"), IMPORTS)
def test_what_own_modules_hold_counts(own: Callable[[str, str], ModuleType], line: str, taken: str) -> None:
    own_main = f"""
        {line}
        def inside():
            import own_config
            return own_config.LIMITS["hu"]
        def clip(image):
            return image > {taken}
    """
    found = []
    for limit in (1, 2, 1):
        with contextlib.suppress(ImportError):
            own("own_main", own_main)
        for name in ("own_config", "own_tools.config"):
            with contextlib.suppress(ImportError):
                own(name, f"LIMITS = {{'hu': {limit}}}")
        found.append(told(own("own_main", own_main).clip))
    assert found[0] == found[2] != found[1]


def test_a_setting_that_is_changed_while_it_runs(own: Callable[[str, str], ModuleType]) -> None:
    with contextlib.suppress(ImportError):
        own("own_config", "LIMITS = {'hu': 1}\nLEVEL = 1")
    text = """
        import own_config
        def clip(image):
            return image > own_config.LIMITS["hu"]
        def level():
            import own_config as config
            return config.LEVEL
    """
    module = own("own_main", text)
    before = told(module.clip), told(module.level)
    module.own_config.LIMITS["hu"] = 2
    assert told(module.clip) != before[0]
    module.own_config.LEVEL = 2
    assert told(module.level) != before[1]
    module.own_config.LIMITS["hu"] = module.own_config.LEVEL = 1
    assert (told(module.clip), told(module.level)) == before


def marked(image: Any) -> Any:
    return image * marked.factor  # type: ignore[attr-defined]


def test_an_attribute_of_a_function_counts() -> None:
    marked.factor = 1  # type: ignore[attr-defined]
    before = told(marked)
    marked.factor = 2  # type: ignore[attr-defined]
    assert told(marked) != before


class Decorated:
    def __init__(self, function: Callable[[Any], Any], times: int) -> None:
        functools.update_wrapper(self, function)
        self.times = times


def test_an_object_that_wraps_a_function_counts_with_the_rest_of_it() -> None:
    assert told(Decorated(helper, 1)) == told(Decorated(helper, 1)) != told(Decorated(helper, 2))


class Pair(NamedTuple):
    low: int
    high: int

    def __call__(self, image: Any) -> Any:
        return image > self.low


class Named(dict[str, Any]):
    """A dictionary with a name."""


class Level(enum.Enum):
    LOW = 1


class OwnProperty(OwnTransform):
    @functools.cached_property
    def twice(self) -> float:
        return 2 * self.offset


def test_classes_made_from_containers_count_with_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    named = Named(a=1)
    first = [told(Pair(1, 2)), told(named), told(Level.LOW), told(OwnProperty("image", 1))]
    monkeypatch.setattr(Pair, "__call__", lambda self, image: image)
    named.name = "b"  # type: ignore[attr-defined]
    monkeypatch.setattr(Level.LOW, "_value_", 2)
    monkeypatch.setattr(OwnProperty, "twice", functools.cached_property(lambda self: 3))
    second = [told(Pair(1, 2)), told(named), told(Level.LOW), told(OwnProperty("image", 1))]
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_masked_numbers_count_with_their_mask() -> None:
    assert told(np.ma.masked_array([1, 2], [0, 1])) != told(np.ma.masked_array([1, 2], [1, 0]))


def test_functions_that_call_each_other_are_told_once() -> None:
    names = [f"f{number}" for number in range(30)]
    known: dict[str, Any] = {}
    body = " + ".join(f"{name}(x)" for name in names)
    exec("\n".join(f"def {name}(x): return {body}" for name in names), known)
    before = told(known["f0"])
    assert len(before) < 100_000
    exec("def f29(x): return 0", known)
    assert told(known["f0"]) != before


def test_using_a_transform_does_not_change_its_key() -> None:
    steps = [Orientationd("image", "LPS", labels=None), Spacingd("image", (2, 2, 2))]
    before = key(*steps)
    Compose(steps)({"image": MetaTensor(torch.rand(1, 6, 6, 6))})
    assert key(*steps) == before


def test_things_that_refer_to_themselves() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    assert told(loop) == told(copy.deepcopy(loop)) != told([1, [1]])


@pytest.mark.parametrize(
    ("hidden", "text"),
    [
        (np.random.default_rng(0), r"transform 0 \(OwnTransform\)\.offset\[0\] is a numpy.*:Generator"),
        (threading.Lock(), r"\.offset\[0\] is a _thread:lock, whose content cannot be described"),
        (iter([1]), "list_iterator"),
        (torch.eye(2).to_sparse(), r"\.offset\[0\] is a torch.sparse_coo tensor"),
    ],
)
def test_what_cannot_be_described_is_named(hidden: Any, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        key(OwnTransform("image", [hidden]))


def test_a_package_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    before = key(EnsureTyped("image"))
    real = importlib.metadata.version
    for package in ("monai", "numpy", "torch"):
        monkeypatch.setattr(
            importlib.metadata, "version", lambda name, p=package: "0" if name == p else real(name)
        )
        assert key(EnsureTyped("image")) != before
    monkeypatch.setattr(importlib.metadata, "version", real)
    monkeypatch.setattr("lungmonai.data.cache.key.own_source", lambda part: "another")
    assert key(EnsureTyped("image")) != before


def touched(path: Path) -> None:
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))


@pytest.mark.parametrize("as_text", [False, True])
def test_the_files_that_an_item_names(tmp_path: Path, as_text: bool) -> None:
    header = write_itk(tmp_path / "scan.mhd")
    dicom = write_dicom(tmp_path / "dicom")
    item = {"image": [header], "more": {"dicom": dicom}, "n": np.int16(3), "patient": "LIDC-IDRI-0001"}
    if as_text:
        item |= {"image": [str(header)], "more": {"dicom": str(dicom)}}
    before = key(item=item)
    assert before == key(item=dict(reversed(item.items())))
    for file in (header, tmp_path / "scan.raw", dicom / "0003.dcm"):
        touched(file)
        after = key(item=item)
        assert after != before
        before = after
    (dicom / "more.dcm").write_bytes(b"x")
    assert key(item=item) != before


def test_the_content_of_a_file_behind_the_same_relative_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = set()
    for name in "ab":
        path = tmp_path / name / "scan.nii"
        path.parent.mkdir()
        path.write_bytes(b"x")
        os.utime(path, ns=(0, 0))
        monkeypatch.chdir(path.parent)
        keys.add(key(item={"image": "scan.nii"}))
    assert len(keys) == 2


@pytest.mark.parametrize("name", ["~/scan.nii", Path("~/scan.nii"), Path("series")])
def test_names_as_the_readers_understand_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "series").mkdir()
    for file in ("scan.nii", "series/0001"):
        (tmp_path / file).write_text("a")
    before = key(item={"image": name})
    for file in ("scan.nii", "series/0001"):
        (tmp_path / file).write_text("ab")
    assert key(item={"image": name}) != before


class Reading(Transform):
    """Keeps the name of a file that it reads."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __call__(self, data: Any) -> Any:
        return data


@pytest.mark.parametrize("kind", [str, Path])
def test_the_files_that_a_transform_names(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a")
    before = key(Reading(kind(path)))
    touched(path)
    assert key(Reading(kind(path))) != before


def test_other_processes_find_the_same_key(tmp_path: Path) -> None:
    """Spawned workers know the main script under another name, and hash texts differently."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import multiprocessing, sys
        from monai.transforms import Lambdad, MapTransform, Spacingd
        from lungmonai.data.cache.key import item_key, transforms_told
        class Own(MapTransform):
            limits = {"b", "a", "c"}
            def __call__(self, data):
                return {key: data[key] for key in self.keys}
        def double(x):
            return x * 2
        def key(queue):
            steps = [Own("image"), Lambdad("image", func=double), Spacingd("image", (1, 1, 1))]
            told = transforms_told(steps)
            queue.put(item_key({"image": {"z", "y", "x"}}, told)[0])
        if __name__ == "__main__":
            spawn = multiprocessing.get_context("spawn")
            queue = spawn.Queue()
            key(queue)
            worker = spawn.Process(target=key, args=(queue,))
            worker.start()
            print(queue.get() == queue.get())
        """)
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_a_volumes_key(tmp_path: Path) -> None:
    facts = [("a.nii.gz", 1, 2)]
    keys = {
        volume_key(facts, "ct")[0],
        volume_key(facts, "label")[0],
        volume_key([("a.nii.gz", 1, 3)], "ct")[0],
    }
    assert len(keys) == 3
    assert volume_key(pickle.loads(pickle.dumps(facts)), "ct")[0] in keys


def test_a_key_is_the_hash_of_its_description() -> None:
    import hashlib

    name, text = key_of({"b": 1, "a": [2.5]})
    assert text == '{"a":[2.5],"b":1}'
    assert name == hashlib.sha256(text.encode()).hexdigest()
