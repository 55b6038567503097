"""Scores kept by an engine, against counting by hand and over all batches."""

import numpy as np
import pytest
import torch
from ignite.engine import Engine

from lungmonai.errors import SettingsError
from lungmonai.metrics.running import ClassScore, VoxelScore, class_scores, voxel_scores


def run(metrics: dict[str, object], batches: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, float]:
    engine = Engine(lambda _, batch: {"pred": batch[0], "label": batch[1]})
    for name, metric in metrics.items():
        metric.attach(engine, name)
    return dict(engine.run(batches).metrics)


def test_voxel_scores_count_all_slices_together() -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(6, 1, 5, 7))
    label = generator.random((6, 1, 5, 7)) < 0.3
    batches = [
        (torch.tensor(logits[i : i + 2]), torch.tensor(label[i : i + 2]).float()) for i in range(0, 6, 2)
    ]
    key, others = voxel_scores("dice")
    found = run({**key, **others}, batches)
    marked = logits > 0
    assert found["recall"] == pytest.approx((marked & label).sum() / label.sum())
    assert found["precision"] == pytest.approx((marked & label).sum() / marked.sum())
    assert found["dice"] == pytest.approx(2 * (marked & label).sum() / (marked.sum() + label.sum()))
    assert list(key) == ["dice"]


def test_class_scores_count_all_crops() -> None:
    generator = np.random.default_rng(2)
    probability = generator.random(40).round(1)  # with ties
    label = generator.random(40) < 0.4
    logits = torch.tensor(np.stack([np.log1p(-probability + 1e-9), np.log(probability + 1e-9)], 1))
    batches = [(logits[i : i + 8], torch.tensor(label[i : i + 8]).long()) for i in range(0, 40, 8)]
    key, others = class_scores("auc")
    found = run({**key, **others}, batches)
    said = torch.softmax(logits.float(), 1)[:, 1].numpy() > 0.5
    hits = (said & label).sum()
    pairs = [(p > q) + 0.5 * (p == q) for p in probability[label] for q in probability[~label]]
    assert found["auc"] == pytest.approx(np.mean(pairs), abs=1e-6)
    assert found["f1_score"] == pytest.approx(2 * hits / (said.sum() + label.sum()))
    assert found["correct"] == pytest.approx((said == label).mean())
    assert found["recall"] == pytest.approx(hits / label.sum())
    assert found["precision"] == pytest.approx(hits / said.sum())


def test_nothing_to_find_scores_nothing() -> None:
    nothing = [(torch.full((1, 1, 2, 2), -1.0), torch.zeros(1, 1, 2, 2))]
    assert run({"recall": VoxelScore("recall")}, nothing) == {"recall": 0}


def test_an_auc_of_one_class_is_0_and_said_to_be_none(caplog: pytest.LogCaptureFixture) -> None:
    one_class = [(torch.zeros(3, 2), torch.zeros(3).long())]
    assert run({"auc": ClassScore("auc")}, one_class) == {"auc": 0}
    assert "the 3 crops are not of both classes" in caplog.text
    caplog.clear()
    assert run({"auc": ClassScore("auc")}, [(torch.zeros(2, 2), torch.tensor([0, 1]))]) == {"auc": 0.5}
    assert not caplog.records


def test_an_unknown_score_is_refused() -> None:
    with pytest.raises(SettingsError, match="score is 'hd95'; wanted recall or precision or dice"):
        VoxelScore("hd95")
    with pytest.raises(SettingsError, match="score is 'dice'; wanted recall"):
        ClassScore("dice")
