"""Checks of a bundle that read its files and build nothing."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from ..errors import SettingsError
from .config import read_config
from .layout import BundleFolder
from .outcome import FindingError, NotCheckedError
from .problems import config_problems

__all__ = ["METADATA_SCHEMA", "check_code", "check_config", "check_files", "check_metadata"]

METADATA_SCHEMA = files("lungmonai.bundle_tools") / "metadata_schema.json"
# MONAI's specification, and the four runs of a bundle that can be trained.
_ALWAYS = ("docs/README.md", "LICENSE")
_CONFIGS = ("inference.json", "metadata.json", "logging.conf")
_NETWORK_CONFIGS = ("train.json", "evaluate.json", "multi_gpu_train.json")
# Configs, words, pictures and weights; anything else may be code.
_SUFFIXES = frozenset(
    {".conf", ".json", ".md", ".txt", ".csv", ".png", ".jpg", ".svg", ".pt", ".ts", ".onnx"}
)
_PLAIN_NAMES = frozenset({"LICENSE"})
# GitHub refuses files of 100 MiB; MONAI's model zoo wants larger ones elsewhere.
LARGEST_BYTES = 100 * 2**20


def check_files(bundle: BundleFolder) -> str:
    """Whether the files of a bundle are there, and of which size they are.

    Raises:
        FindingError: some are missing or too large.
    """
    wanted = [bundle.root / name for name in _ALWAYS]
    wanted += [bundle.configs / name for name in _CONFIGS]
    if bundle.has_network:
        wanted += [bundle.configs / name for name in _NETWORK_CONFIGS] + [bundle.weights]
    missing = [str(path.relative_to(bundle.root)) for path in wanted if not path.is_file()]
    sizes = {str(path.relative_to(bundle.root)): path.stat().st_size for path in bundle.files()}
    heavy = [name for name, size in sizes.items() if size > LARGEST_BYTES]
    problems = [f"missing: {', '.join(missing)}"] if missing else []
    problems += [f"larger than {LARGEST_BYTES / 2**20:.0f} MiB: {', '.join(heavy)}"] if heavy else []
    if problems:
        raise FindingError("\n".join(problems))
    largest = max(sizes, key=lambda name: sizes[name])
    total = sum(sizes.values())
    of_largest = f"{largest} with {sizes[largest] / 1e6:.2f} MB"
    return f"{len(sizes)} files, {total / 1e6:.2f} MB, the largest {of_largest}"


def check_code(bundle: BundleFolder) -> str:
    """Whether a bundle holds only configs, words, pictures and weights.

    Raises:
        FindingError: another file is there.
    """
    odd = [
        str(path.relative_to(bundle.root))
        for path in bundle.files()
        if path.suffix not in _SUFFIXES and path.name not in _PLAIN_NAMES
    ]
    if odd:
        raise FindingError(f"neither config, text, picture nor weights: {', '.join(odd)}")
    return "none"


def check_config(bundle: BundleFolder, workflow: tuple[Any, ...]) -> str:
    """Whether a config parses, and all that it refers to and names exists.

    Args:
        bundle: whose metadata it may refer to.
        workflow: the config files, in the order in which they are merged.

    Raises:
        FindingError: one line for each problem.
        SettingsError: it cannot be read.
    """
    config = read_config(workflow, metadata=bundle.metadata)
    problems = config_problems(config)
    if problems:
        raise FindingError("\n".join(str(problem.error()) for problem in problems))
    values = config.items().values()
    made = sum(isinstance(value, dict) and "_target_" in value for value in values)
    return f"{len(config.parser.get()) - 1} keys, {made} targets found"


def check_metadata(bundle: BundleFolder) -> str:
    """Whether the metadata fit the schema that comes with lungmonai.

    Raises:
        FindingError: one line for each misfit.
        NotCheckedError: jsonschema is not installed.
    """
    try:
        from jsonschema import Draft202012Validator
    except ImportError as error:
        raise NotCheckedError("jsonschema is not installed: pip install jsonschema") from error
    try:
        metadata = json.loads(bundle.metadata.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FindingError("metadata.json is missing") from error
    except ValueError as error:
        raise SettingsError(f"{bundle.metadata}: {error}", wanted="JSON", do="Mend that line.") from error
    validator = Draft202012Validator(json.loads(METADATA_SCHEMA.read_text(encoding="utf-8")))
    misfits = sorted(validator.iter_errors(metadata), key=lambda e: list(map(str, e.absolute_path)))
    if misfits:
        places = ("#".join(map(str, misfit.absolute_path)) or "keys" for misfit in misfits)
        raise FindingError("\n".join(f"{p}: {m.message}" for p, m in zip(places, misfits, strict=True)))
    if metadata["version"] not in metadata["changelog"]:
        raise FindingError(f"changelog: version {metadata['version']} is not in it")
    return f"version {metadata['version']}, MONAI {metadata['monai_version']}"
