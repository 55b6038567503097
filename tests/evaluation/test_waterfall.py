"""Each nodule has one stage, each report that counts against the system one reason; they add up."""

import math

import numpy as np
import pytest
from answers_maker import make_answers, make_item, make_nodule, random_scan

from lungmonai.evaluation.judged_scan import JudgedScan
from lungmonai.evaluation.waterfall import FALSE_STAGES, NODULE_STAGES, counted, false_reports, nodule_stages

AT, ASIDE, FAR = (0.0, 0.0, 0.0), (8.0, 0.0, 0.0), (60.0, 0.0, 0.0)
LOW, HIGH = 0.3, 0.9


def stage_of(answers, *, malignant=False, region="scan") -> str:
    item = make_item(nodules=[make_nodule(0, malignant=malignant)])
    return nodule_stages(JudgedScan(item, answers, 0.5), region=region)[0]


@pytest.mark.parametrize(
    ("stage", "answers", "more"),
    [
        ("outside the lung mask",
            make_answers(marked=[0], eroded=[0], in_lungs=[False]), {"region": "lungs"}),
        ("under the segmentation threshold", make_answers(marked=[0], eroded=[0], in_lungs=[False]), {}),
        # Its own centre lies in the lungs, that of the group which hits it does not.
        ("outside the lung mask",
            make_answers(marked=[5], eroded=[2], dropped=[(6.9, 0, 0)]), {"region": "lungs"}),
        ("merged", make_answers(marked=[5], eroded=[2], dropped=[(7.1, 0, 0)]), {"region": "lungs"}),
        ("filtered by the classifier",
            make_answers([(AT, LOW)], marked=[5], eroded=[2], dropped=[(3, 0, 0)]), {"region": "lungs"}),
        ("eroded away", make_answers(marked=[5], eroded=[0]), {}),
        ("merged", make_answers([(ASIDE, HIGH)], [(ASIDE, HIGH, 0.1)], marked=[5], eroded=[2]), {}),
        ("merged",
            make_answers([(AT, 0.8), (ASIDE, HIGH)], [(ASIDE, HIGH, 0.1)], marked=[5], eroded=[2]), {}),
        ("filtered by the classifier", make_answers([(AT, LOW)], marked=[5], eroded=[2]), {}),
        # It would have been filtered without the merging too.
        ("filtered by the classifier",
            make_answers([(AT, LOW), (ASIDE, HIGH)], [(ASIDE, HIGH, 0.1)], marked=[5], eroded=[2]), {}),
        ("misjudged as benign",
            make_answers([(AT, HIGH)], [(AT, HIGH, 0.5)], marked=[5], eroded=[2]), {"malignant": True}),
        ("found", make_answers([(AT, HIGH)], [(AT, HIGH, 0.1)], marked=[5], eroded=[2]), {}),
        ("found", make_answers([(AT, HIGH)], [(AT, HIGH, 0.1)], marked=[5], eroded=[2]), {"malignant": None}),
        ("found", make_answers([(AT, HIGH)], [(AT, HIGH, 0.9)], marked=[5], eroded=[2]), {"malignant": True}),
        # Without a malignancy network nothing is misjudged.
        ("found", make_answers([(AT, HIGH)], [(AT, HIGH, math.nan)], marked=[5], eroded=[2]),
            {"malignant": True}),
        # Nor is what is too large to be judged; a second report of it may be.
        ("misjudged as benign",
            make_answers([(AT, HIGH)], [(AT, HIGH, math.nan), (AT, HIGH, 0.2)], marked=[5], eroded=[2]),
            {"malignant": True}),
        ("found",
            make_answers([(AT, HIGH)], [(AT, HIGH, math.nan), (AT, HIGH, 0.9)], marked=[5], eroded=[2]),
            {"malignant": True}),
        # A report hits from outside of the ball, where nothing is marked: it is found all the same.
        ("found",
            make_answers([((6.5, 0, 0), HIGH)], [((6.5, 0, 0), HIGH, 0.1)], marked=[0], eroded=[0]), {}),
    ],
)  # fmt: skip
def test_where_a_nodule_is_lost(stage: str, answers, more: dict) -> None:
    assert stage_of(answers, **more) == stage


def false_stages(nodules, reports, **more) -> list[str]:
    item = make_item(nodules=nodules, excluded=[(-60.0, 0.0, 0.0, -1.0)])
    counts = [1] * len(nodules)
    answers = make_answers([one[:2] for one in reports], reports, marked=counts, eroded=counts, **more)
    return [row.stage for row in false_reports(JudgedScan(item, answers, 0.5))]


SECOND, MISJUDGED = "second report of a nodule", "misjudged as malignant"
BENIGN, MALIGNANT = make_nodule(0, malignant=False), make_nodule(0, malignant=True)


@pytest.mark.parametrize(
    ("reports", "more", "stages"),
    [
        ([(AT, 0.9, 0.1)], {}, []),
        ([(AT, 0.9, 0.1), ((3, 0, 0), 0.8, 0.1)], {}, [SECOND]),
        ([((-58, 0, 0), 0.9, 0.1)], {}, ["on an excluded finding"]),
        ([((-58, 0, 0), 0.9, 0.1)], {"locations": [2]}, ["on an excluded finding"]),
        ([((-54, 0, 0), 0.9, 0.1)], {}, ["let through by the classifier"]),  # 6 mm: beyond half of 10
        ([(FAR, 0.9, 0.1)], {"locations": [2]}, ["outside the lungs"]),
        ([((9.9, 0, 0), 0.9, 0.1)], {}, ["beside a nodule"]),
        ([((10.1, 0, 0), 0.9, 0.1)], {}, ["let through by the classifier"]),
        ([(AT, 0.9, 0.6)], {}, [MISJUDGED]),
        ([(AT, 0.9, 0.1), ((3, 0, 0), 0.8, 0.6)], {}, [MISJUDGED]),
        ([(AT, 0.9, 0.6), ((3, 0, 0), 0.8, 0.7)], {}, [MISJUDGED, SECOND]),
    ],
)
def test_how_a_false_report_came_about(reports, more: dict, stages: list[str]) -> None:
    assert false_stages([BENIGN], reports, **more) == stages


def test_a_large_nodule_has_more_beside_it() -> None:
    reports = [((29, 0, 0), 0.9, 0.1)]
    assert false_stages([make_nodule(0, diameter=30.0)], reports) == ["beside a nodule"]


def test_a_malignant_nodule_called_malignant_is_no_mistake() -> None:
    assert false_stages([MALIGNANT], [(AT, 0.9, 0.6)]) == []


@pytest.mark.parametrize("region", ["scan", "lungs"])
def test_all_counts_add_up(region: str) -> None:
    seen = set()
    for seed in range(150):
        item, answers = random_scan(np.random.default_rng(seed))
        judged = JudgedScan(item, answers, 0.5)
        stages, false = nodule_stages(judged, region=region), false_reports(judged)
        assert len(stages) == len(item["nodules"])
        counts = dict(counted(stages, NODULE_STAGES))
        assert sum(counts.values()) == len(stages)  # each is one of the stages
        assert counts["found"] + counts["misjudged as benign"] == judged.table[1:, 2:].sum()
        assert counts["misjudged as benign"] == judged.table[2, 2]
        against = dict(counted([row.stage for row in false], FALSE_STAGES))
        assert sum(against.values()) == len(false)
        assert against["misjudged as malignant"] == judged.table[1, 3]
        hits_nothing = len(false) - against["misjudged as malignant"] - against["second report of a nodule"]
        assert hits_nothing == judged.false_reports == judged.table[0, 2:].sum()
        seen |= {*stages, *(row.stage for row in false)}
    never = {"outside the lung mask"} if region == "scan" else set()
    assert seen == {*NODULE_STAGES, *FALSE_STAGES} - never
