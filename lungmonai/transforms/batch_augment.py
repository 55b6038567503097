"""Augment a whole batch at once, each sample in its own way, on the device where it lies.

MONAI's `RandAffine` draws one transform for all that it gets, and its dictionary form works sample
by sample. Here the rotation lies in the slice plane, as in *Deep Learning with PyTorch*, part 2.
Therefore z is separable: one batched 2D `grid_sample` with the slices as channels, then a small
matrix along z for each sample, give what a 3D `grid_sample` gives, several times faster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, overload

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import SettingsError
from .normal_noise import add_normal_noise

__all__ = ["AugmentSettings", "BatchAugment", "Drawn"]

# Control points of the elastic displacement along each side of a crop: smooth over a fifth of it.
ELASTIC_POINTS = 6
# A mask's voxel is kept where more than half of it is covered.
MASK_THRESHOLD = 0.5


@dataclass(frozen=True)
class AugmentSettings:
    """How strongly to augment.

    The defaults are those of *Deep Learning with PyTorch*, part 2, for classification; its
    segmentation moves less: `offset=0.03`.

    Args:
        flip: mirror each axis with probability one half.
        offset: largest shift along each axis, as a share of half the crop.
        scale: largest relative change of size along each axis; below 1.
        rotate: turn by any angle in the slice plane.
        noise_hu: standard deviation of the normal noise that each voxel gets.
        elastic: standard deviation of the displacement in the plane at its control points, as a
            share of half the crop; 0 leaves it out.

    Raises:
        SettingsError: a number is negative or not finite, or the scale could turn the crop over.
    """

    flip: bool = True
    offset: float = 0.1
    scale: float = 0.2
    rotate: bool = True
    noise_hu: float = 25.0
    elastic: float = 0.0

    def __post_init__(self) -> None:
        for name in ("offset", "scale", "noise_hu", "elastic"):
            _check_strength(name, getattr(self, name), below=1.0 if name == "scale" else math.inf)


def _check_strength(name: str, value: float, *, below: float) -> None:
    if not (0 <= value < below):
        wanted = "a number from 0 up" if math.isinf(below) else f"a number from 0 to below {below:g}"
        raise SettingsError(f"{name} is {value}", wanted=wanted, do="Change the augmentation's settings.")


@dataclass(frozen=True)
class Drawn:
    """What was drawn for a batch of B crops; axes are in the order x, y, z, as in `grid_sample`.

    Args:
        flips: (B, 2 or 3) float, 1 or −1.
        scales: (B, 2 or 3) float, factors.
        offsets: (B, 2 or 3) float, as a share of half the crop.
        angles: (B,) float, radians.
        elastic: (B, 2, points, points) float, displacement along x and y as a share of half the
            crop, or None.
        noise_hu: standard deviation of the noise; 0 adds none.
        noise_seed: which decides the noise, together with the kind of device.
    """

    flips: Tensor
    scales: Tensor
    offsets: Tensor
    angles: Tensor
    elastic: Tensor | None = None
    noise_hu: float = 0.0
    noise_seed: int = 0

    def to(self, device: torch.device) -> Drawn:
        """The same on another device."""
        elastic = None if self.elastic is None else self.elastic.to(device)
        flips, scales, offsets = (value.to(device) for value in (self.flips, self.scales, self.offsets))
        return Drawn(flips, scales, offsets, self.angles.to(device), elastic, self.noise_hu, self.noise_seed)


class BatchAugment:
    """Flip, shift, scale, turn and add noise to each sample of a batch, and to its mask alike.

    A voxel's value comes from the point that the sample's matrix gives, by linear interpolation;
    beyond the border the border's value is repeated. Masks take the same way and are then cut at
    one half; they get no noise. In 2D the context slices are channels and keep their order.

    `randomize` draws, `apply` only calculates; calling the object does both::

        augment = BatchAugment(AugmentSettings(offset=0.03), seed=1)
        images, masks = augment(images, masks)

    Args:
        settings: how strongly; the defaults are the book's.
        seed: of its own generator. None takes one from torch's global generator.
    """

    def __init__(self, settings: AugmentSettings | None = None, *, seed: int | None = None) -> None:
        self.settings = settings or AugmentSettings()
        self._generator = torch.Generator().manual_seed(_fresh_seed(None) if seed is None else seed)

    def state_dict(self) -> dict[str, Any]:
        """The generator's state: enough to draw the same again."""
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        self._generator.set_state(state_dict["generator"].cpu())

    def randomize(self, shape: tuple[int, ...]) -> Drawn:
        """Draw for a batch, on the CPU whatever the device of the images.

        Args:
            shape: (B, C, Y, X) or (B, C, Z, Y, X), the images' shape.
        """
        settings, axes = self.settings, _axes_of(shape)
        share = torch.rand((shape[0], 3 * axes + 1), generator=self._generator)
        flips, scales, offsets, angles = share.tensor_split([axes, 2 * axes, 3 * axes], dim=1)
        return Drawn(
            flips=torch.where(flips < 0.5, -1.0, 1.0) if settings.flip else torch.ones_like(flips),
            scales=1 + settings.scale * (2 * scales - 1),
            offsets=settings.offset * (2 * offsets - 1),
            angles=angles[:, 0] * (2 * math.pi * settings.rotate),
            elastic=self._displacement(shape[0]),
            noise_hu=settings.noise_hu,
            noise_seed=_fresh_seed(self._generator),
        )

    @overload
    def apply(self, drawn: Drawn, images: Tensor) -> Tensor: ...
    @overload
    def apply(self, drawn: Drawn, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]: ...
    @torch.no_grad()
    def apply(
        self, drawn: Drawn, images: Tensor, masks: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Do what was drawn; the same draw and images give the same answer.

        Args:
            drawn: for a batch of this shape.
            images: (B, C, [Z,] Y, X) HU of any number type.
            masks: (B, C', [Z,] Y, X), 0 or 1, of any number type or bool.

        Returns:
            float32 images, plain tensors since the old affine no longer holds; with masks a pair,
            the masks in the type that they came in.

        Raises:
            SettingsError: the shapes do not belong together.
        """
        _check_shapes(drawn, images, masks)
        drawn = drawn.to(images.device)
        grid = _plane_grid(drawn, images.shape[-2:])
        along_z = _z_weights(drawn, images.shape[2]) if images.ndim == 5 else None
        moved = _moved(images, grid, along_z)
        if drawn.noise_hu:
            add_normal_noise(moved, drawn.noise_hu, drawn.noise_seed)
        if masks is None:
            return moved
        return moved, (_moved(masks, grid, along_z) > MASK_THRESHOLD).to(masks.dtype)

    @overload
    def __call__(self, images: Tensor) -> Tensor: ...
    @overload
    def __call__(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]: ...
    def __call__(self, images: Tensor, masks: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Draw for this batch and apply it; arguments and answers as in `apply`."""
        drawn = self.randomize(tuple(images.shape))
        return self.apply(drawn, images) if masks is None else self.apply(drawn, images, masks)

    def _displacement(self, samples: int) -> Tensor | None:
        if not self.settings.elastic:
            return None
        shape = (samples, 2, ELASTIC_POINTS, ELASTIC_POINTS)
        return torch.randn(shape, generator=self._generator) * self.settings.elastic


def _fresh_seed(generator: torch.Generator | None) -> int:
    return int(torch.randint(torch.iinfo(torch.int64).max, (), generator=generator))


def _axes_of(shape: tuple[int, ...]) -> int:
    if len(shape) not in (4, 5):
        raise SettingsError(
            f"a batch has the shape {tuple(shape)}",
            wanted="(B, C, Y, X) or (B, C, Z, Y, X)",
            do="Give whole batches; one sample is a batch of 1.",
        )
    return len(shape) - 2


def _check_shapes(drawn: Drawn, images: Tensor, masks: Tensor | None) -> None:
    axes = _axes_of(tuple(images.shape))
    if tuple(drawn.flips.shape) != (len(images), axes):
        raise SettingsError(
            f"the draw is for {len(drawn.flips)} samples with {drawn.flips.shape[1]} axes",
            wanted=f"one for {len(images)} samples with {axes} axes",
            do="Call randomize with the shape of these images.",
        )
    if masks is not None and (masks.shape[0], *masks.shape[2:]) != (images.shape[0], *images.shape[2:]):
        raise SettingsError(
            f"the masks' shape is {tuple(masks.shape)}",
            wanted=f"the images' {tuple(images.shape)}, save for the channels",
            do="Give each image its mask.",
        )


def _plane_grid(drawn: Drawn, plane: tuple[int, ...]) -> Tensor:
    """(B, Y, X, 2): the point (x, y) from which each pixel takes its value, in −1 to 1."""
    rows, columns = plane
    cos, sin = drawn.angles.cos(), drawn.angles.sin()
    # The turn is rigid in pixels also where the crop is not square.
    turn = torch.stack([cos, -sin * (rows / columns), sin * (columns / rows), cos], dim=1).reshape(-1, 2, 2)
    matrix = (drawn.flips * drawn.scales)[:, :2, None] * turn
    theta = torch.cat([matrix, drawn.offsets[:, :2, None]], dim=2)
    grid = functional.affine_grid(theta, [len(theta), 1, rows, columns], align_corners=False)
    if drawn.elastic is None:
        return grid
    shift = functional.interpolate(drawn.elastic, (rows, columns), mode="bicubic", align_corners=True)
    return grid + shift.permute(0, 2, 3, 1)


def _z_weights(drawn: Drawn, slices: int) -> Tensor:
    """(B, Z, Z): what each slice takes of every slice; linear, the border repeated."""
    index = torch.arange(slices, device=drawn.flips.device, dtype=torch.float32)
    place = (2 * index + 1) / slices - 1
    place = (drawn.flips * drawn.scales)[:, 2:] * place + drawn.offsets[:, 2:]
    source = (((place + 1) * slices - 1) / 2).clamp(0, slices - 1)
    return (1 - (source[:, :, None] - index).abs()).clamp_(min=0)


def _moved(images: Tensor, grid: Tensor, along_z: Tensor | None) -> Tensor:
    """Images taken from where the grid and the weights along z say; float32, contiguous."""
    # as_subclass drops a MetaTensor's affine, which will be wrong, and its cost.
    values = images.as_subclass(torch.Tensor).float()
    # Channels and slices together are the channels of a 2D image.
    flat = values.flatten(1, -3)
    turned = functional.grid_sample(flat, grid, padding_mode="border", align_corners=False)
    if along_z is not None:
        weights = along_z.repeat_interleave(values.shape[1], dim=0)
        turned = torch.bmm(weights, turned.reshape(len(weights), weights.shape[1], -1))
    return turned.reshape(values.shape).contiguous()
