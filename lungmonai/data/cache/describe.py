"""Any value as plain JSON that changes whenever the value does: what a key of the cache is hashed from.

What cannot be described is refused. A description that leaves something out would give old data under a
key that looks right.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cached_property, partial
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Compose
from monai.transforms.inverse import TraceableTransform
from monai.transforms.traits import RandomizableTrait

from ...errors import SettingsError
from .code import class_members, code_parts, library_of, module_told, qualified, used_globals

__all__ = ["Describer"]

# Where functools.cache and its like keep the function that they stand for.
_WRAPPED = "__wrapped__"


class Describer:
    """Describes values, and notes the texts and paths that it met, since they may name files.

    Attributes:
        texts: every text in the values that were described, code left out.
        paths: every `Path` in them.
    """

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.paths: set[str] = set()
        self._open: list[int] = []
        self._in_code = 0
        # Functions and classes are described where they are first met: they refer to each other.
        self._met: dict[int, tuple[int, Any]] = {}

    def __call__(self, value: Any, at: str) -> Any:
        """Describe a value.

        Args:
            value: anything whose state Python can see.
            at: what to call it in a message.

        Raises:
            SettingsError: its state cannot be seen; the message says where it is.
        """
        if id(value) in self._met:
            return ["met", self._met[id(value)][0]]
        if id(value) in self._open:
            return ["again", len(self._open) - self._open.index(id(value))]
        if isinstance(value, (FunctionType, type)):
            self._met[id(value)] = len(self._met), value
        describe = next((found for kind, found in _DESCRIBE if isinstance(value, kind)), Describer._object)
        self._open.append(id(value))
        told = describe(self, value, at)
        if isinstance(value, _EXTENDED) and type(value).__module__ != "builtins":
            told = [told, self(type(value), at), self(getattr(value, "__dict__", {}), at)]
        self._open.pop()
        return told

    def _plain(self, value: Any, at: str) -> Any:
        return value

    def _text(self, value: str, at: str) -> Any:
        if not self._in_code:
            self.texts.add(value)
        return value

    def _path(self, value: PurePath, at: str) -> Any:
        self.paths.add(str(value))
        return ["path", str(value)]

    def _number(self, value: float | complex, at: str) -> Any:
        return ["number", repr(value)]

    def _scalar(self, value: np.generic, at: str) -> Any:
        return ["scalar", value.dtype.str, value.tobytes().hex()]

    def _array(self, value: np.ndarray[Any, Any], at: str) -> Any:
        if value.dtype.hasobject:
            return ["array", value.shape, self(value.tolist(), at)]
        hidden = self(np.ma.getmaskarray(value), at) if isinstance(value, np.ma.MaskedArray) else None
        content = np.ascontiguousarray(value.view(np.ndarray)).tobytes()
        return ["array", str(value.dtype), value.shape, _sha256(content), hidden]

    def _tensor(self, value: torch.Tensor, at: str) -> Any:
        if value.layout != torch.strided:
            raise _not_told(at, f"a {value.layout} tensor")
        flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
        content = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
        meta = self(value.meta, f"{at}.meta") if isinstance(value, MetaTensor) else None
        told = [str(value.dtype), list(value.shape), str(value.device)]
        return ["tensor", *told, _sha256(content), meta]

    def _sequence(self, value: Any, at: str) -> Any:
        return [type(value).__name__, [self(part, f"{at}[{index}]") for index, part in enumerate(value)]]

    def _unordered(self, value: Any, at: str) -> Any:
        return [type(value).__name__, sorted((self._apart(part, at) for part in value), key=_canonical)]

    def _dict(self, value: dict[Any, Any], at: str) -> Any:
        keys = [(self._apart(key, f"a key of {at}"), key) for key in value]
        keys.sort(key=lambda pair: _canonical(pair[0]))
        return ["dict", [[told, self(value[key], f"{at}[{key!r}]")] for told, key in keys]]

    def _enum(self, value: Enum, at: str) -> Any:
        return ["enum", qualified(type(value)), value.name, self(value.value, f"{at}.value")]

    def _shown(self, value: Any, at: str) -> Any:
        return [type(value).__name__, repr(value)]

    def _pattern(self, value: re.Pattern[Any], at: str) -> Any:
        return ["pattern", repr(value.pattern), value.flags]

    def _class(self, value: type, at: str) -> Any:
        library = library_of(value.__module__)
        if library:
            return ["class", qualified(value), library]
        with self._code():
            members = {name: self(part, f"{at}.{name}") for name, part in class_members(value).items()}
            return ["class", qualified(value), members, [self(base, at) for base in value.__bases__]]

    def _function(self, value: FunctionType, at: str) -> Any:
        library = library_of(value.__module__ or "")
        # A function that a library made inside another one still depends on what it closes over.
        if library and not value.__closure__:
            return ["function", qualified(value), library]
        cells = [_cell(cell) for cell in value.__closure__ or ()]
        state = {
            "defaults": [value.__defaults__, value.__kwdefaults__],
            "closure": dict(zip(value.__code__.co_freevars, cells, strict=True)),
            "globals": {} if library else used_globals(value),
            "attributes": vars(value),
        }
        with self._code():
            code = _sha256(_canonical(self(code_parts(value.__code__), at)).encode())
        return ["function", qualified(value), library or code, self(state, at)]

    def _method(self, value: MethodType, at: str) -> Any:
        return ["method", self(value.__func__, at), self(value.__self__, f"{at}.__self__")]

    def _builtin(self, value: BuiltinFunctionType, at: str) -> Any:
        owner = value.__self__
        bound = None if owner is None or isinstance(owner, ModuleType) else self(owner, f"{at}.__self__")
        return ["builtin", qualified(value), library_of(value.__module__ or "builtins"), bound]

    def _partial(self, value: partial[Any], at: str) -> Any:
        return ["partial", self([value.func, value.args, value.keywords], at)]

    def _wrapper(self, value: Any, at: str) -> Any:
        names = ("fget", "fset", "fdel", "__func__", "func")
        parts = [getattr(value, name) for name in names if hasattr(value, name)]
        return [type(value).__name__, self(parts, at)]

    def _module(self, value: ModuleType, at: str) -> Any:
        return ["module", module_told(value)]

    def _field(self, value: Any, at: str) -> Any:
        return ["field", value.__reduce__()[1][0]]

    def _logger(self, value: logging.Logger, at: str) -> Any:
        return ["logger", value.name]

    def _object(self, value: Any, at: str) -> Any:
        """An instance of a class: the class, and everything that the instance holds."""
        library = library_of(getattr(value, "__module__", None) or "builtins")
        if library and hasattr(value, "__qualname__"):  # compiled functions of every kind
            return ["callable", qualified(value), library]
        if type(value).__module__ == "functools" and hasattr(value, _WRAPPED):
            return ["wrapped", self(getattr(value, _WRAPPED), at)]
        state = _state(value)
        if state is None:
            raise _not_told(at, f"a {qualified(type(value))}")
        told = {name: self(part, f"{at}.{name}") for name, part in sorted(state.items())}
        return ["object", self(type(value), at), told]

    def _apart(self, value: Any, at: str) -> Any:
        """Describe one of several that have no order: what the others met does not count."""
        met = dict(self._met)
        told = self(value, at)
        self._met = met
        return told

    @contextmanager
    def _code(self) -> Iterator[None]:
        self._in_code += 1
        yield
        self._in_code -= 1


def _not_told(at: str, came: str) -> SettingsError:
    return SettingsError(
        f"{at} is {came}, whose content cannot be described",
        wanted="values from which a key of the cache can be made",
        do="Build it inside the transform's call, or put that transform after the first random one.",
    )


def _state(value: Any) -> dict[str, Any] | None:
    """Attributes of an instance; None where it may hold more than Python sees."""
    slots = [name for kind in type(value).__mro__ for name in _slots(kind)]
    if not hasattr(value, "__dict__") and not slots and type(value) is not object:
        return None
    held = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    held |= getattr(value, "__dict__", {})
    if isinstance(value, TraceableTransform):  # keeps this for each thread, from its first call on
        held["_tracing"] = value.tracing
    if type(value) is Compose and not _holds_random(value):  # its generator is for random transforms only
        held.pop("R", None)
    return held


def _holds_random(chain: Compose) -> bool:
    flat = chain.flatten()  # type: ignore[no-untyped-call]
    return any(isinstance(one, RandomizableTrait) for one in flat.transforms)


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is not bound yet
        return None


def _canonical(tree: Any) -> str:
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), default=list)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# What a named tuple's class holds for each of its fields.
_FIELD = type(vars(namedtuple("_Pair", "field"))["field"])
# A class that is derived from one of these may do more than hold it.
_EXTENDED = (str, int, float, complex, bytes, bytearray, dict, list, tuple, set, frozenset)
# In this order: a kind stands before those that it is also an instance of.
_DESCRIBE: tuple[tuple[Any, Callable[[Describer, Any, str], Any]], ...] = (
    (torch.Tensor, Describer._tensor),
    (np.ndarray, Describer._array),
    (np.generic, Describer._scalar),
    (Enum, Describer._enum),
    (str, Describer._text),
    ((bool, int, type(None)), Describer._plain),
    ((float, complex), Describer._number),
    (dict, Describer._dict),
    ((list, tuple), Describer._sequence),
    ((set, frozenset), Describer._unordered),
    (PurePath, Describer._path),
    (type, Describer._class),
    (FunctionType, Describer._function),
    (MethodType, Describer._method),
    (BuiltinFunctionType, Describer._builtin),
    (partial, Describer._partial),
    ((property, staticmethod, classmethod, cached_property), Describer._wrapper),
    (_FIELD, Describer._field),
    (ModuleType, Describer._module),
    (logging.Logger, Describer._logger),
    (re.Pattern, Describer._pattern),
    ((bytes, bytearray, slice, range, type(...), type(NotImplemented)), Describer._shown),
    ((np.dtype, np.ufunc, torch.dtype, torch.device), Describer._shown),
)
