"""Cards with a picture: nodules that a stage lost, and the false positives that look most like nodules."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..progress import Progress
from .page_lists import controls
from .page_markup import Markup, count_text, element, joined, number_text
from .page_parts import KEPT_STAGE, said, section

__all__ = ["HITS_SOMETHING", "STAGE", "Cards", "Picture", "choose_cards", "false_section", "lost_section"]

# What progress is called with.
STAGE = "Drawing pictures"
# From series, place in LPS mm and diameter in mm to a PNG, or None where there is none.
Picture = Callable[[str, tuple[float, float, float], float], bytes | None]

# Stages of reports that are at a nodule or an excluded finding: shown after those at nothing.
HITS_SOMETHING = ("second report of a nodule", "on an excluded finding", "misjudged as malignant")

_Place = tuple[str, tuple[float, float, float], float]
_TRUTH = {True: "malignant", False: "benign", None: "undecided"}
_ABOUT_PICTURES = (
    "Pictures are axial, in the lung window (−1350 to 150 HU), seen from the feet: the patient's right is on "
    "the left. The ring has the diameter, the bar is 10 mm."
)
_LOST_ORDERS = (
    ("order", "malignant first, then the largest"),
    ("-diameter_mm", "diameter, largest first"),
    ("diameter_mm", "diameter, smallest first"),
    ("-segmentation_prob", "segmentation, highest first"),
    ("segmentation_prob", "segmentation, lowest first"),
    ("-nodule_prob", "P(nodule), highest first"),
    ("nodule_prob", "P(nodule), lowest first"),
    ("-malignancy_prob", "P(malignant), highest first"),
    ("malignancy_prob", "P(malignant), lowest first"),
    ("stage", "stage"),
    ("seriesuid", "scan"),
)
_FALSE_ORDERS = (
    ("order", "most like a nodule first"),
    ("-nodule_prob", "P(nodule), highest first"),
    ("nodule_prob", "P(nodule), lowest first"),
    ("-malignancy_prob", "P(malignant), highest first"),
    ("malignancy_prob", "P(malignant), lowest first"),
    ("-diameter_mm", "diameter, largest first"),
    ("diameter_mm", "diameter, smallest first"),
    ("stage", "stage"),
    ("seriesuid", "scan"),
)


@dataclass(frozen=True)
class Cards:
    """What is shown as cards.

    Args:
        lost: nodules that a stage lost, the gravest first.
        false: false positives, the most probable first.
        false_hidden: how many false positives have no card.
        pictures: PNGs by place.
    """

    lost: Sequence[Mapping[str, Any]]
    false: Sequence[Mapping[str, Any]]
    false_hidden: int
    pictures: Mapping[_Place, bytes]


def choose_cards(
    evaluation: Mapping[str, Any],
    picture: Picture | None,
    most: int,
    progress: Progress = lambda stage, done, total: None,
) -> Cards:
    """Take the cards and their pictures.

    Args:
        evaluation: as in `evaluation.json`.
        picture: draws them; it is called in the order of the scans. None for cards without.
        most: pictures of lost nodules, and as many false positives.
        progress: called with `STAGE`, pictures drawn and pictures in all.
    """
    lost = sorted((one for one in evaluation["nodules"] if one["stage"] != KEPT_STAGE), key=_gravity)
    false = sorted(evaluation["false_positives"], key=_falseness)
    places = sorted({_place(one) for one in (*lost[:most], *false[:most])}) if picture else []
    pictures = {}
    for done, place in enumerate(places, 1):
        png = picture(*place) if picture else None
        if png is not None:
            pictures[place] = png
        progress(STAGE, done, len(places))
    return Cards(lost, false[:most], len(false[most:]), pictures)


def lost_section(cards: Cards) -> Markup:
    """Every nodule that a stage lost."""
    without = sum(_place(one) not in cards.pictures for one in cards.lost)
    return _cards_section(
        ("lost", "Missed and misjudged nodules", "nodules"),
        "Each nodule that a stage lost, and what each stage saw of it. Segmentation is the highest "
        "probability of a voxel in the nodule, P(nodule) that of the best candidate that hits it; "
        "P(malignant) is that of its report, and below it that of the crop at the annotated centre. "
        f"{_ABOUT_PICTURES}" + (f" Without a picture here: {count_text(without)}." if without else ""),
        _LOST_ORDERS,
        [_lost_card(one, cards, place) for place, one in enumerate(cards.lost)],
    )


def false_section(cards: Cards) -> Markup:
    """The false positives that the classifier was most sure of."""
    hidden = (
        f" Not shown here: {count_text(cards.false_hidden)}, see evaluation.json."
        if cards.false_hidden
        else ""
    )
    return _cards_section(
        ("false", "Worst false positives", "false positives"),
        "Reports that count against the analysis, the highest P(nodule) first: they cost most on the curve. "
        "Those at a nodule or on an excluded finding come after all others: they cost the curve nothing. "
        f"{_ABOUT_PICTURES}",
        _FALSE_ORDERS,
        [_false_card(one, cards, place) for place, one in enumerate(cards.false)],
        hidden,
    )


def _cards_section(
    names: tuple[str, str, str],
    what: str,
    orders: Sequence[tuple[str, str]],
    items: Sequence[Markup],
    hidden: str = "",
) -> Markup:
    name, title, things = names
    if not items:
        return section(name, title, said(f"There are none to show.{hidden}"))
    cards = element("ol", *items, class_="cards", data_items=True)
    return section(name, title, said(what + hidden), controls(things, orders), cards, data_list=True)


def _lost_card(nodule: Mapping[str, Any], cards: Cards, order: int) -> Markup:
    facts = [
        ("Diameter", _length(nodule["diameter_mm"]), ("diameter_mm", nodule["diameter_mm"])),
        ("Readers", _TRUTH[nodule["malignant"]], None),
        ("Segmentation", *_prob(nodule, "segmentation_prob")),
        ("Marked voxels", count_text(nodule["marked_voxels"]), None),
        ("After erosion", count_text(nodule["eroded_voxels"]), None),
        ("P(nodule)", *_prob(nodule, "nodule_prob")),
        ("P(malignant)", *_prob(nodule, "malignancy_prob")),
        ("at its centre", number_text(nodule.get("malignancy_prob_at_center"), 4), None),
    ]
    return _card(nodule, cards, order, facts)


def _false_card(report: Mapping[str, Any], cards: Cards, order: int) -> Markup:
    facts = [
        ("Diameter", _length(report["diameter_mm"]), ("diameter_mm", report["diameter_mm"])),
        ("Location", report["location"], None),
        ("P(nodule)", *_prob(report, "nodule_prob")),
        ("P(malignant)", *_prob(report, "malignancy_prob")),
    ]
    return _card(report, cards, order, facts)


_Fact = tuple[str, str, tuple[str, float | None] | None]


def _card(one: Mapping[str, Any], cards: Cards, order: int, facts: Sequence[_Fact]) -> Markup:
    position = ", ".join(number_text(value, 1) for value in one["lps_mm"])
    return element(
        "li",
        _image(one, cards),
        element(
            "div",
            element("h3", one["id"], " ", element("span", one["stage"], class_="stage", data_key="stage")),
            element("dl", *map(_fact, facts), _fact(("LPS mm", position, None))),
            element("p", element("code", one["seriesuid"], data_key="seriesuid")),
            data_key="order",
            data_v=order,
        ),
        class_="card",
    )


def _image(one: Mapping[str, Any], cards: Cards) -> Markup:
    png = cards.pictures.get(_place(one))
    if png is None:
        return element("p", "no picture", class_="nothing")
    source = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    alt = f"Axial crop around {one['id']}, {one['stage']}, {_length(one['diameter_mm'])}"
    return element("img", src=source, alt=alt, decoding="async")


def _fact(fact: _Fact) -> Markup:
    name, text, sortable = fact
    key, value = sortable or (None, None)
    # An empty value sorts last; no attribute at all would sort by the text.
    shown = "" if key and value is None else value
    return joined(element("div", element("dt", name), element("dd", text, data_key=key, data_v=shown)))


def _prob(one: Mapping[str, Any], key: str) -> tuple[str, tuple[str, float | None]]:
    return number_text(one[key], 4), (key, one[key])


def _length(diameter_mm: float | None) -> str:
    return "unknown" if diameter_mm is None or diameter_mm < 0 else f"{diameter_mm:.1f} mm"


def _place(one: Mapping[str, Any]) -> _Place:
    x, y, z = one["lps_mm"]
    diameter = one["diameter_mm"]
    return one["seriesuid"], (x, y, z), -1.0 if diameter is None else diameter


def _gravity(nodule: Mapping[str, Any]) -> tuple[bool, float]:
    return nodule["malignant"] is not True, -(nodule["diameter_mm"] or 0.0)


def _falseness(report: Mapping[str, Any]) -> tuple[bool, float]:
    return report["stage"] in HITS_SOMETHING, -(report["nodule_prob"] or 0.0)
