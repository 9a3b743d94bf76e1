# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Kinds that neither the grammar draws nor codes have parts for: what is left to the network.

The curves of a code are made of distances, and many kinds that training holds out are, too. These
are not: they say how far that carries. The kinds are: a square ring on its corner; an ellipse that
lies flat, whatever its foci; a wave; a line that halves an angle.
"""

from __future__ import annotations

import numpy as np

from .concept import Place
from .geometry import SAMPLES, length, nearest_of, off_line, on_line, turned, unit

_TURN = np.linspace(0, 2 * np.pi, SAMPLES, endpoint=False)


def _on_its_corner(a: np.ndarray) -> np.ndarray:
    """Return (..., SAMPLES, 2) places of which |x| + |y| from a is 0.4."""
    ends = np.array([(0.4, 0.0), (0.0, 0.4), (-0.4, 0.0), (0.0, -0.4), (0.4, 0.0)])
    along = np.linspace(0, 4, SAMPLES, endpoint=False)
    first, part = along.astype(int), (along % 1)[:, None]
    return a[..., None, :] + (1 - part) * ends[first] + part * ends[first + 1]


def _flat_ellipse(a: np.ndarray) -> np.ndarray:
    """Return (..., SAMPLES, 2) places round a, up to 0.55 east and 0.25 north of it."""
    return a[..., None, :] + np.stack((0.55 * np.cos(_TURN), 0.25 * np.sin(_TURN)), -1)


def _wave(x: np.ndarray) -> np.ndarray:
    """Return (..., SAMPLES, 2) places of y = 0.4 sin(4 x)."""
    east = np.broadcast_to(np.linspace(-1.2, 1.2, SAMPLES), (*x.shape[:-1], SAMPLES))
    return np.stack((east, 0.4 * np.sin(4 * east)), -1)


def _halving(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return the direction that halves the angle at b between a and c."""
    return turned(unit(unit(a - b) - unit(c - b)), 90)


CONCEPTS = (
    Place(
        'on a square that stands on its corner, round A',
        1,
        place=lambda x0, a: nearest_of(x0, _on_its_corner(a)),
        off=lambda x, x0, a: length(x - nearest_of(x, _on_its_corner(a))),
    ),
    Place(
        'on a flat ellipse round A',
        1,
        place=lambda x0, a: nearest_of(x0, _flat_ellipse(a)),
        off=lambda x, x0, a: length(x - nearest_of(x, _flat_ellipse(a))),
    ),
    Place(
        'on the wave y = 0.4 sin 4x',
        place=lambda x0: nearest_of(x0, _wave(x0)),
        off=lambda x, x0: length(x - nearest_of(x, _wave(x))),
    ),
    Place(
        'halving the angle at B between A and C',
        3,
        alike=False,
        place=lambda x0, a, b, c: on_line(x0, b, _halving(a, b, c)),
        off=lambda x, x0, a, b, c: off_line(x, b, _halving(a, b, c)),
    ),
)
