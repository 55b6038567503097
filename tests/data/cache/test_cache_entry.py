"""An entry's file: readable by safetensors itself, and refused whenever one byte is wrong."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from lungmonai.data.cache.entry import DTYPES, block_hash, check_entry, read_entry, read_head, write_entry
from lungmonai.errors import DataError, OutputError

KEY = "ab" * 32
RNG = np.random.default_rng(0)
VOLUME = RNG.integers(-1000, 1000, (5, 4, 6)).astype(np.int16)


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    path = tmp_path / f"{KEY}.safetensors"
    write_entry(path, "about", {"n": 1}, {"volume": VOLUME, "points": np.eye(3)})
    return path


def test_safetensors_itself_reads_the_arrays(entry: Path) -> None:
    with safe_open(entry, framework="np") as file:
        np.testing.assert_array_equal(file.get_tensor("volume"), VOLUME)
        np.testing.assert_array_equal(file.get_tensor("points"), np.eye(3))


def test_read_gives_back_what_was_written(entry: Path) -> None:
    head, arrays = read_entry(entry)
    assert (head.key, head.about, head.values) == (KEY, "about", {"n": 1})
    np.testing.assert_array_equal(arrays["volume"], VOLUME)
    assert arrays["volume"].dtype == np.int16
    arrays["volume"][0] = 0  # one's own copy
    np.testing.assert_array_equal(read_entry(entry)[1]["volume"], VOLUME)


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 4), (1, 2, 3, 4)])
def test_every_type_and_shape(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    path, array = tmp_path / f"{KEY}.safetensors", RNG.integers(0, 2, shape).astype(dtype)
    write_entry(path, "", None, {"a": array, "b": array})
    found = read_entry(path)[1]["b"]
    assert (found.dtype, found.shape) == (array.dtype, shape)
    np.testing.assert_array_equal(found, array)


def test_a_place_is_where_the_numbers_are_and_each_slice_has_a_hash(entry: Path) -> None:
    place = read_head(entry).arrays["volume"]
    mapped = np.memmap(entry, place.dtype, mode="r", offset=place.offset, shape=place.shape)
    np.testing.assert_array_equal(mapped, VOLUME)
    assert place.hashes == tuple(xxhash.xxh3_64_hexdigest(plane.tobytes()) for plane in VOLUME)
    assert block_hash(VOLUME[2]) == place.hashes[2]
    assert block_hash(VOLUME[:, ::-1][2]) != place.hashes[2]


@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_gives_other_numbers(
    tmp_path_factory: pytest.TempPathFactory, where: float, bit: int
) -> None:
    path = tmp_path_factory.mktemp("flip") / f"{KEY}.safetensors"
    write_entry(path, "about", {"affine": [1.5, -2]}, {"volume": VOLUME, "points": np.eye(3)})
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        head, arrays = read_entry(path)
    except DataError:
        return
    # A byte that nothing depends on, such as the name of a header's key that is not read.
    assert head.values == {"affine": [1.5, -2]}
    np.testing.assert_array_equal(arrays["volume"], VOLUME)
    np.testing.assert_array_equal(arrays["points"], np.eye(3))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.5, 0.99])
def test_truncated(entry: Path, share: float) -> None:
    content = entry.read_bytes()
    entry.write_bytes(content[: int(share * len(content))])
    for read in (read_entry, check_entry, read_head):
        with pytest.raises(DataError, match=r"is damaged or not ours: .* It can be deleted"):
            read(entry)


def test_longer_than_it_says(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes() + b"\0")
    with pytest.raises(DataError, match=r"it has [\d,]+ bytes"):
        read_head(entry)


def test_a_flipped_byte_of_the_numbers(entry: Path) -> None:
    content = bytearray(entry.read_bytes())
    content[-1] ^= 1
    entry.write_bytes(content)
    read_head(entry)  # reads no numbers
    for read in (read_entry, check_entry):
        with pytest.raises(DataError, match="numbers that do not fit their hash"):
            read(entry)


def test_an_entry_under_another_name(entry: Path) -> None:
    other = entry.with_name(f"{'cd' * 32}.safetensors")
    entry.rename(other)
    with pytest.raises(DataError, match=f"it has format 1 and key {KEY}; wanted"):
        read_entry(other)


def test_an_entry_of_another_format(entry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lungmonai.data.cache.entry.FORMAT", 2)
    with pytest.raises(DataError, match="it has format 1 and key"):
        read_entry(entry)


@pytest.mark.parametrize(
    "header",
    [b"null", b"[]", b"{}", b'{"__metadata__": 3}', b'{"__metadata__": {"entry": "{}", "check": ""}}', b"["],
)
def test_other_headers(entry: Path, header: bytes) -> None:
    entry.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(DataError, match="is damaged or not ours"):
        read_entry(entry)


def test_places_outside_the_file(entry: Path) -> None:
    content = entry.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    for name in ("volume", "points"):
        header[name]["data_offsets"] = [part + 10_000 for part in header[name]["data_offsets"]]
    text = json.dumps(header).encode()
    entry.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    with pytest.raises(DataError, match="is damaged or not ours"):
        read_entry(entry)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_is_never_unpickled(entry: Path, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Trap(sprung)))
    sprung.unlink()  # the trap works
    entry.write_bytes(pickle.dumps(Trap(sprung)))
    for read in (read_entry, check_entry, read_head):
        with pytest.raises(DataError, match="no whole safetensors header"):
            read(entry)
    assert not sprung.exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        write_entry(tmp_path / "none" / f"{KEY}.safetensors", "", None, {})
