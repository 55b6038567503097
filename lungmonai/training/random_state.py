"""The states of all global random generators, as a checkpoint can hold them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

__all__ = ["random_states", "restore_random_states"]


def random_states() -> dict[str, Any]:
    """The states of Python's, NumPy's and torch's generators, as plain values and tensors."""
    name, keys, place, has_gauss, gauss = np.random.get_state()
    return {
        "python": random.getstate(),
        # torch reads no NumPy arrays from files that it does not trust.
        "numpy": (name, torch.from_numpy(np.asarray(keys, np.int64)), place, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_states(states: dict[str, Any]) -> None:
    """Go on where `random_states` was called; GPUs only where there are as many."""
    random.setstate(states["python"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
