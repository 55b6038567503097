"""Any value as plain JSON that changes whenever the value does: what a key of the cache is hashed from.

What cannot be described is refused. A description that leaves something out would give old data under a
key that looks right.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
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

    def __call__(self, value: Any, at: str) -> Any:
        """Describe a value.

        Args:
            value: anything whose state Python can see.
            at: what to call it in a message.

        Raises:
            SettingsError: its state cannot be seen; the message says where it is.
        """
        if id(value) in self._open:
            return ["again", len(self._open) - self._open.index(id(value))]
        describe = next((found for kind, found in _DESCRIBE if isinstance(value, kind)), Describer._object)
        self._open.append(id(value))
        told = describe(self, value, at)
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
        return ["array", str(value.dtype), value.shape, _sha256(np.ascontiguousarray(value).tobytes())]

    def _tensor(self, value: torch.Tensor, at: str) -> Any:
        flat = value.detach().cpu().contiguous().reshape(-1)
        content = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
        meta = self(value.meta, f"{at}.meta") if isinstance(value, MetaTensor) else None
        told = [str(value.dtype), list(value.shape), str(value.device)]
        return ["tensor", *told, _sha256(content), meta]

    def _sequence(self, value: Any, at: str) -> Any:
        return [type(value).__name__, [self(part, f"{at}[{index}]") for index, part in enumerate(value)]]

    def _unordered(self, value: Any, at: str) -> Any:
        return [type(value).__name__, sorted((self(part, at) for part in value), key=_canonical)]

    def _dict(self, value: dict[Any, Any], at: str) -> Any:
        pairs = [[self(key, f"a key of {at}"), self(part, f"{at}[{key!r}]")] for key, part in value.items()]
        return ["dict", sorted(pairs, key=lambda pair: _canonical(pair[0]))]

    def _enum(self, value: Enum, at: str) -> Any:
        return ["enum", qualified(type(value)), value.name]

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
        parts = (value.fget, value.fset, value.fdel) if isinstance(value, property) else (value.__func__,)
        return [type(value).__name__, self(parts, at)]

    def _module(self, value: ModuleType, at: str) -> Any:
        return ["module", module_told(value)]

    def _logger(self, value: logging.Logger, at: str) -> Any:
        return ["logger", value.name]

    def _object(self, value: Any, at: str) -> Any:
        """An instance of a class: the class, and everything that the instance holds."""
        library = library_of(getattr(value, "__module__", None) or "builtins")
        if library and hasattr(value, "__qualname__"):  # compiled functions of every kind
            return ["callable", qualified(value), library]
        if hasattr(value, _WRAPPED):
            return ["wrapped", self(getattr(value, _WRAPPED), at)]
        state = _state(value)
        if state is None:
            raise SettingsError(
                f"{at} is a {qualified(type(value))}, whose content cannot be described",
                wanted="values from which a key of the cache can be made",
                do="Build it inside the transform's call, or put that transform after the first random one.",
            )
        told = {name: self(part, f"{at}.{name}") for name, part in sorted(state.items())}
        return ["object", self(type(value), at), told]

    @contextmanager
    def _code(self) -> Iterator[None]:
        self._in_code += 1
        yield
        self._in_code -= 1


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
    ((property, staticmethod, classmethod), Describer._wrapper),
    (ModuleType, Describer._module),
    (logging.Logger, Describer._logger),
    (re.Pattern, Describer._pattern),
    ((bytes, bytearray, slice, range, type(...), type(NotImplemented)), Describer._shown),
    ((np.dtype, np.ufunc, torch.dtype, torch.device), Describer._shown),
)
