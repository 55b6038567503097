"""What is kept comes back as it was, or not at all."""

from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lungmonai.analysis.parts import facts_of, part_path, read_arrays, read_part, write_arrays, write_part
from lungmonai.errors import OutputError


@dataclass
class Answers:
    place: NDArray[np.float64]
    flag: NDArray[np.bool_]


@dataclass
class Others:
    another: NDArray[np.float64]


ANSWERS = Answers(np.arange(6.0).reshape(2, 3), np.array(True))


def as_kept(part: Path) -> bool:
    read = read_part(part, Answers)
    assert read is not None
    pairs = zip(astuple(read), astuple(ANSWERS), strict=True)
    return all(came.dtype == one.dtype and np.array_equal(came, one) for came, one in pairs)


def test_answers_come_back(tmp_path: Path) -> None:
    write_part(tmp_path / "a.npz", ANSWERS)
    assert as_kept(tmp_path / "a.npz")
    assert read_part(tmp_path / "a.npz", Others) is None
    assert read_part(tmp_path / "none.npz", Answers) is None
    with pytest.raises(OutputError):
        write_part(tmp_path / "none" / "a.npz", ANSWERS)


@pytest.mark.parametrize("mask", [0x01, 0x80])
def test_a_damaged_byte_is_seen_or_changes_nothing(mask: int, tmp_path: Path) -> None:
    part = tmp_path / "a.npz"
    write_part(part, ANSWERS)
    whole = part.read_bytes()
    seen = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= mask
        part.write_bytes(damaged)
        if read_part(part, Answers) is None:
            seen += 1
        else:
            assert as_kept(part)
    assert seen > len(whole) / 2


@pytest.mark.parametrize("mask", [0x01, 0x80])
def test_a_damaged_byte_of_a_compressed_one_too(mask: int, tmp_path: Path) -> None:
    part, answers = tmp_path / "a.npz", {"a": np.random.default_rng(0).integers(0, 3, 300)}
    write_arrays(part, answers, compressed=True)
    whole = part.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= mask
        part.write_bytes(damaged)
        for came in (read_arrays(part) or {}).values():
            np.testing.assert_array_equal(came, answers["a"])


def test_a_file_that_was_cut_short_is_none(tmp_path: Path) -> None:
    part = tmp_path / "a.npz"
    write_part(part, ANSWERS)
    whole = part.read_bytes()
    for length in (0, 1, 4, 30, len(whole) // 2, len(whole) - 1):
        part.write_bytes(whole[:length])
        assert read_part(part, Answers) is None


def test_the_name_is_that_of_what_was_told(tmp_path: Path) -> None:
    told = {"weights": "a", "threshold": 0.5, "files": [("x", 1, 2)]}
    same = part_path(tmp_path, dict(reversed(told.items())))
    assert part_path(tmp_path, told) == same
    others = ({**told, "threshold": 0.4}, {**told, "files": [("x", 1, 3)]})
    assert len({same, *(part_path(tmp_path, other) for other in others)}) == 3


def test_facts_of_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    assert facts_of(str(path)) == []
    path.write_bytes(b"12345")
    ((name, size, _),) = facts_of(str(path))
    assert (name, size) == (str(path), 5)
