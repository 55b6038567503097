"""Where a bundle's files lie: side by side as in the checkout, or as in a standard archive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..bundles import bundles_folder
from ..errors import SettingsError
from .nearest import nearest

__all__ = ["BundleFolder", "find_bundle"]

# Config files that are no configs.
_NO_CONFIG = ("metadata.json",)
# A config without this key is read on top of another: MONAI asks for it in every workflow.
_ROOT_KEY = "bundle_root"
# Where runs put their results by default; no part of a bundle.
_RESULTS = ("eval",)


@dataclass(frozen=True)
class BundleFolder:
    """A bundle's folder.

    Args:
        root: the folder.
        configs: the folder of the configs: `root` itself, or `root/configs` as in an archive.
    """

    root: Path
    configs: Path

    @property
    def name(self) -> str:
        """The bundle's name."""
        return self.root.resolve().name

    @property
    def weights(self) -> Path:
        """The weights file."""
        return self.root / "models" / "model.pt"

    @property
    def metadata(self) -> Path:
        """The metadata file."""
        return self.configs / "metadata.json"

    def config_files(self) -> list[Path]:
        """The configs, sorted by name."""
        return sorted(path for path in self.configs.glob("*.json") if path.name not in _NO_CONFIG)

    def workflows(self) -> list[tuple[Path, ...]]:
        """The configs as they are run: those that do not stand alone come after `train.json`."""
        base = self.configs / "train.json"
        return [
            (path,) if path == base or _stands_alone(path) else (base, path) for path in self.config_files()
        ]

    def files(self) -> Iterator[Path]:
        """Every file of the bundle but the results of runs, sorted."""
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and path.relative_to(self.root).parts[0] not in _RESULTS:
                yield path

    @cached_property
    def has_network(self) -> bool:
        """Whether it is the bundle of a network, rather than of a program that runs others' networks."""
        names = ("train.json", "inference.json")
        return self.weights.parent.is_dir() or any(
            "network_def" in _content(self.configs / name) for name in names
        )


def find_bundle(bundle: str | Path) -> BundleFolder:
    """A bundle by its name, such as "seg", or by its folder.

    Raises:
        SettingsError: neither a bundle that came with lungmonai nor the folder of one.
    """
    for root in (Path(bundle), bundles_folder() / bundle):
        for configs in (root / "configs", root):
            if any(configs.glob("*.json")):
                return BundleFolder(root, configs)
    there = sorted(path.name for path in bundles_folder().glob("*") if path.is_dir())
    raise SettingsError(
        f"{bundle} is no bundle",
        wanted=f"a bundle's folder, or the name of one that came with lungmonai{nearest(str(bundle), there)}",
        do=f"Name one of {', '.join(there)}, or a bundle's folder." if there else "Check the folder.",
    )


def _stands_alone(path: Path) -> bool:
    content = _content(path)
    # One that cannot be read must not be blamed for a missing train.json.
    return not content or _ROOT_KEY in content


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
