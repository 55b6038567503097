"""Find nodules in a chest CT. For research; not a medical device.

Importing the package loads neither torch nor MONAI: each part loads what it needs.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
