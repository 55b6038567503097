"""Fixtures for every part's tests."""

import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from lungmonai.data import Phantom

CHECKOUT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real scans and weights; the test is skipped where it is absent."""
    folder = Path(os.environ.get("LUNGMONAI_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real data is not at {folder}; LUNGMONAI_SHARED_DATA names another place")
    return folder


@pytest.fixture(autouse=True)
def seeds() -> None:
    """The same random numbers in every run; LUNGMONAI_TEST_SEED draws others, to find tests of luck."""
    seed = int(os.environ.get("LUNGMONAI_TEST_SEED", "0"))
    random.seed(seed)
    np.random.seed(seed)
    # Tests without torch shall stay without it.
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the tests' own, so that they neither use nor fill the user's."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["LUNGMONAI_CACHE"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def phantom() -> "Phantom":
    """A small phantom that is stored as it lies in the patient, with nodules."""
    from lungmonai.data import make_phantom

    return make_phantom(1, 2, small=True)


@pytest.fixture(scope="session")
def phantom_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small phantoms and their `datalist.json`: two to train, one each to validate and test."""
    from lungmonai.data import all_items, prepare_luna16, read_datalist, write_datalist, write_phantoms

    folder = tmp_path_factory.mktemp("phantom_data")
    write_phantoms(folder, scans=4, seed=11, small=True, nodules_per_scan=(3, 8))
    prepare_luna16(folder)
    path = folder / "datalist.json"
    items = [item for _, item in all_items(read_datalist(path))]
    items.sort(key=lambda item: -len(item["nodules"]))
    lists = {"training": items[2:], "validation": items[:1], "test": items[1:2]}
    write_datalist(path, {"name": "phantoms for tests"}, lists)
    return folder


@pytest.fixture(scope="session")
def coarse_scan(phantom: "Phantom", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The phantom at half its resolution (48 × 128 × 128), written: what every step takes in a second."""
    from lungmonai.io import CTScan
    from lungmonai.io.write_metaimage import write_metaimage

    path = tmp_path_factory.mktemp("scan") / "scan.mhd"
    affine = phantom.scan.affine_lps @ np.diag([2, 2, 2, 1])
    write_metaimage(CTScan(phantom.scan.hu[::2, ::2, ::2], affine, "scan"), path)
    return path


@pytest.fixture(scope="session")
def published_weights(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The reference project's published weights, imported: segmentation and nodule classifier."""
    from lungmonai.networks import PUBLISHED, import_reference_weights

    folder = tmp_path_factory.mktemp("published")
    seg, nodule = folder / "seg.pt", folder / "nodule.pt"
    for name, target in zip(PUBLISHED, (seg, nodule), strict=True):
        import_reference_weights(shared_data / "dlwpt_weights" / name, target)
    return seg, nodule
