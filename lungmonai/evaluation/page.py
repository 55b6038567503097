"""The page of an evaluation: one HTML file that opens from disk, without a network and without a server."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from ..errors import DataError, SettingsError
from ..files import written_whole
from ..progress import Progress
from .page_cards import Picture, choose_cards, false_section, lost_section
from .page_headline import headline_tiles
from .page_lists import failed_section, scans_section
from .page_markup import Markup, element, joined
from .page_parts import confusion_section, froc_section, made_section, said, section, waterfall_section

__all__ = ["MOST_PICTURES", "write_page"]

# Of lost nodules, and as many of false positives: some 3 MB together.
MOST_PICTURES = 60
_FORMAT = 1
_STAND_IN = "Stand-in weights, which show how the software works: these numbers say nothing."
_INTERVALS = (
    "Intervals say how far a number might be off, had other scans been taken: 95 % of the values when the "
    "scans are drawn anew, with replacement, many times."
)
_NEEDED = (
    *("lungmonai", "datalist", "split", "weights", "settings", "scans", "table", "froc", "waterfall"),
    *("nodules", "false_positives"),
)


def write_page(
    evaluation: Mapping[str, Any],
    path: Path | str,
    *,
    picture: Picture | None = None,
    most_pictures: int = MOST_PICTURES,
    progress: Progress = lambda stage, done, total: None,
) -> None:
    """Write the page.

    Text of the evaluation is escaped, and the page's policy lets nothing run or load but what is in it.

    Args:
        evaluation: what `evaluation.json` holds.
        path: of the HTML file.
        picture: from series UID, LPS mm and diameter in mm to a PNG or None, such as `CropPictures`; without
            it the page has no pictures.
        most_pictures: of lost nodules; and how many false positives are shown.
        progress: called with a stage, pictures drawn and pictures in all.

    Raises:
        DataError: the evaluation is of another format, or lacks a part.
        OutputError: the page could not be written; nothing is left behind.
        SettingsError: `most_pictures` is below 0.
    """
    _check(evaluation, most_pictures)
    cards = choose_cards(evaluation, picture, most_pictures, progress)
    sections = joined(
        section("numbers", "In short", *_remarks(evaluation), headline_tiles(evaluation)),
        froc_section(evaluation),
        confusion_section(evaluation),
        waterfall_section(evaluation),
        lost_section(cards),
        false_section(cards),
        scans_section(evaluation),
        failed_section(evaluation),
        made_section(evaluation),
    )
    text = _whole(evaluation, sections)
    with written_whole(Path(path)) as partial:
        # A name on disk may hold what is no text.
        partial.write_bytes(text.encode("utf-8", errors="replace"))


def _check(evaluation: Mapping[str, Any], most_pictures: int) -> None:
    make = "Make it with `lungmonai evaluate analysis`."
    if evaluation.get("format") != _FORMAT:
        raise DataError(
            f"the evaluation has format {evaluation.get('format')!r}", wanted=f"format {_FORMAT}", do=make
        )
    lacking = [key for key in _NEEDED if key not in evaluation]
    if lacking:
        raise DataError(
            f"the evaluation has no {', '.join(lacking)}", wanted="all parts of evaluation.json", do=make
        )
    if most_pictures < 0:
        raise SettingsError(f"{most_pictures} pictures", wanted="0 or more", do="Give another number.")


def _whole(evaluation: Mapping[str, Any], sections: Markup) -> str:
    template, style, script = (_part(name) for name in ("page.html", "page.css", "page.js"))
    title = f"Evaluation of {evaluation['datalist']}, {evaluation['split']}"
    return Template(template).substitute(
        policy=element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        title=joined(title),
        style=style,
        script=script,
        warning=_stand_in(evaluation["weights"]),
        sections=sections,
        version=joined(evaluation["lungmonai"]),
    )


def _remarks(evaluation: Mapping[str, Any]) -> list[Markup]:
    """What a reader must know before the numbers."""
    notes = [said(f"Note: {note}.") for note in evaluation.get("notes") or []]
    return [said(_INTERVALS), *notes] if evaluation["froc"].get("bootstrap") else notes


def _stand_in(weights: Mapping[str, Any]) -> Markup:
    """A warning where weights were not trained on patients, else nothing."""
    if not any(one and one.get("stand_in") for one in weights.values()):
        return Markup()
    return element("p", element("strong", _STAND_IN), class_="warning")


def _policy(style: str, script: str) -> str:
    """Nothing loads and nothing runs but this style, this script, and pictures inside the page."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
