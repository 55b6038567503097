"""What is stored beside a bundle's weights is checked with the bundle."""

from pathlib import Path

import pytest
from bundle_maker import make_bundle

from lungmonai.analysis.operating import operating_path, write_operating
from lungmonai.bundle_tools import check_bundle, find_bundle
from lungmonai.files import sha256_of
from lungmonai.metrics.calibrators import Temperature


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b") / "models" / "model.pt"


def checked(weights: Path) -> tuple[bool | None, str]:
    checks = {check.name: check for check in check_bundle(find_bundle(weights.parents[1]))}
    assert all(check.passed is not False for name, check in checks.items() if name != "operating point")
    return checks["operating point"].passed, checks["operating point"].reason


def test_a_sound_file_passes_and_one_for_other_weights_does_not(weights: Path) -> None:
    parts = {"calibration": Temperature(1.5).as_dict()}
    write_operating(weights, sha256_of(weights), parts)
    assert checked(weights) == (True, "calibration")
    operating_path(weights).unlink()
    write_operating(weights, "22" * 32, parts)
    assert checked(weights) == (
        False,
        "model.operating.json is for the weights 222222222222…, not for model.pt",
    )


def test_a_damaged_file_and_one_without_weights(weights: Path) -> None:
    from lungmonai.bundle_tools.operating_check import check_operating
    from lungmonai.bundle_tools.outcome import FindingError
    from lungmonai.errors import DataError

    bundle = find_bundle(weights.parents[1])
    operating_path(weights).write_text("{")
    with pytest.raises(DataError, match=r"model\.operating\.json cannot be used"):
        check_operating(bundle)
    operating_path(weights).unlink()
    write_operating(weights, "22" * 32, {})
    weights.unlink()
    with pytest.raises(FindingError, match=r"model\.operating\.json lies beside no weights"):
        check_operating(bundle)
