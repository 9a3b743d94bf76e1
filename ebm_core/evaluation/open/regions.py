# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Regions: a demonstrator goes to the nearest place of them, or somewhere inside."""

from __future__ import annotations

import numpy as np

from .concept import Place
from .geometry import EAST, beyond, heading, length, short_of, unit

_LOW, _HIGH = np.array([-0.8, 0.1]), np.array([-0.1, 0.6])
_CENTRE = np.array([0.4, 0.35])


def into_disc(x: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Return the place within a disc that is nearest to x."""
    return centre + np.minimum(length(x - centre), radius)[..., None] * unit(x - centre)


def off_disc(x: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Return how far (...) x is outside the disc."""
    return np.maximum(length(x - centre) - radius, 0)


CONCEPTS = (
    Place(
        'within 0.35 of A',
        1,
        region=True,
        place=lambda x0, a: into_disc(x0, a, 0.35),
        off=lambda x, x0, a: off_disc(x, a, 0.35),
    ),
    Place(
        'left of x = −0.3',
        region=True,
        place=lambda x0: beyond(x0, -0.3 * EAST, -EAST),
        off=lambda x, x0: np.maximum(x[..., 0] + 0.3, 0),
    ),
    Place(
        'north-east of a tilted line',
        region=True,
        place=lambda x0: beyond(x0, 0.1 * EAST, heading(60)),
        off=lambda x, x0: short_of(x, 0.1 * EAST, heading(60)),
    ),
    Place(
        'east of A',
        1,
        region=True,
        still=False,
        place=lambda x0, a: beyond(x0, a, EAST),
        off=lambda x, x0, a: np.maximum((a - x)[..., 0], 0),
    ),
    Place(
        'within 0.3 of (0.4, 0.35)',
        region=True,
        place=lambda x0: into_disc(x0, _CENTRE, 0.3),
        off=lambda x, x0: off_disc(x, _CENTRE, 0.3),
    ),
    Place(
        'in the rectangle [−0.8, −0.1] × [0.1, 0.6]',
        region=True,
        place=lambda x0: np.clip(x0, _LOW, _HIGH),
        off=lambda x, x0: length(x - np.clip(x, _LOW, _HIGH)),
    ),
    Place(
        'nearer to A than to B',
        2,
        alike=False,
        region=True,
        place=lambda x0, a, b: beyond(x0, (a + b) / 2, unit(a - b)),
        off=lambda x, x0, a, b: short_of(x, (a + b) / 2, unit(a - b)),
    ),
)
