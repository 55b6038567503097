"""The page says what the evaluation says, and nothing in the evaluation can change the page."""

import base64
import hashlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
from answers_maker import make_answers, make_item, make_nodule
from evaluation_maker import make_evaluation
from page_tree import Node, read_page
from PIL import Image

from lungmonai.analysis.settings import AnalysisSettings
from lungmonai.errors import DataError, OutputError, SettingsError
from lungmonai.evaluation.cohort import Cohort
from lungmonai.evaluation.cohort_evaluation import evaluate_cohort
from lungmonai.evaluation.page import write_page
from lungmonai.evaluation.page_cards import HITS_SOMETHING


def _png(shade: int = 0) -> bytes:
    packed = io.BytesIO()
    Image.new("L", (8, 8), shade).save(packed, format="PNG")
    return packed.getvalue()


def _written(evaluation: dict[str, Any], tmp_path: Path, **options: Any) -> Node:
    write_page(evaluation, tmp_path / "evaluation.html", **options)
    return read_page(tmp_path / "evaluation.html")


def _cells(row: Node) -> list[str]:
    return [
        cell.text.replace("\N{NARROW NO-BREAK SPACE}", "") for cell in row.inside if isinstance(cell, Node)
    ]


@pytest.fixture(scope="module")
def evaluation() -> dict[str, Any]:
    return make_evaluation(40, seed=3, failed=2)


@pytest.fixture(scope="module")
def page(evaluation: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Node:
    return _written(evaluation, tmp_path_factory.mktemp("page"), picture=lambda *place: _png())


def test_the_numbers_in_short(page: Node, evaluation: dict[str, Any]) -> None:
    tiles = {tile.one("h3").text: tile for tile in page.one("ul", class_="tiles").all("li")}
    froc, nodules = evaluation["froc"], evaluation["nodules"]
    assert tiles["CPM"].one("p", class_="value").text == f"{froc['cpm']:.3f}"
    low, high = froc["cpm_interval"]
    assert f"{low:.3f} to {high:.3f}" in tiles["CPM"].text
    assert f"{froc['sensitivity'][3]:.3f}" in tiles["Sensitivity at 1 a scan"].text
    found = sum(nodule["found"] for nodule in nodules)
    assert f"{found / len(nodules):.1%}" in tiles["Nodules found"].text
    assert f"{found} of {len(nodules)}" in tiles["Nodules found"].text
    assert f"{len(evaluation['false_positives']) / 38:.2f}" in tiles["False positives a scan"].text
    malignant = [nodule for nodule in nodules if nodule["malignant"]]
    right = sum(nodule["stage"] == "found" for nodule in malignant)
    assert f"{right} of {len(malignant)}" in tiles["Malignant nodules called malignant"].text
    assert tiles["AUC of malignancy"].one("p", class_="value").text == "0.910"
    assert "0.800 to 0.970" in tiles["AUC of malignancy"].text
    assert "diameter alone 0.880" in tiles["AUC of malignancy"].text
    assert tiles["Scans"].one("p", class_="value").text == "38"
    assert "2 failed" in tiles["Scans"].text


def test_the_sensitivities(page: Node, evaluation: dict[str, Any]) -> None:
    section, froc = page.one("section", id="froc"), evaluation["froc"]
    rows, strata = ([_cells(row) for row in body.all("tr")] for body in section.all("tbody"))
    assert strata == [["< 6 mm", "7", "5", "0.500", ""]]
    assert froc["notes"][0] in section.text
    assert [row[0] for row in rows] == ["1/8", "1/4", "1/2", "1", "2", "4", "8"]
    assert [row[1] for row in rows] == [f"{value:.3f}" for value in froc["sensitivity"]]
    assert [row[2] for row in rows] == [
        f"{low:.3f} to {high:.3f}" for low, high in froc["sensitivity_interval"]
    ]


def test_the_table_of_outcomes(page: Node, evaluation: dict[str, Any]) -> None:
    table = page.one("table", class_="confusion")
    for row, name, counts in zip(
        table.one("tbody").all("tr"), evaluation["table"]["rows"], evaluation["table"]["counts"], strict=True
    ):
        assert row.one("th").text == name
        said = [next(one for one in cell.inside if isinstance(one, str)) for cell in row.all("td")]
        wanted = [*counts, sum(counts)]
        assert [text.replace("\N{NARROW NO-BREAK SPACE}", "") for text in said] == [
            "–" if name == "non-nodule" and place == 0 else str(count) for place, count in enumerate(wanted)
        ]


@pytest.mark.parametrize(("place", "key"), [(0, "nodules"), (1, "false_positives")])
def test_the_waterfalls(page: Node, evaluation: dict[str, Any], place: int, key: str) -> None:
    whole, *rows = page.all("table", class_="waterfall")[place].one("tbody").all("tr")
    stages = evaluation["waterfall"][key]
    assert _cells(whole)[2] == str(sum(count for _, count in stages))
    assert [(_cells(row)[0], _cells(row)[2]) for row in rows] == [
        (name, str(count)) for name, count in stages
    ]


def test_every_scan_that_was_analysed_has_its_row(page: Node, evaluation: dict[str, Any]) -> None:
    rows = [_cells(row) for row in page.one("section", id="scans").one("tbody").all("tr")]
    wanted = []
    for scan in evaluation["scans"]:
        if not scan["failed"]:
            lost = [sum(row[place] for row in scan["table"][1:]) for place in (0, 1)]
            counts = [scan["nodules"], scan["found"], *lost, scan["false_positives"], scan["candidates"]]
            wanted.append([scan["seriesuid"], scan["patient"], *map(str, counts)])
    assert rows == wanted


def test_failed_scans_are_named_with_the_reason(
    page: Node, evaluation: dict[str, Any], tmp_path: Path
) -> None:
    rows = [_cells(row) for row in page.one("section", id="failed").one("tbody").all("tr")]
    assert rows == [[one["seriesuid"], one["failed"]] for one in evaluation["scans"] if one["failed"]]
    assert not _written(make_evaluation(2), tmp_path).all("section", id="failed")


def test_every_lost_nodule_has_a_card(page: Node, evaluation: dict[str, Any]) -> None:
    cards = {card.one("h3").text.split()[0]: card for card in page.one("section", id="lost").all("li")}
    lost = {nodule["id"]: nodule for nodule in evaluation["nodules"] if nodule["stage"] != "found"}
    assert set(cards) == set(lost)
    for name, card in cards.items():
        said = {pair.one("dt").text: pair.one("dd").text for pair in card.one("dl").all("div")}
        nodule = lost[name]
        assert card.one("span", class_="stage").text == nodule["stage"]
        assert card.one("code").text == nodule["seriesuid"]
        assert said["LPS mm"].replace("−", "-") == ", ".join(f"{value:.1f}" for value in nodule["lps_mm"])
        assert said["Diameter"] == f"{nodule['diameter_mm']:.1f} mm"
        assert said["Segmentation"] == f"{nodule['segmentation_prob']:.4f}"
        assert said["Marked voxels"] == str(nodule["marked_voxels"])
        assert said["After erosion"] == str(nodule["eroded_voxels"])
        prob = nodule["nodule_prob"]
        assert said["P(nodule)"] == ("–" if prob is None else f"{prob:.4f}")
        assert said["at its centre"] == f"{nodule['malignancy_prob_at_center']:.4f}"
        assert said["Readers"] == {True: "malignant", False: "benign", None: "undecided"}[nodule["malignant"]]


def test_lost_nodules_come_gravest_first(page: Node, evaluation: dict[str, Any]) -> None:
    names = [card.one("h3").text.split()[0] for card in page.one("section", id="lost").all("li")]
    by_name = {nodule["id"]: nodule for nodule in evaluation["nodules"]}
    malignant = [name for name in names if by_name[name]["malignant"]]
    assert names[: len(malignant)] == malignant
    for part in (malignant, names[len(malignant) :]):
        sizes = [by_name[name]["diameter_mm"] for name in part]
        assert sizes == sorted(sizes, reverse=True)


def test_the_false_positives_with_cards_are_the_most_probable(
    evaluation: dict[str, Any], tmp_path: Path
) -> None:
    section = _written(evaluation, tmp_path, most_pictures=7).one("section", id="false")
    real = [one for one in evaluation["false_positives"] if one["stage"] not in HITS_SOMETHING]
    worst = sorted(real, key=lambda one: -one["nodule_prob"])[:7]
    assert [card.one("h3").text.split()[0] for card in section.all("li")] == [one["id"] for one in worst]
    assert f"Not shown here: {len(evaluation['false_positives']) - 7}" in section.text


def test_the_stages_that_come_last_are_those_of_the_waterfall() -> None:
    from lungmonai.evaluation.waterfall import FALSE_STAGES

    assert set(HITS_SOMETHING) < set(FALSE_STAGES)


def test_pictures_are_asked_scan_by_scan_and_only_so_many(evaluation: dict[str, Any], tmp_path: Path) -> None:
    asked: list[tuple[Any, ...]] = []

    def picture(seriesuid: str, lps_mm: tuple[float, float, float], diameter_mm: float) -> bytes:
        asked.append((seriesuid, lps_mm, diameter_mm))
        return _png(len(asked))

    page = _written(evaluation, tmp_path, picture=picture, most_pictures=5)
    series = [place[0] for place in asked]
    assert series == sorted(series)
    assert len(asked) == 10
    assert (
        len(page.one("section", id="lost").all("img")) == len(page.one("section", id="false").all("img")) == 5
    )
    known = {one["id"]: one for one in (*evaluation["nodules"], *evaluation["false_positives"])}
    for card in page.all("li", class_="card"):
        one = known[card.one("h3").text.split()[0]]
        for image in card.all("img"):
            place = asked.index((one["seriesuid"], tuple(one["lps_mm"]), one["diameter_mm"]))
            assert (
                image.attributes["src"]
                == "data:image/png;base64," + base64.b64encode(_png(place + 1)).decode()
            )
            assert one["id"] in image.attributes["alt"]


def test_drawing_pictures_shows_progress(evaluation: dict[str, Any], tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    _written(
        evaluation,
        tmp_path,
        picture=lambda *place: None,
        most_pictures=2,
        progress=lambda *call: calls.append(call),
    )
    assert calls == [("Drawing pictures", done, 4) for done in (1, 2, 3, 4)]


def test_a_note_stands_before_the_numbers(evaluation: dict[str, Any], tmp_path: Path) -> None:
    page = _written({**evaluation, "notes": ["a nodule lies <outside>"]}, tmp_path)
    assert "Note: a nodule lies <outside>." in page.one("section", id="numbers").text


def test_a_place_without_a_picture_still_has_its_card(evaluation: dict[str, Any], tmp_path: Path) -> None:
    page = _written(evaluation, tmp_path, picture=lambda *place: None)
    lost = sum(nodule["stage"] != "found" for nodule in evaluation["nodules"])
    assert len(page.one("section", id="lost").all("li")) == lost
    assert not page.all("img")
    assert f"Without a picture here: {lost}." in page.one("section", id="lost").text


def test_how_it_was_made(page: Node, evaluation: dict[str, Any]) -> None:
    text = page.one("section", id="made").text
    for said in (
        "openvino",
        "draws1000seed17",
        "ab" * 32,
        "trained on composites of real nodules",
        "not used",
        "bfloat16",
        "datalist.json",
        "test",
    ):
        assert said in text
    assert all(key in text and str(value) in text for key, value in evaluation["settings"].items())


def test_stand_in_weights_are_named_at_the_top(
    page: Node, evaluation: dict[str, Any], tmp_path: Path
) -> None:
    assert "Stand-in" not in page.text
    weights = {**evaluation["weights"], "nodule": {"sha256": "", "origin": "", "stand_in": True}}
    assert "Stand-in weights" in _written({**evaluation, "weights": weights}, tmp_path).one("header").text


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&lt;$policy ${style}"


def _poisoned(value: Any) -> Any:
    """The same evaluation, with every text and key that comes from outside replaced."""
    if isinstance(value, dict):
        return {key: _poisoned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_poisoned(inner) for inner in value]
    return HOSTILE if isinstance(value, str) else value


def test_text_from_outside_stays_text(evaluation: dict[str, Any], tmp_path: Path) -> None:
    poisoned = _poisoned(evaluation)
    poisoned["settings"][HOSTILE] = HOSTILE
    poisoned["weights"][HOSTILE] = {"sha256": HOSTILE, "origin": HOSTILE}
    page = _written(poisoned, tmp_path, picture=lambda *place: _png())
    assert len(page.all("script")) == 1
    assert all(image.attributes["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert not [
        key for node in page.all() for key in node.attributes if key.startswith("on") or key == "style"
    ]
    for name in ("scans", "failed", "lost", "false", "made", "waterfall", "table"):
        assert HOSTILE in page.one("section", id=name).text
    assert page.one("head").one("title").text == f"Evaluation of {HOSTILE}, {HOSTILE}"


def test_a_name_that_is_no_text_does_not_stop_the_page(tmp_path: Path) -> None:
    evaluation = make_evaluation(2, failed=1)
    evaluation["scans"][1]["failed"] = "the file \udcff\x00 is damaged"
    assert "is damaged" in _written(evaluation, tmp_path).one("section", id="failed").text


def test_nothing_is_loaded_and_only_our_script_may_run(page: Node) -> None:
    for node in page.all():
        link = node.attributes.get("href", node.attributes.get("src", "#"))
        assert link.startswith(("#", "data:image/png;base64,")), link
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        digest = base64.b64encode(hashlib.sha256(page.one(tag).text.encode()).digest()).decode()
        assert rules[kind] == f"'sha256-{digest}'"
    assert not re.search(r"url\(|@import", page.one("style").text)


def test_the_page_can_be_read_with_a_screen_reader(page: Node) -> None:
    assert page.one("html").attributes["lang"] == "en"
    assert all(image.attributes["alt"] for image in page.all("img"))
    assert all(table.one("caption").text for table in page.all("table"))
    assert all(head.attributes["scope"] in ("col", "row") for head in page.all("th"))
    heads = page.one("section", id="scans").one("thead").all("th")
    assert all(head.attributes["aria-sort"] == "none" and head.one("button").text for head in heads)
    assert page.one("svg", role="img").one("desc").text
    assert all(node.has({"aria_hidden": "true"}) or node.has({"role": "img"}) for node in page.all("svg"))
    names = [node.attributes["id"] for node in page.all() if "id" in node.attributes]
    assert len(set(names)) == len(names)
    links = [link.attributes["href"][1:] for link in page.one("nav").all("a")]
    assert set(links) <= set(names)
    text = page.text
    assert "For research; not a medical device." in text


def _luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(page: Node, scheme: int) -> None:
    # 4.5 to 1 is WCAG 2's level AA; 3 to 1 for shapes.
    block = re.findall(r":root \{(.*?)\}", page.one("style").text, re.DOTALL)[scheme]
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    pairs = [(ink, ground, 4.5) for ink in ("ink", "quiet", "main", "loss") for ground in ("paper", "sheet")]
    pairs += [("warn-ink", "warn", 4.5), ("whole", "sheet", 3.0)]
    for ink, ground, least in pairs:
        dark, light = sorted((_luminance(colors[ink]), _luminance(colors[ground])))
        assert (light + 0.05) / (dark + 0.05) >= least, (ink, ground)


@pytest.mark.parametrize("scans", [1, 900])
def test_sizes(scans: int, tmp_path: Path) -> None:
    noise = io.BytesIO()
    Image.effect_noise((192, 192), 60).save(noise, format="PNG")  # compresses worse than any crop
    path = tmp_path / "evaluation.html"
    write_page(make_evaluation(scans), path, picture=lambda *place: noise.getvalue())
    assert path.stat().st_size < 15e6
    text = path.read_text(encoding="utf-8")
    assert text.count("LIDC-IDRI-") == scans
    assert text.count("<img ") == 120 if scans == 900 else text.count("<img ") < 10


def test_without_nodules_or_bootstrap(tmp_path: Path) -> None:
    evaluation = make_evaluation(3, bootstrap=False)
    evaluation["froc"].update(cpm=None, sensitivity=[None] * 7)
    evaluation["froc"]["curve"]["sensitivity"] = [None] * 100
    evaluation["nodules"] = evaluation["false_positives"] = []
    for counts in evaluation["waterfall"].values():
        counts[:] = [[name, 0] for name, _ in counts]
    for scan in evaluation["scans"]:
        scan.update(nodules=0, found=0, false_positives=0, table=[[0] * 4] * 4)
    page = _written(evaluation, tmp_path)
    tiles = {
        tile.one("h3").text: tile.one("p", class_="value").text
        for tile in page.all("ul", class_="tiles")[0].all("li")
    }
    assert tiles["CPM"] == tiles["Nodules found"] == tiles["Sensitivity at 1 a scan"] == "–"
    assert not re.search(r"\bnan\b", page.one("main").text)
    assert not page.all("polyline")
    assert not page.all("polygon")
    assert "There are none to show." in page.one("section", id="lost").text


def test_all_scans_failed(tmp_path: Path) -> None:
    page = _written(make_evaluation(2, failed=2), tmp_path)
    assert len(page.one("section", id="failed").one("tbody").all("tr")) == 2
    assert not re.search(r"\bnan\b", page.one("main").text)


def test_the_same_evaluation_gives_the_same_bytes(evaluation: dict[str, Any], tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_page(evaluation, tmp_path / name, picture=lambda *place: _png())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_is_refused(tmp_path: Path) -> None:
    evaluation = make_evaluation(1)
    with pytest.raises(DataError, match="the evaluation has format 2; wanted format 1"):
        write_page({**evaluation, "format": 2}, tmp_path / "page.html")
    del evaluation["froc"], evaluation["table"]
    with pytest.raises(
        DataError, match=r"the evaluation has no table, froc; wanted all parts of evaluation\.json"
    ):
        write_page(evaluation, tmp_path / "page.html")
    with pytest.raises(SettingsError, match="-1 pictures; wanted 0 or more"):
        write_page(make_evaluation(1), tmp_path / "page.html", most_pictures=-1)
    with pytest.raises(OutputError, match="could not be written"):
        write_page(make_evaluation(1), tmp_path / "nowhere" / "page.html")
    assert not list(tmp_path.iterdir())


def test_one_scan_has_no_intervals_and_says_why(tmp_path: Path) -> None:
    nodules = [make_nodule(30 * at, malignant=at % 2 == 0) for at in range(4)]
    answers = make_answers([((0, 0, 0), 0.9)], [((0, 0, 0), 0.9, 0.9)], marked=[9] * 4, eroded=[4] * 4,
        malignancy=[0.9, 0.2, 0.8, 0.3])  # fmt: skip
    head = {key: value for key, value in make_evaluation(1).items() if key in ("format", "lungmonai",
        "datalist", "split", "weights", "settings", "engine")}  # fmt: skip
    cohort = Cohort([make_item("1", nodules)], {"1": answers})
    told = evaluate_cohort(cohort, AnalysisSettings(), head, draws=20, seed=0).evaluation
    page = _written(told, tmp_path)
    assert all("95" not in tile.text for tile in page.one("ul", class_="tiles").all("li"))
    assert "Note: malignancy: one patient only: " in page.one("section", id="numbers").text
    curve = page.one("section", id="froc").text
    assert "one scan only: how far numbers might be off with other scans cannot be told" in curve
    assert "bootstrap" not in curve
