"""What the cache holds, and what goes."""

import errno
import os
import time
from pathlib import Path

import numpy as np
import pytest

from lungmonai.data.cache.entry import write_entry
from lungmonai.data.cache.upkeep import (
    cache_entries,
    cache_root,
    cache_use,
    clear_cache,
    clear_models,
    damaged_entries,
    make_room,
    orphans,
    used_bytes,
)
from lungmonai.errors import OutputError

HOUR = 3600


def put(folder: Path, kind: str, number: int, age_s: float = 0, size: int = 5000) -> Path:
    path = folder / kind / f"{number:02x}" / f"{f'{number:02x}' * 32}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_entry(path, "", None, {"a": np.zeros(size, np.uint8)})
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    return path


def left(folder: Path) -> list[int]:
    return sorted(int(entry.path.stem[:2], 16) for entry in cache_entries(folder))


def old(path: Path, age_s: float) -> Path:
    path.write_bytes(b"half")
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    return path


def test_use(tmp_path: Path) -> None:
    paths = [put(tmp_path, "items", 1, 50), put(tmp_path, "items", 2), put(tmp_path, "volumes", 3, 100)]
    old(paths[0].with_name(".partial-xyz.safetensors"), 2 * HOUR)
    use = cache_use(tmp_path)
    assert use.entries == {"items": 2, "volumes": 1}
    assert sum(use.bytes.values()) == used_bytes(tmp_path) == sum(path.stat().st_size for path in paths)
    assert use.oldest_s == pytest.approx(time.time() - 100, abs=20)
    assert use.orphans == 1


def test_nothing_there(tmp_path: Path) -> None:
    assert cache_use(tmp_path / "none") == cache_use(tmp_path)
    assert cache_use(tmp_path).oldest_s is None
    assert clear_cache(tmp_path / "none") == (0, 0)
    assert clear_models(tmp_path / "none") == (0, 0)


def test_only_old_partial_files_and_locks_are_orphans(tmp_path: Path) -> None:
    folder = put(tmp_path, "items", 1).parent
    gone = [old(folder / ".partial-a.safetensors", 2 * HOUR), old(folder / ".lock-b", 2 * HOUR)]
    stays = [old(folder / ".partial-c.safetensors", HOUR / 2), old(folder / "foreign", 2 * HOUR)]
    assert sorted(orphans(tmp_path)) == sorted(gone)
    clear_cache(tmp_path)
    assert sorted(folder.iterdir()) == sorted(stays)


def test_room_is_made_by_removing_what_was_used_least_recently(tmp_path: Path) -> None:
    for number in range(6):
        put(tmp_path, "items", number, age_s=100 * (6 - number))
    size = used_bytes(tmp_path)
    assert make_room(tmp_path, 1, size + 1) == size
    assert left(tmp_path) == list(range(6))
    assert make_room(tmp_path, 10, size) == used_bytes(tmp_path)
    assert left(tmp_path) == [1, 2, 3, 4, 5]
    make_room(tmp_path, size // 2, size)
    assert left(tmp_path) in ([3, 4, 5], [4, 5])
    assert used_bytes(tmp_path) + size // 2 <= size


def test_no_room_can_be_made(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path, "items", number, age_s=100 * (3 - number))
    size = used_bytes(tmp_path)
    make_room(tmp_path, size + 1, size)  # nothing goes for what will never fit
    assert left(tmp_path) == [0, 1, 2]
    make_room(tmp_path, size - 1, size, keep_from=time.time() - 250)
    assert left(tmp_path) == [1, 2]


def test_a_writers_file_never_goes(tmp_path: Path) -> None:
    partial = old(put(tmp_path, "items", 1).with_name(".partial-a.safetensors"), 10)
    make_room(tmp_path, 1_000_000, 1_000_000)
    assert left(tmp_path) == []
    assert partial.exists()


def test_damaged(tmp_path: Path) -> None:
    good, flipped, short = (put(tmp_path, "items", number, age_s=1000) for number in range(3))
    content = bytearray(flipped.read_bytes())
    content[-1] ^= 1
    flipped.write_bytes(content)
    short.write_bytes(content[:100])
    before, seen = good.stat().st_atime_ns, []
    found = dict(damaged_entries(tmp_path, lambda *step: seen.append(step)))
    assert set(found) == {flipped, short}
    assert "numbers that do not fit their hash" in found[flipped]
    assert seen == [("verify", 1, 3), ("verify", 2, 3), ("verify", 3, 3)]
    assert good.stat().st_atime_ns == before


def test_another_users_entry_is_not_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "items", 1)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("not the owner")

    monkeypatch.setattr(os, "utime", refuse)
    assert damaged_entries(tmp_path, lambda *_: None) == []


def test_what_may_not_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "items", 1)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OutputError, match=f"{path} could not be removed: Read-only"):
        clear_cache(tmp_path)


def test_clear_what_was_not_used_for_days(tmp_path: Path) -> None:
    sizes = [put(tmp_path, "items", number, age_s=number * 86_400 + 60).stat().st_size for number in range(4)]
    assert clear_cache(tmp_path, unused_days=2) == (2, sizes[2] + sizes[3])
    assert left(tmp_path) == [0, 1]
    assert clear_cache(tmp_path) == (2, sizes[0] + sizes[1])


def test_converted_models(tmp_path: Path) -> None:
    folder = tmp_path / "openvino"
    folder.mkdir()
    (folder / "ab-cd.xml").write_bytes(b"12345")
    assert clear_models(tmp_path) == (1, 5)
    assert list(folder.iterdir()) == []


def test_the_folder(tmp_path: Path, cache: Path) -> None:
    assert cache_root(tmp_path) == tmp_path / "data"
    assert cache_root() == cache / "data"
