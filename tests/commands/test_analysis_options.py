"""Options of the whole analysis come to settings and weights."""

import argparse
from pathlib import Path

import pytest

from lungmonai.analysis import AnalysisSettings
from lungmonai.commands.analysis_options import add_analysis_options, models_of, settings_of


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_analysis_options(parser.add_argument)
    return parser.parse_args(words)


def test_without_options_they_are_the_defaults() -> None:
    assert settings_of(parsed(), nodule_threshold=0.5) == AnalysisSettings()


def test_every_option_has_its_place() -> None:
    words = ["--engine", "torch", "--precision", "mixed", "--device", "cpu", "--region", "lungs"]
    words += ["--no-merge", "--merge-radius-mm", "7", "--mark-threshold", "0.2", "--nodule-threshold", "0.4"]
    words += ["--no-masses", "--keep-thin-mm", "2"]
    found = settings_of(parsed(*words), nodule_threshold=0.4)
    assert found == AnalysisSettings(
        "torch", "mixed", "cpu", "lungs", False, 7.0, 0.2, 0.4, keep_thin_mm=2.0, masses=False
    )
    assert parsed(*words).nodule_threshold == 0.4


@pytest.mark.parametrize(
    ("words", "malignancy"),
    [([], True), (["--malignancy", "none"], False), (["--nodule", "ours"], False)],
)
def test_our_malignancy_weights_are_not_added_to_others(words: list[str], malignancy: bool) -> None:
    from lungmonai.bundles import default_weights

    named = [str(default_weights("nodule")) if word == "ours" else word for word in words]
    models = models_of(parsed(*named))
    assert (models.malignancy is not None) == malignancy
    assert models.nodule.path == Path(default_weights("nodule"))
