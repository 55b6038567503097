"""OpenVINO's converter without its usage reports.

For every conversion it forks a process that reports to an analytics service. A tool that reads patients'
scans opens no connection; and a fork of a process with threads can hang for good.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["forbid_telemetry"]


def forbid_telemetry() -> None:
    """Let OpenVINO take its stub, which reports nothing; call it before `import openvino`."""
    modules: dict[str, Any] = sys.modules
    # A module that is None cannot be imported, which OpenVINO takes for not installed.
    modules.setdefault("openvino_telemetry", None)
