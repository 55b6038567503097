"""A folder of results is one process's at a time, and tells of no earlier run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lungmonai.errors import OutputError, SettingsError
from lungmonai.evaluation.result_folder import JSON, MEMORY, PAGE, PARTS, held_folder

HOLD = (
    "import sys, time; from pathlib import Path;"
    "from lungmonai.evaluation.result_folder import held_folder\n"
    "with held_folder(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
)


def test_what_would_tell_of_an_earlier_run_is_taken_away(tmp_path: Path) -> None:
    parts = tmp_path / "new" / PARTS
    with held_folder(tmp_path / "new"):
        kept = [parts / "a.npz", parts.parent / "nodules.csv", parts.parent / "mine.txt"]
        gone = [
            parts.parent / JSON,
            parts.parent / PAGE,
            parts.parent / ".partial-x",
            parts / ".partial-y.npz",
            tmp_path / "new" / MEMORY / ".partial-z.npz",
        ]
        (tmp_path / "new" / MEMORY).mkdir()
        for path in (*kept, *gone):
            path.touch()
    assert all(path.exists() for path in gone)  # that run's own
    with held_folder(tmp_path / "new"):
        assert all(path.exists() for path in kept)
        assert not any(path.exists() for path in gone)


def test_two_processes_do_not_mix_their_results(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    (tmp_path / JSON).touch()
    why = "another process writes into .*; wanted one evaluation at a time"
    with pytest.raises(SettingsError, match=why), held_folder(tmp_path):
        pass
    assert (tmp_path / JSON).exists()  # the other's
    other.send_signal(signal.SIGKILL)
    other.wait()
    other.stdout.close()
    with held_folder(tmp_path):
        assert not (tmp_path / JSON).exists()


def test_an_error_inside_gives_the_folder_free(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="inside"), held_folder(tmp_path):
        raise RuntimeError("inside")
    with held_folder(tmp_path):
        pass


def test_what_cannot_be_taken_away_is_refused(tmp_path: Path) -> None:
    (tmp_path / JSON).mkdir()
    why = r"cannot be used: .*evaluation\.json.*wanted a folder for results"
    with pytest.raises(OutputError, match=why), held_folder(tmp_path):
        pass
    os.rmdir(tmp_path / JSON)  # noqa: PTH106
    with held_folder(tmp_path):
        pass
