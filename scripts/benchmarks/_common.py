"""What every benchmark needs: output, tables, real data, fresh processes, the machine's line."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "BenchError",
    "begin",
    "in_fresh_process",
    "machine_line",
    "say",
    "shared_data",
    "table",
    "versions_line",
]

SCRIPTS = Path(__file__).resolve().parents[1]
# Longer than any run: the reference takes minutes on a slow machine.
_LIMIT_S = 3600
_PACKAGES = ("torch", "monai", "openvino", "numpy", "scipy", "SimpleITK")
_CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")


class BenchError(Exception):
    """One run failed; the message is its error line."""


def say(text: str = "") -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def shared_data() -> Path:
    """Folder of the real scans and weights, beside the checkout unless LUNGMONAI_SHARED_DATA says else."""
    beside = SCRIPTS.parents[1] / "shared" / "data"
    return Path(os.environ.get("LUNGMONAI_SHARED_DATA", beside))


def begin(command: str, argv: Sequence[str], threads: int, *, keep_memory: bool) -> str:
    """Set torch's threads and the allocator, print the lines that every result needs; how memory is kept."""
    import torch

    from lungmonai.analysis.memory import keep_freed_memory

    torch.set_num_threads(threads)
    if keep_memory:
        keep_freed_memory()
    say(f"machine:  {machine_line()}")
    say(f"versions: {versions_line()}")
    say(f"command:  scripts/bench {command} {shlex.join(argv)}")
    return f"{threads} threads, freed memory {'kept' if keep_memory else 'returned'}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Aligned plain text; the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def in_fresh_process(job: dict[str, Any], *, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Run a job of `_worker` in a new process; the answer comes back as JSON in a file.

    Raises:
        BenchError: the process failed; the message is the last line that it wrote.
    """
    paths = [str(SCRIPTS), str(SCRIPTS.parent), os.environ.get("PYTHONPATH", "")]
    variables = {**os.environ, **(environment or {}), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "job.json"), Path(folder, "answer.json")
        question.write_text(json.dumps(job))
        command = [sys.executable, "-m", "benchmarks._worker", str(question), str(answer)]
        try:
            done = subprocess.run(
                command, env=variables, capture_output=True, text=True, errors="replace", timeout=_LIMIT_S
            )
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"stopped after {_LIMIT_S} s") from error
        if done.returncode or not answer.is_file():
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise BenchError(f"exit {done.returncode}: {last[0]}")
        result: dict[str, Any] = json.loads(answer.read_text())
    return result


def machine_line() -> str:
    """CPU model, cores and the instruction sets that matter here."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    has = set(fields.get("flags", "").split())
    flags = " ".join(f"{flag}:{'yes' if flag in has else 'no'}" for flag in _CPU_FLAGS)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{fields.get('model name', platform.processor())}, {cores} cores, {flags}, {platform.platform()}"


def versions_line() -> str:
    """Versions of Python and of the packages that do the work."""
    found = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{package} absent")
    return ", ".join(found)
