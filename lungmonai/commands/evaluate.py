"""`lungmonai evaluate`: how good a system is."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

__all__ = ["add"]

# In the order in which `lungmonai evaluate --help` lists them.
_VERBS = ("froc", "analysis", "compare", "scores", "calibrate", "threshold")


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate froc|analysis|compare|scores|calibrate|threshold`."""
    what = "how good a system is: this one or any other"
    parser = verbs.add_parser("evaluate", help=what, description=what)
    evaluate = parser.add_subparsers(required=True, metavar="VERB")
    for name in _VERBS:
        if importlib.util.find_spec(f"lungmonai.commands.evaluating.{name}"):
            importlib.import_module(f"lungmonai.commands.evaluating.{name}").add(evaluate)
