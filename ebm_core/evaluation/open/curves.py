# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Rings and lines: many places hold, and a demonstrator goes to the nearest."""

from __future__ import annotations

import numpy as np

from .concept import Place
from .geometry import (
    EAST,
    NORTH,
    heading,
    length,
    nearest_of,
    off_line,
    off_ring,
    on_line,
    on_ring,
    on_segment,
    turned,
)


def _around_the_nearest(x: np.ndarray, *references: np.ndarray) -> np.ndarray:
    return nearest_of(x, np.stack([on_ring(x, r, 0.2) for r in references], -2))


def _from_the_nearest(x: np.ndarray, x0: np.ndarray, *references: np.ndarray) -> np.ndarray:
    return np.abs(np.min([length(x - r) for r in references], 0) - 0.2)


def _northern_arc(x: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Return the nearest place that is 0.4 from a and not south of it."""
    ring = on_ring(x, a, 0.4)
    ends = a[..., None, :] + 0.4 * np.stack((EAST, -EAST))
    return np.where((ring - a)[..., 1:] >= 0, ring, nearest_of(x, ends))


def _chord(x: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Return the nearest place of the line x = 0.2 within 0.45 of a."""
    half = np.sqrt(np.maximum(0.45**2 - (a[..., 0] - 0.2) ** 2, 0))
    y = np.clip(x[..., 1], a[..., 1] - half, a[..., 1] + half)
    return np.stack((np.full_like(y, 0.2), y), -1)


CONCEPTS = (
    Place(
        '0.3 from A, from wherever it comes',
        1,
        place=lambda x0, a: on_ring(x0, a, 0.3),
        off=lambda x, x0, a: off_ring(x, a, 0.3),
    ),
    Place(
        '0.55 from A, from wherever it comes',
        1,
        place=lambda x0, a: on_ring(x0, a, 0.55),
        off=lambda x, x0, a: off_ring(x, a, 0.55),
    ),
    Place(
        '0.4 from the middle of two',
        2,
        place=lambda x0, a, b: on_ring(x0, (a + b) / 2, 0.4),
        off=lambda x, x0, a, b: off_ring(x, (a + b) / 2, 0.4),
    ),
    Place(
        '0.2 from whichever of three is nearest',
        3,
        apart=0.45,
        still=False,
        place=_around_the_nearest,
        off=_from_the_nearest,
    ),
    Place(
        'in line with two others',
        2,
        place=lambda x0, a, b: on_line(x0, a, b - a),
        off=lambda x, x0, a, b: off_line(x, a, b - a),
    ),
    Place(
        'on the segment of two',
        2,
        apart=0.6,
        place=on_segment,
        off=lambda x, x0, a, b: length(x - on_segment(x, a, b)),
    ),
    Place(
        'on a line at 35° through A',
        1,
        place=lambda x0, a: on_line(x0, a, heading(35)),
        off=lambda x, x0, a: off_line(x, a, heading(35)),
    ),
    Place(
        'on the line y = x / 2 − 0.2',
        place=lambda x0: on_line(x0, -0.2 * NORTH, np.array([2.0, 1.0])),
        off=lambda x, x0: off_line(x, -0.2 * NORTH, np.array([2.0, 1.0])),
    ),
    Place(
        'across the way from A to B, at a quarter of it',
        2,
        alike=False,
        place=lambda x0, a, b: on_line(x0, a + (b - a) / 4, turned(b - a, 90)),
        off=lambda x, x0, a, b: off_line(x, a + (b - a) / 4, turned(b - a, 90)),
    ),
    Place(
        '0.4 from A and north of it',
        1,
        place=_northern_arc,
        off=lambda x, x0, a: np.maximum(off_ring(x, a, 0.4), -(x - a)[..., 1]),
    ),
    Place(
        'on the line x = 0.2 and within 0.45 of A',
        1,
        possible=lambda x0, a: np.abs(a[..., 0] - 0.2) < 0.35,
        place=_chord,
        off=lambda x, x0, a: np.maximum(np.abs(x[..., 0] - 0.2), length(x - a) - 0.45),
    ),
    Place(
        'in line with A and B and 0.3 from A',
        2,
        alike=False,
        place=lambda x0, a, b: on_ring(on_line(x0, a, b - a), a, 0.3),
        off=lambda x, x0, a, b: np.maximum(off_line(x, a, b - a), off_ring(x, a, 0.3)),
    ),
)
