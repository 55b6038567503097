"""A conversion for OpenVINO opens no connection and leaves no process behind."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys
from pathlib import Path
from lungmonai.analysis.converted import converted_model
from lungmonai.analysis.models import ModelFile
from lungmonai.networks import build_network, save_weights
forked = []
os.register_at_fork(before=lambda: forked.append(1))
path = Path(sys.argv[1])
save_weights(path, "nodule_cnn", build_network("nodule_cnn"), stand_in=True, origin="a test")
converted_model(ModelFile.open(path, task="classification"))
print(sys.modules["openvino_telemetry"], len(forked))
"""


def test_a_conversion_reports_to_nobody(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "model.pt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["None", "0"], done.stderr
