"""Write what was found as CSV, JSON and a text table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from ..files import written_whole
from ..nodule import Candidate, Nodule, ScanResult
from ..words import many

__all__ = [
    "PURPOSE",
    "nodule_table",
    "prob_text",
    "ranked",
    "slice_number",
    "write_candidates",
    "write_nodules",
    "write_record",
]

PURPOSE = "research only, not a medical device"

# The columns that LUNA16's evaluation reads, in its order and spelling.
_LUNA16_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "probability")
_CANDIDATE_COLUMNS = (
    *_LUNA16_COLUMNS,
    *("indexSlice", "indexRow", "indexColumn"),
    *("cropSlice", "cropRow", "cropColumn"),
    *("voxels", "location", "weights"),
)
_NODULE_COLUMNS = (
    *_LUNA16_COLUMNS,
    *("malignancy_probability", "slice", "volume_mm3", "equivalent_diameter_mm", "long_axis_mm"),
    *("location", "detections", "weights"),
)

# Further columns by name, one value a row; None where nothing is said.
_More = Mapping[str, Sequence[float | str | None]]

_TABLE_WIDTH = 100
_STAND_IN_TITLE = "STAND-IN WEIGHTS: dense spots, not detections"
# Two lines a heading, so that the widest table still fits 100 columns.
_HEADINGS = (
    ("", "#"),
    ("LPS mm", "x"),
    ("", "y"),
    ("", "z"),
    ("", "Slice"),
    ("Diam.", "mm"),
    ("Long", "mm"),
    ("Volume", "mm³"),
    ("", "P(nodule)"),
    ("", "P(malignant)"),
    ("", "Location"),
)
# Narrower columns would run into each other under their headings.
_LEAST_WIDTHS = (3, 7, 7, 7, 5, 6, 6, 7, 9, 12, 0)
_MALIGNANCY_COLUMN = 9


def write_candidates(result: ScanResult, path: Path | str, more: _More | None = None) -> None:
    """Write every candidate to a CSV whose first five columns LUNA16's evaluation reads.

    Args:
        result: the analysis of one scan; rows keep the order of its candidates.
        path: where to write; coordinates are LPS mm, indices (slice, row, column) of the
            analysed orientation from 0.
        more: further columns, to the right of the others, with one value for each candidate.

    Raises:
        OutputError: the file could not be written; nothing is left behind.
    """
    rows = (_candidate_row(result.series_uid, _weights(result), candidate) for candidate in result.candidates)
    _write_csv(Path(path), _CANDIDATE_COLUMNS, rows, more or {})


def write_nodules(result: ScanResult, path: Path | str, more: _More | None = None) -> None:
    """Write the nodules to a CSV whose first five columns LUNA16's evaluation reads.

    Args:
        result: the analysis of one scan; rows keep the order of its nodules, so that data row n
            is the nodule that the mask labels n.
        path: where to write; coordinates are LPS mm, `slice` counts from 1 in the analysed order,
            `malignancy_probability` is empty without that model, and of what is over 30 mm.
        more: further columns, to the right of the others, with one value for each nodule.

    Raises:
        OutputError: the file could not be written; nothing is left behind.
    """
    rows = (_nodule_row(result.series_uid, _weights(result), nodule) for nodule in result.nodules)
    _write_csv(Path(path), _NODULE_COLUMNS, rows, more or {})


def write_record(result: ScanResult, path: Path | str, more: _More | None = None) -> None:
    """Write the run record with the counts, the nodules and the notes as strict JSON.

    Args:
        result: the analysis of one scan.
        path: where to write.
        more: further entries of the nodules, by name, with one value for each nodule.

    Raises:
        OutputError: the file could not be written; nothing is left behind.
        SettingsError: the record or a nodule holds what JSON cannot, such as NaN.
    """
    text = _json_text(_record(result, more or {}))
    with written_whole(Path(path)) as partial:
        partial.write_text(text, encoding="utf-8")


def nodule_table(result: ScanResult, *, stand_in: bool, rows: int | None = None) -> str:
    """The nodules as plain text for a terminal, at most 100 columns wide, most probable first.

    Args:
        result: the analysis of one scan.
        stand_in: the weights are placeholders; the table is then titled so that nobody can take
            it for detection.
        rows: show at most this many nodules; None shows all.

    Raises:
        SettingsError: `rows` is negative.
    """
    if rows is not None and rows < 0:
        raise SettingsError(f"rows is {rows}", wanted="0 or more, or None for all", do="Give another number.")
    shown = ranked(result.nodules)[:rows]
    lines = [_STAND_IN_TITLE] if stand_in else []
    lines.append(_title(result, stand_in=stand_in))
    if shown:
        lines += _grid(shown)
    if hidden := len(result.nodules) - len(shown):
        lines.append(f"… and {hidden} more in nodules.csv")
    return "\n".join(lines)


def ranked(nodules: Sequence[Nodule]) -> list[tuple[int, Nodule]]:
    """Nodules with their numbers, most probable first; equals keep their order.

    A nodule's number is its place in the result from 1, the same as its label in the mask.
    """
    return sorted(enumerate(nodules, start=1), key=lambda item: -item[1].nodule_prob)


def prob_text(prob: float) -> str:
    """A probability with four decimals, never rounded to certainty."""
    if 0.99995 <= prob < 1:
        return ">0.9999"
    return "<0.0001" if 0 < prob < 0.00005 else f"{prob:.4f}"


def slice_number(nodule: Nodule) -> int:
    """The slice nearest to a nodule's centre, from 1 in the analysed order (lowest first)."""
    return round(nodule.center_vox[0]) + 1


def _candidate_row(series_uid: str, weights: str, candidate: Candidate) -> list[str]:
    return [
        series_uid,
        *(f"{value:.6f}" for value in candidate.center_lps_mm),
        _exact(candidate.nodule_prob),
        *(f"{value:.6f}" for value in candidate.center_vox),
        *(str(int(value)) for value in candidate.crop_vox),
        str(int(candidate.voxels)),
        candidate.location,
        weights,
    ]


def _nodule_row(series_uid: str, weights: str, nodule: Nodule) -> list[str]:
    return [
        series_uid,
        *(f"{value:.6f}" for value in nodule.center_lps_mm),
        _exact(nodule.nodule_prob),
        _cell(nodule.malignancy_prob),
        str(slice_number(nodule)),
        *(f"{value:.6f}" for value in _sizes(nodule)),
        nodule.location,
        str(len(nodule.candidates)),
        weights,
    ]


def _weights(result: ScanResult) -> str:
    # In every row, since rows are cut out and pasted elsewhere.
    return "stand-in" if result.record.get("stand_in") else "trained"


def _sizes(nodule: Nodule) -> tuple[float, float, float]:
    return nodule.volume_mm3, nodule.equivalent_diameter_mm, nodule.long_axis_mm


def _exact(value: float) -> str:
    # The shortest text that reads back as the same number; NumPy's own repr names its type.
    return repr(float(value))


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]], more: _More) -> None:
    with written_whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*columns, *more])
        writer.writerows([*row, *_further(more, place)] for place, row in enumerate(rows))


def _further(more: _More, place: int) -> Iterable[str]:
    return map(_cell, (column[place] for column in more.values()))


def _cell(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _exact(value)


def _record(result: ScanResult, more: _More) -> dict[str, Any]:
    return {
        "purpose": PURPOSE,
        "series_uid": result.series_uid,
        "counts": {"candidates": len(result.candidates), "nodules": len(result.nodules)},
        "nodules": [
            _nodule_object(number, nodule) | {name: column[number - 1] for name, column in more.items()}
            for number, nodule in enumerate(result.nodules, start=1)
        ],
        "notes": list(result.notes),
        "record": _readable(result.record),
    }


def _nodule_object(number: int, nodule: Nodule) -> dict[str, Any]:
    malignancy = nodule.malignancy_prob
    return {
        "number": number,
        "center_lps_mm": [round(float(value), 6) for value in nodule.center_lps_mm],
        "center_vox": [round(float(value), 6) for value in nodule.center_vox],
        "slice": slice_number(nodule),
        "nodule_prob": float(nodule.nodule_prob),
        "malignancy_prob": None if malignancy is None else float(malignancy),
        "volume_mm3": round(float(nodule.volume_mm3), 3),
        "equivalent_diameter_mm": round(float(nodule.equivalent_diameter_mm), 3),
        "long_axis_mm": round(float(nodule.long_axis_mm), 3),
        "location": nodule.location,
        "candidates": [int(position) for position in nodule.candidates],
    }


def _readable(value: Any) -> Any:
    """Nine significant digits say all that a timing or a setting has to say."""
    if isinstance(value, dict):
        return {key: _readable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(inner) for inner in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _json_text(document: dict[str, Any]) -> str:
    try:
        return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"the result holds what JSON cannot ({error})",
            wanted="finite numbers, text, lists and dictionaries",
            do="Convert the entry before it goes into the run record.",
        ) from error


def _title(result: ScanResult, *, stand_in: bool) -> str:
    found, kind = len(result.nodules), "dense spot" if stand_in else "nodule"
    spots = many(found, kind) if found else f"no {kind} was found"
    counts = f"{spots} in {many(len(result.candidates), 'candidate')}"
    room = _TABLE_WIDTH - len(counts) - 2
    name = result.series_uid
    return f"{name if len(name) <= room else name[: room - 1] + '…'}: {counts}"


def _grid(shown: Sequence[tuple[int, Nodule]]) -> list[str]:
    rows = [*zip(*_HEADINGS, strict=True), *(_cells(number, nodule) for number, nodule in shown)]
    columns = [
        _column([row[place] for row in rows], least)
        for place, least in enumerate(_LEAST_WIDTHS)
        if place != _MALIGNANCY_COLUMN or any(nodule.malignancy_prob is not None for _, nodule in shown)
    ]
    return [" ".join(line).rstrip() for line in zip(*columns, strict=True)]


def _column(cells: Sequence[str], least: int) -> list[str]:
    """Numbers stand to the right; the last column, with no least width, is text."""
    width = max(least, *map(len, cells))
    return [cell.rjust(width) if least else f" {cell:<{width}}" for cell in cells]


def _cells(number: int, nodule: Nodule) -> tuple[str, ...]:
    malignancy = nodule.malignancy_prob
    return (
        str(number),
        *(f"{value:.1f}" for value in nodule.center_lps_mm),
        str(slice_number(nodule)),
        f"{nodule.equivalent_diameter_mm:.1f}",
        f"{nodule.long_axis_mm:.1f}",
        f"{nodule.volume_mm3:.0f}",
        prob_text(nodule.nodule_prob),
        "-" if malignancy is None else prob_text(malignancy),
        nodule.location,
    )
