"""Measure how the code reads, and fail where it breaks the rules of the house.

    python scripts/size_report.py [FOLDER]   # FOLDER: the checkout; default: this one

A function's length is the lines of its body, without its docstring and without functions nested in
it. The figures beside ours are those of well-read Python packages, measured the same way.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

LONGEST = 80  # body lines of a function without numbered steps
COPY_LINES, COPY_STATEMENTS = 5, 2  # shorter twins are chance: a property, a delegate
ANCHORS = (("structlog", 4, 29), ("httpx", 6, 39), ("nibabel", 6, 38), ("einops", 2, 25))

Def = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """One function of a file.

    Args:
        place: file:line.
        name: with the classes and functions around it.
        lines: of the body, without docstring.
        numbered: whether comments number its steps.
        untyped: names of arguments without a type.
        arguments: how many arguments could have one.
        public: whether neither it nor anything around it is private.
        shape: its body with local names and docstring normalised; equal for copies.
        statements: in its body, nested ones too.
    """

    place: str
    name: str
    lines: int
    numbered: bool
    untyped: tuple[str, ...]
    arguments: int
    public: bool
    shape: str
    statements: int


def functions_of(path: Path, shown: str) -> list[Function]:
    """Every function of a file, outer ones first."""
    text = path.read_text(encoding="utf-8")
    source = text.splitlines()
    return [_measure(node, names, source, shown) for node, names in _walk(ast.parse(text), ())]


def _walk(node: ast.AST, around: tuple[str, ...]) -> Iterator[tuple[Def, tuple[str, ...]]]:
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, Def | ast.ClassDef)
        names = (*around, child.name) if isinstance(child, Def | ast.ClassDef) else around
        if isinstance(child, Def):
            yield child, names
        yield from _walk(child, names if named else around)


def _measure(node: Def, names: tuple[str, ...], source: list[str], shown: str) -> Function:
    body = _without_docstring(node)
    lines = _body_lines(body)
    comments = "\n".join(source[node.lineno - 1 : node.end_lineno])
    arguments = _arguments(node)
    return Function(
        place=f"{shown}:{node.lineno}",
        name=".".join(names),
        lines=len(lines),
        numbered=all(re.search(rf"^\s*# {n}\. ", comments, re.MULTILINE) for n in (1, 2)),
        untyped=tuple(a.arg for a in arguments if a.annotation is None),
        arguments=len(arguments),
        public=not any(name.startswith("_") and not name.startswith("__") for name in names),
        shape=_shape(node, body),
        statements=sum(isinstance(part, ast.stmt) for top in body for part in ast.walk(top)),
    )


def _without_docstring(node: Def) -> list[ast.stmt]:
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def _body_lines(body: list[ast.stmt]) -> set[int]:
    """Line numbers of a body; functions nested in it count for themselves."""
    if not body:
        return set()
    lines = set(range(body[0].lineno, (body[-1].end_lineno or 0) + 1))
    for nested in (part for top in body for part in ast.walk(top) if isinstance(part, Def)):
        lines -= set(range(nested.lineno, (nested.end_lineno or 0) + 1))
    return lines


def _arguments(node: Def) -> list[ast.arg]:
    """Arguments that need a type: all but `self` and `cls`."""
    spec = node.args
    several = [a for a in (spec.vararg, spec.kwarg) if a is not None]
    every = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *several]
    return [a for i, a in enumerate(every) if not (i == 0 and a.arg in ("self", "cls"))]


def _shape(node: Def, body: list[ast.stmt]) -> str:
    """The body's tree as text, its local names replaced by numbers in order of appearance."""
    parts = [part for top in body for part in ast.walk(top)]
    local = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
    local |= {p.id for p in parts if isinstance(p, ast.Name) and isinstance(p.ctx, ast.Store)}
    numbers: dict[str, str] = {}
    text = "\n".join(ast.dump(top) for top in body)

    def number(match: re.Match[str]) -> str:
        name = match.group(2)
        return match.group(1) + (numbers.setdefault(name, f"_{len(numbers)}") if name in local else name)

    return re.sub(r"(Name\(id='|arg\(arg=')(\w+)", number, text)


def problems_of(functions: list[Function]) -> list[str]:
    """One line, with file and line, for each broken rule."""
    return [*_too_long(functions), *_untyped(functions), *_copied(functions)]


def _too_long(functions: list[Function]) -> Iterator[str]:
    for f in functions:
        if f.lines > LONGEST and not f.numbered:
            yield f"{f.place}: {f.name} has {f.lines} lines and no numbered steps; at most {LONGEST}"


def _untyped(functions: list[Function]) -> Iterator[str]:
    for f in functions:
        if f.public and f.untyped:
            yield f"{f.place}: {f.name} has arguments without a type: {', '.join(f.untyped)}"


def _copied(functions: list[Function]) -> Iterator[str]:
    seen: dict[str, Function] = {}
    for f in functions:
        first = seen.setdefault(f.shape, f)
        if first is not f and _large_enough_to_be_a_copy(f):
            yield f"{f.place}: {f.name} is a copy of {first.name} ({first.place})"


def _large_enough_to_be_a_copy(function: Function) -> bool:
    return max(function.lines, function.statements) >= COPY_LINES and function.statements >= COPY_STATEMENTS


def report(root: Path, files: list[Path], functions: list[Function]) -> Iterator[str]:
    """The measurements as lines of text."""
    lengths = sorted(f.lines for f in functions) or [0]
    high = quantiles(lengths, n=20, method="inclusive")[-1] if len(lengths) > 1 else lengths[0]
    arguments = sum(f.arguments for f in functions)
    typed = 1 - sum(len(f.untyped) for f in functions) / max(arguments, 1)
    copied = len(list(_copied(functions))) / max(len(functions), 1)
    source = count_lines(files)
    tests = count_lines(python_files(root / "tests"))
    anchors = ", ".join(f"{name} {mid}/{top}" for name, mid, top in ANCHORS)
    yield f"functions         {len(functions)} in {len(files)} files, {source} lines"
    yield f"body lines        median {median(lengths):g}, 95th percentile {high:.0f}   ({anchors})"
    yield f"typed arguments   {typed:.0%} of {arguments}   (96–100 %)"
    yield f"copied functions  {copied:.1%}   (0–1 %)"
    yield f"tests / source    {tests / max(source, 1):.2f} ({tests} lines)   (0.8–1.5)"
    yield f"scripts           {count_lines(python_files(root / 'scripts'))} lines of Python"
    yield "largest functions"
    for f in sorted(functions, key=lambda f: -f.lines)[:10]:
        yield f"  {f.lines:4d}  {f.name}  {f.place}"
    yield "lines per file"
    for path in sorted(files, key=lambda p: -count_lines([p])):
        yield f"  {count_lines([path]):4d}  {path.relative_to(root)}"


def python_files(folder: Path) -> list[Path]:
    """Every Python file below a folder, in order."""
    return sorted(folder.rglob("*.py"))


def count_lines(files: list[Path]) -> int:
    """Lines that are neither empty nor only white space."""
    return sum(bool(line.strip()) for path in files for line in path.read_text(encoding="utf-8").splitlines())


def main(arguments: list[str]) -> int:
    """Print the report; 1 where a rule is broken."""
    root = Path(arguments[0] if arguments else Path(__file__).parents[1]).resolve()
    files = python_files(root / "lungmonai")
    functions = [f for path in files for f in functions_of(path, str(path.relative_to(root)))]
    problems = problems_of(functions)
    sys.stdout.write("\n".join([*report(root, files, functions), *problems]) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
