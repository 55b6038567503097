"""What was checked is kept, one line a scan, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from ...errors import OutputError
from ...files import make_folder
from ...progress import Progress
from .scan_check import ScanCheck, check_scan, mark_of

__all__ = ["CHECKS", "CheckLog", "check_scans"]


# Raised when `check_scan` finds something else than before; checks of another number are made again.
CHECKS = 1
_FOLDER, _STAGE = ".lungmonai", "Checking scans"


class CheckLog:
    """The checks of the scans of one folder, kept below it, or elsewhere where it cannot be written to.

    A line is written in one piece when its scan is done. A last line that was torn by a kill is
    ignored. Bad scans are checked again each time: a missing voxels' file may have come meanwhile.

    Args:
        root: the data set's folder.
        elsewhere: folder to keep the checks in where `root` is read-only.

    Raises:
        OutputError: neither folder can be written to, or the checks in it cannot be read.
    """

    def __init__(self, root: Path, elsewhere: Path) -> None:
        self.root = root
        self.path = _place(root, elsewhere)
        said = _said(self.path)
        self._kept = dict(_parsed(said))
        # Keeps the first line of this run apart from one that was torn.
        self._gap = b"\n" if said and not said.endswith(b"\n") else b""

    def known(self, scan: Path) -> ScanCheck | None:
        """The kept check of a scan, if it was good and its files are as they were."""
        kept = self._kept.get(self._key(scan))
        if kept is None or kept.reason:
            return None
        try:
            unchanged = all(mark_of(scan.parent / mark[0]) == mark for mark in kept.files)
        except OSError:
            return None
        return kept if unchanged else None

    def add(self, scan: Path, check: ScanCheck) -> None:
        """Keep a check.

        Raises:
            OutputError: it could not be written.
        """
        line = json.dumps({"checks": CHECKS, "scan": self._key(scan), **check.as_json()})
        try:
            # One write in append mode: two runs on one folder do not mix their lines.
            with self.path.open("ab", buffering=0) as file:
                file.write(self._gap + line.encode() + b"\n")
        except OSError as error:
            raise OutputError(
                f"{self.path} could not be written: {error.strerror or error}",
                wanted="room for one line a scan",
                do="Free some space and run again; what was checked is kept.",
            ) from error
        self._gap = b""

    def _key(self, scan: Path) -> str:
        return scan.relative_to(self.root).as_posix()


def check_scans(
    scans: Sequence[Path], log: CheckLog, *, workers: int, progress: Progress = lambda *_: None
) -> dict[Path, ScanCheck]:
    """Check scans that are new or changed; take what is known of the others.

    Args:
        scans: paths below the log's folder.
        log: what is known already; gets each new check as it is done.
        workers: scans at a time; a compressed one takes as much memory as it has voxels.
        progress: called as scans are done.
    """
    checks = {scan: kept for scan in scans if (kept := log.known(scan))}
    progress(_STAGE, len(checks), len(scans))
    # Threads: what takes time is the disk and zlib, and both let others run.
    pool = ThreadPoolExecutor(workers)
    try:
        jobs: dict[Future[ScanCheck], Path] = {
            pool.submit(check_scan, scan): scan for scan in scans if scan not in checks
        }
        for job in as_completed(jobs):
            checks[jobs[job]] = job.result()
            log.add(jobs[job], job.result())
            progress(_STAGE, len(checks), len(scans))
    finally:
        pool.shutdown(cancel_futures=True)
    return checks


def _place(root: Path, elsewhere: Path) -> Path:
    """The log's path: below the data set, or where that is read-only below `elsewhere`."""
    try:
        return make_folder(root / _FOLDER) / "checks.jsonl"
    except OutputError:
        # Several data sets may keep their checks there.
        name = hashlib.sha256(str(root).encode()).hexdigest()[:12]
        return make_folder(elsewhere / _FOLDER) / f"checks-{name}.jsonl"


def _said(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise OutputError(
            f"{path} could not be read: {error.strerror or error}",
            wanted="the checks of an earlier run",
            do="Remove it; the scans are then checked again.",
        ) from error


def _parsed(said: bytes) -> Iterator[tuple[str, ScanCheck]]:
    """(scan, check) of every line that is whole and of this version."""
    for line in said.splitlines():
        try:
            record = json.loads(line)
            if record["checks"] == CHECKS:
                yield record["scan"], ScanCheck.from_json(record)
        except (ValueError, KeyError, TypeError):
            continue  # torn, or not ours: the scan is checked again
