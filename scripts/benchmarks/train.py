"""Training, samples a second of whole steps: ours against the reference's way on the same networks.

A step goes from the cache to the updated weights: samples read, augmented, put through the network and
back, weights updated. Each way has a process of its own, since the state of malloc is a process's, and the
processes take turns. Before, the ways are given the same start weights and the same samples without
augmentation, and their first losses are compared.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ._common import begin, machine_line, say, table, versions_line
from ._train_ways import TASKS, Way, begin_way, first_losses, measure, write_samples

__all__ = ["main"]

# The first losses may differ by this share: the order of sums, and bfloat16.
AGREED_SHARE = 0.01
# Losses that are written; after the first one, rounding is enlarged by the optimiser.
LOSSES = 3
# Of the phantom data set; small ones, since a crop does not know how large its scan is.
SCANS = 3
HEAD = ["samples a second", "reference", "ours", "ratio", "ms a step", "of it the batch", "first loss"]


def main(argv: list[str]) -> int:
    """Run the benchmark; 1 if the losses differ."""
    options = _parser().parse_args(argv)
    begin("train", argv, options.threads, keep_memory=False)
    say(
        f"settings: {options.threads} threads, {options.workers} loader workers, {options.device}, median of "
        f"{options.repeats} turns of {options.steps} steps; ours keeps freed memory, the reference does not"
    )
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or _phantoms(Path(folder) / "phantoms")
        for name in options.tasks:
            write_samples(TASKS[name], data, Path(folder), options.samples)
            found[name] = _measured(_ways(name, data, Path(folder), options), options.repeats)
    say(table([HEAD, *(row for name in found for row in _rows(name, found[name]))]))
    if options.json:
        raw = {"machine": machine_line(), "versions": versions_line(), "argv": argv, "tasks": found}
        options.json.write_text(json.dumps(raw, indent=1))
    differ = [name for name, ways in found.items() if not _agree(ways)]
    if differ:
        say(f"the first losses differ by more than {AGREED_SHARE:.0%}: {', '.join(differ)}")
    return int(bool(differ))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench train", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of a datalist (default: small phantoms, made now)")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--precisions", nargs="+", choices=("float32", "bfloat16", "float16"),
        default=["float32", "bfloat16"], help="of ours")  # fmt: skip
    parser.add_argument("--compile", action="store_true", help="ours with torch.compile as well")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ...")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0, help="of every way's data loader")
    parser.add_argument("--samples", type=int, default=256, help="different samples in the reference's cache")
    parser.add_argument("--steps", type=int, default=10, help="in a turn")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each way, after turn 0")
    parser.add_argument("--json", type=Path, help="write every turn here")
    return parser


def _phantoms(folder: Path) -> Path:
    from lungmonai.data import prepare_luna16, write_phantoms

    write_phantoms(folder, SCANS, 0, small=True)
    prepare_luna16(folder)
    return folder


def _ways(task: str, data: Path, folder: Path, options: argparse.Namespace) -> list[Way]:
    """The reference's way first."""
    shared = {
        "task": TASKS[task],
        "data": str(data),
        "folder": str(folder),
        "device": options.device,
        "threads": options.threads,
        "workers": options.workers,
        "steps": options.steps,
    }
    ways = [Way("reference", ours=False, **shared)]
    for precision in options.precisions:
        ways.append(Way(precision, precision=precision, **shared))
        if options.compile:
            ways.append(Way(f"{precision} compiled", precision=precision, compiled=True, **shared))
    return ways


def _measured(ways: list[Way], repeats: int) -> dict[str, Any]:
    """By the way's name: the first losses, and the seconds of every turn."""
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        # Fresh, not forked: what this process did to malloc and threads stays here.
        fresh = multiprocessing.get_context("spawn")
        processes = {
            way: stack.enter_context(ProcessPoolExecutor(1, fresh, begin_way, (way,))) for way in ways
        }
        for way, process in processes.items():
            found[way.name] = {
                "batch_size": way.task.batch_size,
                "losses": process.submit(first_losses, LOSSES).result(),
                "turns": [],
            }
        for turn in range(repeats + 1):
            taken = {way.name: process.submit(measure).result() for way, process in processes.items()}
            shown = (f"{name} {seconds['step_s'] * 1e3:.0f} ms" for name, seconds in taken.items())
            say(f"turn {turn}, {ways[0].task.network}: {', '.join(shown)}")
            for name, seconds in taken.items():
                if turn:  # the first is to warm up
                    found[name]["turns"].append(seconds)
    return found


def _rows(task: str, found: dict[str, Any]) -> list[list[str]]:
    reference, *ours = found
    theirs_s = _median(found[reference], "step_s")
    rows = []
    for name in ours:
        step_s, batch_s = (_median(found[name], part) for part in ("step_s", "batch_s"))
        size = found[name]["batch_size"]
        rows.append(
            [
                f"{TASKS[task].network}, {name}",
                f"{size / theirs_s:,.0f}",
                f"{size / step_s:,.0f}",
                f"{theirs_s / step_s:.1f}×",
                f"{theirs_s * 1e3:.0f} → {step_s * 1e3:.0f}",
                f"{_median(found[reference], 'batch_s') * 1e3:.0f} → {batch_s * 1e3:.0f}",
                f"{found[reference]['losses'][0]:.4f} → {found[name]['losses'][0]:.4f}",
            ]
        )
    return rows


def _median(way: dict[str, Any], part: str) -> float:
    return statistics.median(turn[part] for turn in way["turns"])


def _agree(found: dict[str, Any]) -> bool:
    """Whether every way's first loss is the reference's."""
    wanted = found["reference"]["losses"][0]
    return all(abs(way["losses"][0] - wanted) <= AGREED_SHARE * wanted for way in found.values())
