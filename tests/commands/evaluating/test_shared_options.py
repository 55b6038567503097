"""What several verbs of `evaluate` take is named and explained alike."""

import argparse
import re
from collections import defaultdict
from pathlib import Path

import pytest

from lungmonai.cli import main
from lungmonai.commands.evaluating.shared_options import write_outputs
from lungmonai.errors import OutputError

VERBS = ("froc", "analysis", "compare", "scores", "calibrate", "threshold")


@pytest.fixture
def helped(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The help of each verb, unbroken by the width of a terminal."""
    monkeypatch.setenv("COLUMNS", "1000")
    told = {}
    for verb in VERBS:
        with pytest.raises(SystemExit):
            main(["evaluate", verb, "--help"])
        told[verb] = capsys.readouterr().out
    return told


def test_an_option_takes_the_same_everywhere(helped: dict[str, str]) -> None:
    taken: dict[str, set[str]] = defaultdict(set)
    for text in helped.values():
        for name, value in re.findall(r"^ +(?:-\w [^-]+)?(--[\w-]+) ([^ ]+)  ", text, re.M):
            taken[name].add(value)
    assert {name: values for name, values in taken.items() if len(values) > 1} == {}
    assert taken["--seed"] == taken["--bootstrap"] == {"N"}
    assert taken["--scans"] == {"FILE"}


@pytest.mark.parametrize("verb", ["froc", "analysis", "compare", "scores", "threshold"])
def test_draws_have_one_default(helped: dict[str, str], verb: str) -> None:
    assert re.search(r"--bootstrap N +draws of the .* for the intervals.*\(default: 1000\)", helped[verb])
    assert re.search(r"--seed N +of .*draws.*\(default: 0\)", helped[verb])


def test_only_verbs_that_can_do_without_draws_say_so(helped: dict[str, str]) -> None:
    without = {verb for verb, text in helped.items() if "for the intervals; 0 for none" in text}
    assert without == {"froc", "analysis"}


def test_the_lists_of_a_threshold_are_needed_beside_a_submission(helped: dict[str, str]) -> None:
    assert re.search(r"--annotations FILE +with --submission: the nodules \(seriesuid", helped["threshold"])
    assert " [--annotations FILE] " in helped["threshold"]
    assert " --annotations FILE [" in helped["froc"]


class Told:
    def as_dict(self) -> dict:
        return {"a": 1}


@pytest.mark.parametrize(("json", "output"), [(False, False), (True, False), (False, True), (True, True)])
def test_only_what_is_asked_for_is_written(json: bool, output: bool, tmp_path: Path) -> None:
    file, folder, written = tmp_path / "x.json", tmp_path / "out", []
    asked = argparse.Namespace(json=file if json else None, output=folder if output else None)
    report = Told()
    write_outputs(asked, report, lambda *given: written.append(given))
    assert file.exists() == json
    assert written == ([(folder, report)] if output else [])


def test_a_json_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    asked = argparse.Namespace(json=tmp_path / "none" / "x.json", output=None)
    with pytest.raises(OutputError, match=r"x\.json could not be written"):
        write_outputs(asked, Told(), lambda *given: None)
