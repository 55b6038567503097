"""The fast noise is normal by every test that a million samples can bear."""

import numpy as np
import pytest
import torch
from scipy import stats

from lungmonai.transforms.normal_noise import add_normal_noise

SAMPLES = 1_000_003  # neither a multiple of four nor of what is drawn at once


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return add_normal_noise(torch.zeros(SAMPLES), 25.0, seed=7).numpy() / 25.0


def test_the_distribution_is_normal(noise: np.ndarray) -> None:
    assert stats.kstest(noise, "norm").pvalue > 0.01
    assert abs(noise.mean()) < 4 / SAMPLES**0.5
    assert abs(noise.std() - 1) < 4 / (2 * SAMPLES) ** 0.5
    assert abs(stats.skew(noise)) < 4 * (6 / SAMPLES) ** 0.5
    assert abs(stats.kurtosis(noise)) < 4 * (24 / SAMPLES) ** 0.5


def test_the_tails_are_those_of_a_normal_distribution_to_four_deviations(noise: np.ndarray) -> None:
    for limit in (2.0, 3.0, 4.0):
        expected = 2 * stats.norm.sf(limit) * SAMPLES
        found = (np.abs(noise) > limit).sum()
        assert abs(found - expected) < 4 * expected**0.5 + 1


def test_neighbours_are_independent(noise: np.ndarray) -> None:
    # Four samples come from one 64-bit number, and some thousands from one filling of the buffer.
    for lag in (1, 2, 3, 4, 8, 48, 1 << 15):
        for power in (1, 2):
            values = noise**power - (noise**power).mean()
            correlation = (values[lag:] * values[:-lag]).mean() / values.var()
            assert abs(correlation) < 4.5 / SAMPLES**0.5, (lag, power)


def test_each_of_the_four_samples_of_a_draw_is_normal(noise: np.ndarray) -> None:
    for first in range(4):
        assert stats.kstest(noise[first::4], "norm").pvalue > 0.002


def test_the_same_seed_gives_the_same_noise() -> None:
    one, two, other = (add_normal_noise(torch.zeros(3, 1, 5, 7), 1.0, seed) for seed in (3, 3, 4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_other_seeds_give_independent_noise() -> None:
    draws = torch.stack([add_normal_noise(torch.zeros(10_000), 1.0, seed) for seed in range(20)])
    assert (torch.corrcoef(draws) - torch.eye(20)).abs().max() < 0.05


def test_it_is_added_in_place() -> None:
    image = torch.full((70_000,), 1000.0)
    assert add_normal_noise(image, 5.0, 1) is image
    assert torch.allclose(image - 1000, add_normal_noise(torch.zeros(70_000), 5.0, 1), atol=1e-3)
