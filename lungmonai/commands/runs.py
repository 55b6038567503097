"""`lungmonai runs`: the training runs of a folder, and how to go on with them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .verb import verb

if TYPE_CHECKING:
    from ..training.run_folder import Run

__all__ = ["add"]

_HEAD = ("RUN", "BUNDLE", "STATE", "EPOCH", "BEST", "UPDATED (UTC)")


def add(verbs: Any) -> None:
    """Add `lungmonai runs`."""
    option = verb(verbs, "runs", _runs, "list training runs, their best scores, and how to resume them")
    option("folders", nargs="*", type=Path, metavar="DIR",
        help="look for runs in and below these (default: runs)")  # fmt: skip
    option("--json", action="store_true", help="print a JSON list instead of a table")


def _runs(arguments: argparse.Namespace) -> None:
    from ..training.run_folder import find_runs

    folders = arguments.folders or [Path("runs")]
    runs = find_runs(folders)
    if arguments.json:
        rows = [{**run.record, "folder_of_run": str(run.folder), "state": run.state} for run in runs]
        sys.stdout.write(json.dumps(rows, indent=1, allow_nan=False) + "\n")
    elif runs:
        sys.stdout.write(_table(runs))
    else:
        sys.stdout.write(f"no run in {', '.join(map(str, folders))}\n")


def _table(runs: list[Run]) -> str:
    rows = [_HEAD, *map(_row, runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    shown = [lines[0].rstrip()]
    for run, line in zip(runs, lines[1:], strict=True):
        shown.append(line.rstrip())
        shown += [f"  {said}" for said in _said(run)]
    return "\n".join(shown) + "\n"


def _row(run: Run) -> tuple[str, ...]:
    updated = str(run.record.get("updated", ""))[:16].replace("T", " ")
    return str(run.folder), str(run.record.get("bundle", "")), run.state, run.epochs, run.best, updated


def _said(run: Run) -> list[str]:
    """What went wrong, and how to go on; a run that goes on by itself needs neither."""
    # Errors of torch have many lines.
    error = str(run.record.get("error", "")).strip().partition("\n")[0]
    lines = [error] if error and run.state == "failed" else []
    return lines + ([] if run.state in ("running", "finished") else [f"to resume: {run.command}"])
