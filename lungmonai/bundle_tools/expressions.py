"""What is wrong with an expression of a config, without evaluating it."""

from __future__ import annotations

import ast
import builtins
import importlib
from collections.abc import Collection

from monai.bundle import ReferenceResolver

from .nearest import nearest

__all__ = ["expression_problem", "imported_names", "is_expression"]


def is_expression(value: object) -> bool:
    """Whether a value is an expression."""
    return isinstance(value, str) and value.startswith("$")


def expression_problem(value: str, names: Collection[str]) -> str | None:
    """Why an expression cannot be evaluated, as the end of a sentence; None where it can.

    Args:
        value: with its `$`.
        names: what it may use beside Python's own names.
    """
    try:
        tree = _tree(value)
    except SyntaxError as error:
        return f"is no Python: {error.msg}"
    statement = tree.body[0] if len(tree.body) == 1 else None
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return _import_problem(statement)
    if not isinstance(statement, ast.Expr):
        return "is no single expression"
    unknown = sorted(_free_names(tree) - set(names) - set(dir(builtins)))
    if unknown:
        return f"uses {unknown[0]}, which is not in imports{nearest(unknown[0], names)}"
    return None


def imported_names(values: Collection[object]) -> set[str]:
    """The names that the import statements among a config's values give to its expressions."""
    found: set[str] = set()
    for value in values:
        if is_expression(value) and "import" in str(value):
            try:
                body = _tree(str(value)).body
            except SyntaxError:
                continue
            if body and isinstance(body[0], ast.Import | ast.ImportFrom):
                # MONAI takes the first; `import a.b` gives it no name that Python could use.
                found.add(body[0].names[0].asname or body[0].names[0].name)
    return found


def _tree(value: str) -> ast.Module:
    code = ReferenceResolver.id_matcher.sub("None", ReferenceResolver.normalize_id(value[1:]))
    return ast.parse(code.strip())


def _import_problem(statement: ast.Import | ast.ImportFrom) -> str | None:
    if len(statement.names) > 1:
        return "imports several names, of which MONAI takes the first: give each a line of its own"
    name = statement.names[0].name
    module = name if isinstance(statement, ast.Import) else statement.module or ""
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        return f"imports what is not there: {error}"
    except Exception as error:  # whatever a user's module raises when it loads
        return f"imports {module}, which does not load: {type(error).__name__}: {error}"
    if isinstance(statement, ast.Import) or hasattr(found, name):
        return None
    return f"imports {name}, which {module} lacks{nearest(name, dir(found))}"


def _free_names(tree: ast.AST) -> set[str]:
    nodes = list(ast.walk(tree))
    used = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    return used - bound - {n.arg for n in nodes if isinstance(n, ast.arg)}
