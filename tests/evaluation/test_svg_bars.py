from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from page_tree import Node, read_page

from lungmonai.evaluation.svg_bars import waterfall_table

NAMES = ["under it", "lost <there>", "found"]


def _table(counts: list[int], folder: Path) -> Node:
    made = waterfall_table(
        list(zip(NAMES, counts, strict=True)),
        caption="c",
        whole="all",
        thing="Nodules",
        kept="found",
        cards="lost",
    )
    (folder / "bars.html").write_text(made, encoding="utf-8")
    return read_page(folder / "bars.html").one("table")


@given(counts=st.lists(st.integers(0, 1000), min_size=3, max_size=3))
def test_each_bar_begins_where_the_last_one_ended(tmp_path_factory, counts: list[int]) -> None:
    rects = _table(counts, tmp_path_factory.getbasetemp()).all("rect")
    whole, *bars = [(float(rect.attributes["x"]), float(rect.attributes["width"])) for rect in rects]
    total = sum(counts)
    assert whole == (0, 1000 if total else 0)
    right = whole[1]
    for (x, width), count in zip(bars, counts, strict=True):
        assert abs(x + width - right) < 0.3
        assert abs(width - 1000 * count / max(total, 1)) < 0.3
        right = x
    assert right == 0


def test_a_stage_that_lost_something_links_to_its_cards(tmp_path: Path) -> None:
    links = _table([0, 2, 5], tmp_path).all("a")
    assert [link.text for link in links] == ["lost <there>"]
    assert links[0].attributes["href"] == "#lost.filter=lost+%3Cthere%3E"


def test_shares_are_of_the_whole(tmp_path: Path) -> None:
    rows = _table([1, 2, 5], tmp_path).one("tbody").all("tr")
    assert [row.all("td")[-1].text for row in rows] == ["100.0%", "12.5%", "25.0%", "62.5%"]
    assert _table([0, 0, 0], tmp_path).one("tbody").all("tr")[0].all("td")[-1].text == "–"
