"""Scans to work on: the synthetic chest that demonstrations and tests use."""

from .toy_scan import ToyScan, make_toy_scan, write_toy_scan

__all__ = ["ToyScan", "make_toy_scan", "write_toy_scan"]
