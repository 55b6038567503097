"""The sections of the page that show the whole: curve, table, waterfalls, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .page_markup import Content, Markup, count_text, element, interval_text, joined, number_text
from .svg_bars import waterfall_table
from .svg_froc import froc_picture, rate_text

__all__ = [
    "KEPT_STAGE",
    "confusion_section",
    "froc_section",
    "made_section",
    "said",
    "section",
    "waterfall_section",
]

# The stage of a nodule that no stage lost.
KEPT_STAGE = "found"
# Shades of the table's cells; the page's styles name them heat0 to heat5.
_SHADES = 5
_NO_NODULE = "non-nodule"
_COUNTS = ("true_positives", "false_negatives", "false_positives", "ignored", "duplicates")


def section(name: str, title: str, *content: Content, data_list: bool = False) -> Markup:
    """A part of the page under a heading, to which a link can lead.

    Args:
        name: its id.
        title: the heading.
        *content: what follows.
        data_list: its items can be sorted and filtered.
    """
    heading = element("h2", title, id=f"{name}-title")
    return element(
        "section", heading, *content, id=name, aria_labelledby=f"{name}-title", data_list=data_list
    )


def froc_section(evaluation: Mapping[str, Any]) -> Markup:
    """The curve and the sensitivities that are read from it."""
    froc = evaluation["froc"]
    counts = {key: count_text(froc.get(key)) for key in _COUNTS}
    return section(
        "froc",
        "Sensitivity and false positives (FROC)",
        said(
            "Each threshold gives one point: the share of the nodules that are found, and the false "
            "positives that come with them, per scan. A report hits a nodule when it is nearer to its "
            "centre than half the diameter (LUNA16's rule)."
            + (" The band holds 95 % of the bootstrap's draws." if froc.get("bootstrap") else "")
        ),
        element("div", froc_picture(froc), _rates_table(froc), class_="pair"),
        said(
            f"Over all thresholds, nodules that some candidate hits: {counts['true_positives']}; that none "
            f"hits: {counts['false_negatives']}; false positives: {counts['false_positives']}. Counted "
            f"neither way: on excluded findings {counts['ignored']}, further ones on a nodule "
            f"{counts['duplicates']}."
        ),
        _strata_table(froc.get("strata") or []),
        *(said(f"{note}.") for note in froc.get("notes") or []),
    )


def confusion_section(evaluation: Mapping[str, Any]) -> Markup:
    """What became of nodules and of other places: rows by truth, columns by answer."""
    table = evaluation["table"]
    heads = [element("th", name, scope="col", class_="number") for name in ("", *table["columns"], "all")]
    rows = [_confusion_row(name, row) for name, row in zip(table["rows"], table["counts"], strict=True)]
    return section(
        "table",
        "What became of them",
        said(
            "Rows say what a place is, columns what the analysis made of it. Here a report hits a nodule "
            "when it is nearer to its centre than 0.7 of the diameter, the rule of Deep Learning with "
            "PyTorch, part 2. A complete miss has no candidate, and what is filtered out has one that the "
            "classifier refused. Undecided nodules are those whose malignancy the readers left open."
        ),
        element(
            "div",
            element(
                "table",
                element("caption", "Counts; the shade and the small number are the share of the row"),
                element("thead", element("tr", *heads)),
                element("tbody", *rows),
                class_="confusion",
            ),
            class_="scroll",
        ),
    )


def waterfall_section(evaluation: Mapping[str, Any]) -> Markup:
    """Where nodules were lost and false positives made."""
    falls = evaluation["waterfall"]
    return section(
        "waterfall",
        "Where nodules were lost",
        said(
            "Every annotated nodule is counted once: at the stage that lost it, or as found. A stage is a "
            "link that shows its nodules below."
        ),
        waterfall_table(
            falls["nodules"],
            caption="Annotated nodules, from all down to those found",
            whole="all nodules",
            thing="Nodules",
            kept=KEPT_STAGE,
            cards="lost",
        ),
        said(
            "Every report that counts against the analysis is counted once: those that hit no nodule, "
            "further reports of a nodule, and benign nodules that are called malignant."
        ),
        waterfall_table(
            falls["false_positives"],
            caption="Reports that count against the analysis, by where they come from",
            whole="all of them",
            thing="Reports",
            kept=None,
            cards="false",
        ),
    )


def made_section(evaluation: Mapping[str, Any]) -> Markup:
    """Data, weights and settings: what someone needs to do it again."""
    weights = [_weights_row(name, one) for name, one in evaluation["weights"].items()]
    heads = [element("th", name, scope="col") for name in ("Network", "Origin", "SHA-256 of the file")]
    return section(
        "made",
        "How this was made",
        _facts_list({name: evaluation[name] for name in ("lungmonai", "datalist", "split")}),
        element(
            "div",
            element(
                "table",
                element("caption", "Weights"),
                element("thead", element("tr", *heads)),
                element("tbody", *weights),
            ),
            class_="scroll",
        ),
        element("h3", "Settings of the analysis"),
        _facts_list(evaluation["settings"]),
        *(_engine(evaluation["engine"]) if evaluation.get("engine") else ()),
        element("h3", "Bootstrap of the curve"),
        _facts_list(evaluation["froc"].get("bootstrap") or {"draws": "none"}),
    )


def said(text: str) -> Markup:
    """A sentence or two that explain."""
    return element("p", text, class_="meaning")


def _rates_table(froc: Mapping[str, Any]) -> Markup:
    heads = ("False positives a scan", "Sensitivity", "95 %")
    intervals = froc.get("sensitivity_interval") or [(None, None)] * len(froc["rates"])
    rows = [
        element(
            "tr",
            element("th", rate_text(rate), scope="row", class_="number"),
            element("td", number_text(value), class_="number"),
            element("td", interval_text(*ends), class_="number"),
        )
        for rate, value, ends in zip(froc["rates"], froc["sensitivity"], intervals, strict=True)
    ]
    return element(
        "table",
        element("caption", "Sensitivity at LUNA16's rates"),
        element(
            "thead", element("tr", *(element("th", head, scope="col", class_="number") for head in heads))
        ),
        element("tbody", *rows),
    )


def _strata_table(strata: Sequence[Mapping[str, Any]]) -> Markup | None:
    """How well kinds of nodules are found; None where nothing is known of kinds."""
    if not strata:
        return None
    heads = [
        element("th", name, scope="col", class_=None if name == "Kind" else "number")
        for name in ("Kind", "Nodules", "Hit by some candidate", "CPM", "95 %")
    ]
    table = element(
        "table",
        element("caption", "By kind of nodule; false positives are those of all"),
        element("thead", element("tr", *heads)),
        element("tbody", *map(_stratum_row, strata)),
    )
    return element("div", table, class_="scroll")


def _stratum_row(one: Mapping[str, Any]) -> Markup:
    return element(
        "tr",
        element("th", one["name"], scope="row"),
        _number_cell(count_text(one["nodules"])),
        _number_cell(count_text(one["found"])),
        _number_cell(number_text(one["cpm"])),
        _number_cell(interval_text(*(one["cpm_interval"] or (None, None)))),
    )


def _confusion_row(name: str, counts: list[int | None]) -> Markup:
    total = sum(count or 0 for count in counts)
    # What is no nodule cannot be missed.
    said_counts = [None, *counts[1:]] if name == _NO_NODULE and not counts[0] else counts
    cells = [_confusion_cell(count, total) for count in said_counts]
    return element("tr", element("th", name, scope="row"), *cells, _number_cell(count_text(total)))


def _confusion_cell(count: int | None, total: int) -> Markup:
    if count is None or not total:
        return _number_cell(count_text(count))
    share = count / total
    shade = 0 if not count else min(_SHADES, 1 + int(share * _SHADES))
    return element("td", count_text(count), element("small", f"{share:.1%}"), class_=f"number heat{shade}")


def _number_cell(text: str) -> Markup:
    return element("td", text, class_="number")


def _weights_row(name: str, one: Mapping[str, Any] | None) -> Markup:
    said = one or {"origin": "not used", "sha256": ""}
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", said.get("origin")),
        element("td", element("code", said.get("sha256"))),
    )


def _engine(engine: Mapping[str, Any]) -> tuple[Markup, Markup]:
    return element("h3", "Engine"), _facts_list(engine)


def _facts_list(facts: Mapping[str, Any]) -> Markup:
    pairs = (joined(element("dt", name), element("dd", str(value))) for name, value in facts.items())
    return element("dl", *(element("div", pair) for pair in pairs), class_="facts")
