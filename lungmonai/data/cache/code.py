"""What decides how code behaves: a library's version, or the code itself where it has none."""

from __future__ import annotations

import dis
import hashlib
import importlib
import importlib.metadata
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = [
    "class_members",
    "code_parts",
    "library_of",
    "module_told",
    "own_source",
    "qualified",
    "used_globals",
]

_PACKAGE = Path(__file__).parents[2]
# What a class holds beside its behaviour.
_NOT_BEHAVIOUR = {
    *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__firstlineno__"),
    *("__annotations__", "__annotate__", "__annotations_cache__", "__static_attributes__"),
    *("__abstractmethods__", "__parameters__", "__orig_bases__", "_abc_impl"),
    *("__dataclass_fields__", "__dataclass_params__", "__match_args__"),
}


def qualified(thing: Any) -> str:
    """Module and name of a class or function; the same in a worker that was spawned."""
    module = getattr(thing, "__module__", None) or "builtins"
    # A spawned process knows the main script under another name.
    return f"{'__main__' if module == '__mp_main__' else module}:{thing.__qualname__}"


@cache
def library_of(module: str) -> str | None:
    """Name and version of the installed package that a module belongs to; None for the user's own code.

    This project counts as one, its version being a hash of its source: see `own_source`.
    """
    top = module.partition(".")[0]
    if top == "lungmonai":
        return f"lungmonai {own_source('')}"
    if top in sys.builtin_module_names or top in sys.stdlib_module_names:
        return f"python {sys.version_info.major}.{sys.version_info.minor}"
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    places = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    if not any(file.startswith(place) for place in places) and "site-packages" not in file:
        return None
    return f"{top} {_version(top)}"


@cache
def own_source(part: str) -> str:
    """Hash of this package's source below one folder; 16 hexadecimal digits.

    Args:
        part: such as `io`; empty for all of it.
    """
    digest = hashlib.sha256()
    for source in sorted((_PACKAGE / part).rglob("*.py")):
        digest.update(str(source.relative_to(_PACKAGE)).encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def code_parts(code: CodeType) -> list[Any]:
    """What a compiled function does: its instructions, names and constants, not its place in the file."""
    constants = [code_parts(one) if isinstance(one, CodeType) else one for one in code.co_consts]
    names = [code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars]
    counts = [code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount, code.co_flags]
    return [code.co_code, *names, *counts, code.co_exceptiontable, constants]


def used_globals(function: FunctionType) -> dict[str, Any]:
    """The values outside itself that a function names, by name; of a user's module only what it takes."""
    return dict(_outside(function.__code__, function.__globals__))


def class_members(kind: type) -> dict[str, Any]:
    """What a class defines itself, by name."""
    return {name: value for name, value in sorted(vars(kind).items()) if name not in _NOT_BEHAVIOUR}


def module_told(module: ModuleType) -> str:
    """A module by its package's version, or by its file, its plain values, and the user's modules it uses."""
    library = library_of(module.__name__)
    if library:
        return f"{module.__name__} of {library}"
    reached: dict[str, ModuleType] = {}
    _reach(module, reached)
    return " ".join(f"{name} {_module_hash(reached[name])}" for name in sorted(reached))


def _reach(module: ModuleType, reached: dict[str, ModuleType]) -> None:
    """Note a user's module, and those that the modules, functions and classes in it come from."""
    if module.__name__ in reached or library_of(module.__name__):
        return
    reached[module.__name__] = module
    for value in list(vars(module).values()):
        if isinstance(value, (ModuleType, FunctionType, type)):
            name = value.__name__ if isinstance(value, ModuleType) else value.__module__
            if name in sys.modules:
                _reach(sys.modules[name], reached)


def _module_hash(module: ModuleType) -> str:
    file = Path(getattr(module, "__file__", None) or "")
    source = file.read_bytes() if file.is_file() else b""
    plain = [
        (name, value)
        for name, value in sorted(vars(module).items())
        if type(value) in (bool, int, float, str) and not name.startswith("__")
    ]
    return hashlib.sha256(source + repr(plain).encode()).hexdigest()


def _outside(code: CodeType, known: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    for index, step in enumerate(steps):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in known:
            yield _followed(step.argval, known[step.argval], steps[index + 1 :])
        elif step.opname == "IMPORT_NAME":  # the constants before it are the level and the names
            yield _imported("." * steps[index - 2].argval + step.argval, known)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _outside(constant, known)


def _followed(name: str, value: Any, after: list[dis.Instruction]) -> tuple[str, Any]:
    """From a user's module to what is taken out of it: a name such as `config.limits`, and the value."""
    for step in after:
        inside = isinstance(value, ModuleType) and not library_of(value.__name__)
        if not inside or step.opname not in ("LOAD_ATTR", "LOAD_METHOD") or not hasattr(value, step.argval):
            break
        name, value = f"{name}.{step.argval}", getattr(value, step.argval)
    return name, value


def _imported(name: str, known: dict[str, Any]) -> tuple[str, Any]:
    """A module that a function imports when it runs; None where it is not there."""
    try:
        return f"import {name}", importlib.import_module(name, known.get("__package__"))
    except ImportError:
        return f"import {name}", None


def _version(top: str) -> str:
    try:
        return importlib.metadata.version(top)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(sys.modules.get(top), "__version__", "unknown"))
