"""Runners may go in any order: no thread is left with a signal stack that is no memory any more."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import ctypes, gc, sys
from pathlib import Path
from lungmonai.analysis.engine import choose_engine
from lungmonai.analysis.models import ModelFile
from lungmonai.analysis.settings import AnalysisSettings
from lungmonai.networks import build_network, save_weights

class Stack(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]

path = Path(sys.argv[1])
save_weights(path, "nodule_cnn", build_network("nodule_cnn"), stand_in=True, origin="a test")
engine, model = choose_engine(AnalysisSettings(engine="openvino", device="cpu")), None
model = ModelFile.open(path, task="classification")
first = engine.prepare(model, (4, 1, 32, 48, 48))
second = engine.prepare(model, (2, 1, 32, 48, 48))
for runner in ("first", "second"):
    del globals()[runner]
    gc.collect()
stack = Stack()
ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
ranges = [line.split()[0].split("-") for line in Path("/proc/self/maps").read_text().splitlines()]
inside = [int(low, 16) <= (stack.at or 0) < int(high, 16) for low, high in ranges]
print("no stack" if stack.flags & 2 else any(inside))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the signal stack is looked up in /proc")
def test_runners_may_go_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    command = [sys.executable, "-X", "faulthandler", "-c", SCRIPT, str(tmp_path / "model.pt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() in ("True", "no stack"), done.stdout + done.stderr
