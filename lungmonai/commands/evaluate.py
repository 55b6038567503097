"""`lungmonai evaluate`: how good a system is."""

from __future__ import annotations

from typing import Any

from .evaluating import analysis, calibrate, compare, froc, scores, threshold

__all__ = ["add"]

# In the order in which `lungmonai evaluate --help` lists them.
_VERBS = (froc, analysis, compare, scores, calibrate, threshold)


def add(verbs: Any) -> None:
    """Add `lungmonai evaluate froc|analysis|compare|scores|calibrate|threshold`."""
    what = "how good a system is: this one or any other"
    parser = verbs.add_parser("evaluate", help=what, description=what)
    evaluate = parser.add_subparsers(required=True, metavar="VERB")
    for verb in _VERBS:
        verb.add(evaluate)
