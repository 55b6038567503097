"""What processes agree on: values, stops, skipped steps and checkpoints."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from lungmonai.errors import DataError
from lungmonai.training.agree import any_of_all, from_first, is_first, of_all, several

Found = list[dict[str, Any]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What `two_processes.py` found, process by process."""
    folder = tmp_path_factory.mktemp("two")
    script = str(Path(__file__).with_name("two_processes.py"))
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words = [sys.executable, *launch, script, str(folder)]
    # The script's own folder is on its path; the tests' helpers lie one above.
    found = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300, env=found)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"found{rank}.json").read_text()) for rank in (0, 1)]


def both(found: Found, name: str) -> list[Any]:
    return [one[name] for one in found]


def test_values_are_shared(found: Found) -> None:
    assert both(found, "first") == ["of 0", "of 0"]
    assert both(found, "all") == [[0, 10], [0, 10]]
    assert both(found, "any") == [True, True]
    assert both(found, "none") == [False, False]


def test_both_skip_what_one_cannot_learn_from(found: Found) -> None:
    assert both(found, "skipped") == [1, 1]
    assert both(found, "kept") == [True, True]
    assert both(found, "went_on") == [True, True]
    assert both(found, "finite") == [True, True]
    # torch begins at 2^16.
    assert both(found, "scale") == [2.0**15, 2.0**15]


def test_both_stop_at_the_step_in_which_one_is_asked(found: Found) -> None:
    assert both(found, "stopped_at") == [7, 7]


def test_one_that_is_asked_while_validating_waits_for_the_next_step(found: Found) -> None:
    """It alone must not ask the other something: that one does not know, and both would wait for ever."""
    assert both(found, "validating_stopped_at") == [6, 6]


def test_two_processes_go_on_as_if_never_stopped(found: Found) -> None:
    """Each draws its own augmentation and drop-out, and must take up its own."""
    assert both(found, "equal") == [True, True]
    assert both(found, "files") == [2, 2]


def test_both_are_told_why_a_folder_is_refused(found: Found) -> None:
    assert all("already holds a run" in said for said in both(found, "refused"))


def test_one_process_agrees_with_itself() -> None:
    assert is_first()
    assert not several()
    assert of_all(3) == [3]
    assert [any_of_all(flag, torch.device("cpu")) for flag in (True, False)] == [True, False]
    with pytest.raises(DataError):
        from_first(lambda: refuse())


def refuse() -> None:
    raise DataError("a", wanted="b", do="c")
