"""Scores of arrays. Names load when they are first used; only those that an engine keeps need torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .baselines import cross_fitted, size_and_texture
    from .calibration import Calibration, log_loss
    from .calibrators import Calibrator, Isotonic, Temperature, fit_calibrator
    from .conformal import ConformalSets, fit_conformal
    from .delong import DeLong
    from .froc import RATES, Froc, sensitivity_at
    from .froc_bootstrap import FrocBootstrap, bootstrap_froc
    from .intervals import Interval, bootstrap
    from .judging import Findings, JudgedMarks, Marks, judge_marks
    from .logistic import LogisticModel, fit_logistic
    from .operating import Demand, OperatingPoint, bootstrap_operating
    from .paired_auc import PairedAuc, compare_auc
    from .paired_froc import PairedFroc, compare_froc
    from .ranking import average_precision, precision_recall_curve, roc_auc, roc_curve
    from .running import ClassScore, VoxelScore

__all__ = [
    "RATES",
    "Calibration",
    "Calibrator",
    "ClassScore",
    "ConformalSets",
    "DeLong",
    "Demand",
    "Findings",
    "Froc",
    "FrocBootstrap",
    "Interval",
    "Isotonic",
    "JudgedMarks",
    "LogisticModel",
    "Marks",
    "OperatingPoint",
    "PairedAuc",
    "PairedFroc",
    "Temperature",
    "VoxelScore",
    "average_precision",
    "bootstrap",
    "bootstrap_froc",
    "bootstrap_operating",
    "compare_auc",
    "compare_froc",
    "cross_fitted",
    "fit_calibrator",
    "fit_conformal",
    "fit_logistic",
    "judge_marks",
    "log_loss",
    "precision_recall_curve",
    "roc_auc",
    "roc_curve",
    "sensitivity_at",
    "size_and_texture",
]

# The functions `froc`, `delong` and `calibration` bear their modules' names, and are imported from there.
__getattr__ = lazy_names(
    __name__,
    {
        "baselines": ("cross_fitted", "size_and_texture"),
        "calibration": ("Calibration", "log_loss"),
        "calibrators": ("Calibrator", "Isotonic", "Temperature", "fit_calibrator"),
        "conformal": ("ConformalSets", "fit_conformal"),
        "delong": ("DeLong",),
        "froc": ("RATES", "Froc", "sensitivity_at"),
        "froc_bootstrap": ("FrocBootstrap", "bootstrap_froc"),
        "intervals": ("Interval", "bootstrap"),
        "judging": ("Findings", "JudgedMarks", "Marks", "judge_marks"),
        "logistic": ("LogisticModel", "fit_logistic"),
        "operating": ("Demand", "OperatingPoint", "bootstrap_operating"),
        "paired_auc": ("PairedAuc", "compare_auc"),
        "paired_froc": ("PairedFroc", "compare_froc"),
        "ranking": ("average_precision", "precision_recall_curve", "roc_auc", "roc_curve"),
        "running": ("ClassScore", "VoxelScore"),
    },
)
