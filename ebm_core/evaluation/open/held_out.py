# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Kinds that the training grammar leaves out: what a model makes of them, nothing has taught it.

The kinds are: equally far from two; outside a disc; on an ellipse round two; twice as far from one
as from another (Apollonius); nearer to one than to another by a constant (hyperbola); a square ring
(no norm but Euclid's is trained); a quadrant (two half-planes at one reference); a sector; a
parabola; a band between two; equally far from three; where two are seen under a right angle
(Thales); an annulus; the foot of a perpendicular.
"""

from __future__ import annotations

import numpy as np

from .concept import Place, at
from .geometry import (
    NORTH,
    SAMPLES,
    circumcentre,
    dot,
    ellipse,
    heading,
    hyperbola,
    length,
    nearest_of,
    off_ring,
    on_line,
    on_ring,
    square,
    turned,
    unit,
)


def _apollonius(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and radius of the circle whose places are twice as far from a as from b."""
    return (4 * b - a) / 3, 2 / 3 * length(a - b)


def _parabola(a: np.ndarray) -> np.ndarray:
    """Return (..., SAMPLES, 2) places that are as far from a as from the line y = −0.9."""
    x = np.broadcast_to(np.linspace(-1.2, 1.2, SAMPLES), (*a.shape[:-1], SAMPLES))
    rise = a[..., 1:] + 0.9
    y = ((x - a[..., :1]) ** 2 / rise + a[..., 1:] - 0.9) / 2
    return np.stack((x, y), -1)


def _into_sector(x: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Return the nearest place that lies within 30° of north, seen from a."""
    edges = [a + np.maximum(dot(x - a, e), 0)[..., None] * e for e in (heading(60), heading(120))]
    inside = dot(x - a, NORTH) >= np.cos(np.pi / 6) * length(x - a)
    return np.where(inside[..., None], x, nearest_of(x, np.stack(edges, -2)))


def _into_band(x: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the nearest place whose x is between theirs."""
    low, high = np.minimum(a, b)[..., 0], np.maximum(a, b)[..., 0]
    return np.stack((np.clip(x[..., 0], low, high), x[..., 1]), -1)


def _into_annulus(x: np.ndarray, a: np.ndarray) -> np.ndarray:
    return on_ring(x, a, np.clip(length(x - a), 0.3, 0.5))


def _into_square(x: np.ndarray, a: np.ndarray) -> np.ndarray:
    return np.clip(x, a - 0.3, a + 0.3)


CONCEPTS = (
    Place(
        'equally far from two',
        2,
        held_out=True,
        place=lambda x0, a, b: on_line(x0, (a + b) / 2, turned(b - a, 90)),
        off=lambda x, x0, a, b: np.abs(dot(x - (a + b) / 2, unit(b - a))),
    ),
    Place(
        'at least 0.5 from A',
        1,
        held_out=True,
        region=True,
        still=False,
        place=lambda x0, a: on_ring(x0, a, np.maximum(length(x0 - a), 0.5)),
        off=lambda x, x0, a: np.maximum(0.5 - length(x - a), 0),
    ),
    Place(
        'the distances to two sum up to 1.2',
        2,
        held_out=True,
        possible=lambda x0, a, b: length(a - b) < 1,
        place=lambda x0, a, b: nearest_of(x0, ellipse(a, b, 1.2)),
        off=lambda x, x0, a, b: length(x - nearest_of(x, ellipse(a, b, 1.2))),
    ),
    Place(
        'twice as far from A as from B',
        2,
        alike=False,
        held_out=True,
        place=lambda x0, a, b: on_ring(x0, *_apollonius(a, b)),
        off=lambda x, x0, a, b: off_ring(x, *_apollonius(a, b)),
    ),
    Place(
        '0.2 nearer to A than to B',
        2,
        alike=False,
        held_out=True,
        place=lambda x0, a, b: nearest_of(x0, hyperbola(a, b, 0.2)),
        off=lambda x, x0, a, b: length(x - nearest_of(x, hyperbola(a, b, 0.2))),
    ),
    Place(
        'on a square of side 0.8 round A',
        1,
        held_out=True,
        place=lambda x0, a: nearest_of(x0, square(a, 0.4)),
        off=lambda x, x0, a: length(x - nearest_of(x, square(a, 0.4))),
    ),
    Place(
        'within a square of side 0.6 round A',
        1,
        held_out=True,
        region=True,
        place=_into_square,
        off=lambda x, x0, a: length(x - _into_square(x, a)),
    ),
    Place(
        'north and east of A',
        1,
        held_out=True,
        region=True,
        still=False,
        place=np.maximum,
        off=lambda x, x0, a: length(x - np.maximum(x, a)),
    ),
    Place(
        'within 30° of north, seen from A',
        1,
        held_out=True,
        region=True,
        still=False,
        place=_into_sector,
        off=lambda x, x0, a: length(x - _into_sector(x, a)),
    ),
    Place(
        'as far from A as from the line y = −0.9',
        1,
        held_out=True,
        possible=lambda x0, a: a[..., 1] > -0.7,
        place=lambda x0, a: nearest_of(x0, _parabola(a)),
        off=lambda x, x0, a: length(x - nearest_of(x, _parabola(a))),
    ),
    Place(
        'between two, from west to east',
        2,
        held_out=True,
        region=True,
        still=False,
        possible=lambda x0, a, b: np.abs((a - b)[..., 0]) > 0.3,
        place=_into_band,
        off=lambda x, x0, a, b: length(x - _into_band(x, a, b)),
    ),
    at('equally far from three', lambda x0, a, b, c: circumcentre(a, b, c), 3, held_out=True),
    Place(
        'where two are seen under a right angle',
        2,
        held_out=True,
        place=lambda x0, a, b: on_ring(x0, (a + b) / 2, length(a - b) / 2),
        off=lambda x, x0, a, b: off_ring(x, (a + b) / 2, length(a - b) / 2),
    ),
    Place(
        'between 0.3 and 0.5 from A',
        1,
        held_out=True,
        region=True,
        place=_into_annulus,
        off=lambda x, x0, a: length(x - _into_annulus(x, a)),
    ),
    at(
        'on the line of A and B, where C is nearest',
        lambda x0, a, b, c: on_line(c, a, b - a),
        3,
        alike=False,
        held_out=True,
    ),
)
