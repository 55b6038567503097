"""An expression is called wrong exactly where evaluating it fails."""

from pathlib import Path

import pytest

from lungmonai.bundle_tools.expressions import expression_problem, imported_names

NAMES = {"items": [1, 2], "torch": None}


@pytest.mark.parametrize(
    "value",
    [
        "$len(items)",
        "$[i + j for i in items for j in range(i)]",
        "$(lambda a, *b, c=1, **d: (a, b, c, d))(1)",
        "$sum(x := i for i in items) + x if False else 1",
        "$nothing",
        "$len(itms)",
        "$[i for j in items]",
        "$1 +",
        "$(",
        "$",
        "$i = 1",
        "$len(items); 2",
    ],
)
def test_it_agrees_with_python(value: str) -> None:
    try:
        eval(value[1:], dict(NAMES))
    except (NameError, SyntaxError):
        assert expression_problem(value, NAMES) is not None
    else:
        assert expression_problem(value, NAMES) is None


@pytest.mark.parametrize("value", ["$@net#lr * 2", "$@a::b::0", "$[@x, @y]", "$@x"])
def test_references_stand_for_values(value: str) -> None:
    assert expression_problem(value, ()) is None


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("$len(itms)", "uses itms, which is not in imports, the nearest is items"),
        ("$import nowhere.to", "imports what is not there: No module named 'nowhere'"),
        ("$from os import pth", "imports pth, which os lacks, the nearest is path"),
        (
            "$from os import path, sep",
            "imports several names, of which MONAI takes the first: give each a line of its own",
        ),
        ("$1 +", "is no Python: invalid syntax"),
    ],
)
def test_what_is_said(value: str, says: str) -> None:
    assert expression_problem(value, NAMES) == says


@pytest.mark.parametrize("value", ["$import os", "$import os.path", "$from os import path as p"])
def test_sound_imports(value: str) -> None:
    assert expression_problem(value, ()) is None


def test_a_module_that_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_broken_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    said = expression_problem("$import a_broken_module", ())
    assert said == "imports a_broken_module, which does not load: ZeroDivisionError: division by zero"


def test_imported_names() -> None:
    values = ["$import os", "$from os import path as p", "$import numpy as np", "import x", 3, "$import ("]
    values += ["$from os import sep, name", "$import os.path"]  # of which MONAI gives `sep`, and no `os`
    assert imported_names(values) == {"os", "p", "np", "sep", "os.path"}
