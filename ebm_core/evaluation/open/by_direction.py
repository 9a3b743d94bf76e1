# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Places that directions tell: kinds that the training grammar leaves out.

A person says *to the left of it, as you look towards that one*, *behind it, from where you come*.
"""

from __future__ import annotations

import numpy as np

from .concept import Place, at
from .geometry import dot, length, turned, unit


def _mirrored(x0: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return x0 mirrored at the line of a and b."""
    off = x0 - a
    along = unit(b - a)
    return a + 2 * dot(off, along)[..., None] * along - off


CONCEPTS = (
    at(
        '0.3 left of A, seen towards B',
        lambda x0, a, b: a + 0.3 * turned(unit(b - a), 90),
        2,
        alike=False,
        held_out=True,
    ),
    at(
        '0.3 beyond A, seen from B',
        lambda x0, a, b: a + 0.3 * unit(a - b),
        2,
        alike=False,
        held_out=True,
    ),
    at(
        '0.25 behind A, from where it came',
        lambda x0, a: a - 0.25 * unit(x0 - a),
        1,
        held_out=True,
        still=False,
    ),
    at('mirrored at the line x = 0', lambda x0: x0 * (-1.0, 1.0), held_out=True, still=False),
    at(
        'mirrored at the line of two',
        _mirrored,
        2,
        held_out=True,
        still=False,
        possible=lambda x0, a, b: np.abs(_mirrored(x0, a, b)).max(-1) < 1,
    ),
    at(
        'where the column of A meets the row of B',
        lambda x0, a, b: np.stack((a[..., 0], b[..., 1]), -1),
        2,
        alike=False,
        held_out=True,
    ),
    Place(
        'as far from A as B is',
        2,
        alike=False,
        held_out=True,
        possible=lambda x0, a, b: length(a - b) < 1,
        place=lambda x0, a, b: a + length(b - a)[..., None] * unit(x0 - a),
        off=lambda x, x0, a, b: np.abs(length(x - a) - length(b - a)),
    ),
)
