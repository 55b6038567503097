"""Candidates of many scans; what is found in a scan is kept on disk, so that a stopped run goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from .. import __version__
from ..data.datalist import ScanItem
from ..errors import LungmonaiError, OutputError, SettingsError
from ..files import make_folder
from ..io.read import read_ct
from ..progress import Progress
from .candidates import CandidateFinder, FoundCandidates
from .parts import facts_of, kept_and_waiting, part_path, write_part

__all__ = ["STAGE", "MinedScans", "mine_scans"]

# What progress is called with.
STAGE = "Mining candidates"


@dataclass
class MinedScans:
    """What mining found.

    Args:
        found: candidates by series.
        failed: why a scan could not be used, by series.
        resumed: how many scans an earlier run had finished.
    """

    found: dict[str, FoundCandidates] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    resumed: int = 0


def mine_scans(
    items: Sequence[ScanItem],
    finder: CandidateFinder,
    parts: Path,
    *,
    workers: int = 1,
    progress: Progress = lambda stage, done, total: None,
) -> MinedScans:
    """Find the candidates of every scan; a scan that cannot be used is noted, and the others go on.

    Args:
        items: of a datalist.
        finder: what finds them.
        parts: folder for one file a scan. A file is used again where weights, threshold, precision, version
            and the scan's own files are the same.
        workers: scans at a time; each is held in memory with its marks.
        progress: called with `STAGE`, scans done and scans in all.

    Raises:
        OutputError: the folder cannot be written to.
        SettingsError: fewer than one worker.
    """
    if workers < 1:
        raise SettingsError(f"workers is {workers}", wanted="1 or more", do="Leave it out for 1.")
    make_folder(parts)
    kept, waiting = kept_and_waiting(items, lambda item: _part(item, finder, parts), FoundCandidates)
    mined = MinedScans(kept)
    mined.resumed = len(mined.found)
    progress(STAGE, mined.resumed, len(items))
    for done, (series, answer) in enumerate(_answers(waiting, finder, workers), mined.resumed + 1):
        if isinstance(answer, str):
            mined.failed[series] = answer
        else:
            mined.found[series] = answer
        progress(STAGE, done, len(items))
    return mined


def _answers(
    waiting: Sequence[tuple[ScanItem, Path]], finder: CandidateFinder, workers: int
) -> Iterator[tuple[str, FoundCandidates | str]]:
    names = [item["seriesuid"] for item, _ in waiting]
    if workers == 1:  # in this thread, so that an interrupt stops it at once
        yield from ((name, _find(*pair, finder)) for name, pair in zip(names, waiting, strict=True))
        return
    with ThreadPoolExecutor(workers) as pool:
        try:
            started = {
                pool.submit(_find, *pair, finder): name for name, pair in zip(names, waiting, strict=True)
            }
            for job in as_completed(started):
                yield started[job], job.result()
        except BaseException:  # an interrupt must not wait for what has not begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _find(item: ScanItem, part: Path, finder: CandidateFinder) -> FoundCandidates | str:
    """The candidates of a scan, kept in its part; or why there are none."""
    try:
        found = finder(read_ct(item["image"]))
        write_part(part, found)
    except OutputError:
        raise  # the next scan could not be kept either
    except (LungmonaiError, MemoryError) as error:
        return f"{item['image']}: {error or 'not enough memory'}"
    return found


def _part(item: ScanItem, finder: CandidateFinder, parts: Path) -> Path:
    told = {
        "version": __version__,
        "seg": finder.seg.sha256,
        "threshold": finder.settings.mark_threshold,
        "keep_thin_mm": finder.settings.keep_thin_mm,
        "precision": finder.engine.segment_precision,
        "scan": [item["image"], facts_of(item["image"])],
    }
    return part_path(parts, told)
