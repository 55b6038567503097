"""Values as JSON and arrays, and back: what a cached item is made of.

Everything comes back with its type, number type and content, a MetaTensor with its affine, metadata and
applied operations. What is not listed here is refused; nothing is pickled.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from numpy.typing import NDArray

from ...errors import DataError
from .entry import DTYPES

__all__ = ["packed", "unpacked"]

# A JSON object with this key stands for something that JSON has no word for.
_TAG = "~"
_LATER = "Make it after the first random transform, or delete the key."
_DTYPES = set(DTYPES.values())
_Arrays = dict[str, NDArray[Any]]


def packed(value: Any, name: str = "item") -> tuple[Any, dict[str, NDArray[Any]]]:
    """Take a value apart.

    Args:
        value: tensors, arrays, numbers, text, bytes, paths, number types, and lists, tuples, sets and
            dictionaries of these. Subclasses come back as these, an enumeration of text as text.
        name: what to call it in a message.

    Returns:
        JSON types, and arrays of the types that an entry takes.

    Raises:
        DataError: something else is in it; the message names the key.
    """
    arrays: _Arrays = {}
    return _pack(value, name, arrays), arrays


def unpacked(tree: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Put together what `packed` took apart; tensors share memory with the arrays.

    Raises:
        DataError: `tree` holds a tag that is not known.
    """
    if isinstance(tree, list):
        return [unpacked(part, arrays) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if _TAG not in tree:
        return {key: unpacked(part, arrays) for key, part in tree.items()}
    if tree[_TAG] not in _UNPACK:
        raise DataError(
            f"a cache entry holds the tag {tree[_TAG]!r}", wanted=", ".join(_UNPACK), do="Clear the cache."
        )
    return _UNPACK[tree[_TAG]](tree, arrays)


def _pack(value: Any, at: str, arrays: _Arrays) -> Any:
    # NumPy's scalars come first: some of them are Python floats or strings as well.
    for kind, pack in _PACK:
        if isinstance(value, kind):
            return pack(value, at, arrays)
    raise _refused(at, f"a {type(value).__name__}")


def _pack_scalar(value: np.generic, at: str, arrays: _Arrays) -> Any:
    _check_dtype(value.dtype, at)
    return {_TAG: "scalar", "dtype": value.dtype.str, "bytes": _text(value.tobytes())}


def _pack_text(value: str, at: str, arrays: _Arrays) -> str:
    return str.__str__(value)


def _pack_plain(value: Any, at: str, arrays: _Arrays) -> Any:
    return value


def _pack_list(value: list[Any], at: str, arrays: _Arrays) -> Any:
    return [_pack(part, f"{at}[{index}]", arrays) for index, part in enumerate(value)]


def _pack_tuple(value: tuple[Any, ...], at: str, arrays: _Arrays) -> Any:
    return {_TAG: "tuple", "parts": _pack_list(list(value), at, arrays)}


def _pack_set(value: set[Any] | frozenset[Any], at: str, arrays: _Arrays) -> Any:
    parts = _pack_list(sorted(value, key=repr), at, arrays)
    return {_TAG: "frozenset" if isinstance(value, frozenset) else "set", "parts": parts}


def _pack_dict(value: dict[Any, Any], at: str, arrays: _Arrays) -> Any:
    parts = [(key, _pack(part, f"{at}[{key!r}]", arrays)) for key, part in value.items()]
    if all(type(key) is str and key != _TAG for key, _ in parts):
        return dict(parts)
    return {_TAG: "dict", "parts": [[_pack(key, f"a key of {at}", arrays), part] for key, part in parts]}


def _pack_path(value: PurePath, at: str, arrays: _Arrays) -> Any:
    return {_TAG: "path", "text": str(value)}


def _pack_bytes(value: bytes, at: str, arrays: _Arrays) -> Any:
    return {_TAG: "bytes", "bytes": _text(value)}


def _pack_array(value: NDArray[Any], at: str, arrays: _Arrays) -> Any:
    _check_dtype(value.dtype, at)
    if isinstance(value, np.ma.MaskedArray):
        raise _refused(at, "a masked array")
    return {_TAG: "array", **_stored(np.asarray(value), arrays)}


def _pack_tensor(value: torch.Tensor, at: str, arrays: _Arrays) -> Any:
    if value.device.type != "cpu" or value.layout != torch.strided or value.is_quantized:
        raise _refused(at, f"a {value.layout} tensor on {value.device}", "Move it there after the cache.")
    value = value.detach().resolve_conj().resolve_neg().contiguous()
    told = {_TAG: "tensor", "type": str(value.dtype).removeprefix("torch."), "sizes": list(value.shape)}
    if value.dtype in (torch.bfloat16, torch.complex32) or "float8" in told["type"]:
        value = value.reshape(-1).view(torch.uint8)
    return {**told, **_stored(value.numpy(), arrays)}


def _pack_metatensor(value: MetaTensor, at: str, arrays: _Arrays) -> Any:
    return {
        _TAG: "metatensor",
        "data": _pack_tensor(value.as_tensor(), at, arrays),
        "meta": _pack(value.meta, f"{at}.meta", arrays),
        "applied": _pack(value.applied_operations, f"{at}.applied_operations", arrays),
        "pending": _pack(value.pending_operations, f"{at}.pending_operations", arrays),
        "batch": value.is_batch,
        "spatial": value.spatial_ndim,
    }


def _pack_dtype(value: np.dtype[Any] | torch.dtype, at: str, arrays: _Arrays) -> Any:
    if isinstance(value, torch.dtype):
        return {_TAG: "torch dtype", "text": str(value).removeprefix("torch.")}
    _check_dtype(value, at)
    return {_TAG: "dtype", "text": value.str}


def _stored(array: NDArray[Any], arrays: _Arrays) -> dict[str, Any]:
    """Keep an array under a new name; types that an entry has no name for go as bytes."""
    name = f"a{len(arrays)}"
    told = {"name": name, "dtype": array.dtype.str, "shape": list(array.shape)}
    solid = np.require(array, requirements="C")
    arrays[name] = solid if array.dtype.str in _DTYPES else solid.reshape(-1).view(np.uint8)
    return told


def _restored(tree: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    found: NDArray[Any] = arrays[tree["name"]].view(np.dtype(tree["dtype"])).reshape(tree["shape"])
    return found


def _unpack_tensor(tree: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> torch.Tensor:
    found = torch.from_numpy(_restored(tree, arrays))
    dtype = getattr(torch, tree["type"])
    if found.dtype == dtype:
        return found
    # NumPy gives empty arrays strides that torch does not view.
    return (
        found.view(dtype).reshape(tree["sizes"]) if found.numel() else torch.empty(tree["sizes"], dtype=dtype)
    )


def _unpack_metatensor(tree: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> MetaTensor:
    found = MetaTensor(
        _unpack_tensor(tree["data"], arrays),
        meta=unpacked(tree["meta"], arrays),
        applied_operations=unpacked(tree["applied"], arrays),
        spatial_ndim=tree["spatial"],
    )
    found.is_batch = tree["batch"]
    for operation in unpacked(tree["pending"], arrays):
        found.push_pending_operation(operation)
    return found


def _unpack_scalar(tree: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> np.generic:
    found: np.generic = np.frombuffer(base64.b64decode(tree["bytes"]), np.dtype(tree["dtype"]))[0]
    return found


def _unpack_parts(make: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda tree, arrays: make(unpacked(tree["parts"], arrays))


def _unpack_text(make: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda tree, arrays: make(tree["text"])


def _unpack_dict(tree: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> dict[Any, Any]:
    return {unpacked(key, arrays): unpacked(part, arrays) for key, part in tree["parts"]}


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _check_dtype(dtype: np.dtype[Any], at: str) -> None:
    if dtype.hasobject or dtype.fields:
        raise _refused(at, f"an array of {dtype}")


def _refused(at: str, came: str, do: str = _LATER) -> DataError:
    return DataError(
        f"{at} is {came}, which cannot be cached",
        wanted="tensors on the CPU, arrays, numbers, text, bytes, paths, and containers of these",
        do=do,
    )


_PACK: tuple[tuple[Any, Callable[[Any, str, _Arrays], Any]], ...] = (
    (MetaTensor, _pack_metatensor),
    (torch.Tensor, _pack_tensor),
    (np.ndarray, _pack_array),
    (np.generic, _pack_scalar),
    (str, _pack_text),
    ((bool, int, float, type(None)), _pack_plain),
    (dict, _pack_dict),
    (tuple, _pack_tuple),
    (list, _pack_list),
    ((set, frozenset), _pack_set),
    (PurePath, _pack_path),
    (bytes, _pack_bytes),
    ((np.dtype, torch.dtype), _pack_dtype),
)
_UNPACK: dict[str, Callable[[dict[str, Any], Mapping[str, NDArray[Any]]], Any]] = {
    "array": _restored,
    "bytes": lambda tree, arrays: base64.b64decode(tree["bytes"]),
    "dict": _unpack_dict,
    "dtype": _unpack_text(np.dtype),
    "frozenset": _unpack_parts(frozenset),
    "metatensor": _unpack_metatensor,
    "path": _unpack_text(Path),
    "scalar": _unpack_scalar,
    "set": _unpack_parts(set),
    "tensor": _unpack_tensor,
    "torch dtype": _unpack_text(lambda name: getattr(torch, name)),
    "tuple": _unpack_parts(tuple),
}
