"""A segmenter prepares its network no more often than it must, and marks what the network says."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from lungmonai.analysis.segment import Window
from lungmonai.analysis.segmenter import Segmenter
from lungmonai.networks.shapes import CONTEXT_SLICES


class Engine:
    """Answers with a thousandth of the HU, for the slices that have their neighbours on either side."""

    slices = 2

    def __init__(self) -> None:
        self.prepared: list[tuple[str, tuple[int, ...]]] = []

    def prepare(self, model: object, shape: tuple[int, ...]):
        self.prepared.append((threading.current_thread().name, shape))

        def run(blocks) -> Iterator[np.ndarray]:
            for block in blocks:
                assert block.shape == shape
                yield block[CONTEXT_SLICES:-CONTEXT_SLICES].astype(np.float32) / 1000

        return run

    def segmented(self, model: object, hu, window, threshold, work):
        return work()


def volume(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).integers(0, 1000, (5, rows, 12)).astype(np.int16)


def test_marks_and_progress() -> None:
    hu, calls = volume(8), []
    segmenter = Segmenter(None, Engine(), threshold=0.3)
    marks = segmenter(hu, Window.whole(hu.shape, align=1), lambda *call: calls.append(call))
    assert np.array_equal(marks.marked, hu > 300)
    np.testing.assert_allclose(marks.probability, hu * 0.255, atol=0.5001)
    assert calls == [(2, 5), (4, 5), (5, 5)]


def test_the_whole_of_a_volume_is_filled_up_to_what_a_network_can_pool() -> None:
    window = Window.whole((5, 8, 12), align=16)
    assert (window.rows, window.inner_columns, window.slices) == ((0, 8), (0, 12), (0, 5))
    assert window.shown_shape == (16, 16)


def test_prepared_once_for_each_thread_and_shape() -> None:
    engine = Engine()
    segmenter = Segmenter(None, engine, threshold=0.5)

    def mark(rows: int) -> bool:
        hu = volume(rows)
        return bool((segmenter(hu, Window.whole(hu.shape, 1), lambda *_: None).marked == (hu > 500)).all())

    assert mark(8)
    assert mark(8)
    assert [shape for _, shape in engine.prepared] == [(8, 8, 12)]
    assert mark(6)
    assert [shape for _, shape in engine.prepared] == [(8, 8, 12), (8, 6, 12)]
    engine.prepared.clear()
    meet = threading.Barrier(2)  # so that both threads work
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(lambda rows: meet.wait() < 2 and mark(rows), [6, 6, 6, 6]))
    assert len({name for name, _ in engine.prepared}) == len(engine.prepared) == 2
