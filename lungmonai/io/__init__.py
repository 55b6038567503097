"""Reading a chest CT: one function for every format, and the same for MONAI pipelines.

Importing this loads neither torch nor MONAI; `CTReader` brings them when it is first asked for.
"""

from typing import TYPE_CHECKING

from ..lazy import lazy_names
from .dicom import list_series
from .read import read_ct
from .scan import CTScan, ras_from_lps

if TYPE_CHECKING:
    from .reader import CTReader

__all__ = ["CTReader", "CTScan", "list_series", "ras_from_lps", "read_ct"]

__getattr__ = lazy_names(__name__, {"reader": ("CTReader",)})
