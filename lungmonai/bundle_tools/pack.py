"""A bundle as MONAI's standard archive: `NAME/configs`, `docs`, `models`, `LICENSE`."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ..analysis.operating import operating_path
from ..errors import SettingsError
from ..files import make_folder, written_whole
from .config import read_content
from .layout import BundleFolder

__all__ = ["PACKED_ROOT", "pack_bundle"]

# As in MONAI's own bundles: commands are run from the bundle's folder, or name it.
PACKED_ROOT = "."
_ROOT_KEY = "bundle_root"
_ROOT = re.compile(rb'^(\s*"bundle_root"\s*:\s*)"(?:[^"\\]|\\.)*"', re.MULTILINE)
# The earliest time that a zip can hold: equal content gives equal bytes.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_UNIX = 3


def pack_bundle(bundle: BundleFolder, output: Path, *, torchscript: bool = False) -> list[str]:
    """Write a bundle as a standard archive; equal content gives equal bytes.

    Args:
        bundle: in either layout.
        output: a `.zip` file that is written or replaced, or a folder that does not exist yet or is
            empty; what is in either lies in a folder of the bundle's name.
        torchscript: export the network to `models/model.ts` as well.

    Returns:
        The names in the archive.

    Raises:
        SettingsError: the output lies in the bundle, or is a folder that holds the bundle already; a config
            is no JSON; there is no network to export.
        OutputError: it could not be written.
    """
    if bundle.root.resolve() in (output.resolve(), *output.resolve().parents):
        raise SettingsError(f"{output} lies in the bundle", wanted="another place", do="Name another output.")
    with tempfile.TemporaryDirectory() as scratch:
        members = dict(_members(bundle))
        if torchscript:
            members["models/model.ts"] = _exported(bundle, Path(scratch) / "model.ts")
        members = {f"{bundle.name}/{name}": members[name] for name in sorted(members)}
    if output.suffix.lower() == ".zip":
        _write_zip(members, output)
    else:
        _write_folder(members, output, output / bundle.name)
    return list(members)


def _members(bundle: BundleFolder) -> Iterator[tuple[str, bytes]]:
    for path in (*bundle.config_files(), bundle.metadata, bundle.configs / "logging.conf"):
        if path.is_file():
            yield f"configs/{path.name}", _packed(path)
    docs = sorted(path for path in (bundle.root / "docs").rglob("*") if path.is_file())
    beside = operating_path(bundle.weights)
    for path in (*docs, bundle.root / "LICENSE", bundle.weights, beside):
        if path.is_file():
            yield path.relative_to(bundle.root).as_posix(), path.read_bytes()


def _packed(path: Path) -> bytes:
    """A config or another file of `configs`; of a config, `bundle_root` is changed, its lines are kept."""
    content = path.read_bytes()
    if path.suffix != ".json":
        return content
    wanted = read_content(path)
    if _ROOT_KEY not in wanted:
        return content
    wanted[_ROOT_KEY] = PACKED_ROOT
    changed = _ROOT.sub(rb'\1"' + PACKED_ROOT.encode() + b'"', content)
    # Lines cannot be kept where the key does not begin one.
    return changed if json.loads(changed) == wanted else json.dumps(wanted, indent=4).encode() + b"\n"


def _exported(bundle: BundleFolder, path: Path) -> bytes:
    from .network_checks import export_torchscript

    if not bundle.weights.is_file():
        raise SettingsError(
            f"{bundle.weights} does not exist", wanted="weights to export", do="Leave out --torchscript."
        )
    export_torchscript(bundle, path)
    return path.read_bytes()


def _write_zip(members: dict[str, bytes], output: Path) -> None:
    make_folder(output.parent)
    with written_whole(output) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, _MODE, _UNIX
            archive.writestr(info, content)


def _write_folder(members: dict[str, bytes], output: Path, folder: Path) -> None:
    if folder.exists():
        raise SettingsError(
            f"{folder} is there already", wanted="a folder without it", do="Remove it or name another."
        )
    with tempfile.TemporaryDirectory(dir=make_folder(output), prefix=".partial-") as partial:
        for name, content in members.items():
            path = Path(partial) / name
            make_folder(path.parent)
            with written_whole(path) as part:
                part.write_bytes(content)
        (Path(partial) / folder.name).rename(folder)
