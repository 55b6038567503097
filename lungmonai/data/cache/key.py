"""The name under which something is cached: a hash of everything that decides what it is."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .code import own_source
from .entry import FORMAT
from .files import FileFact, file_facts, source_files

__all__ = ["item_key", "key_of", "transforms_told", "volume_key"]

_PACKAGES = ("monai", "numpy", "torch")


def key_of(parts: Any) -> tuple[str, str]:
    """Key and description of what JSON can say.

    Returns:
        SHA-256 as 64 hexadecimal digits, and the text that it is the hash of.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest(), text


def volume_key(files: Sequence[FileFact], kind: str) -> tuple[str, str]:
    """Key and description of a scan or a mask as an uncompressed volume.

    It depends on the files and on this package's reading code: another version of torch changes nothing.

    Args:
        files: what `file_facts` says of the source.
        kind: `ct` or `label`.
    """
    return key_of({"format": FORMAT, "volume": kind, "files": files, "reader": own_source("io")})


def transforms_told(transforms: Sequence[Any]) -> Any:
    """Describe transforms by class, parameters and code, with the files that their parameters name.

    Raises:
        SettingsError: an attribute that cannot be described; the message names it.
    """
    from .describe import Describer

    describe = Describer()
    names = [f"transform {index} ({type(one).__name__})" for index, one in enumerate(transforms)]
    told = [describe(one, name) for one, name in zip(transforms, names, strict=True)]
    named = {text for text in describe.texts if os.sep in text}
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return [told, _facts(describe.paths, named), {**versions, "lungmonai": own_source("")}]


def item_key(item: Any, transforms: Any) -> tuple[str, str]:
    """Key and description of an item after deterministic transforms.

    Args:
        item: what the first transform gets. A text that names a file stands for the file as well.
        transforms: what `transforms_told` gave.

    Raises:
        SettingsError: something in the item cannot be described.
    """
    from .describe import Describer

    describe = Describer()
    told = describe(item, "item")
    facts = _facts(describe.paths, describe.texts)
    return key_of({"format": FORMAT, "item": told, "files": facts, "transforms": transforms})


def _facts(paths: set[str], texts: set[str]) -> list[FileFact]:
    facts: set[FileFact] = set()
    for name in paths | texts:
        file = os.path.expanduser(name)  # noqa: PTH111 - MONAI's readers do so too
        # A text without a separator is a file of the current folder or, far more often, no path at all.
        may_be_folder = name in paths or os.sep in name
        if os.path.isfile(file) or (may_be_folder and os.path.isdir(file)):  # noqa: PTH112, PTH113
            facts.update(file_facts(source_files(Path(file))))
    return sorted(facts)
