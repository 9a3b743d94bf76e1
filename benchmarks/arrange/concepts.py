# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is asked for: one entity moved to a place, or several into a formation, by predicates.

Distances are those that blocks and a hand leave room for. Left out are concepts with three roles of
references, which would have to be told by looks beside the movers' own, and those that bring
things nearer together than blocks and a hand leave room for.
"""

from __future__ import annotations

import numpy as np

from ebm_core.evaluation.open.concept import OpenConcept, Place, at
from ebm_core.evaluation.open.concepts import CONCEPTS as OPEN
from ebm_core.evaluation.open.formations import Formation
from ebm_core.evaluation.open.geometry import EAST, NORTH, length, on_ring

_TOO_NEAR = (
    '0.15 north of A',
    '0.2 from whichever of three is nearest',
    'a row of three, 0.25 apart',
    'at least 0.5 from A',  # where it does not hold: as above
)
_MOST_ROLES = 2


def row(number: int, spacing: float) -> tuple[tuple[float, float], ...]:
    """Return the template of so many in a line."""
    return tuple((spacing * i, 0.0) for i in range(number))


def ring(number: int, radius: float) -> tuple[tuple[float, float], ...]:
    """Return the template of so many evenly on a circle."""
    turn = 2 * np.pi * np.arange(number) / number
    return tuple(zip(radius * np.cos(turn), radius * np.sin(turn), strict=True))


_NAMED = (
    at('between', lambda x0, a, b: (a + b) / 2, 2, apart=0.7),
    at('north', lambda x0, a: a + 0.3 * NORTH, 1),
    at('south', lambda x0, a: a - 0.3 * NORTH, 1),
    at('east', lambda x0, a: a + 0.3 * EAST, 1),
    at('west', lambda x0, a: a - 0.3 * EAST, 1),
    at('point', lambda x0: np.broadcast_to((0.4, -0.3), x0.shape)),
    Place(
        'horizontal_line',
        place=lambda x0: x0 * (1, 0) + 0.4 * NORTH,
        off=lambda x, x0: np.abs(x[..., 1] - 0.4),
    ),
    Place(
        'vertical_line',
        place=lambda x0: x0 * (0, 1) - 0.3 * EAST,
        off=lambda x, x0: np.abs(x[..., 0] + 0.3),
    ),
    Place(
        'circle',
        place=lambda x0: on_ring(x0, np.zeros(2), 0.6),
        off=lambda x, x0: np.abs(length(x) - 0.6),
    ),
    Place(
        'at least 0.8 from A',
        1,
        region=True,
        place=lambda x0, a: on_ring(x0, a, np.maximum(length(x0 - a), 0.8)),
        off=lambda x, x0, a: np.maximum(0.8 - length(x - a), 0),
    ),
)
# As near as the hand leaves room for, in place of the point that `join` is about.
_FORMATIONS = (
    Formation('two joined, 0.36 apart', template=row(2, 0.36)),
    Formation('three joined, 0.36 apart', template=ring(3, 0.36 / 3**0.5)),
    Formation('line', template=row(3, 0.4)),
    Formation('triangle', template=ring(3, 0.5 / 3**0.5)),
    Formation('square', template=ring(4, 0.5 / 2**0.5)),
    Formation('three round A, at 0.4', 1, template=ring(3, 0.4)),
    Formation('four round A, at 0.45', 1, template=ring(4, 0.45)),
)


def _can_be(concept: OpenConcept) -> bool:
    return max(concept.roles, default=0) <= _MOST_ROLES and concept.name not in _TOO_NEAR


CONCEPTS: dict[str, OpenConcept] = {
    concept.name: concept
    for concept in (*_NAMED, *_FORMATIONS, *OPEN)
    if isinstance(concept, (Place, Formation)) and _can_be(concept)
}
