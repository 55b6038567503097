"""The verbs of the `lungmonai` command, one file each: `add(verbs)` names its options.

A verb imports what is heavy when it runs, not before: `--help` must stay quick.
"""

from types import ModuleType

from . import analyze, audit, bundle, cache, evaluate, lidc, mine, phantom, prepare, runs, series, weights

__all__ = ["VERBS"]

# In the order in which `lungmonai --help` lists them.
VERBS: tuple[ModuleType, ...] = (
    analyze, series, weights, prepare, audit, cache, mine, lidc, phantom, bundle, runs, evaluate,
)  # fmt: skip
