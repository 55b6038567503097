"""Random numbers of samples."""

import pytest

from lungmonai.errors import SettingsError
from lungmonai.training.draws import Draws


def test_seed_epoch_and_index_decide() -> None:
    keys = [(1, 0), (1, 1), (2, 0), (2, 1)]
    drawn = {(seed, key): float(Draws(9, seed).of(key).random()) for seed in (0, 1) for key in keys}
    assert len(set(drawn.values())) == 8
    assert all(float(Draws(9, seed).of(key).random()) == value for (seed, key), value in drawn.items())


@pytest.mark.parametrize(("samples", "seed"), [(0, 0), (-5, 0), (5, -1)])
def test_no_samples_and_a_seed_below_zero_are_refused(samples: int, seed: int) -> None:
    text = f"{samples} samples an epoch with the seed {seed}; wanted at least one, and a seed from 0 up"
    with pytest.raises(SettingsError, match=text):
        Draws(samples, seed)
