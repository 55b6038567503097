"""Scores that people can trust: tables read and refused, reports, figures, the end-to-end evaluation.

Importing this is quick, and loads neither torch nor MONAI; what a name needs loads when it is first used.
"""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .calibration_report import CalibrationReport, calibrate_scores
    from .cohort import Cohort, analyze_cohort
    from .comparison import Comparison, compare_submissions
    from .crops import CropPictures
    from .end_to_end import evaluate_analysis
    from .froc_report import FrocReport, evaluate_froc
    from .page import write_page
    from .scan_answers import ScanAnalyst, ScanAnswers
    from .score_report import ScoreReport
    from .score_table import ScoreTable, read_scores
    from .submission import Submission, read_submission, read_submissions
    from .truth import Truth, read_truth
    from .validation_marks import ValidationMarks, choose_threshold

__all__ = [
    "CalibrationReport",
    "Cohort",
    "Comparison",
    "CropPictures",
    "FrocReport",
    "ScanAnalyst",
    "ScanAnswers",
    "ScoreReport",
    "ScoreTable",
    "Submission",
    "Truth",
    "ValidationMarks",
    "analyze_cohort",
    "calibrate_scores",
    "choose_threshold",
    "compare_submissions",
    "evaluate_analysis",
    "evaluate_froc",
    "read_scores",
    "read_submission",
    "read_submissions",
    "read_truth",
    "write_page",
]

__getattr__ = lazy_names(
    __name__,
    {
        "calibration_report": ("CalibrationReport", "calibrate_scores"),
        "cohort": ("Cohort", "analyze_cohort"),
        "comparison": ("Comparison", "compare_submissions"),
        "crops": ("CropPictures",),
        "end_to_end": ("evaluate_analysis",),
        "froc_report": ("FrocReport", "evaluate_froc"),
        "page": ("write_page",),
        "scan_answers": ("ScanAnalyst", "ScanAnswers"),
        "score_report": ("ScoreReport",),
        "score_table": ("ScoreTable", "read_scores"),
        "submission": ("Submission", "read_submission", "read_submissions"),
        "truth": ("Truth", "read_truth"),
        "validation_marks": ("ValidationMarks", "choose_threshold"),
    },
)
