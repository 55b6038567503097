"""Strata: kinds of nodules whose sensitivity is told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .truth import Truth

__all__ = ["Stratum", "strata_of"]

# Below the first most patients need no follow-up (the Fleischner Society's guideline, MacMahon et al. 2017);
# above the second a screening test is positive (NELSON, van Klaveren et al. 2009: 500 mm³, 9.8 mm).
_SMALL_MM, _LARGE_MM = 6.0, 10.0
# Ratings 1 and 2, 3, 4 and 5 of LIDC's texture (McNitt-Gray et al. 2007: 1 non-solid, 3 part-solid,
# 5 solid); a mean of several readers goes to the nearest of them.
_PART_SOLID, _SOLID = 2.5, 3.5


@dataclass(frozen=True, eq=False)
class Stratum:
    """Some of the nodules.

    Args:
        by: what they are told apart by: diameter, texture or pleural.
        name: of these, for people.
        chosen: (M,) bool, which they are.
    """

    by: str
    name: str
    chosen: NDArray[np.bool_]


def strata_of(truth: Truth) -> tuple[Stratum, ...]:
    """The strata of a data set's nodules; those without any nodule are left out.

    Diameter always; texture and contact with the pleura where the annotations tell them.
    """
    all_strata = [*_by_diameter(truth.nodules.diameter_mm)]
    if truth.texture is not None:
        all_strata += _by_texture(truth.texture)
    if truth.pleural is not None:
        all_strata += _by_pleura(truth.pleural)
    return tuple(stratum for stratum in all_strata if stratum.chosen.any())


def _by_diameter(diameter_mm: NDArray[np.float64]) -> list[Stratum]:
    known = diameter_mm > 0
    small, large = known & (diameter_mm < _SMALL_MM), diameter_mm > _LARGE_MM
    return [
        Stratum("diameter", f"under {_SMALL_MM:g} mm", small),
        Stratum("diameter", f"{_SMALL_MM:g} to {_LARGE_MM:g} mm", known & ~small & ~large),
        Stratum("diameter", f"over {_LARGE_MM:g} mm", large),
        Stratum("diameter", "diameter unknown", ~known),
    ]


def _by_texture(rating: NDArray[np.float64]) -> list[Stratum]:
    known = np.isfinite(rating)
    return [
        Stratum("texture", "non-solid", rating < _PART_SOLID),
        Stratum("texture", "part-solid", (rating >= _PART_SOLID) & (rating < _SOLID)),
        Stratum("texture", "solid", rating >= _SOLID),
        Stratum("texture", "texture unknown", ~known),
    ]


def _by_pleura(pleural: NDArray[np.float64]) -> list[Stratum]:
    return [
        Stratum("pleural", "at the pleura", pleural == 1),
        Stratum("pleural", "not at the pleura", pleural == 0),
        Stratum("pleural", "pleura unknown", np.isnan(pleural)),
    ]
