"""The run record: what ran, on what, with what, and how long it took."""

import hashlib
import importlib.metadata
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .. import __version__
from ..io.scan import CTScan
from .engine import Engine
from .models import ModelFile, Models
from .settings import AnalysisSettings

__all__ = ["Stopwatch", "run_record"]

_PACKAGES = ("torch", "monai", "openvino", "numpy", "scipy", "SimpleITK", "pydicom")


class Stopwatch:
    """Seconds of each stage; a stage that runs twice adds up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block under this name."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def run_record(
    scan: CTScan, models: Models, settings: AnalysisSettings, engine: Engine, watch: Stopwatch
) -> dict[str, Any]:
    """Everything needed to run the same analysis again, as JSON types.

    Args:
        scan: as it was analysed, upright.
        models: that were used.
        settings: that were asked for.
        engine: what they came to.
        watch: the stages so far.
    """
    with watch.stage("record"):
        about_scan = _scan_record(scan)
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "lungmonai": __version__,
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {"system": platform.platform(), "device": engine.device},
        "scan": about_scan,
        "weights": {name: _weights_record(model) for name, model in models.by_name().items()},
        "stand_in": models.stand_in,
        "settings": settings.as_dict(),
        "engine": {
            "name": engine.name,
            "segment_precision": engine.segment_precision,
            "classify_precision": engine.classify_precision,
        },
        "timings_s": {name: round(seconds, 4) for name, seconds in watch.seconds.items()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # OpenVINO is optional
    return found


def _scan_record(scan: CTScan) -> dict[str, Any]:
    digest = hashlib.sha256(scan.affine_lps.tobytes())
    digest.update(np.ascontiguousarray(scan.hu).data)
    return {
        "source": scan.source,
        # Geometry and hash are of the scan as it was analysed.
        "orientation": "columns to the left, rows to the back, slices upwards",
        "series_uid": scan.series_uid,
        "slices_rows_columns": list(scan.shape),
        "spacing_mm": list(scan.spacing_mm),
        "affine_lps": scan.affine_lps.tolist(),
        "hu_sha256": digest.hexdigest(),
    }


def _weights_record(model: ModelFile) -> dict[str, Any]:
    return {"file": str(model.path), "sha256": model.sha256, **model.about}
