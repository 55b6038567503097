"""The analysis of every scan of a list; each answer is kept on disk, so that a stopped run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..data.datalist import ScanItem
from ..errors import DataError, LungmonaiError, OutputError
from ..files import make_folder
from ..progress import Progress
from .cohort_items import check_items
from .scan_answers import ScanAnswers

__all__ = ["STAGE", "Analyst", "Cohort", "analyze_cohort"]

# What progress is called with.
STAGE = "Analysing scans"


class Analyst(Protocol):
    """What analyses a scan: `ScanAnalyst`."""

    def told(self) -> dict[str, Any]:
        """All but the scan that decides the answers, as JSON types."""

    def __call__(self, item: ScanItem) -> ScanAnswers:
        """The answers on one scan."""


@dataclass
class Cohort:
    """What became of the scans of a list.

    Args:
        items: every scan of the list, in its order.
        answers: by series.
        failed: why a scan could not be analysed, by series.
        resumed: how many scans an earlier run had finished.
    """

    items: Sequence[ScanItem]
    answers: dict[str, ScanAnswers] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    resumed: int = 0

    @property
    def analyzed(self) -> list[ScanItem]:
        """The scans that count: those with answers, in the list's order."""
        return [item for item in self.items if item["seriesuid"] in self.answers]


def analyze_cohort(
    items: Sequence[ScanItem],
    analyst: Analyst,
    parts: Path,
    *,
    progress: Progress = lambda stage, done, total: None,
) -> Cohort:
    """Analyse every scan; one that cannot be analysed is noted, and the others go on.

    Args:
        items: of a datalist.
        analyst: what analyses a scan.
        parts: folder for one file a scan. A file is used again where weights, settings, engine, version, the
            scan's own files and what the datalist says of it are the same.
        progress: called with `STAGE`, scans done and scans in all.

    Raises:
        DataError: the list cannot be used, as `check_items` says; or no scan at all could be analysed.
        OutputError: the folder cannot be written to.
    """
    from ..analysis.parts import kept_and_waiting

    check_items(items)
    make_folder(parts)
    told = analyst.told()
    kept, waiting = kept_and_waiting(items, lambda item: _part(item, told, parts), ScanAnswers)
    cohort = Cohort(items, kept)
    cohort.resumed = len(cohort.answers)
    progress(STAGE, cohort.resumed, len(items))
    for done, (item, part) in enumerate(waiting, cohort.resumed + 1):
        answer = _answer(item, part, analyst)
        kind: dict[str, Any] = cohort.failed if isinstance(answer, str) else cohort.answers
        kind[item["seriesuid"]] = answer
        progress(STAGE, done, len(items))
    _check_some(cohort)
    return cohort


def _answer(item: ScanItem, part: Path, analyst: Analyst) -> ScanAnswers | str:
    """The answers on a scan, kept in its part; or why there are none."""
    from ..analysis.parts import write_part

    try:
        answers = analyst(item)
        write_part(part, answers)
    except OutputError:
        raise  # the next scan could not be kept either
    except LungmonaiError as error:
        return str(error)
    except MemoryError as error:
        return str(error) or "not enough memory"
    except Exception as error:  # of an engine's, hours into the run: the others are worth having
        return f"{type(error).__name__}: {error}"
    return answers


def _part(item: ScanItem, told: dict[str, Any], parts: Path) -> Path:
    from ..analysis.parts import facts_of, part_path

    # The classifier's candidates of training and the label volume decide nothing here.
    said = {key: value for key, value in item.items() if key not in ("candidates", "label")}
    return part_path(parts, {**told, "item": said, "files": facts_of(item["image"])})


def _check_some(cohort: Cohort) -> None:
    if not cohort.answers:
        first, why = next(iter(cohort.failed.items()))
        raise DataError(
            f"none of {len(cohort.items)} scans could be analysed; {first}: {why}",
            wanted="at least one",
            do="Mend what is wrong with the scans or the weights.",
        )
