"""Results as JSON that two runs can be compared by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .files import written_whole

__all__ = ["write_json"]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with one number a line; the same content gives the same bytes.

    Raises:
        OutputError: it cannot be written.
    """
    with written_whole(path) as part:
        text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8")
