# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Shape: several entities join, or form a line, a triangle or a square, anywhere and any way round.

A shape is known by the distances between its entities.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, permutations
from typing import ClassVar

import numpy as np

from .arrangement import Arrangement

LINE_SPACING = 0.4  # between neighbours in a line, particle units
SIDE = 0.5  # of triangle and square, particle units

_TEMPLATES: dict[str, np.ndarray] = {
    'join': np.zeros((3, 2)),
    'line': LINE_SPACING * np.array([(-1, 0), (0, 0), (1, 0)]),
    'triangle': SIDE / 3**0.5 * np.array([(0, 1), (-(3**0.5) / 2, -0.5), (3**0.5 / 2, -0.5)]),
    'square': SIDE / 2 * np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)]),
}


@dataclass(frozen=True)
class Shape(Arrangement):
    """A shape that all attended entities form; all of them move."""

    family: ClassVar[str] = 'shape'
    changes: ClassVar[str] = 'positions'
    single_goal: ClassVar[bool] = False
    black_crosses: ClassVar[bool] = False

    @property
    def movers(self) -> int:
        """Three or four."""
        return len(_TEMPLATES[self.name])

    def arrange(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return (count, P, 2): the template turned and moved."""
        turn = rng.uniform(0, 2 * np.pi, count)
        cos, sin = np.cos(turn), np.sin(turn)
        rotation = np.stack((np.stack((cos, -sin), -1), np.stack((sin, cos), -1)), -2)
        centre = rng.uniform(-1, 1, (count, 1, 2))
        return _TEMPLATES[self.name] @ rotation + centre

    def approach(
        self, rng: np.random.Generator, arranged: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return start and end, the shape that takes the least motion (sum of squares).

        In the complex plane: of all assignments of entities to the template's places, the one
        whose best turn leaves the least; the centre stays.
        """
        start = rng.uniform(-1, 1, arranged.shape)
        template, places = (p[..., 0] + 1j * p[..., 1] for p in (_TEMPLATES[self.name], start))
        centre = places.mean(1, keepdims=True)
        assigned = template[np.array(list(permutations(range(self.movers))))]
        agreement = (places - centre) @ assigned.conj().T
        best = np.abs(agreement).argmax(1)
        turn = np.exp(1j * np.angle(agreement[np.arange(len(best)), best]))
        ideal = centre + turn[:, None] * assigned[best]
        end = np.stack((ideal.real, ideal.imag), -1)
        over = np.maximum(end.max(1, keepdims=True) - 1, 0)
        under = np.minimum(end.min(1, keepdims=True) + 1, 0)
        return start, end - over - under

    def violation(self, participants: np.ndarray) -> np.ndarray:
        """Return the largest error of a distance between two of them."""
        return np.abs(sorted_distances(participants) - sorted_distances(_TEMPLATES[self.name])).max(
            -1
        )


def sorted_distances(points: np.ndarray) -> np.ndarray:
    """Return the pairs' distances (..., P (P - 1) / 2) of points (..., P, 2) in ascending order."""
    i, j = np.array(list(combinations(range(points.shape[-2]), 2))).T
    return np.sort(np.linalg.norm(points[..., i, :] - points[..., j, :], axis=-1), axis=-1)


CONCEPTS = tuple(Shape(name) for name in _TEMPLATES)
