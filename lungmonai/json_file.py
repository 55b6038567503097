"""Results as JSON that two runs can be compared by."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .files import written_whole

__all__ = ["finite_or_none", "without_nan", "write_json"]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with one number a line; the same content gives the same bytes.

    Raises:
        OutputError: it cannot be written.
    """
    with written_whole(path) as part:
        text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8")


def finite_or_none(value: float) -> float | None:
    """A number as JSON has it, which knows neither NaN nor infinity.

    Args:
        value: any number.
    """
    return value if math.isfinite(value) else None


def without_nan(content: Any) -> Any:
    """The same content with None for every number that JSON cannot say, at any depth.

    >>> without_nan({"best": float("nan"), "scores": [0.5, float("inf")]})
    {'best': None, 'scores': [0.5, None]}

    Args:
        content: of dictionaries, lists and tuples, text, numbers and None.
    """
    if isinstance(content, Mapping):
        return {name: without_nan(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    return finite_or_none(content) if isinstance(content, float) else content
