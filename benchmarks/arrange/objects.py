# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the blocks of a table are like: as those that everything was tried with, or held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ebm_concept_ros.grasping.random_table import Ranges

Interval = tuple[float, float]


class Objects(NamedTuple):
    """Intervals of widths, m, masses, kg, and friction, each interval as likely as the others."""

    size_m: tuple[Interval, ...]
    mass_kg: tuple[Interval, ...]
    friction: tuple[Interval, ...]


_USUAL = Ranges()
USUAL = Objects((_USUAL.size_m,), (_USUAL.mass_kg,), (_USUAL.friction,))
# Narrower, and wider up to what the hand grips; down to half the least mass and up to half as much
# again as the greatest.
HELD_OUT = Objects(((0.02, 0.03), (0.06, 0.07)), ((0.01, 0.02), (0.2, 0.3)), ((0.4, 1.0),))


def drawn(rng: np.random.Generator, intervals: tuple[Interval, ...]) -> float:
    """Return a number of one of the intervals."""
    # The only one is not drawn: tables of the usual objects stay what they are.
    which = int(rng.integers(len(intervals))) if len(intervals) > 1 else 0
    return float(rng.uniform(*intervals[which]))
