"""Packages whose names load when they are first used, so that importing them costs nothing."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(package: str, home: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """A package's `__getattr__` that finds names in the package's modules.

    Args:
        package: its `__name__`.
        home: names by module.
    """

    def find(name: str) -> Any:
        for module, names in home.items():
            if name in names:
                return getattr(importlib.import_module(f".{module}", package), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
