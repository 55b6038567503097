"""The file beside a weights file that says how its answers are best used.

`model.operating.json` beside `model.pt` holds the threshold of an operating point, a calibration, and the
bounds of conformal sets: each of them, or only some. It names the SHA-256 of the weights that it is for:
nothing in it holds for others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError, LungmonaiError
from ..json_file import finite_or_none, write_json
from ..metrics.calibrators import Calibrator, calibrator_from_dict
from ..metrics.conformal import ConformalSets

__all__ = ["OperatingFile", "StoredThreshold", "operating_path", "read_operating", "write_operating"]

_FORMAT = 1
_SUFFIX = ".operating.json"


@dataclass(frozen=True)
class StoredThreshold:
    """A threshold that was chosen on validation scans.

    Args:
        value: from 0 to 1; what is more probable is kept.
        low: lower end of its bootstrap interval.
        high: upper end.
        level: share of the draws between them.
        at: the demand that it meets, such as "1 fp/scan".
        scans: validation scans.
        nodules: annotated in them.
        false_per_scan: at the threshold, in those scans.
        false_per_scan_interval: its interval.
        sensitivity: at the threshold, in those scans.
        sensitivity_interval: its interval.
        data: what the scans are, in words.
        made_with: what else the candidates depend on: "seg_sha256" and settings of the analysis, as far as
            they are known.

    Raises:
        DataError: a number outside its range.
    """

    value: float
    low: float
    high: float
    level: float
    at: str
    scans: int
    nodules: int
    false_per_scan: float
    false_per_scan_interval: tuple[float, float]
    sensitivity: float
    sensitivity_interval: tuple[float, float]
    data: str
    made_with: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not (0 <= self.value <= 1 and 0 < self.level < 1 and self.false_per_scan >= 0):
            raise DataError(
                f"a stored threshold of {self.value}",
                wanted="from 0 to 1, with an interval",
                do="Set it again with `lungmonai evaluate threshold`.",
            )

    @property
    def has_intervals(self) -> bool:
        """Whether scans could be drawn; of one scan they cannot."""
        return math.isfinite(self.low)

    def __str__(self) -> str:
        interval = "no interval, from one scan"
        if self.has_intervals:
            interval = f"{self.level:.0%} interval {self.low:.4g} to {self.high:.4g}"
        gives = f"sensitivity {self.sensitivity:.3f} with {self.false_per_scan:.3g} false a scan"
        return f"{self.value:.4g} ({interval}) for {self.at} on {self.data}: {gives} there"

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            **{name: finite_or_none(getattr(self, name)) for name in ("value", "low", "high", "level")},
            "at": self.at,
            "scans": self.scans,
            "nodules": self.nodules,
            "false_per_scan": self.false_per_scan,
            "false_per_scan_interval": [finite_or_none(end) for end in self.false_per_scan_interval],
            "sensitivity": finite_or_none(self.sensitivity),
            "sensitivity_interval": [finite_or_none(end) for end in self.sensitivity_interval],
            "data": self.data,
            "made_with": dict(self.made_with),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> StoredThreshold:
        """What `as_dict` gave.

        Raises:
            DataError: a number outside its range.
            KeyError, TypeError, ValueError: something is missing or of another kind.
        """
        return cls(
            value=_or_nan(content["value"]),
            low=_or_nan(content["low"]),
            high=_or_nan(content["high"]),
            level=_or_nan(content["level"]),
            at=str(content["at"]),
            scans=int(content["scans"]),
            nodules=int(content["nodules"]),
            false_per_scan=_or_nan(content["false_per_scan"]),
            false_per_scan_interval=_ends(content["false_per_scan_interval"]),
            sensitivity=_or_nan(content["sensitivity"]),
            sensitivity_interval=_ends(content["sensitivity_interval"]),
            data=str(content["data"]),
            made_with=dict(content.get("made_with", {})),
        )


@dataclass(frozen=True)
class OperatingFile:
    """What the file holds.

    Args:
        weights_sha256: of the weights that it is for.
        threshold: None where none is stored.
        calibration: None where none is stored.
        conformal: None where none is stored.
        content: the file's own JSON, with what the calibration and the sets were fitted on.
    """

    weights_sha256: str
    threshold: StoredThreshold | None
    calibration: Calibrator | None
    conformal: ConformalSets | None
    content: Mapping[str, Any]


def operating_path(weights: Path) -> Path:
    """Where the file of a weights file lies: `model.operating.json` beside `model.pt`.

    Args:
        weights: the weights file.
    """
    return Path(weights).with_suffix(_SUFFIX)


def read_operating(weights: Path) -> OperatingFile | None:
    """Read the file beside a weights file; whether it is for these weights is not looked at.

    Args:
        weights: the weights file.

    Returns:
        None where there is no such file.

    Raises:
        DataError: it cannot be read, or something in it makes no sense.
    """
    path = operating_path(weights)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    try:
        return _parsed(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    except LungmonaiError as error:
        raise _damaged(path, error.came) from error


def write_operating(
    weights: Path, weights_sha256: str, parts: Mapping[str, Any], *, replace: bool = False
) -> Path:
    """Write parts of the file beside a weights file; the other parts stay.

    Args:
        weights: the weights file.
        weights_sha256: its SHA-256.
        parts: by name, "threshold", "calibration" or "conformal": as JSON types.
        replace: put a damaged file, or one for other weights, aside altogether.

    Returns:
        The file's path.

    Raises:
        DataError: the file that is there is damaged or for other weights, and is not to be replaced.
        OutputError: it could not be written.
    """
    path = operating_path(weights)
    there = None if replace and not _is_for(weights, weights_sha256) else read_operating(weights)
    if there is not None and there.weights_sha256 != weights_sha256:
        raise DataError(
            f"{path} is for the weights {there.weights_sha256[:12]}…, not for {weights_sha256[:12]}…",
            wanted="a file for these weights",
            do="Add --replace to begin a new one.",
        )
    head = {"format": _FORMAT, "weights_sha256": weights_sha256}
    old = dict(there.content) if there else {}
    merged = {**old, **parts}
    ordered = {name: merged[name] for name in ("threshold", "calibration", "conformal") if merged.get(name)}
    write_json(path, {**head, **ordered})
    return path


def _is_for(weights: Path, weights_sha256: str) -> bool:
    try:
        there = read_operating(weights)
    except DataError:
        return False
    return there is not None and there.weights_sha256 == weights_sha256


def _parsed(content: Mapping[str, Any]) -> OperatingFile:
    if content["format"] != _FORMAT:
        raise ValueError(f"format {content['format']!r} instead of {_FORMAT}")
    threshold, calibration, conformal = (
        content.get(name) for name in ("threshold", "calibration", "conformal")
    )
    return OperatingFile(
        str(content["weights_sha256"]),
        StoredThreshold.from_dict(threshold) if threshold else None,
        calibrator_from_dict(calibration) if calibration else None,
        ConformalSets.from_dict(conformal) if conformal else None,
        content,
    )


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} cannot be used: {why}",
        wanted="what `lungmonai evaluate threshold` and `calibrate` write",
        do="Remove it, or write it again with --replace.",
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _ends(interval: Any) -> tuple[float, float]:
    low, high = interval
    return _or_nan(low), _or_nan(high)
