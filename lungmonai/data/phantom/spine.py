"""Vertebrae with their discs, canal and processes."""

from __future__ import annotations

import math

import numpy as np

from .bone_paint import Bone, paint_bar, paint_level
from .patient import Patient
from .shapes import Grid, Point, Volume

__all__ = ["draw_spine"]

DISC, CANAL = Bone(75.0, 75.0), Bone(20.0, 20.0)
# Half depth and half width of the first thoracic body, and how much each one below grows.
BODY_MM, FIRST_SIZE, GROWTH, LARGEST = (15.5, 18.5), 0.86, 0.022, 16
# Share of the half height that is bone and not disc; how much a body narrows in its middle.
BONE_SHARE, WAIST = 0.86, 0.1
# The canal's middle behind the body, its radius, the arch around it, and how much wider it is.
CANAL_BEHIND_MM, CANAL_MM, ARCH_MM, OVAL = 7.5, 8.5, 12.5, 1.15
PROCESS_MM = (4.6, 4.0)


def draw_spine(hu: Volume, grid: Grid, patient: Patient) -> None:
    """Paint every vertebra that the volume holds, in place."""
    top, bottom = float(grid.z[0, 0, 0]), float(grid.z[-1, 0, 0])
    pitch = patient.vertebra_z(0) - patient.vertebra_z(1)
    first, last = ((patient.vertebra_z(0) - z) / pitch for z in (bottom, top))
    for k in range(math.floor(first) - 1, math.ceil(last) + 2):
        z = patient.vertebra_z(k)
        at = np.array([z, float(patient.spine_y(z)), float(patient.spine_x(z))])
        size = FIRST_SIZE + GROWTH * min(max(k, 0), LARGEST)
        _body(hu, grid, patient, at, pitch / 2, size)
        _arch(hu, grid, patient, at, pitch / 2, size)


def _body(hu: Volume, grid: Grid, patient: Patient, at: Point, half: float, size: float) -> None:
    """The body with half a disc above and below."""
    ry, rx = (r * size for r in BODY_MM)
    reach = np.array([half + 1, ry + 3, rx + 3])
    where, points = grid.box(at - reach, at + reach)
    off = points - at.astype(np.float32)
    upright = np.abs(off[..., :1, :1, 0])
    waist = 1 + WAIST * (np.clip(upright / (BONE_SHARE * half), 0, 1) ** 2 - 0.4)
    flat_back = np.where(off[..., 1] > 0, 1.15, 1.0)
    column = (np.hypot(off[..., 1] * flat_back / ry, off[..., 2] / rx) / waist - 1) * ry
    paint_level(hu[where], np.maximum(column + 1, upright - half), grid, DISC)
    bone = Bone(0.75 * patient.cortex_hu, patient.marrow_hu)
    paint_level(hu[where], np.maximum(column, upright - BONE_SHARE * half), grid, bone)


def _arch(hu: Volume, grid: Grid, patient: Patient, at: Point, half: float, size: float) -> None:
    """Canal, laminae, spinous and transverse processes behind a vertebral body."""
    canal = at + np.array([0, BODY_MM[0] * size + CANAL_BEHIND_MM, 0])
    reach = np.array([half, 17, 20])
    where, points = grid.box(canal - reach, canal + reach)
    off = points - canal.astype(np.float32)
    far = np.hypot(off[..., 1], off[..., 2] / OVAL)
    # Laminae lean: their backs lie lower.
    height = np.abs(off[..., 0] + 0.25 * off[..., 1]) - 0.62 * half
    shell, marrow = patient.cortex_hu, patient.marrow_hu
    paint_level(hu[where], np.maximum(far - ARCH_MM, height), grid, Bone(shell, marrow + 120))
    paint_level(hu[where], far - CANAL_MM, grid, CANAL)
    for base, tip in (
        ((0, 11, 0), (-0.9 * half, 38, 0)),
        ((0, 2, -13), (2, 16, -34)),
        ((0, 2, 13), (2, 16, 34)),
    ):
        paint_bar(hu, grid, canal + np.array([base, tip]), PROCESS_MM, Bone(shell, marrow + 60))
