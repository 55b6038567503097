"""The reliability diagram draws the bins' own numbers."""

import numpy as np
import pytest

from lungmonai.errors import SettingsError
from lungmonai.evaluation.reliability_figure import draw_reliability
from lungmonai.metrics.calibration import calibration


def test_points_are_bins_and_bars_are_wilsons(tmp_path) -> None:
    rng = np.random.default_rng(0)
    probs = rng.beta(2, 5, 300)
    found = calibration(rng.random(300) < probs**0.5, probs)
    figure = draw_reliability({"before": found, "after": found}, title="Malignancy")
    above, below = figure.axes
    (points, _, (bars,)), _ = above.containers
    some = found.count > 0
    assert (~some).any()
    np.testing.assert_allclose(points.get_xdata(), found.mean_prob[some])
    np.testing.assert_allclose(points.get_ydata(), found.observed[some])
    # Wilson's ends p solve (share − p)² = z² p (1 − p) / n.
    shares, counts = found.observed[some], found.count[some]
    for segment, share, count in zip(bars.get_segments(), shares, counts, strict=True):
        for end in segment[:, 1]:
            if 1e-9 < end < 1 - 1e-9 and abs(end - share) > 1e-9:
                assert (share - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / count, rel=1e-6)
    assert [bar.get_height() for bar in below.patches[:10]] == found.count.tolist()
    assert figure.get_suptitle() == "Malignancy"
    legend = [text.get_text() for text in above.get_legend().get_texts()]
    assert legend[0] == f"before: Brier {found.brier:.3f}, ECE {found.ece:.3f}"
    figure.savefig(tmp_path / "r.png")
    assert (tmp_path / "r.png").stat().st_size > 10_000


def test_nothing_and_too_much_are_refused() -> None:
    found = calibration([0, 1], [0.2, 0.8])
    for many in (0, 5):
        with pytest.raises(SettingsError, match=f"{many} calibrations; wanted one to four"):
            draw_reliability({str(number): found for number in range(many)})
