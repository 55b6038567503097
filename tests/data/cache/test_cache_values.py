"""Values taken apart and put together again are the same values."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.data import MetaTensor
from monai.transforms import Compose, EnsureChannelFirst, Flip, Orientation, Spacing

from lungmonai.data.cache.values import packed, unpacked
from lungmonai.errors import DataError


def there_and_back(value: Any) -> Any:
    tree, arrays = packed(value)
    return unpacked(json.loads(json.dumps(tree)), arrays)


def same(first: Any, second: Any) -> bool:
    """Equal in type and content; NaN equals NaN."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, np.ndarray):
        return (first.dtype, first.shape, first.tobytes()) == (second.dtype, second.shape, second.tobytes())
    if isinstance(first, np.generic):
        return (first.dtype, first.tobytes()) == (second.dtype, second.tobytes())
    if isinstance(first, float) and math.isnan(first):
        return math.isnan(second)
    return bool(first == second)


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.sampled_from([Path("/a/b.mhd"), np.dtype(">f4"), torch.bfloat16, "~"]),
    hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)),
    hnp.scalar_dtypes().flatmap(lambda dtype: hnp.from_dtype(dtype)),
    st.frozensets(st.integers()),
    st.sets(st.text()),
)
KEYS = st.one_of(st.text(), st.integers(), st.just("~"), st.tuples(st.integers(), st.text()))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
    ),
    max_leaves=8,
)


@given(VALUES)
def test_everything_comes_back_with_type_and_content(value: Any) -> None:
    assert same(there_and_back(value), value)


@pytest.mark.parametrize(
    "dtype", [torch.bool, torch.uint8, torch.int16, torch.int64, torch.float16, torch.bfloat16,
              torch.float32, torch.float64, torch.complex64, torch.complex128, torch.float8_e4m3fn]
)  # fmt: skip
@pytest.mark.parametrize("shape", [(), (0, 2), (2, 3, 4)])
def test_tensors(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = torch.randint(0, 2, shape).to(dtype)
    found = there_and_back(tensor)
    assert (found.dtype, found.shape, type(found)) == (dtype, tensor.shape, torch.Tensor)
    assert found.flatten().tolist() == tensor.flatten().tolist()


def test_a_view_comes_back_as_it_looks() -> None:
    tensor = torch.arange(24, dtype=torch.int16).reshape(2, 3, 4).permute(2, 0, 1)[1:, :, ::2]
    assert torch.equal(there_and_back(tensor), tensor)


def test_a_metatensor_with_all_that_belongs_to_it() -> None:
    affine = torch.tensor(
        [[0, -0.7, 0, 12.345678901234567], [0.7, 0, 0, -3], [0, 0, 2.5, 1 / 3], [0, 0, 0, 1]]
    )
    meta = {
        "spatial_shape": np.array([4, 5, 6]),
        "filename_or_obj": "a.nii",
        "original_channel_dim": math.nan,
    }
    image = MetaTensor(
        torch.arange(120, dtype=torch.int16).reshape(4, 5, 6), affine=affine.double(), meta=meta
    )
    image = Compose([EnsureChannelFirst(channel_dim="no_channel"), Flip(0)])(image)
    found = there_and_back({"image": image})["image"]
    assert isinstance(found, MetaTensor)
    assert found.dtype == torch.int16
    assert torch.equal(found.as_tensor(), image.as_tensor())
    assert torch.equal(found.affine, image.affine)
    assert found.affine.dtype == image.affine.dtype
    assert (found.spatial_ndim, found.is_batch) == (image.spatial_ndim, image.is_batch)
    assert list(found.meta) == list(image.meta)
    for key, value in image.meta.items():
        other = found.meta[key]
        # MONAI's own words are an enumeration of texts.
        plain = str.__str__(value) if isinstance(value, str) else value
        assert torch.equal(value, other) if isinstance(value, torch.Tensor) else same(other, plain), key
    assert len(found.applied_operations) == len(image.applied_operations) == 1


def test_applied_operations_still_invert() -> None:
    image = MetaTensor(torch.rand(1, 6, 7, 8), affine=torch.diag(torch.tensor([-2.0, 1, 3, 1])))
    steps = Compose([Orientation("LPS", labels=None), Spacing((1, 1, 2))])
    moved = steps(image)
    back, again = steps.inverse(there_and_back(moved)), steps.inverse(moved)
    assert torch.equal(back.as_tensor(), again.as_tensor())
    assert torch.equal(back.affine, again.affine)


def test_pending_operations_come_back() -> None:
    image = MetaTensor(torch.rand(1, 6, 7, 8))
    pending = Flip(0, lazy=True)(image)
    found = there_and_back(pending)
    assert torch.equal(found.peek_pending_affine(), pending.peek_pending_affine())


def test_a_conjugate_view_comes_back_as_its_numbers() -> None:
    value = torch.tensor([1 + 2j]).conj()
    assert torch.equal(there_and_back(value), value.resolve_conj())


class Odd:
    """Nothing that a cache could know."""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, {"odd": Odd()}]}, r"item\['a'\]\[1\]\['odd'\] is a Odd, which cannot be cached"),
        ({"f": len}, r"item\['f'\] is a builtin_function_or_method"),
        ({"t": torch.zeros(2, device="meta")}, r"\['t'\] is a torch.strided tensor on meta.*Move it there"),
        ({"t": torch.eye(2).to_sparse()}, r"a torch.sparse_coo tensor on cpu"),
        (np.array([Odd()]), "item is an array of object"),
        ({"m": np.ma.masked_array([1], [True])}, r"item\['m'\] is a masked array"),
        ({Odd(): 1}, "a key of item is a Odd"),
        (np.zeros(2, [("x", "f4")]), r"item is an array of \[\('x', '<f4'\)\]"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_by_its_key(value: Any, text: str) -> None:
    with pytest.raises(DataError, match=text):
        packed(value)


def test_an_unknown_tag() -> None:
    with pytest.raises(DataError, match="holds the tag 'pickle'; wanted array, bytes"):
        unpacked({"~": "pickle", "bytes": ""}, {})
