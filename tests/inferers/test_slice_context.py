"""The inferer shows each slice with its neighbours, in the orientation that the networks know."""

import pytest
import torch

from lungmonai.inferers import SliceContextInferer


@pytest.mark.parametrize("slices_per_call", [1, 4, 50])
def test_each_slice_is_seen_with_its_neighbours(slices_per_call: int) -> None:
    volume = torch.randn(2, 1, 5, 6, 9)  # columns, rows, slices
    shown = []

    def network(windows: torch.Tensor) -> torch.Tensor:
        shown.append(windows.shape)
        weights = torch.arange(1.0, 8.0)[None, :, None, None]
        return (windows * weights).sum(1, keepdim=True)

    found = SliceContextInferer(slices_per_call)(volume, network)
    assert found.shape == volume.shape
    assert shown[0][1:] == (7, 6, 5)  # rows before columns
    for z in range(9):
        near = [min(max(z + k, 0), 8) for k in range(-3, 4)]
        expected = sum((k + 1) * volume[..., n] for k, n in enumerate(near))
        torch.testing.assert_close(found[..., z], expected)
