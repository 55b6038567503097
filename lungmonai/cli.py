"""The `lungmonai` command: thin verbs over the library; what is heavy loads inside the verb."""

from __future__ import annotations

import argparse
import io
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .errors import EngineError, LungmonaiError, OutputError, ScanError, SettingsError, WeightsError

if TYPE_CHECKING:
    from .nodule import ScanResult

__all__ = ["build_parser", "main", "run_or_exit"]

# Also in the README; a run that was stopped gives 128 plus the signal's number, as in a shell.
EXIT_CODES: tuple[tuple[type[LungmonaiError], int], ...] = (
    (SettingsError, 2),
    (ScanError, 3),
    (WeightsError, 4),
    (OutputError, 5),
    (EngineError, 6),
)
_INTERRUPTED, _TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
_STAND_IN = (
    "These weights are a stand-in that shows how the software works. What they mark are dense spots,\n"
    "NOT detected nodules. Give real weights with --seg and --nodule."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    Args:
        argv: words after `lungmonai`; None takes those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name or a dash that the terminal cannot show
    arguments = build_parser().parse_args(argv)
    if threading.current_thread() is threading.main_thread():  # others cannot set it
        signal.signal(signal.SIGTERM, _terminate)
    return _exit_code(lambda: arguments.run(arguments))


def run_or_exit(work: Callable[[], object]) -> None:
    """Run a bundle's work; what goes wrong is one line and an exit code, as for a command.

    MONAI and ignite wrap an error in tracebacks of their own, at whose end ours is not seen.

    Args:
        work: called without arguments.

    Raises:
        SystemExit: one of ours went wrong, or it was stopped.
    """
    code = _exit_code(work)
    if code:
        raise SystemExit(code)


def build_parser() -> argparse.ArgumentParser:
    """The command line, with every verb and option."""
    parser = argparse.ArgumentParser(
        prog="lungmonai", description="Lung nodules in a chest CT. For research; not a medical device."
    )
    parser.add_argument("--version", action="version", version=f"lungmonai {__version__}")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    _add_analyze(verbs)
    _add_series(verbs)
    _add_weights(verbs)
    return parser


def _add_analyze(verbs: Any) -> None:
    from .analysis.settings import ENGINES, PRECISIONS, REGIONS, AnalysisSettings

    default = AnalysisSettings()
    add = _verb(verbs, "analyze", _analyze, "find the nodules of a scan")
    add("scan", help=".mhd, .mha, .nii(.gz), .nrrd, a DICOM folder or a zip of one")
    add("-o", "--output", required=True, metavar="OUT", help="folder for the results")
    add("--seg", type=Path, metavar="FILE", help="segmentation weights (default: the seg bundle's)")
    add("--nodule", type=Path, metavar="FILE", help="nodule weights (default: the nodule bundle's)")
    add("--malignancy", type=Path, metavar="FILE", help="malignancy weights (default: none)")
    add("--no-merge", action="store_true", help="keep every detection apart, as the reference project does")
    add("--merge-radius-mm", type=float, default=default.merge_radius_mm, metavar="MM",
        help="detections this near are one nodule (default: %(default)g)")  # fmt: skip
    add("--nodule-threshold", type=float, default=default.nodule_threshold, metavar="P",
        help="a nodule is more probable than this (default: %(default)g)")  # fmt: skip
    add("--mark-threshold", type=float, default=default.mark_threshold, metavar="P",
        help="a voxel is marked when more probable than this (default: %(default)g)")  # fmt: skip
    add(
        "--region",
        choices=REGIONS,
        default=default.region,
        help="look everywhere, or in the lungs only (default: %(default)s)",
    )
    add(
        "--engine",
        choices=ENGINES,
        default=default.engine,
        help="what runs the networks (default: %(default)s)",
    )
    add("--precision", choices=PRECISIONS, default=default.precision,
        help="auto: by the device; mixed: segmentation in float32 (default: %(default)s)")  # fmt: skip
    add(
        "--device",
        default=default.device,
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:1 and so on (default: %(default)s)",
    )
    add("--series", metavar="UID", help="which DICOM series, where there are several")
    add(
        "--volume-format",
        choices=("nii.gz", "mhd"),
        default="nii.gz",
        help="of mask and probability (default: %(default)s)",
    )
    add("--quiet", action="store_true", help="no progress and no table")


def _add_series(verbs: Any) -> None:
    add = _verb(verbs, "series", _series, "list the DICOM series of a folder or zip, the largest first")
    add("scan", type=Path, help="a DICOM folder or a zip of one")


def _add_weights(verbs: Any) -> None:
    parser = verbs.add_parser("weights", help="import weights", description="import weights")
    add = _verb(
        parser.add_subparsers(required=True, metavar="VERB"),
        "import",
        _import_weights,
        "turn a checkpoint of the reference project into a model.pt",
    )
    add("checkpoint", type=Path, help="a .state file of Deep Learning with PyTorch, part 2")
    add("-o", "--output", required=True, metavar="FILE", type=Path, help="the weights file to write")
    add("--sha256", metavar="HEX", help="refuse the checkpoint unless its SHA-256 is this")


def _verb(verbs: Any, name: str, run: Callable[[argparse.Namespace], None], what: str) -> Callable[..., Any]:
    parser = verbs.add_parser(name, help=what, description=what)
    parser.set_defaults(run=run)
    add: Callable[..., Any] = parser.add_argument
    return add


def _analyze(arguments: argparse.Namespace) -> None:
    from .analysis.models import Models
    from .analysis.run import analyze_to_folder
    from .analysis.settings import AnalysisSettings
    from .progress import Bars

    settings = AnalysisSettings(
        engine=arguments.engine,
        precision=arguments.precision,
        device=arguments.device,
        region=arguments.region,
        merge=not arguments.no_merge,
        merge_radius_mm=arguments.merge_radius_mm,
        mark_threshold=arguments.mark_threshold,
        nodule_threshold=arguments.nodule_threshold,
    )
    models = Models.load(arguments.seg, arguments.nodule, arguments.malignancy)
    if models.stand_in:
        _say(_STAND_IN)
    with Bars(quiet=arguments.quiet) as bars:
        result = analyze_to_folder(
            arguments.scan,
            arguments.output,
            models=models,
            settings=settings,
            series=arguments.series,
            volume_format=arguments.volume_format,
            progress=bars,
        )
    if not arguments.quiet:
        _print_result(result, Path(arguments.output), models.stand_in)


def _print_result(result: ScanResult, folder: Path, stand_in: bool) -> None:
    from .analysis.run import TABLE_ROWS
    from .export import nodule_table

    for note in result.notes:
        _say(f"Note: {note}")
    seconds = sum(result.record["timings_s"].values())
    lines = (
        nodule_table(result, stand_in=stand_in, rows=TABLE_ROWS).rstrip(),
        "",
        f"{seconds:.1f} s. Picture: {folder / 'overview.png'}  Tables: {folder / 'nodules.csv'}",
        "For research; not a medical device.",
    )
    sys.stdout.write("\n".join(lines) + "\n")


def _series(arguments: argparse.Namespace) -> None:
    from .io import list_series

    for one in list_series(arguments.scan):
        axial = "axial" if one.axial else "not axial"
        shape = f"{one.columns}x{one.rows}x{one.slices}"
        sys.stdout.write(f"{one.uid}  {one.modality}  {axial}  {shape}  {one.description}\n")


def _import_weights(arguments: argparse.Namespace) -> None:
    from .files import make_folder
    from .networks import import_reference_weights

    make_folder(arguments.output.parent)
    done = import_reference_weights(arguments.checkpoint, arguments.output, sha256=arguments.sha256)
    known = "one of the published files" if done.published else "not one of the published files"
    sys.stdout.write(
        f"{arguments.output}: {done.architecture}, {done.parameters:,} parameters\n"
        f"from {arguments.checkpoint.name}, {known}, SHA-256 {done.sha256}\n"
    )


def _exit_code(work: Callable[[], object]) -> int:
    try:
        work()
    except KeyboardInterrupt as stop:
        _say("lungmonai: stopped; no file was left half-written.")
        return _TERMINATED if isinstance(stop, _Terminated) else _INTERRUPTED
    except Exception as error:
        ours = _ours(error)
        if ours is None:
            raise
        _say(f"lungmonai: {ours}")
        return next((code for kind, code in EXIT_CODES if isinstance(ours, kind)), 1)
    return 0


def _ours(error: BaseException | None) -> LungmonaiError | None:
    """The error of ours that an error is or was caused by."""
    while error is not None and not isinstance(error, LungmonaiError):
        error = error.__cause__
    return error


class _Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run as Ctrl-C does."""


def _terminate(*_: object) -> None:
    raise _Terminated


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
