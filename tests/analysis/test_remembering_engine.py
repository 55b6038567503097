"""Networks are asked what they were not asked before on the same scan, and answer the same."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lungmonai.analysis.engine import Engine
from lungmonai.analysis.remembering_engine import RememberingEngine
from lungmonai.analysis.segment import Segmentation, Window

ENGINE = Engine("torch", "cpu", "float32", "float32")
NODULE = SimpleNamespace(sha256="1", architecture=SimpleNamespace(task="nodule"))
SEG = SimpleNamespace(sha256="2", architecture=SimpleNamespace(task="segmentation"))
BLOCKS = [np.full((4, 2, 2), number, np.int16) for number in range(3)]
WINDOW = Window.whole((3, 5, 7), align=1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The blocks that reach a network, which answers all of them in the same memory."""
    seen: list[int] = []

    def prepare(self: Engine, model: SimpleNamespace, shape: tuple[int, ...]):
        seen.append(-1)
        memory = np.empty(4, np.float32)

        def run(blocks) -> Iterator[np.ndarray]:
            for block in blocks:
                seen.append(int(block.flat[0]))
                memory[:] = block[:, 0, 0] / np.float32(3)
                yield memory

        return run

    monkeypatch.setattr(Engine, "prepare", prepare)
    return seen


def answers(engine: RememberingEngine, model: SimpleNamespace, blocks) -> list[list[float]]:
    return [answer.tolist() for answer in engine.prepare(model, (4, 2, 2))(iter(blocks))]


def test_a_block_is_answered_once_whatever_stands_beside_it(asked: list[int], tmp_path: Path) -> None:
    path, wanted = tmp_path / "x.npz", [[float(np.float32(n) / np.float32(3))] * 4 for n in range(3)]
    with RememberingEngine.of(ENGINE).remembering(path):
        pass
    assert not asked
    engine = RememberingEngine.of(ENGINE)
    with engine.remembering(path):
        assert answers(engine, NODULE, BLOCKS[:2]) == wanted[:2]
    assert asked == [-1, 0, 1]
    asked.clear()
    engine = RememberingEngine.of(ENGINE)
    with engine.remembering(path):
        assert answers(engine, NODULE, BLOCKS[1::-1]) == wanted[1::-1]
        assert not asked  # nor was anything prepared
        assert answers(engine, NODULE, BLOCKS) == wanted
    assert asked == [-1, 2]


def test_another_model_and_another_scan_are_asked(asked: list[int], tmp_path: Path) -> None:
    engine = RememberingEngine.of(ENGINE)
    with engine.remembering(tmp_path / "x.npz"):
        answers(engine, NODULE, BLOCKS[:1])
    asked.clear()
    other = SimpleNamespace(sha256="3", architecture=NODULE.architecture)
    with engine.remembering(tmp_path / "x.npz"):
        answers(engine, other, BLOCKS[:1])
    with engine.remembering(tmp_path / "y.npz"):
        answers(engine, NODULE, BLOCKS[:1])
    assert asked.count(0) == 2


def test_nothing_is_kept_of_a_scan_that_failed(asked: list[int], tmp_path: Path) -> None:
    engine = RememberingEngine.of(ENGINE)

    def fail() -> None:
        with engine.remembering(tmp_path / "x.npz"):
            answers(engine, NODULE, BLOCKS)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert not list(tmp_path.iterdir())
    answers(engine, NODULE, BLOCKS)
    assert asked.count(0) == 2


@pytest.mark.parametrize("change", ["", "threshold", "window", "voxels", "model"])
def test_a_segmentation_is_known_to_the_last_bit(change: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    hu = rng.integers(-1000, 1000, (3, 5, 7)).astype(np.int16)
    made = Segmentation(rng.random(hu.shape) > 0.5, rng.integers(0, 256, hu.shape, np.uint8))
    engine, worked = RememberingEngine.of(ENGINE), []

    def segmented(model=SEG, voxels=hu, window=WINDOW, threshold=0.5) -> Segmentation:
        with engine.remembering(tmp_path / "x.npz"):
            return engine.segmented(
                model, voxels, window, threshold, lambda: worked.append(threshold) or made
            )

    segmented()
    more = {
        "": {},
        "threshold": {"threshold": 0.4},
        "window": {"window": Window((0, 5), (0, 7), (0, 5), (1, 7), (0, 3))},
        "voxels": {"voxels": hu + np.int16(1)},
        "model": {"model": SimpleNamespace(sha256="3")},
    }[change]
    again = segmented(**more)
    assert len(worked) == (2 if change else 1)
    assert (again.marked.dtype, again.probability.dtype) == (np.bool_, np.uint8)
    np.testing.assert_array_equal(again.marked, made.marked)
    np.testing.assert_array_equal(again.probability, made.probability)


def test_slices_are_not_kept_one_by_one(asked: list[int], tmp_path: Path) -> None:
    engine = RememberingEngine.of(ENGINE)
    with engine.remembering(tmp_path / "x.npz"):
        for answer, block in zip(engine.prepare(SEG, (4, 2, 2))(BLOCKS), BLOCKS, strict=True):
            assert answer.tolist() == (block[:, 0, 0] / np.float32(3)).tolist()
    assert not list(tmp_path.iterdir())
