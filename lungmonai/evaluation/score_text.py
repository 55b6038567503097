"""A score report, as a person reads it."""

from __future__ import annotations

from ..metrics.delong import Contrast
from ..words import many
from .comparison_text import p_text, signed
from .score_report import THRESHOLD, Rival, ScoreReport

__all__ = ["score_text"]

_WIDTH = 28


def score_text(report: ScoreReport) -> str:
    """Ranking, decisions, calibration, and the baselines; ends in a newline."""
    table = report.table
    parts = [
        [
            f"{table.name}: {len(table):,} samples, {int(table.labels.sum()):,} positive "
            f"({report.prevalence:.1%}), of {many(report.groups, table.group_name.removesuffix('s'))}",
            *_drawn(report),
        ],
        [
            _row("AUC", f"{report.roc_auc}   by DeLong {_area(report.delong)}"),
            _row("average precision", f"{report.average_precision}   by chance {report.prevalence:.3f}"),
            *(
                _row(f"{name} over {THRESHOLD:g}", str(one).replace("nan", "–"))
                for name, one in report.at_threshold.items()
            ),
            *_calibrated(report),
        ],
        *map(_rival, report.rivals),
        [f"Note: {note.removesuffix('.')}." for note in (*_always(report), *report.notes)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _drawn(report: ScoreReport) -> list[str]:
    if not report.draws:
        return []
    how = f"{report.level:.0%} interval of {report.draws:,} draws of the {report.table.group_name}"
    return [f"In brackets the {how}."]


def _rival(rival: Rival) -> list[str]:
    auc, precision, delong = rival.compared.roc_auc, rival.compared.average_precision, rival.compared.delong
    tests = f"p {p_text(delong.p_value)} (DeLong), {p_text(auc.p_value)} (permutation)"
    return [
        f"Beside {rival.name}: {rival.how}; {len(rival.labels):,} samples",
        _row("its AUC", str(auc.second)),
        _row("AUC, less its", f"{signed(auc.difference)}   {tests}"),
        _row("its average precision", str(precision.second)),
        _row("average precision, less its", signed(precision.difference)),
    ]


def _always(report: ScoreReport) -> list[str]:
    if report.table.group_kind == "row":
        return ["the table names no patients, so that rows count as independent"]
    if report.groups < len(report.table):
        return ["DeLong takes samples as independent, which those of one patient are not"]
    return []


def _calibrated(report: ScoreReport) -> list[str]:
    """With one more digit: where positives are rare both are small."""
    right = f"{report.chance_ece:.4f} if they were right"
    return [
        _row("Brier score", f"{report.brier:.4f}"),
        _row("expected calibration error", f"{report.calibration.ece:.4f}   {right}"),
    ]


def _area(area: Contrast) -> str:
    return f"{area.low:.3f} to {area.high:.3f}"


def _row(name: str, text: str) -> str:
    return f"  {name:<{_WIDTH}}{text}"
