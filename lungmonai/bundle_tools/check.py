"""What MONAI's model zoo asks of a bundle, asked offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ..analysis.operating import operating_path
from ..progress import Progress
from .file_checks import check_code, check_config, check_files, check_metadata
from .layout import BundleFolder
from .network_checks import NetworkChecks
from .operating_check import check_operating
from .outcome import Check, NotCheckedError, outcome
from .properties import check_properties

__all__ = ["Check", "check_bundle"]

_STAGE = "check"
_NO_NETWORK = "it has no network of its own"
# MONAI's kinds of workflow, by the config that runs one.
_KINDS = {"train.json": "train", "evaluate.json": "infer", "inference.json": "infer"}
_Steps = Iterator[tuple[str, Callable[[], str]]]


def check_bundle(bundle: BundleFolder, progress: Progress | None = None) -> list[Check]:
    """Check a bundle; nothing is fetched, and nothing is written into it.

    Args:
        bundle: in either layout.
        progress: called with ("check", checks done, checks in all).

    Returns:
        One line for each check, whether it passed or not.
    """
    steps = [*_file_steps(bundle), *_config_steps(bundle), *_property_steps(bundle), *_network_steps(bundle)]
    checks: list[Check] = []
    for name, work in steps:
        if progress is not None:
            progress(_STAGE, len(checks), len(steps))
        checks.append(outcome(name, work))
    if progress is not None:
        progress(_STAGE, len(steps), len(steps))
    return checks


def _file_steps(bundle: BundleFolder) -> _Steps:
    yield "files", partial(check_files, bundle)
    yield "code", partial(check_code, bundle)
    yield "metadata", partial(check_metadata, bundle)
    if operating_path(bundle.weights).is_file():
        yield "operating point", partial(check_operating, bundle)


def _config_steps(bundle: BundleFolder) -> _Steps:
    for workflow in bundle.workflows():
        yield _name(workflow), partial(check_config, bundle, workflow)


def _property_steps(bundle: BundleFolder) -> _Steps:
    for workflow in bundle.workflows():
        kind = _KINDS.get(workflow[-1].name)
        if kind is not None:  # a file that is missing is said once, by the first check
            wanted = check_properties if bundle.has_network else _without_network
            yield f"properties of {workflow[-1].name}", partial(wanted, bundle, workflow, kind)


def _network_steps(bundle: BundleFolder) -> _Steps:
    if bundle.has_network and _can_be_built(bundle):
        checks = NetworkChecks(bundle)
        yield "weights", checks.weights
        yield "network in and out", checks.in_out
        yield "TorchScript", checks.torchscript
        yield "ONNX", checks.onnx


def _can_be_built(bundle: BundleFolder) -> bool:
    # What is missing is said once, by the first check.
    needed = (bundle.metadata, bundle.configs / "inference.json", bundle.weights)
    return all(path.is_file() for path in needed)


def _without_network(*_: object) -> str:
    raise NotCheckedError(_NO_NETWORK)


def _name(workflow: tuple[Path, ...]) -> str:
    return " + ".join(path.name for path in workflow)
