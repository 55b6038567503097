"""An entry is made once, by one process of many, and nothing that fails leaves wrong data."""

import logging
import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lungmonai.data.cache.entry import read_entry
from lungmonai.data.cache.store import CacheStore, Content
from lungmonai.data.cache.upkeep import cache_entries
from lungmonai.errors import SettingsError

KEY = "ab" * 32
# No start of an interpreter: what the processes share is the folder.
FORK = multiprocessing.get_context("fork")


def content_of(number: int, size: int = 1000) -> Content:
    return Content("a test", number, {"a": np.full(size, number, np.int16)})


def read(path: Path) -> int:
    entry, arrays = read_entry(path)
    assert (arrays["a"] == entry.values).all()
    return int(entry.values)


def maker(number: int, made: list[int] | None = None, size: int = 1000) -> Callable[[], tuple[int, Content]]:
    def make() -> tuple[int, Content]:
        if made is not None:
            made.append(number)
        return number, content_of(number, size)

    return make


def refuse() -> Any:
    raise AssertionError("it was there already")


@pytest.fixture
def store(tmp_path: Path) -> CacheStore:
    return CacheStore(tmp_path / "cache")


def test_made_once_and_then_read(store: CacheStore) -> None:
    assert store.fetch("items", KEY, read, maker(7)) == 7
    assert store.fetch("items", KEY, read, refuse) == 7
    assert [path.name for path in store.path_of("items", KEY).parent.iterdir()] == [f"{KEY}.safetensors"]


def test_kinds_and_keys_are_apart(store: CacheStore) -> None:
    places = [("items", KEY), ("volumes", KEY), ("items", "cd" * 32)]
    for number, (kind, key) in enumerate(places):
        store.fetch(kind, key, read, maker(number))
    assert [store.fetch(kind, key, read, refuse) for kind, key in places] == [0, 1, 2]


def damaged(content: bytes) -> list[bytes]:
    flipped = bytearray(content)
    flipped[-3] ^= 4
    return [bytes(flipped), content[:-1], b"", b"\x80\x04\x95 a pickle", os.urandom(500)]


@pytest.mark.parametrize("which", range(5))
def test_a_damaged_entry_is_made_again_and_said_once(
    store: CacheStore, caplog: pytest.LogCaptureFixture, which: int
) -> None:
    store.fetch("items", KEY, read, maker(7))
    path = store.path_of("items", KEY)
    path.write_bytes(damaged(path.read_bytes())[which])
    assert store.fetch("items", KEY, read, maker(8)) == 8
    assert store.fetch("items", KEY, read, refuse) == 8
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("lungmonai", logging.WARNING)
    assert f"{path} is damaged or not ours" in record.message
    assert "It is made again." in record.message


def _warm(folder: Path, log: Path, start: Any) -> None:
    store = CacheStore(folder)
    start.wait()
    for number in range(20):

        def make(number: int = number) -> tuple[int, Content]:
            with log.open("a") as file:
                file.write(f"{number}\n")
            time.sleep(0.01)
            return number, content_of(number)

        assert store.fetch("items", f"{number:02x}" * 32, read, make) == number


def test_eight_processes_make_every_entry_once(tmp_path: Path) -> None:
    log, start = tmp_path / "log", FORK.Event()
    workers = [FORK.Process(target=_warm, args=(tmp_path / "cache", log, start)) for _ in range(8)]
    for worker in workers:
        worker.start()
    start.set()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 8
    assert sorted(map(int, log.read_text().split())) == list(range(20))
    entries = list(cache_entries(CacheStore(tmp_path / "cache").folder))
    assert sorted(read(entry.path) for entry in entries) == list(range(20))
    assert {path.name[:1] for path in tmp_path.rglob("*/??/*")} <= set("0123456789abcdef")  # no lock is left


KILLED = """
    import sys
    import numpy as np
    from lungmonai.data.cache.entry import read_entry
    from lungmonai.data.cache.store import CacheStore, Content
    big = np.arange(50_000_000, dtype=np.int64)
    while True:
        store = CacheStore(sys.argv[1])
        store.fetch("items", sys.argv[2], read_entry, lambda: (None, Content("", 1, {"a": big})))
        store.path_of("items", sys.argv[2]).unlink()
"""


def test_a_process_killed_while_it_writes_leaves_nothing_wrong(store: CacheStore) -> None:
    path = store.path_of("items", KEY)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(store.folder.parent), KEY]
    writer = subprocess.Popen(command)
    limit = time.time() + 60
    while not any(part.stat().st_size for part in path.parent.glob(".partial-*")):
        assert time.time() < limit
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert list(path.parent.glob(".partial-*"))
    assert not path.exists()
    began = time.time()
    assert store.fetch("items", KEY, read, maker(5)) == 5  # the dead process holds no lock
    assert time.time() - began < 5
    assert store.fetch("items", KEY, read, refuse) == 5


def test_a_lock_that_nobody_gives_back_is_not_waited_for_for_ever(
    store: CacheStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lungmonai.data.cache.store.LOCK_WAIT_S", 0.2)
    hangs, free = threading.Event(), threading.Event()

    def hang() -> tuple[int, Content]:
        hangs.set()
        free.wait(20)
        return 1, content_of(1)

    thread = threading.Thread(target=lambda: store.fetch("items", KEY, read, hang))
    thread.start()
    hangs.wait(20)
    assert CacheStore(store.folder.parent).fetch("items", KEY, read, maker(2)) == 2
    free.set()
    thread.join()
    assert read(store.path_of("items", KEY)) in (1, 2)


def test_without_locks_it_is_made_all_the_same(store: CacheStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(self: object, *args: object, **options: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("filelock.FileLock.acquire", no_locks)
    assert store.fetch("items", KEY, read, maker(3)) == 3
    assert store.fetch("items", KEY, read, refuse) == 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True
        )
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"this account may not mount a small disk: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def small_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def full_disk(folder: Path, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    """An entry that fits is kept; one that does not is one warning, and work goes on."""
    store, made = CacheStore(folder), []
    assert store.fetch("items", "00" * 32, read, maker(0, made)) == 0
    for number in (1, 2, 1):
        assert store.fetch("items", f"{number:02x}" * 32, read, maker(number, made, size=1_000_000)) == number
    assert store.fetch("items", "00" * 32, read, refuse) == 0  # what is there is still read
    assert made == [0, 1, 2, 1]
    (record,) = caplog.records
    assert reason in record.message
    assert "Work goes on without it: nothing more is kept in the cache" in record.message
    assert [entry.path.stem for entry in cache_entries(store.folder)] == ["00" * 32]
    assert not list(store.folder.rglob(".partial-*"))


def test_a_full_disk(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    full_disk(small_disk, caplog, "could not be written: No space left")


@pytest.mark.usefixtures("small_files")
def test_a_limit_on_file_sizes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    full_disk(tmp_path, caplog, "File too large")


def test_a_cache_that_is_no_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_text("a file")
    store, made = CacheStore(tmp_path / "cache"), []
    assert [store.fetch("items", KEY, read, maker(1, made)) for _ in range(3)] == [1, 1, 1]
    assert made == [1, 1, 1]
    assert len(caplog.records) == 1


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    store = CacheStore(tmp_path, budget_gb=10_000e-9)
    keys = [f"{number:02x}" * 32 for number in range(4)]
    for number, key in enumerate(keys[:3]):
        store.fetch("items", key, read, maker(number, size=1200))  # 2,400 bytes and a header
    now = time.time_ns()
    for age, number in enumerate((1, 2, 0), start=1):  # 0 is the oldest by far, 1 the newest
        os.utime(store.path_of("items", keys[number]), ns=(now - age * 10**12, now))
    # Now 2 is. The file itself is not read, which some systems would note and others not.
    store.fetch("items", keys[0], lambda path: path.stat().st_size, refuse)
    store.fetch("items", keys[3], read, maker(3, size=1200))
    assert [store.path_of("items", key).exists() for key in keys] == [True, True, False, True]
    assert sum(entry.size_bytes for entry in cache_entries(store.folder)) <= 10_000


def test_other_writers_are_counted_too(tmp_path: Path) -> None:
    first, second = (CacheStore(tmp_path, budget_gb=20_000e-9) for _ in range(2))
    for number in range(40):
        store = (first, second)[number % 2]
        store.fetch("items", f"{number:02x}" * 32, read, maker(number, size=1200))
    assert 10_000 < sum(entry.size_bytes for entry in cache_entries(first.folder)) <= 20_000


def test_what_is_larger_than_the_budget_is_not_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = CacheStore(tmp_path, budget_gb=5_000e-9)
    store.fetch("items", "00" * 32, read, maker(0))
    for key in (KEY, KEY, "cd" * 32):  # said once, not for each of a thousand
        assert store.fetch("items", key, read, maker(1, size=9_000)) == 1
    assert store.fetch("items", "00" * 32, read, refuse) == 0
    (record,) = caplog.records
    assert "The cache's budget has no room for" in record.message


@pytest.mark.parametrize("budget", [0, -1, float("nan"), float("inf")])
def test_a_budget_that_makes_no_sense(tmp_path: Path, budget: float) -> None:
    with pytest.raises(SettingsError, match=r"the budget is .* GB; wanted more than 0"):
        CacheStore(tmp_path, budget_gb=budget)


def test_it_goes_to_other_processes(store: CacheStore) -> None:
    store.fetch("items", KEY, read, maker(7))
    assert pickle.loads(pickle.dumps(store)).fetch("items", KEY, read, refuse) == 7
