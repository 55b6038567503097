"""How the reference project augments: one crop after the other, by a whole grid in its dimensions.

A minimal re-statement of the augmentation of *Deep Learning with PyTorch*, part 2, written from its
published description, in plain PyTorch. It exists to be measured and compared against. Flip, offset
and scale fill a matrix, the rotation in the slice plane is multiplied onto it, `affine_grid` and
`grid_sample` move the crop, and normal noise is added. The published code writes the offset into a row
of the matrix that is dropped; here it has its effect, which costs no time.
"""

from __future__ import annotations

import math
import random

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["augment_classification", "augment_segmentation", "draw_matrix", "move"]


def draw_matrix(axes: int, *, offset: float, scale: float) -> Tensor:
    """(axes + 1, axes + 1) float, drawn from Python's `random`."""
    matrix = torch.eye(axes + 1)
    for i in range(axes):
        if random.random() > 0.5:
            matrix[i, i] *= -1
        matrix[i, axes] = offset * (random.random() * 2 - 1)
        matrix[i, i] *= 1.0 + scale * (random.random() * 2 - 1)
    angle = random.random() * math.pi * 2
    sine, cosine = math.sin(angle), math.cos(angle)
    turn = torch.eye(axes + 1)
    turn[:2, :2] = torch.tensor([[cosine, -sine], [sine, cosine]])
    return matrix @ turn


def move(crop: Tensor, matrix: Tensor) -> Tensor:
    """A crop (C, [Z,] Y, X) float as the matrix says, in as many dimensions as it has."""
    batch = crop.unsqueeze(0)
    grid = functional.affine_grid(matrix[:-1].unsqueeze(0), list(batch.shape), align_corners=False)
    return functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)[0]


def augment_classification(crop: Tensor, *, noise_hu: float) -> Tensor:
    """A crop (1, Z, Y, X) float, as its data set gives it to the classifier."""
    moved = move(crop, draw_matrix(3, offset=0.1, scale=0.2))
    return _with_noise(moved, noise_hu)


def augment_segmentation(crop: Tensor, mask: Tensor, *, noise_hu: float) -> tuple[Tensor, Tensor]:
    """A crop (C, Y, X) float and its mask, as for the segmentation, each sample its own."""
    matrix = draw_matrix(2, offset=0.03, scale=0.2)
    moved = _with_noise(move(crop, matrix), noise_hu)
    return moved, move(mask.to(torch.float32), matrix) > 0.5


def _with_noise(crop: Tensor, noise_hu: float) -> Tensor:
    if noise_hu:
        noise = torch.randn_like(crop)
        noise *= noise_hu
        crop += noise
    return crop
