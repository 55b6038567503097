"""The summary that a person reads when `lungmonai prepare` is done."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..datalist import ScanItem
from ..splits import SIZE_STRATA, size_stratum
from .counts import CALLS, call_of
from .prepare import Prepared

__all__ = ["summary_of"]

# Of what was left out, and of the notes: what fits on a screen; the files hold all of it.
_SHOWN = 5


def summary_of(prepared: Prepared) -> str:
    """Scans, nodules, candidates, lists by size and malignancy, what was left out, and what to do next."""
    return "\n".join((*_counts(prepared), "", *_lists(prepared), "", *_left_out(prepared), *_next(prepared)))


def _counts(prepared: Prepared) -> Iterator[str]:
    counts = prepared.facts["counts"]
    calls = ", ".join(f"{counts[call]:,} {call}" for call in CALLS)
    candidates = counts["candidates"]
    yield f"{prepared.facts['root']}"
    yield (
        f"  scans       {counts['scans']:,} of {counts['patients']:,} patients; "
        f"{counts['scans_with_nodules']:,} with nodules"
    )
    yield f"  nodules     {counts['nodules']:,}: {calls}"
    yield (
        f"  candidates  {candidates['nodule']:,} nodules, {candidates['other']:,} others; "
        f"{counts['excluded']:,} excluded findings"
    )


def _lists(prepared: Prepared) -> Iterator[str]:
    """A row for each list: its scans by largest nodule, its nodules by malignancy."""
    head = ("scans", "patients", *SIZE_STRATA, *(call for call in CALLS if prepared.facts["counts"][call]))
    yield "Largest nodule of each scan, and malignancy of all nodules:"
    yield _row("", head)
    for name, items in prepared.lists.items():
        numbers = _numbers(items)
        yield _row(name, [f"{numbers[column]:,}" for column in head])


def _numbers(items: Sequence[ScanItem]) -> Counter[str]:
    numbers = Counter(size_stratum(item["nodules"]) for item in items)
    numbers.update(call_of(nodule) for item in items for nodule in item["nodules"])
    numbers.update(scans=len(items), patients=len({item["patient"] for item in items}))
    return numbers


def _row(name: str, cells: Iterable[str]) -> str:
    return f"  {name:<10}" + "".join(f"{cell:>11}" for cell in cells)


def _left_out(prepared: Prepared) -> Iterator[str]:
    counts = prepared.facts["counts"]
    scans, rows = counts["quarantined_scans"], counts["quarantined_rows"]
    yield f"Left out: {scans:,} scans and {rows:,} rows of tables; reasons in {prepared.quarantine}"
    for row in prepared.quarantined[:_SHOWN]:
        place = row.path if row.line is None else f"{row.path}, line {row.line}"
        yield f"  {place}: {row.reason}"
    yield from _more(len(prepared.quarantined))
    notes = prepared.facts["notes"]
    yield from (f"Note: {note}" for note in notes[:_SHOWN])
    yield from _more(len(notes))


def _more(count: int) -> Iterator[str]:
    if count > _SHOWN:
        yield f"  … and {count - _SHOWN:,} more"


def _next(prepared: Prepared) -> Iterator[str]:
    yield ""
    yield f"Datalist: {prepared.datalist}"
    name = shlex.quote(str(prepared.datalist))
    # A list alone has nothing to be compared with.
    if sum(map(bool, prepared.lists.values())) > 1:
        yield f"Next: lungmonai audit {name}       (no patient in two lists)"
    yield f"Next: lungmonai cache warm {name}  (compressed scans and masks, for quick crops)"
