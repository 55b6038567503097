"""Where the bundles lie that came with lungmonai."""

import os
import site
import sysconfig
from pathlib import Path

from .errors import SettingsError, WeightsError

__all__ = ["bundle_root", "bundles_folder", "check_scan", "default_weights", "scan_items"]


def bundles_folder() -> Path:
    """The folder that holds the bundles.

    `LUNGMONAI_BUNDLES` if set, else that of the checkout, else that of the installation.
    """
    named = os.environ.get("LUNGMONAI_BUNDLES")
    if named:
        return Path(named)
    beside = Path(__file__).resolve().parents[1]
    if (beside / "setup.cfg").is_file() and (beside / "bundles").is_dir():
        return beside / "bundles"
    # A virtual environment, `pip install --user`, and `pip install --target`, in this order.
    bases = (sysconfig.get_path("data"), site.getuserbase(), beside)
    folders = [Path(base) / "share" / "lungmonai" / "bundles" for base in bases]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def bundle_root(name: str) -> str:
    """The folder of one bundle, as text for a config.

    Args:
        name: such as "seg".
    """
    return str(bundles_folder() / name)


def scan_items(dataset_dir: str | float, scan: str | float) -> list[dict[str, str]]:
    """The one item of an inference dataset.

    Args:
        dataset_dir: folder that `scan` is relative to; empty for the current one.
        scan: anything that `lungmonai.io.read_ct` takes; the command line turns names that look
            like numbers into numbers.
    """
    return [{"image": str(Path(str(dataset_dir)) / str(scan))}]


def check_scan(scan: str | float) -> None:
    """Refuse a config's scan that was left empty, which MONAI would take for the current folder.

    Raises:
        SettingsError: it is empty.
    """
    if not str(scan):
        raise SettingsError("scan is empty", wanted="a path", do="Add `--scan PATH`.")


def default_weights(name: str) -> Path:
    """The `models/model.pt` of a bundle.

    Args:
        name: such as "seg".

    Raises:
        WeightsError: there is none.
    """
    path = bundles_folder() / name / "models" / "model.pt"
    if not path.is_file():
        raise WeightsError(
            f"{path} does not exist",
            wanted=f"weights of the {name} bundle",
            do=f"Name a weights file with --{name}, or make one with `lungmonai weights import`.",
        )
    return path
