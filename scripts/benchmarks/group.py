"""Grouping alone: erosion, labels and centroids, SciPy's way and ours, on a real mask.

Both answers are compared to the last bit. The mask is the reference project's on a real scan, once
as it is and once repeated along z.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._common import machine_line, say, shared_data, table, versions_line

__all__ = ["main"]

SCAN = "c3n-00247"


def main(argv: list[str]) -> int:
    """Run the benchmark; 1 if the answers differ."""
    options = _parser().parse_args(argv)
    say(f"machine:  {machine_line()}")
    say(f"versions: {versions_line()}")
    say(f"command:  scripts/bench group {shlex.join(argv)}")
    hu, marked = _real_mask(options.scan, options.masks)
    found = [
        _compare(_tiled(hu, slices), _tiled(marked, slices), options.repeats)
        for slices in (len(hu), options.slices)
    ]
    seconds = ["SciPy erode s", "label + centroid s", "ours, all s"]
    head = ["slices", "candidates", *seconds, "ratio", "bit-equal"]
    rows = [[str(item["slices"]), str(item["candidates"]), *_cells(item)] for item in found]
    say(table([head, *rows]))
    say("ratio: SciPy's label and centroid over ours, which erodes as well")
    if options.json:
        raw = {"machine": machine_line(), "versions": versions_line(), "argv": argv, "runs": found}
        options.json.write_text(json.dumps(raw, indent=1))
    return 0 if all(item["bit_equal"] for item in found) else 1


def _parser() -> argparse.ArgumentParser:
    data = shared_data()
    parser = argparse.ArgumentParser(prog="scripts/bench group", description=__doc__)
    parser.add_argument("--scan", type=Path, default=data / "ct" / SCAN)
    parser.add_argument("--masks", type=Path, default=data / "golden" / f"{SCAN}_masks.npz")
    parser.add_argument("--slices", type=int, default=297, help="repeat the scan along z to this many slices")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    return parser


def _real_mask(scan: Path, masks: Path) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """(slices, rows, columns) HU and the mask before erosion."""
    from lungmonai.io import read_ct

    with np.load(masks) as golden:
        shape = tuple(golden["shape"])
        marked = np.unpackbits(golden["mask_raw"], count=int(np.prod(shape))).reshape(shape).astype(bool)
    return read_ct(scan).canonical().hu, marked


def _tiled(volume: NDArray[Any], slices: int) -> NDArray[Any]:
    return np.ascontiguousarray(volume[np.arange(slices) % len(volume)])


def _compare(hu: NDArray[np.int16], marked: NDArray[np.bool_], repeats: int) -> dict[str, Any]:
    """Both ways in turn, and whether they say the same."""
    from reference import analysis as reference

    from lungmonai.analysis.group import group_voxels

    clipped = hu.astype(np.float32).clip(*reference.HU_LIMITS)
    scan = reference.Scan(clipped, np.zeros(3), np.ones(3), np.eye(3))
    seconds: dict[str, list[float]] = {"erode": [], "group": [], "ours": []}
    for _ in range(repeats):
        eroded = _timed(seconds["erode"], partial(reference.erode, marked))
        theirs = _timed(seconds["group"], partial(reference.group, scan, eroded))
        ours = _timed(seconds["ours"], partial(group_voxels, marked, hu))
    return {
        "slices": len(hu),
        "candidates": len(theirs),
        **{name: statistics.median(values) for name, values in seconds.items()},
        "bit_equal": bool(np.array_equal(theirs, ours.center_vox)),
    }


def _timed(into: list[float], work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    answer = work()
    into.append(time.perf_counter() - began)
    return answer


def _cells(item: dict[str, Any]) -> list[str]:
    seconds = [f"{item[name]:.3f}" for name in ("erode", "group", "ours")]
    return [*seconds, f"{item['group'] / item['ours']:.1f}", "yes" if item["bit_equal"] else "no"]
