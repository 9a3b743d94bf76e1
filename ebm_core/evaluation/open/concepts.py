# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""All concepts of the evaluation: written by hand, beside the training grammar, none of the names.

A concept is added by a line in the file of its group. Kinds that are held out of training stand in
`held_out.py`, whose docstring lists them.
"""

from __future__ import annotations

from . import by_direction, curves, formations, held_out, places, regions
from .concept import OpenConcept

GROUPS: dict[str, tuple[OpenConcept, ...]] = {
    'places': places.CONCEPTS,
    'curves': curves.CONCEPTS,
    'regions': regions.CONCEPTS,
    'several movers, and colours': formations.CONCEPTS,
    'kinds held out': held_out.CONCEPTS + by_direction.CONCEPTS,
}
CONCEPTS: tuple[OpenConcept, ...] = tuple(c for group in GROUPS.values() for c in group)
