"""OpenVINO's core: one for the whole process."""

from functools import cache

import openvino

__all__ = ["openvino_core"]


@cache
def openvino_core() -> openvino.Core:
    """The core, made once and kept until the process ends.

    A core that compiles for a CPU gives the thread a signal stack of its own and takes it away when it
    goes. Where two went in another order than they came, the thread was left with the stack of the first,
    which was no memory of its own any more, and the next signal was written into somebody else's:
    Python crashed minutes later (OpenVINO 2026.4 on a CPU with AMX).
    """
    return openvino.Core()
