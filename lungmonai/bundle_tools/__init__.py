"""MONAI bundles: checked, packed, and their errors said in one line.

Names are loaded when they are first used: most of them need torch and MONAI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .check import Check, check_bundle
    from .config import Config, read_config
    from .layout import BundleFolder, find_bundle
    from .one_line import one_line_errors
    from .pack import pack_bundle
    from .problems import Problem, config_problems

__all__ = [
    "BundleFolder",
    "Check",
    "Config",
    "Problem",
    "check_bundle",
    "config_problems",
    "find_bundle",
    "one_line_errors",
    "pack_bundle",
    "read_config",
]

__getattr__ = lazy_names(
    __name__,
    {
        "check": ("Check", "check_bundle"),
        "config": ("Config", "read_config"),
        "layout": ("BundleFolder", "find_bundle"),
        "one_line": ("one_line_errors",),
        "pack": ("pack_bundle",),
        "problems": ("Problem", "config_problems"),
    },
)
