"""The few numbers that a reader wants first, each with its interval and a sentence on what it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics.intervals import Interval, bootstrap
from .page_markup import Markup, count_text, element, interval_text, number_text

__all__ = ["Headline", "headline_tiles", "headlines"]

# Places in the table of an evaluation: rows by truth, columns by answer.
_MALIGNANT, _CALLED_MALIGNANT = 2, 3
# False positives a scan at which the second tile reads.
_ONE = 1.0
_LEVEL = 0.95


@dataclass(frozen=True)
class Headline:
    """One number.

    Args:
        name: what it is called.
        value: as text.
        interval: as text; empty where there is none.
        detail: the counts that it is made of; may be empty.
        meaning: one sentence.
    """

    name: str
    value: str
    interval: str
    detail: str
    meaning: str


def headlines(evaluation: Mapping[str, Any]) -> list[Headline]:
    """The numbers of an evaluation.

    Scans that failed count in none. Intervals of what is counted are of draws of whole scans, as many and
    with the seed as those of the curve; none where the curve has none.
    """
    scans = [scan for scan in evaluation["scans"] if not scan["failed"]]
    found, false, malignant = _at_the_threshold(scans, evaluation["froc"].get("bootstrap"))
    failed = len(evaluation["scans"]) - len(scans)
    return [
        *_of_the_curve(evaluation["froc"]),
        _counted(
            "Nodules found",
            found,
            "Of the annotated nodules, those that the analysis reports, within 0.7 of the diameter.",
            percent=True,
        ),
        _counted(
            *(
                "False positives a scan",
                false,
                "Reports that hit no nodule, those on excluded findings too, divided by the scans.",
            ),
            percent=False,
        ),
        _counted(
            *("Malignant nodules called malignant", malignant),
            "Of the nodules that readers judged malignant, those reported and judged malignant.",
            percent=True,
        ),
        *_of_malignancy(evaluation.get("malignancy")),
        Headline(
            *("Scans", count_text(len(scans)), ""),
            f"{count_text(failed)} failed" if failed else "none failed",
            "Scans that were analysed; one that failed counts in no number.",
        ),
    ]


def headline_tiles(evaluation: Mapping[str, Any]) -> Markup:
    """The numbers as a list of tiles."""
    return element("ul", *map(_tile, headlines(evaluation)), class_="tiles")


def _of_the_curve(froc: Mapping[str, Any]) -> list[Headline]:
    tiles = [
        Headline(
            "CPM",
            number_text(froc["cpm"]),
            interval_text(*(froc.get("cpm_interval") or (None, None))),
            "",
            "Mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives a scan, by LUNA16's rule.",
        )
    ]
    if _ONE in froc["rates"]:
        place = froc["rates"].index(_ONE)
        low, high = (froc.get("sensitivity_interval") or {place: (None, None)})[place]
        meaning = "Share of the nodules found with the threshold that lets one false positive a scan through."
        value, interval = number_text(froc["sensitivity"][place]), interval_text(low, high)
        tiles.append(Headline("Sensitivity at 1 a scan", value, interval, "", meaning))
    return tiles


def _of_malignancy(malignancy: Mapping[str, Any] | None) -> list[Headline]:
    if malignancy is None:
        return []
    return [
        Headline(
            "AUC of malignancy",
            number_text(malignancy["auc"]),
            interval_text(*(malignancy.get("auc_interval") or (None, None))),
            f"diameter alone {number_text(malignancy['auc_diameter'])}",
            f"How often a malignant nodule scores over a benign one, at the annotated centres of "
            f"{count_text(malignancy['nodules'])} nodules.",
        )
    ]


def _at_the_threshold(
    scans: Sequence[Mapping[str, Any]], drawn: Mapping[str, Any] | None
) -> list[tuple[Interval, int, int]]:
    """Nodules found, false positives and malignant ones called so: share, and what it is of."""
    pairs = np.array([_pairs(scan) for scan in scans], dtype=np.float64).reshape(-1, 3, 2)

    def shares(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        part, whole = pairs[drawn].sum(axis=0).T
        return np.asarray(np.divide(part, whole, out=np.full(3, np.nan), where=whole > 0))

    if not scans:
        return [(_alone(math.nan), 0, 0)] * 3
    sums = pairs.sum(axis=0).astype(int).tolist()
    every = np.arange(len(scans))
    if not drawn:
        intervals = tuple(map(_alone, shares(every).tolist()))
    else:
        intervals = bootstrap(shares, every, seed=drawn["seed"], draws=drawn["draws"], level=_LEVEL)
    return [(interval, *pair) for interval, pair in zip(intervals, sums, strict=True)]


def _alone(value: float) -> Interval:
    return Interval(value, math.nan, math.nan, _LEVEL, 0)


def _pairs(scan: Mapping[str, Any]) -> list[tuple[int, int]]:
    row = [count or 0 for count in scan["table"][_MALIGNANT]]
    return [
        (scan["found"], scan["nodules"]),
        (scan["false_positives"], 1),
        (row[_CALLED_MALIGNANT], sum(row)),
    ]


def _counted(name: str, counted: tuple[Interval, int, int], meaning: str, *, percent: bool) -> Headline:
    interval, part, whole = counted
    ends = interval.low, interval.high
    value = f"{interval.value:.1%}" if percent and whole else number_text(interval.value, 2)
    said = interval_text(*ends, digits=2)
    if percent and said:
        said = f"{ends[0]:.1%} to {ends[1]:.1%}"
    counts = count_text(part), count_text(whole)
    detail = " of ".join(counts) if percent else " in ".join(counts) + _scans(whole)
    return Headline(name, value, said, detail, meaning)


def _scans(count: int) -> str:
    return " scan" if count == 1 else " scans"


def _tile(headline: Headline) -> Markup:
    interval = element("span", f"95 %: {headline.interval}") if headline.interval else None
    detail = element("span", headline.detail) if headline.detail else None
    return element(
        "li",
        element("h3", headline.name),
        element("p", headline.value, class_="value"),
        element("p", interval, detail, class_="detail"),
        element("p", headline.meaning, class_="meaning"),
    )
