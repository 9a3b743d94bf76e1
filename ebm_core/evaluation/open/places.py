# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One place: beside references, between them, in their frame, or relative to where it was."""

from __future__ import annotations

import numpy as np

from .concept import at
from .geometry import EAST, NORTH, heading, turned

CONCEPTS = (
    at('0.15 north of A', lambda x0, a: a + 0.15 * NORTH, 1),
    at('0.5 north of A', lambda x0, a: a + 0.5 * NORTH, 1),
    at('0.35 south-east of A', lambda x0, a: a + 0.35 * heading(-45), 1),
    at('0.25 south of the middle of two', lambda x0, a, b: (a + b) / 2 - 0.25 * NORTH, 2),
    at('the middle of three', lambda x0, a, b, c: (a + b + c) / 3, 3),
    at('one third of the way from A to B', lambda x0, a, b: a + (b - a) / 3, 2, alike=False),
    at('beyond B, seen from A', lambda x0, a, b: a + 1.4 * (b - a), 2, alike=False),
    at(
        'the middle of A, B and C, weighed 5 to 3 to 2',
        lambda x0, a, b, c: 0.5 * a + 0.3 * b + 0.2 * c,
        3,
        alike=False,
    ),
    at('the fourth corner of a parallelogram', lambda x0, a, b, c: a - b + c, 3, alike=False),
    at(
        'the third corner of an equilateral triangle',
        lambda x0, a, b: a + turned(b - a, 60),
        2,
        alike=False,
    ),
    at(
        'left of A, seen towards B, as far as B is',
        lambda x0, a, b: a + turned(b - a, 90),
        2,
        alike=False,
    ),
    at('the place (0.55, −0.35)', lambda x0: np.broadcast_to((0.55, -0.35), x0.shape)),
    at('mirrored through A', lambda x0, a: 2 * a - x0, 1, still=False),
    at('halfway to A', lambda x0, a: (x0 + a) / 2, 1, still=False),
    at('twice as far from A as it was', lambda x0, a: 2 * x0 - a, 1, still=False),
    at('a step of 0.4 west', lambda x0: x0 - 0.4 * EAST, still=False),
)
