"""One small data set for all tests of phantoms: an oblique scan, a flipped one, a plain one."""

from pathlib import Path

import pytest

from lungmonai.data.phantom import write_phantoms
from lungmonai.data.phantom.records import ScanRecord

SEED = 42


@pytest.fixture(scope="session")
def phantom_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with three small scans of seed 42, made by two processes, the DICOM files too."""
    folder = tmp_path_factory.mktemp("phantom_set")
    write_phantoms(folder, 3, SEED, small=True, dicom=True, workers=2)
    return folder


@pytest.fixture(scope="session")
def phantom_records(phantom_set: Path) -> list[ScanRecord]:
    """What is known of its scans."""
    paths = sorted((phantom_set / "records").iterdir())
    return [ScanRecord.from_json(path.read_text(encoding="utf-8")) for path in paths]
