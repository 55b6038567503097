"""Each rule of the size report, seen failing and passing."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "size_report.py"

SUM = '''
def {name}({value}: list[int]) -> int:
    """{text}"""
    {total} = 0
    for {item} in {value}:
        if {item} > 0:
            {total} += {item}
    return {total}
'''
FIRST = SUM.format(name="first", value="values", total="total", item="item", text="One.")
RENAMED = SUM.format(name="second", value="numbers", total="result", item="n", text="Quite another text.")


@pytest.fixture(scope="module")
def size_report() -> ModuleType:
    spec = importlib.util.spec_from_file_location("size_report", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["size_report"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def run(root: Path, **files: str) -> tuple[int, list[str]]:
    """Exit status and output lines of the script on a package made of these files."""
    (root / "lungmonai").mkdir()
    for name, text in files.items():
        (root / "lungmonai" / f"{name}.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, SCRIPT, root], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def long_function(lines: int, steps: bool = False) -> str:
    comments = {0: "    # 1. first\n", lines // 2: "    # 2. second\n"} if steps else {}
    body = "".join(f"{comments.get(i, '')}    x{i} = {i}\n" for i in range(lines - len(comments) // 2))
    return f'def long() -> None:\n    """Doc\n    of\n    four\n    lines."""\n{body}'


def test_a_function_over_80_lines_fails_and_is_named(tmp_path: Path) -> None:
    status, lines = run(tmp_path, a="\n\n" + long_function(81))
    assert status == 1
    assert lines[-1] == "lungmonai/a.py:3: long has 81 lines and no numbered steps; at most 80"


def test_80_lines_pass_whatever_the_docstring(tmp_path: Path) -> None:
    assert run(tmp_path, a=long_function(80))[0] == 0


def test_numbered_steps_excuse_the_length(tmp_path: Path) -> None:
    assert run(tmp_path, a=long_function(90, steps=True))[0] == 0


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(a, b: int) -> None: ...", "f has arguments without a type: a"),
        ("def f(*rest, key=1) -> None: ...", "f has arguments without a type: key, rest"),
        ("class C:\n    def f(self, a) -> None: ...", "C.f has arguments without a type: a"),
        ("class C:\n    def __init__(self, a) -> None: ...", "C.__init__ has arguments without a type: a"),
    ],
)
def test_an_untyped_public_argument_fails(tmp_path: Path, source: str, names: str) -> None:
    status, lines = run(tmp_path, a=source)
    assert status == 1
    assert lines[-1].endswith(names)
    assert lines[-1].startswith("lungmonai/a.py:")


@pytest.mark.parametrize(
    "source",
    [
        "def f(a: int, *rest: int, key: str = '', **more: int) -> None: ...",
        "class C:\n    def f(self, a: int) -> None: ...\n    @classmethod\n    def g(cls) -> None: ...",
        "def _f(a) -> None: ...",
        "class _C:\n    def f(self, a) -> None: ...",
    ],
)
def test_typed_and_private_arguments_pass(tmp_path: Path, source: str) -> None:
    assert run(tmp_path, a=source)[0] == 0


def test_a_copy_with_other_local_names_and_docstring_fails(tmp_path: Path) -> None:
    status, lines = run(tmp_path, a=FIRST, b=RENAMED)
    assert status == 1
    assert lines[-1] == "lungmonai/b.py:2: second is a copy of first (lungmonai/a.py:2)"
    assert "copied functions  50.0%   (0–1 %)" in lines


@pytest.mark.parametrize(
    "other",
    [
        RENAMED.replace("> 0", "> 1"),
        RENAMED.replace("n > 0", "n > len(numbers)"),
        RENAMED.replace("return result", "return abs(result)"),
    ],
)
def test_a_different_body_is_no_copy(tmp_path: Path, other: str) -> None:
    assert run(tmp_path, a=FIRST, b=other)[0] == 0


def test_names_swapped_against_each_other_are_no_copy(tmp_path: Path) -> None:
    text = "def {0}(a: int, b: int) -> int:\n    x = a\n    y = b\n    x += 1\n    y += 2\n    return {1}\n"
    assert run(tmp_path, a=text.format("f", "x - y"), b=text.format("g", "y - x"))[0] == 0


def test_short_twins_are_chance(tmp_path: Path) -> None:
    twin = "def {}(a: int) -> int:\n    b = a\n    return b\n"
    assert run(tmp_path, a=twin.format("f"), b=twin.format("g"))[0] == 0


def test_nested_functions_count_for_themselves(size_report: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    inner = "    def inner() -> None:\n        y = 2\n        z = 3\n"
    path.write_text(f"def outer() -> None:\n    x = 1\n{inner}    inner()\n", encoding="utf-8")
    found = {f.name: f.lines for f in size_report.functions_of(path, "a.py")}
    assert found == {"outer": 2, "outer.inner": 2}


def test_the_report_shows_ours_beside_the_anchors(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("assert True\n\nassert 1\n", encoding="utf-8")
    status, lines = run(tmp_path, a=FIRST)
    assert status == 0
    assert "functions         1 in 1 files, 7 lines" in lines
    assert any(line.startswith("body lines        median 5") and "httpx 6/39" in line for line in lines)
    assert "tests / source    0.29 (2 lines)   (0.8–1.5)" in lines
    assert "     5  first  lungmonai/a.py:2" in lines
    assert "     7  lungmonai/a.py" in lines


def test_this_package_keeps_the_rules(size_report: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    status = size_report.main([])
    assert status == 0, capsys.readouterr().out
