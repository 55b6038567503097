"""What a config's `_target_` names, and the arguments that it takes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pydoc import ErrorDuringImport, locate
from typing import Any

from monai.bundle import ComponentLocator

from .nearest import nearest

__all__ = ["TargetError", "full_name", "misfit", "target_named"]

# Names that a config may give without their module: what MONAI's own lists of classes hold.
_MONAI_MODULES = (
    "monai.data",
    "monai.engines",
    "monai.handlers",
    "monai.inferers",
    "monai.losses",
    "monai.metrics",
    "monai.networks.nets",
    "monai.optimizers",
    "monai.transforms",
)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class TargetError(Exception):
    """A `_target_` that names nothing; its text completes a sentence."""


def full_name(target: str, locator: ComponentLocator) -> str:
    """The dotted name of a target, as MONAI finds it.

    Args:
        target: as it stands in the config.
        locator: of the config's parser.
    """
    module = locator.get_component_module_name(target)
    if module is None:
        return target
    return f"{module[0] if isinstance(module, list) else module}.{target}"


def target_named(target: str, locator: ComponentLocator) -> Any:
    """What a target names.

    Args:
        target: as it stands in the config.
        locator: of the config's parser.

    Raises:
        TargetError: nothing; says what is nearest.
    """
    try:
        found = locate(full_name(target, locator))
    except ErrorDuringImport as error:
        raise TargetError(f" (its module does not load: {error.value})") from error
    if found is None:
        raise TargetError(_like(target))
    return found


def misfit(target: Any, given: Mapping[str, Any], *, partly: bool) -> str | None:
    """Why a target would not take these arguments; None where it would.

    Args:
        target: a class or function.
        given: the arguments by name.
        partly: others may follow later.
    """
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # something written in C, or no callable
        return None
    names = [p.name for p in parameters if p.kind in _NAMED]
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        for name in given:
            if name not in names:
                return f"gets {name}, which it does not take{nearest(name, names)}"
    needed = [p.name for p in parameters if p.kind in _NAMED and p.default is p.empty]
    lacking = [name for name in needed if name not in given]
    return f"lacks {', '.join(lacking)}" if lacking and not partly else None


def _like(target: str) -> str:
    """The existing name most like a wrong one, with its module where the wrong one has a module."""
    base, _, name = target.rpartition(".")
    if not base:
        return nearest(
            name, {public for module in _MONAI_MODULES for public in dir(importlib.import_module(module))}
        )
    try:
        module = importlib.import_module(base)
    except ImportError:
        return ""
    # Lazy packages list names that `dir` does not.
    public = getattr(module, "__all__", None) or dir(module)
    return nearest(target, (f"{base}.{one}" for one in public))
