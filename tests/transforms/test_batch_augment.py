"""A batch augmented at once equals each of its crops augmented alone in three dimensions."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from scipy import ndimage, stats
from torch.nn import functional

from lungmonai.errors import SettingsError
from lungmonai.transforms import AugmentSettings, BatchAugment, Drawn
from lungmonai.transforms.normal_noise import add_normal_noise

SHAPES = [(3, 1, 8, 12, 12), (2, 2, 5, 10, 14), (3, 7, 16, 16), (2, 3, 9, 15)]


def images_of(shape, seed: int = 0) -> torch.Tensor:
    return torch.randint(-1000, 1000, shape, generator=torch.Generator().manual_seed(seed)).float()


def matrix_of(drawn: Drawn, sample: int, plane) -> np.ndarray:
    """The book's 4×4 (or 3×3) matrix: flip, scale and offset, then the rotation in the plane."""
    rows, columns = plane
    axes = drawn.flips.shape[1]
    matrix, turn = np.eye(axes + 1), np.eye(axes + 1)
    for axis in range(axes):
        matrix[axis, axis] = drawn.flips[sample, axis] * drawn.scales[sample, axis]
        matrix[axis, axis + 1 :] = 0
        matrix[axis, axes] = drawn.offsets[sample, axis]
    angle = float(drawn.angles[sample])
    # In pixels, so that a crop that is not square keeps its angles.
    pixels = np.diag([columns, rows])
    turn[:2, :2] = (
        np.linalg.inv(pixels)
        @ [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        @ pixels
    )
    return matrix @ turn


def one_by_one(drawn: Drawn, images: torch.Tensor) -> torch.Tensor:
    """Each crop alone through torch's grid in two or three dimensions, in float64."""
    answers = []
    for sample, image in enumerate(images.double()):
        matrix = torch.from_numpy(matrix_of(drawn, sample, image.shape[-2:]))[None, :-1]
        grid = functional.affine_grid(matrix, [1, *image.shape], align_corners=False)
        moved = functional.grid_sample(image[None], grid, padding_mode="border", align_corners=False)[0]
        answers.append(moved)
    return torch.stack(answers)


def noise_of(drawn: Drawn, shape) -> torch.Tensor:
    return add_normal_noise(torch.zeros(shape), drawn.noise_hu, drawn.noise_seed)


@settings(max_examples=25, deadline=None)
@given(shape=st.sampled_from(SHAPES), seed=st.integers(0, 2**40), noise=st.sampled_from([0.0, 25.0]))
def test_equals_each_sample_alone(shape, seed: int, noise: float) -> None:
    augment = BatchAugment(AugmentSettings(offset=0.3, scale=0.5, noise_hu=noise), seed=seed)
    images = images_of(shape)
    drawn = augment.randomize(shape)
    expected = one_by_one(drawn, images) + noise_of(drawn, shape)
    assert (augment.apply(drawn, images) - expected).abs().max() < 0.01


def test_equals_each_sample_alone_at_the_classifiers_size() -> None:
    shape = (4, 1, 32, 48, 48)
    augment = BatchAugment(seed=5)
    images = images_of(shape)
    drawn = augment.randomize(shape)
    expected = one_by_one(drawn, images) + noise_of(drawn, shape)
    assert (augment.apply(drawn, images) - expected).abs().max() < 0.01


@pytest.mark.parametrize("shape", SHAPES)
def test_masks_go_the_same_way_and_are_cut_at_one_half(shape) -> None:
    augment = BatchAugment(seed=1)
    masks = images_of((shape[0], 1, *shape[2:])) > 200
    drawn = augment.randomize(shape)
    images, moved = augment.apply(drawn, images_of(shape), masks)
    covered = one_by_one(drawn, masks)
    sure = (covered - 0.5).abs() > 1e-5
    assert moved.dtype == torch.bool
    assert moved.shape == masks.shape
    assert torch.equal(moved[sure], (covered > 0.5)[sure])
    assert torch.equal(images, augment.apply(drawn, images_of(shape)))


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32, torch.int64])
def test_masks_keep_their_type(kind: torch.dtype) -> None:
    images, masks = images_of(SHAPES[0]), torch.ones(SHAPES[0], dtype=kind)
    moved = BatchAugment(seed=1)(images, masks)[1]
    assert moved.dtype == kind
    assert bool((moved == 1).all())


@pytest.mark.parametrize("shape", SHAPES)
def test_with_everything_off_nothing_changes(shape) -> None:
    off = AugmentSettings(flip=False, offset=0, scale=0, rotate=False, noise_hu=0)
    images = images_of(shape)
    assert torch.allclose(BatchAugment(off, seed=1)(images), images, atol=0.01)


def test_flips_alone_are_numpys_flips() -> None:
    off = {"offset": 0.0, "scale": 0.0, "rotate": False, "noise_hu": 0.0}
    augment = BatchAugment(AugmentSettings(**off), seed=1)
    images = images_of((16, 1, 5, 6, 7))
    drawn = augment.randomize(images.shape)
    moved = augment.apply(drawn, images)
    seen = set()
    for image, answer, flips in zip(images, moved, drawn.flips.tolist(), strict=True):
        turned = [3 - axis for axis, flip in enumerate(flips) if flip < 0]
        assert torch.allclose(answer, image.flip(turned), atol=0.01)
        seen.add(tuple(flips))
    assert len(seen) > 4


def test_a_turn_by_a_right_angle_is_numpys() -> None:
    ones = torch.ones(1, 3)
    drawn = Drawn(ones, ones, 0 * ones, torch.tensor([math.pi / 2]))
    image = images_of((1, 1, 4, 9, 9))
    assert torch.allclose(
        BatchAugment(seed=0).apply(drawn, image)[0, 0], image[0, 0].rot90(1, (1, 2)), atol=0.01
    )


def test_an_offset_moves_the_image_by_that_share_of_half_the_crop() -> None:
    ones = torch.ones(1, 3)
    drawn = Drawn(ones, ones, torch.tensor([[2 / 10, 4 / 10, 2 / 5]]), torch.zeros(1))
    image = images_of((1, 1, 5, 10, 10))
    moved = BatchAugment(seed=0).apply(drawn, image)[0, 0]
    expected = ndimage.shift(image[0, 0].numpy(), (-1, -2, -1), order=1, mode="nearest")
    assert np.allclose(moved, expected, atol=0.01)


def test_the_draw_covers_its_range_evenly() -> None:
    chosen = AugmentSettings(offset=0.1, scale=0.2)
    drawn = BatchAugment(chosen, seed=3).randomize((4000, 1, 1, 1, 1))
    uniform = {
        "offset": (drawn.offsets / 0.1 + 1) / 2,
        "scale": ((drawn.scales - 1) / 0.2 + 1) / 2,
        "angle": drawn.angles[:, None] / (2 * math.pi),
    }
    for name, values in uniform.items():
        for axis in values.T:
            assert stats.kstest(axis.numpy(), "uniform").pvalue > 0.001, name
    assert set(drawn.flips.unique().tolist()) == {-1.0, 1.0}
    assert (drawn.flips.mean(dim=0).abs() < 0.07).all()
    everything = torch.cat([drawn.flips, *uniform.values()], dim=1).T
    off_diagonal = torch.corrcoef(everything) - torch.eye(len(everything))
    assert off_diagonal.abs().max() < 0.07


def test_every_sample_gets_its_own() -> None:
    images = images_of((1, 1, 8, 12, 12)).expand(6, -1, -1, -1, -1)
    moved = BatchAugment(seed=2)(images)
    for first in range(6):
        for second in range(first):
            assert (moved[first] - moved[second]).abs().max() > 50


def test_noise_has_its_strength_in_every_sample() -> None:
    only = AugmentSettings(flip=False, offset=0, scale=0, rotate=False, noise_hu=40.0)
    noise = BatchAugment(only, seed=2)(torch.zeros(8, 1, 16, 24, 24))
    deviations = noise.flatten(1).std(dim=1)
    assert torch.allclose(deviations, torch.full((8,), 40.0), rtol=0.05)


def test_apply_is_pure() -> None:
    augment = BatchAugment(AugmentSettings(elastic=0.05), seed=1)
    images = images_of(SHAPES[0])
    kept = images.clone()
    drawn = augment.randomize(images.shape)
    state = augment.state_dict()["generator"].clone()
    first, second = augment.apply(drawn, images), augment.apply(drawn, images)
    assert torch.equal(first, second)
    assert torch.equal(images, kept)
    assert torch.equal(augment.state_dict()["generator"], state)


@pytest.mark.parametrize("shape", SHAPES)
def test_call_is_draw_and_apply(shape) -> None:
    one, two = BatchAugment(seed=9), BatchAugment(seed=9)
    images = images_of(shape)
    assert torch.equal(one(images), two.apply(two.randomize(shape), images))


def test_goes_on_from_a_saved_state(tmp_path) -> None:
    augment = BatchAugment(seed=1)
    images = images_of(SHAPES[0])
    augment(images)
    torch.save(augment.state_dict(), tmp_path / "state.pt")
    expected = [augment(images) for _ in range(2)]
    other = BatchAugment(seed=99)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for answer in expected:
        assert torch.equal(other(images), answer)


def test_without_a_seed_torchs_own_seed_decides() -> None:
    def augmented(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return BatchAugment()(images_of(SHAPES[0]))

    with torch.random.fork_rng():
        assert torch.equal(augmented(4), augmented(4))
        assert not torch.equal(augmented(4), augmented(5))


def test_elastic_displaces_smoothly_by_what_was_drawn() -> None:
    only = AugmentSettings(flip=False, offset=0, scale=0, rotate=False, noise_hu=0, elastic=0.05)
    augment = BatchAugment(only, seed=4)
    rows, columns = 40, 60
    # The image's value is the place, so that the answer shows where each voxel came from.
    place = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")).float()
    images = place[None].expand(3, -1, -1, -1)
    drawn = augment.randomize(images.shape)
    moved = augment.apply(drawn, images)
    control = functional.interpolate(drawn.elastic, (rows, columns), mode="bicubic", align_corners=True)
    shift = (moved - images)[:, :, 8:-8, 12:-12]
    expected = (control.flip(1) * torch.tensor([rows / 2, columns / 2])[:, None, None])[:, :, 8:-8, 12:-12]
    assert torch.allclose(shift, expected, atol=1e-3)
    assert 0.3 < shift.std() < 3
    assert shift.diff(dim=-1).abs().max() < 0.6
    assert not torch.allclose(shift[0], shift[1], atol=0.5)


def test_elastic_is_the_same_for_every_slice() -> None:
    only = AugmentSettings(flip=False, offset=0, scale=0, rotate=False, noise_hu=0, elastic=0.05)
    image = images_of((2, 1, 1, 20, 20)).expand(-1, -1, 4, -1, -1)
    moved = BatchAugment(only, seed=4)(image)
    assert torch.allclose(moved, moved[:, :, :1].expand_as(moved), atol=1e-3)
    assert (moved - image).abs().max() > 100


def test_whole_numbers_and_metatensors_come_back_as_plain_floats() -> None:
    images = images_of(SHAPES[0])
    moved = BatchAugment(seed=1)(MetaTensor(images.short()))
    assert type(moved) is torch.Tensor
    assert torch.equal(moved, BatchAugment(seed=1)(images))
    assert not moved.requires_grad


@pytest.mark.parametrize(
    ("shape", "layout"), [(SHAPES[0], torch.channels_last_3d), (SHAPES[2], torch.channels_last)]
)
def test_the_memory_layout_changes_nothing(shape, layout: torch.memory_format) -> None:
    images = images_of(shape)
    moved = BatchAugment(seed=1)(images.contiguous(memory_format=layout))
    assert torch.allclose(moved, BatchAugment(seed=1)(images), atol=0.01)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_same_on_a_gpu() -> None:
    augment = BatchAugment(AugmentSettings(elastic=0.02), seed=1)
    images = images_of((4, 1, 32, 48, 48))
    drawn = replace(augment.randomize(images.shape), noise_hu=0.0)
    there = augment.apply(drawn, images.cuda()).cpu()
    assert (there - augment.apply(drawn, images)).abs().max() < 0.1
    one, two = BatchAugment(seed=1), BatchAugment(seed=1)
    assert torch.equal(one(images.cuda()), two(images.cuda()))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scale": 1.0}, "scale is 1.0; wanted a number from 0 to below 1"),
        ({"offset": -0.1}, "offset is -0.1; wanted a number from 0 up"),
        ({"noise_hu": math.nan}, "noise_hu is nan; wanted a number from 0 up"),
        ({"elastic": math.inf}, "elastic is inf; wanted a number from 0 up"),
    ],
)
def test_refuses_senseless_settings(wrong, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        AugmentSettings(**wrong)


def test_refuses_shapes_that_do_not_belong_together() -> None:
    augment = BatchAugment(seed=1)
    images = images_of(SHAPES[0])
    with pytest.raises(SettingsError, match=r"shape \(8, 12, 12\); wanted \(B, C, Y, X\)"):
        augment(images[0, 0])
    with pytest.raises(SettingsError, match="draw is for 2 samples with 3 axes; wanted one for 3 samples"):
        augment.apply(augment.randomize((2, 1, 8, 12, 12)), images)
    with pytest.raises(SettingsError, match="draw is for 3 samples with 2 axes"):
        augment.apply(augment.randomize((3, 8, 12, 12)), images)
    with pytest.raises(SettingsError, match="the masks' shape is"):
        augment(images, images[:, :, 1:])
