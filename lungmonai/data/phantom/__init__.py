"""Data sets without a download: phantoms, and real nodules blended into real backgrounds.

Importing this is quick; SciPy comes when something is made.
"""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .composite import Composite, make_composite
    from .composite_write import write_composites
    from .make import Phantom, make_phantom
    from .names import read_names
    from .write import write_phantoms

__all__ = [
    "Composite",
    "Phantom",
    "make_composite",
    "make_phantom",
    "read_names",
    "write_composites",
    "write_phantoms",
]

__getattr__ = lazy_names(
    __name__,
    {
        "composite": ("Composite", "make_composite"),
        "composite_write": ("write_composites",),
        "make": ("Phantom", "make_phantom"),
        "names": ("read_names",),
        "write": ("write_phantoms",),
    },
)
