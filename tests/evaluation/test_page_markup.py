import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungmonai.evaluation.page_markup import Markup, count_text, element, interval_text, joined, number_text


def test_text_is_escaped_and_markup_is_not() -> None:
    assert element("p", "a < b", element("b", "&")) == "<p>a &lt; b<b>&amp;</b></p>"
    assert joined("<", None, Markup("<br>"), 3) == "&lt;<br>3"


def test_attributes() -> None:
    made = element("td", class_="number", data_v=1.5, hidden=True, title=None, aria_label=False)
    assert made == '<td class="number" data-v="1.5" hidden></td>'
    assert element("input", type="search") == '<input type="search">'
    assert element("td", data_v=0) == '<td data-v="0"></td>'


@given(st.text())
def test_nothing_leaves_its_place(text: str) -> None:
    inner = element("p", text).removeprefix("<p>").removesuffix("</p>")
    assert not set(inner) & set("<>\"'")
    assert html.unescape(inner) == html.unescape(html.escape(text))
    value = element("p", title=text).removeprefix('<p title="').removesuffix('"></p>')
    assert not set(value) & set("<>\"'")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.8416, "0.842"), (-3.14159, "−3.142"), (None, "–"), (float("nan"), "–"), (float("inf"), "–")],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number_text(value) == text


def test_counts_and_intervals() -> None:
    assert count_text(164893) == "164\N{NARROW NO-BREAK SPACE}893"
    assert count_text(0) == "0"
    assert count_text(None) == "–"
    assert interval_text(0.1, 0.25) == "0.100 to 0.250"
    assert interval_text(None, 0.2) == interval_text(0.1, float("nan")) == ""
