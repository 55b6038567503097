"""An end-to-end evaluation, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..words import many
from .froc_text import rate_name

__all__ = ["analysis_text"]

# There is no such thing as a miss of what is no nodule.
_NO_MISS = "–"


def analysis_text(evaluation: Mapping[str, Any]) -> str:
    """What became of each scan, the table, the waterfall, the FROC and the malignancy, ending in a newline.

    Args:
        evaluation: what `evaluation.json` holds.
    """
    parts = [
        _head(evaluation),
        _scans(evaluation),
        _failed(evaluation["scans"]),
        _table(evaluation["table"]),
        _waterfall(evaluation),
        _froc(evaluation["froc"]),
        _malignancy(evaluation),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _head(evaluation: Mapping[str, Any]) -> list[str]:
    scans = evaluation["scans"]
    failed = sum(scan["failed"] is not None for scan in scans)
    nodules = evaluation["nodules"]
    found = sum(one["found"] for one in nodules)
    lines = [
        f"{evaluation['datalist']}, list {evaluation['split']}: "
        f"{many(len(scans) - failed, 'scan')} analysed, {many(len(nodules), 'nodule')}, {found} found"
    ]
    if failed:
        lines.append(f"FAILED: {many(failed, 'scan')}, in no number below.")
    if any(one and one["stand_in"] for one in evaluation["weights"].values()):
        lines.append("STAND-IN WEIGHTS: these numbers say nothing of any detector.")
    return [*lines, *(f"NOTE: {note}." for note in evaluation["notes"])]


def _scans(evaluation: Mapping[str, Any]) -> list[str]:
    """One line a scan: the rows of its table, each as four counts."""
    scans = [scan for scan in evaluation["scans"] if scan["failed"] is None]
    if not scans:
        return []
    names = evaluation["table"]["rows"]
    cells = [[_counts(row, first=place == 0) for place, row in enumerate(scan["table"])] for scan in scans]
    widths = [max(len(name), *(len(row[place]) for row in cells)) for place, name in enumerate(names)]
    columns = " / ".join(evaluation["table"]["columns"])
    lines = [f"Each scan: {columns}", _spread(names, widths, "scan")]
    rows = zip(scans, cells, strict=True)
    return [*lines, *(_spread(row, widths, scan["seriesuid"]) for scan, row in rows)]


def _counts(row: Sequence[int], *, first: bool) -> str:
    return "/".join([_NO_MISS if first else f"{row[0]:,}", *(f"{count:,}" for count in row[1:])])


def _spread(cells: Sequence[str], widths: Sequence[int], last: str) -> str:
    return "  ".join([*(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)), last])


def _failed(scans: Sequence[Mapping[str, Any]]) -> list[str]:
    failed = [scan for scan in scans if scan["failed"] is not None]
    lines = [f"  {scan['seriesuid']}: {scan['failed']}" for scan in failed]
    return ["Failed scans:", *lines] if lines else []


def _table(table: Mapping[str, Any]) -> list[str]:
    heads = table["columns"]
    lines = [f"{'All scans':<12}" + "".join(f"{head:>21}" for head in heads)]
    for place, (name, row) in enumerate(zip(table["rows"], table["counts"], strict=True)):
        cells = [_NO_MISS if place == 0 and not at else f"{count:,}" for at, count in enumerate(row)]
        lines.append(f"{name:<12}" + "".join(f"{cell:>21}" for cell in cells))
    return lines


def _waterfall(evaluation: Mapping[str, Any]) -> list[str]:
    falls, lines = evaluation["waterfall"], []
    for title, rows in (("Nodules", falls["nodules"]), ("False reports", falls["false_positives"])):
        whole = sum(count for _, count in rows)
        lines.append(f"{title} ({whole:,})")
        lines += [f"  {stage:<36}{count:>7,}" for stage, count in rows]
    return lines


def _froc(froc: Mapping[str, Any]) -> list[str]:
    drawn = froc["bootstrap"]
    how = f", {drawn['level']:.0%} interval of {drawn['draws']:,} draws of the scans" if drawn else ""
    heads = "".join(f"{rate_name(rate):>8}" for rate in froc["rates"])
    values = "".join(f"{_share(value):>8}" for value in froc["sensitivity"])
    return [
        f"FROC by LUNA16's rule: CPM {_interval(froc['cpm'], froc['cpm_interval'])}{how}",
        f"  false marks a scan{heads}",
        f"  sensitivity       {values}",
        *(f"  Note: {note}." for note in froc["notes"]),
    ]


def _malignancy(evaluation: Mapping[str, Any]) -> list[str]:
    told = evaluation["malignancy"]
    if evaluation["weights"]["malignancy"] is None:
        return ["Malignancy: no network for it; every reported nodule stands as predicted benign."]
    if told is None:
        return ["Malignancy: not measured, for want of two malignant and two benign nodules."]
    counts = f"{told['malignant']} malignant of {many(told['nodules'], 'nodule')}"
    lines = [f"Malignancy at the annotated centres, {counts} of {many(told['patients'], 'patient')}"]
    names = {"auc": "AUC", "auc_diameter": "AUC of the diameter alone", "difference": "difference"}
    for key, name in names.items():
        lines.append(f"  {name:<26}{_interval(told[key], told[f'{key}_interval'])}")
    return lines


def _interval(value: float | None, ends: Sequence[float | None] | None) -> str:
    if ends is None or None in ends:
        return _share(value)
    return f"{_share(value)} ({_share(ends[0])} to {_share(ends[1])})"


def _share(value: float | None) -> str:
    return _NO_MISS if value is None else f"{value:.3f}"
