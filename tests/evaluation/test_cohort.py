"""A list of scans: it goes on where it was stopped, uses nothing stale, and is not ended by one bad scan."""

from pathlib import Path

import numpy as np
import pytest
from answers_maker import make_answers, make_item, make_nodule

from lungmonai.errors import DamagedError, DataError, OutputError
from lungmonai.evaluation.cohort import STAGE, analyze_cohort


class Analyst:
    """Counts the scans that it is given; its one candidate lies where the scan's name says."""

    def __init__(self, settings: str = "a", errors: dict[str, BaseException] | None = None) -> None:
        self.settings, self.errors, self.seen = settings, errors or {}, []

    def told(self) -> dict[str, str]:
        return {"settings": self.settings}

    def __call__(self, item):
        series = item["seriesuid"]
        if series in self.errors:
            raise self.errors[series]
        self.seen.append(series)
        count = len(item["nodules"])
        return make_answers([((float(series), 0, 0), 0.9)], marked=[1] * count, eroded=[0] * count)


@pytest.fixture
def items(tmp_path: Path) -> list[dict]:
    made = [make_item(str(number), [make_nodule(0)]) for number in range(3)]
    for item in made:
        item["image"] = str(tmp_path / f"{item['seriesuid']}.nrrd")
        Path(item["image"]).write_text(item["seriesuid"])
    return made


def places(cohort) -> dict[str, float]:
    return {series: one.candidate_lps_mm[0, 0] for series, one in cohort.answers.items()}


EVERY = {"0": 0.0, "1": 1.0, "2": 2.0}


def test_finished_scans_are_not_analysed_again(items: list[dict], tmp_path: Path) -> None:
    parts = tmp_path / "new" / "parts"
    with pytest.raises(KeyboardInterrupt):
        analyze_cohort(items, Analyst(errors={"1": KeyboardInterrupt()}), parts)
    analyst, calls = Analyst(), []
    cohort = analyze_cohort(items, analyst, parts, progress=lambda *call: calls.append(call))
    assert analyst.seen == ["1", "2"]
    assert places(cohort) == EVERY
    assert (cohort.resumed, cohort.failed) == (1, {})
    assert calls == [(STAGE, 1, 3), (STAGE, 2, 3), (STAGE, 3, 3)]


def test_what_is_kept_is_what_was_answered(items: list[dict], tmp_path: Path) -> None:
    first = analyze_cohort(items, Analyst(), tmp_path / "parts").answers["2"]
    again = analyze_cohort(items, Analyst(), tmp_path / "parts").answers["2"]
    for name, value in vars(first).items():
        np.testing.assert_array_equal(getattr(again, name), value)
        assert getattr(again, name).dtype == value.dtype


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ("settings", "012"),
        ("file", "1"),
        ("nodule", "1"),
        ("part", "012"),
        ("a field that an older part lacks", "012"),
        ("training candidates", ""),
    ],
)
def test_nothing_stale_is_used(change: str, again: str, items: list[dict], tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    analyze_cohort(items, Analyst(), parts)
    if change == "file":
        Path(items[1]["image"]).write_text("longer")
    if change == "nodule":
        items[1]["nodules"][0]["diameter_mm"] = 11.0
    if change == "training candidates":
        items[1]["candidates"] = [(0.0, 0.0, 0.0, 1)]
    if change == "part":
        for part in parts.iterdir():
            part.write_bytes(part.read_bytes()[:-9])
    if change.startswith("a field"):
        for part in parts.iterdir():
            with np.load(part) as kept:
                fields = {name: kept[name] for name in kept.files if name != "dropped_lps_mm"}
            np.savez(part, **fields)
    analyst = Analyst("b" if change == "settings" else "a")
    assert places(analyze_cohort(items, analyst, parts)) == EVERY
    assert "".join(analyst.seen) == again


def test_a_bad_scan_does_not_end_the_others(items: list[dict], tmp_path: Path) -> None:
    damaged = DamagedError("scan.mhd is cut short", wanted="all of it", do="Copy it again.")
    errors = {"0": damaged, "2": RuntimeError("an engine's own")}
    cohort = analyze_cohort(items, Analyst(errors=errors), tmp_path / "parts")
    assert places(cohort) == {"1": 1.0}
    assert [item["seriesuid"] for item in cohort.analyzed] == ["1"]
    assert cohort.failed == {
        "0": "scan.mhd is cut short; wanted all of it. Copy it again.",
        "2": "RuntimeError: an engine's own",
    }
    # It is tried again, and found mended.
    assert places(analyze_cohort(items, Analyst(), tmp_path / "parts")) == EVERY


def test_too_little_memory_is_said(items: list[dict], tmp_path: Path) -> None:
    cohort = analyze_cohort(items, Analyst(errors={"0": MemoryError()}), tmp_path / "parts")
    assert cohort.failed == {"0": "not enough memory"}


def test_a_full_disk_ends_it(items: list[dict], tmp_path: Path) -> None:
    full = OutputError("part could not be written", wanted="room", do="Free some space.")
    with pytest.raises(OutputError, match="part could not be written"):
        analyze_cohort(items, Analyst(errors={"0": full}), tmp_path / "parts")


def test_where_none_could_be_analysed_there_is_nothing_to_tell(items: list[dict], tmp_path: Path) -> None:
    errors = {str(number): RuntimeError("broken") for number in range(3)}
    with pytest.raises(DataError, match="none of 3 scans could be analysed; 0: RuntimeError: broken"):
        analyze_cohort(items, Analyst(errors=errors), tmp_path / "parts")


def test_a_list_that_cannot_be_used_is_refused_first(items: list[dict], tmp_path: Path) -> None:
    items[2]["nodules"][0]["diameter_mm"] = 0
    analyst = Analyst()
    with pytest.raises(DataError, match="scan 2 has the nodule"):
        analyze_cohort(items, analyst, tmp_path / "parts")
    assert not analyst.seen
