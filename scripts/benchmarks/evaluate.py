"""Scoring a submission with intervals: the whole command, its parts, and one curve after the other.

The draws of the fast way and of the slow one are compared to the last bit. The slow way is what LUNA16's
script does for its intervals, without its printing: each draw copies the marks of the scans that it
holds into one growing array, sorts them and interpolates the curve at 10,001 points. It runs for few
draws and its time is scaled to all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._common import BenchError, machine_line, say, shared_data, table, versions_line

__all__ = ["main"]

# LUNA16's script reads its curve here.
GRID = np.linspace(0.125, 8, 10_001)
RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def main(argv: list[str]) -> int:
    """Run the benchmark; 1 if the answers differ, or a run fails."""
    options = _parser().parse_args(argv)
    say(f"machine:  {machine_line()}")
    say(f"versions: {versions_line()}")
    say(f"command:  scripts/bench evaluate {shlex.join(argv)}")
    try:
        whole = [_whole_command(options) for _ in range(options.repeats + 1)][1:]  # the first one warms up
    except BenchError as error:
        say(f"the command failed: {error}")
        return 1
    parts, same = _parts(options)
    say(table([["what", "seconds", "CPU seconds"], *_rows(whole, parts, options)]))
    say(f"{options.slow_draws} draws are bit-equal both ways: {'yes' if same else 'NO'}")
    if options.json:
        raw = {"machine": machine_line(), "versions": versions_line(), "argv": argv}
        options.json.write_text(json.dumps({**raw, "whole": whole, "parts": parts, "same": same}, indent=1))
    return 0 if same else 1


def _parser() -> argparse.ArgumentParser:
    folder = shared_data() / "luna16"
    parser = argparse.ArgumentParser(prog="scripts/bench evaluate", description=__doc__)
    parser.add_argument("--submission", type=Path, default=folder / "deeplung_dpn26_submission.csv")
    parser.add_argument("--annotations", type=Path, default=folder / "annotations.csv")
    parser.add_argument("--excluded", type=Path, default=folder / "annotations_excluded.csv")
    parser.add_argument("--scans", type=Path, default=folder / "seriesuids.csv")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--slow-draws", type=int, default=10, help="draws of the slow way")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    return parser


def _whole_command(options: argparse.Namespace) -> dict[str, float]:
    """Seconds of `lungmonai evaluate froc` in a new process that may use one core, and of its CPU."""
    words = [sys.executable, "-m", "lungmonai.cli", "evaluate", "froc", str(options.submission)]
    for name in ("annotations", "excluded", "scans"):
        words += [f"--{name}", str(getattr(options, name))]
    with tempfile.TemporaryDirectory() as folder:
        words += ["--bootstrap", str(options.draws), "--json", str(Path(folder, "froc.json"))]
        before, began = os.times(), time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True, env=_one_core(), preexec_fn=_pin)
        wall_s, after = time.perf_counter() - began, os.times()
    if done.returncode:
        raise BenchError(done.stderr.strip() or f"exit {done.returncode}")
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall_s": wall_s, "cpu_s": cpu_s}


def _one_core() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": paths}


def _pin() -> None:
    """One core only, where the system can be asked for that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _parts(options: argparse.Namespace) -> tuple[dict[str, float], bool]:
    """Median CPU seconds of each part in this process, and whether both ways to draw say the same."""
    from lungmonai.evaluation.submission import read_submission
    from lungmonai.evaluation.truth import read_truth
    from lungmonai.metrics.froc import froc
    from lungmonai.metrics.froc_bootstrap import froc_draws
    from lungmonai.metrics.intervals import draw_counts
    from lungmonai.metrics.judging import judge_marks

    seconds: dict[str, list[float]] = {}
    timed = partial(_timed, seconds)
    for _ in range(options.repeats):
        submission = timed("read the submission", read_submission, options.submission)
        found = {"excluded": options.excluded, "scans": options.scans}
        truth = timed("read the annotations", read_truth, options.annotations, **found)
        marks, scans = submission.marks_in(truth.scans).marks, len(truth.scans)
        judged = timed("judge the marks", judge_marks, marks, truth.nodules, scans, truth.excluded)
        timed("one curve", froc, judged)
        counts = timed("draw the scans", draw_counts, scans, options.draws, 0)
        fast = timed("all draws", froc_draws, judged, counts)
    slow = timed("slow draws", _slow_draws, judged, counts[: options.slow_draws])
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return medians, bool(np.array_equal(fast[: len(slow)], slow, equal_nan=True))


def _timed(
    seconds: dict[str, list[float]], name: str, work: Callable[..., Any], *of: Any, **more: Any
) -> Any:
    began = time.process_time()
    answer = work(*of, **more)
    seconds.setdefault(name, []).append(time.process_time() - began)
    return answer


def _slow_draws(judged: Any, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sensitivities at the seven rates, one copied and sorted curve for each draw."""
    score = np.concatenate([judged.nodule_prob, judged.false_prob])
    true = np.concatenate([np.ones(len(judged.nodule_prob)), np.zeros(len(judged.false_prob))])
    scan = np.concatenate([judged.nodule_scan, judged.false_scan])
    by_scan = {name: np.stack([true[scan == name], score[scan == name]]) for name in range(judged.scans)}
    read = []
    for drawn in counts:
        copied = np.zeros((2, 0))
        for name in np.repeat(np.arange(judged.scans), drawn):
            copied = np.concatenate([copied, by_scan[name]], axis=1)
        read.append(_slow_curve(copied, int(drawn.sum())))
    return np.array(read)


def _slow_curve(marks: NDArray[np.float64], scans: int) -> NDArray[np.float64]:
    true, score = marks[:, np.argsort(-marks[1], kind="stable")]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True) & np.isfinite(score))
    found, false = np.cumsum(true), np.cumsum(1 - true)
    x = np.concatenate([[0.0], false[last] / scans])
    with np.errstate(invalid="ignore"):  # a draw without nodules
        y = np.concatenate([[0.0], found[last]]) / true.sum()
    curve = np.interp(GRID, x, y)
    return curve[[np.abs(GRID - rate).argmin() for rate in RATES]]


def _rows(
    whole: list[dict[str, float]], parts: dict[str, float], options: argparse.Namespace
) -> list[list[str]]:
    wall, cpu = ([one[name] for one in whole] for name in ("wall_s", "cpu_s"))
    slow = parts["slow draws"] * options.draws / options.slow_draws
    rows = [[name, "", f"{value:.3f}"] for name, value in parts.items() if name != "slow draws"]
    range_s = f"{min(wall):.2f} to {max(wall):.2f}"
    return [
        ["whole command, new process, one core", f"{statistics.median(wall):.2f} ({range_s})", _two(cpu)],
        *rows,
        [f"slow draws, {options.slow_draws} measured and scaled to {options.draws:,}", "", f"{slow:.1f}"],
    ]


def _two(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f}"
