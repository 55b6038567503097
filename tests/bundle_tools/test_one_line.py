"""What MONAI says in a wall of text is one line that names the key, the file and the mend."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import monai.bundle
import pytest
from bundle_maker import change, make_bundle
from monai.bundle import ConfigParser

from lungmonai.bundle_tools import one_line_errors, read_config
from lungmonai.bundle_tools.one_line import plain_error
from lungmonai.errors import LungmonaiError, ScanError, SettingsError


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b") / "train.json"


def raised_by(path: Path, key: str) -> LungmonaiError | None:
    """What MONAI's error of building a key becomes."""
    parser = ConfigParser(ConfigParser.load_config_file(path))
    with pytest.raises(Exception) as raised:  # noqa: PT011 - MONAI's choice
        parser.get_parsed_content(key)
    return plain_error(raised.value, read_config([path]), ("training", "finalize"))


@pytest.mark.parametrize(
    ("keys", "key", "says"),
    [
        (
            {"network_def#kernel_size": "x"},
            "train#trainer",
            r"train\.json: network_def \(Conv2d\) could not be made: \w+Error: .*; wanted arguments .* Mend",
        ),
        (
            {"train#dataloader#batch_size": "x"},
            "train#trainer",
            r"train\.json: train#dataloader \(DataLoader\) could not be made: ",
        ),
        (
            {"device": "$torch.device('abacus')"},
            "train#trainer",
            r"train\.json: device could not be evaluated: RuntimeError: Expected one of cpu",
        ),
        (
            # Longer than the lines in which MONAI shows it.
            {"train#trainer#optimizer": f"$torch.optim.SGD(@network_def.parameters(), x={'1' * 90})"},
            "train#trainer",
            r"train#trainer#optimizer could not be evaluated: TypeError: .*'x'",
        ),
        ({"weights": "@bundle_root", "bundle_root": "@weights"}, "weights", r"detected circular references"),
        ({"weights": "$open('/none/such.pt')"}, "weights", r"/none/such\.pt does not exist; wanted a file"),
        (
            {"weights": "/none/such.pt", "channels": "$open(@weights)"},
            "channels",
            r"train\.json: weights names /none/such\.pt, which does not exist",
        ),
    ],
)  # fmt: skip
def test_errors_of_building(train: Path, keys: dict[str, Any], key: str, says: str) -> None:
    found = raised_by(change(train, **keys), key)
    assert isinstance(found, SettingsError)
    assert re.search(says, str(found))
    assert "\n" not in str(found)


def test_an_error_of_what_is_run_keeps_its_traceback(train: Path) -> None:
    assert raised_by(change(train, training=["$1 / 0"]), "training#0") is None


def test_our_own_error_is_found_in_causes_and_contexts(train: Path) -> None:
    ours = ScanError("a", wanted="b", do="c")
    for attribute in ("__cause__", "__context__"):
        outer = RuntimeError("wall")
        setattr(outer, attribute, ours)
        assert plain_error(outer, None, ()) is ours


def test_other_errors_are_left_to_their_tracebacks(train: Path) -> None:
    assert plain_error(ValueError("x"), read_config([train]), ()) is None


def test_it_does_nothing_in_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pytest", "run", "--config_file", "none.json"])
    before = sys.excepthook
    one_line_errors()
    assert sys.excepthook is before


def called_as_monai(monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    """Let this process look like a call of MONAI's `run`; returns the hook that stands before it."""
    program = str(Path(monai.bundle.__file__).parent / "__main__.py")
    monkeypatch.setattr(sys, "argv", [program, "run", *words])
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(logging, "setLogRecordFactory", lambda factory: None)
    return sys.__excepthook__


def run(config: Path, name: str, *words: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "monai.bundle", "run", name, "--config_file", str(config), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout, done.stderr


def test_a_run_with_a_slip_of_the_finger_ends_in_one_line(train: Path) -> None:
    code, _, said = run(train, "training", "--max_epoch", "3")
    assert code == 2
    assert "Traceback" not in said
    assert said.splitlines()[-1] == (
        f"lungmonai: --max_epoch is no key of {train}; wanted one of its keys, the nearest is max_epochs. "
        "Correct it or leave it out."
    )


@pytest.mark.parametrize("wanted", ["", "1"])
def test_the_traceback_can_be_had(train: Path, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = called_as_monai(monkeypatch, "training", "--config_file", str(train), "--max_epoch", "3")
    monkeypatch.setenv("LUNGMONAI_TRACEBACK", wanted)
    with pytest.raises(SettingsError, match="--max_epoch is no key"):
        one_line_errors()
    assert (sys.excepthook is before) == bool(wanted)


def test_a_broken_config_is_refused_before_anything_is_built(
    train: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(train, **{"network_def#_target_": "torch.nn.Conv2x"})
    called_as_monai(monkeypatch, "training", "--config_file", str(train))
    with pytest.raises(SettingsError, match=r"train\.json: network_def#_target_ is torch\.nn\.Conv2x"):
        one_line_errors()
    called_as_monai(monkeypatch, "trainng", "--config_file", str(train))
    with pytest.raises(SettingsError, match=r"trainng is no key"):
        one_line_errors()


def test_a_missing_file_ends_a_run_in_one_line_and_no_logged_traceback(train: Path) -> None:
    config = train.parent / "inference.json"
    code, out, said = run(config, "inference", "--weights", "none.pt")
    assert code == 2
    assert "Traceback" not in out + said
    assert "the command line: weights names none.pt, which does not exist" in said.splitlines()[-1]


def test_a_sound_run_is_let_run(train: Path) -> None:
    change(train, training=["$@train#trainer.run()", "$print('epochs', @train#trainer.state.epoch)"])
    code, out, said = run(train, "training", "--max_epochs", "2", "--train#trainer#amp", "False")
    assert code == 0, said
    assert "epochs 2" in out
