"""The command that began a run, and the one that goes on with it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence

__all__ = ["command_flags", "resume_command", "run_command"]

_RESUME = "--resume"


def run_command(words: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> str:
    """The command of this process as one would type it.

    Args:
        words: of the process; None takes its own.
        environment: which tells whether `torchrun` started the process.
    """
    words = list(sys.orig_argv if words is None else words)
    if "TORCHELASTIC_RUN_ID" in environment and "-u" in words:
        many = ["--nproc_per_node", environment.get("LOCAL_WORLD_SIZE", "1")]
        nodes = environment.get("GROUP_WORLD_SIZE", "1")
        several = ["--nnodes", nodes] if nodes != "1" else []
        words = ["torchrun", *several, *many, *words[words.index("-u") + 1 :]]  # torchrun calls `python -u …`
    return shlex.join(words)


def resume_command(command: str) -> str:
    """The command that goes on with the run of this one."""
    words, kept, skip = shlex.split(command), [], False
    for place, word in enumerate(words):
        follows = words[place + 1] if place + 1 < len(words) else "--"
        if skip or word == _RESUME or word.startswith(_RESUME + "="):
            skip = word == _RESUME and not follows.startswith("--")
            continue
        kept.append(word)
    return shlex.join([*kept, _RESUME, "True"])


def command_flags(command: str) -> dict[str, str]:
    """The options of a command, `--name value` or `--name=value`; a lone `--name` is True."""
    words, flags = shlex.split(command), {}
    for word, follows in zip(words, [*words[1:], "--"], strict=True):
        name, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and name:
            flags[name] = value if equals else "True" if follows.startswith("--") else follows
    return flags
