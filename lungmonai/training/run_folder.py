"""The folder of a training run: what ran there, how far it came, and whether it runs now.

Nothing here loads torch, so that runs can be listed quickly.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .. import __version__
from ..errors import DataError, OutputError, SettingsError
from ..files import make_folder
from ..json_file import without_nan, write_json
from .command import command_flags, resume_command, run_command

__all__ = ["Run", "RunFolder", "find_runs", "now", "versions"]

RECORD, CHECKPOINTS, _LOCK = "run.json", "checkpoints", ".lock"
# Raised when the meaning of a key changes.
FORMAT = 1
# A killed run's data-loader workers hold its lock until they notice, which torch does every 5 s.
_LOCK_SECONDS = 12.0
_PACKAGES = ("torch", "monai", "pytorch-ignite", "numpy")


@dataclass(frozen=True)
class Run:
    """One run as its record says it, and as it is.

    Args:
        folder: that holds it.
        record: the content of `run.json`.
        state: `running`, `stopped`, `finished`, `failed`, or `died` for one that the record calls
            running and that no process runs.
    """

    folder: Path
    record: dict[str, Any]
    state: str

    @property
    def command(self) -> str:
        """What goes on with it from the current folder."""
        command, folder = str(self.record.get("resume", "")), str(self.record.get("folder", ""))
        return command if Path(folder or ".") == Path.cwd() else f"cd {shlex.quote(folder)} && {command}"

    @property
    def epochs(self) -> str:
        """Such as `3/20`."""
        return f"{self.record.get('epoch', 0)}/{self.record.get('max_epochs', '?')}"

    @property
    def best(self) -> str:
        """Such as `dice 0.7123 in epoch 2`; empty before the first validation."""
        score = self.record.get("best_score")
        if not isinstance(score, int | float):
            return ""
        return f"{self.record.get('metric')} {score:.4f} in epoch {self.record.get('best_epoch')}"


class RunFolder:
    """A run's `OUTPUT_DIR`: its record `run.json`, its checkpoints, and the lock of who runs it.

    Args:
        path: the folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / CHECKPOINTS
        self._lock = FileLock(self.path / _LOCK)

    def open(self, *, resume: bool) -> dict[str, Any] | None:
        """Take the folder for this process.

        Args:
            resume: go on with the run that it holds; otherwise it must hold none.

        Returns:
            The record of the run so far; None for a new one.

        Raises:
            SettingsError: it holds a run, or holds none, or another process runs it.
            OutputError: it cannot be written to.
        """
        make_folder(self.path)
        self._check(resume=resume)
        try:
            self._lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout as error:
            raise SettingsError(
                f"another process trains in {self.path}",
                wanted="a folder of its own for each run",
                do="Wait for it, stop it, or choose another --output_dir.",
            ) from error
        except OSError as error:  # a lock of another user
            raise OutputError(
                f"{self.path / _LOCK} could not be taken: {error.strerror or error}",
                wanted="a folder of your own",
                do="Choose another --output_dir.",
            ) from error
        try:
            record = self._check(resume=resume)  # again: two may have begun at once
        except SettingsError:
            self.close()
            raise
        self._remove_partial()
        return record

    def close(self) -> None:
        """Leave the folder to others."""
        self._lock.release()

    def record(self) -> dict[str, Any] | None:
        """What `run.json` says; None where there is none that can be read."""
        try:
            text = (self.path / RECORD).read_text(encoding="utf-8")
            # Former versions wrote NaN, which is no JSON.
            record = json.loads(text, parse_constant=lambda name: None)
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) and "state" in record else None

    def write(self, **said: Any) -> None:
        """Put this into the record, which is written whole; what is no finite number becomes null.

        Raises:
            OutputError: it could not be written.
        """
        record = {**(self.record() or {"format": FORMAT}), **said, "updated": now()}
        write_json(self.path / RECORD, without_nan(record))

    def write_begin(self, bundle: str, former: dict[str, Any] | None) -> None:
        """Put into the record who runs here now, and how.

        Args:
            bundle: its name.
            former: the record so far.
        """
        command = run_command()
        flags = command_flags(command)
        former = former or {}
        self.write(
            bundle=bundle,
            state="running",
            command=command,
            resume=resume_command(command),
            folder=str(Path.cwd()),
            config_file=flags.pop("config_file", ""),
            overrides={name: value for name, value in flags.items() if name != "nproc_per_node"},
            versions=versions(),
            started=former.get("started", now()),
            resumed=[*former.get("resumed", []), now()] if former else [],
            process={"host": platform.node(), "pid": os.getpid()},
            error="",
        )

    def is_running(self) -> bool:
        """Whether a process holds the folder."""
        if not (self.path / _LOCK).exists():
            return False
        try:
            with FileLock(self.path / _LOCK, timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # someone else's folder, which cannot be written to
            return (self.record() or {}).get("state") == "running"

    def _check(self, *, resume: bool) -> dict[str, Any] | None:
        record, checkpoints = self.record(), any(self.checkpoints.glob("[!.]*.pt"))
        if not resume and (record is not None or checkpoints):
            how_far = f" (epoch {Run(self.path, record, '').epochs})" if record else ""
            raise SettingsError(
                f"{self.path} already holds a run{how_far}",
                wanted="a folder without one",
                do="Add `--resume True` to go on with it, or `--output_dir DIR` to begin another.",
            )
        # A record that was lost is no reason to lose the checkpoints too.
        if resume and record is None and not checkpoints:
            raise SettingsError(
                f"{self.path} holds no run", wanted="one to go on with", do="Leave out --resume to begin one."
            )
        return record

    def _remove_partial(self) -> None:
        """What a killed run was writing; nobody else writes here while we hold the lock."""
        for folder in (self.path, self.checkpoints):
            for suffix in (".json", ".pt"):
                for left in folder.glob(f".partial-*{suffix}"):
                    left.unlink(missing_ok=True)


def find_runs(folders: Iterable[Path]) -> list[Run]:
    """Every run in and below these folders, the latest first.

    Raises:
        DataError: a folder is not there.
    """
    found = {path.resolve(): path for folder in folders for path in _below(Path(folder))}
    runs = [run for path in found.values() if (run := _run(path)) is not None]
    return sorted(runs, key=lambda run: str(run.record.get("updated", "")), reverse=True)


def versions() -> dict[str, str]:
    """Of what a run depends on."""
    return {
        "lungmonai": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
    }


def now() -> str:
    """This second, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _below(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise DataError(
            f"{folder} is no folder",
            wanted="a folder with training runs",
            do="Name one: `lungmonai runs DIR`; without DIR it is ./runs.",
        )
    return (path.parent for path in folder.rglob(RECORD))


def _run(path: Path) -> Run | None:
    folder = RunFolder(path)
    record = folder.record()
    if record is None:
        return None
    state = str(record["state"])
    return Run(path, record, "died" if state == "running" and not folder.is_running() else state)
