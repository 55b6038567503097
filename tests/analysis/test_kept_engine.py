"""Networks are prepared once for many scans, and once more for each other shape."""

from types import SimpleNamespace

import pytest

from lungmonai.analysis.engine import Engine
from lungmonai.analysis.kept_engine import KeptEngine

ENGINE = Engine("torch", "cpu", "float32", "bfloat16", ("a note",))
SEG, NODULE = SimpleNamespace(sha256="1"), SimpleNamespace(sha256="2")


def test_each_model_and_shape_is_prepared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = []

    def prepare(self: Engine, model: SimpleNamespace, shape: tuple[int, ...]) -> tuple:
        prepared.append((model.sha256, shape))
        return model.sha256, shape

    monkeypatch.setattr(Engine, "prepare", prepare)
    engine = KeptEngine.of(ENGINE)
    for model, shape in [
        (SEG, (7, 8)),
        (NODULE, (4,)),
        (SEG, (7, 8)),
        (SEG, (7, 9)),
        (NODULE, (4,)),
        (SEG, (7, 9)),
    ]:
        assert engine.prepare(model, shape) == (model.sha256, shape)
    assert prepared == [("1", (7, 8)), ("2", (4,)), ("1", (7, 9))]
    # Two shapes are kept, those that were used last.
    for shape in [(7, 8), (7, 5), (7, 8), (7, 9)]:
        engine.prepare(SEG, shape)
    assert prepared[3:] == [("1", (7, 5)), ("1", (7, 9))]
    # Another engine has its own.
    KeptEngine.of(ENGINE).prepare(SEG, (7, 9))
    assert len(prepared) == 6


def test_it_is_the_same_engine() -> None:
    kept = KeptEngine.of(ENGINE)
    for name in ("name", "device", "segment_precision", "classify_precision", "notes", "slices", "crops"):
        assert getattr(kept, name) == getattr(ENGINE, name)
