"""Draw a training run's curves from its TensorBoard files: the pictures of the model cards.

    python scripts/training_curves.py runs/seg -o curves.png --score pr/recall pr/precision pr/f1_score
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

LOSS = "loss/all"
KINDS = {"trn": "training", "val": "validation"}


def curve(folder: Path, tag: str) -> tuple[list[int], list[float]]:
    """Samples seen and values of a scalar; empty where it was not written."""
    events = EventAccumulator(str(folder))
    events.Reload()
    if tag not in events.Tags()["scalars"]:
        return [], []
    scalars = events.Scalars(tag)
    return [one.step for one in scalars], [one.value for one in scalars]


def draw(run: Path, scores: list[str], output: Path) -> None:
    """The loss, and each score, of training and validation."""
    figure, axes = plt.subplots(1, 1 + len(scores), figsize=(3.4 * (1 + len(scores)), 2.7))
    for axis, tag in zip(axes, [LOSS, *scores], strict=True):
        for folder in sorted((run / "tensorboard").iterdir()):
            steps, values = curve(folder, tag)
            if steps:
                kind = KINDS.get(folder.name[:3], folder.name)
                axis.plot([step / 1000 for step in steps], values, marker=".", label=kind)
        axis.set_title(tag)
        axis.set_xlabel("thousand samples seen")
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(output, dpi=80)


def main() -> None:
    """Parse the options and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--score", nargs="+", default=["pr/recall", "pr/precision", "pr/f1_score"])
    options = parser.parse_args()
    draw(options.run, options.score, options.output)


if __name__ == "__main__":
    main()
