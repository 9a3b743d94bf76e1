# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Region: the actor goes to a place of the plane, a point, a line, a circle, a square's corners."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..world.scene import Scene
from .arrangement import Arrangement

_CORNERS = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)], float)


@dataclass(frozen=True)
class Region(Arrangement):
    """A region with its parameters, particle units.

    point: (x, y). horizontal_line: y. vertical_line: x. circle, corners: around the origin, radius
    and half the square's side.
    """

    parameters: tuple[float, ...]
    family: ClassVar[str] = 'region'

    def variant(self, rng: np.random.Generator) -> Region:
        """Return the region elsewhere or of another size."""
        low, high = (0.3, 0.8) if self.name in ('circle', 'corners') else (-0.9, 0.9)
        drawn = rng.uniform(low, high, len(self.parameters))
        return replace(self, parameters=tuple(float(v) for v in drawn))

    def arrange(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return (count, 1, 2) places in the region."""
        place = rng.uniform(-1, 1, (count, 2))
        match self.name:
            case 'horizontal_line':
                place[:, 1] = self.parameters[0]
            case 'vertical_line':
                place[:, 0] = self.parameters[0]
            case 'circle':
                angle = rng.uniform(0, 2 * np.pi, count)
                place = self.parameters[0] * np.stack((np.cos(angle), np.sin(angle)), 1)
            case 'corners':
                # All corners in turn: five that happen to lie on one side would show a line.
                turn = (rng.permutation(count) + rng.integers(4)) % 4
                place = self.parameters[0] * _CORNERS[turn]
            case _:
                place[:] = self.parameters
        return place[:, None]

    @property
    def single_goal(self) -> bool:
        """Whether the region is one place."""
        return self.name == 'point'

    def approach(
        self, rng: np.random.Generator, arranged: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return start and end, the region's place that is nearest to the start."""
        start, end = rng.uniform(-1, 1, arranged.shape), arranged.copy()
        match self.name:
            case 'horizontal_line':
                end[..., 0] = start[..., 0]
            case 'vertical_line':
                end[..., 1] = start[..., 1]
            case 'circle':
                end = self.parameters[0] * start / np.linalg.norm(start, axis=-1, keepdims=True)
            case 'corners':
                start = np.abs(start) * np.sign(arranged)
        return start, end

    def violation(self, participants: np.ndarray) -> np.ndarray:
        """Return the distance to the region."""
        place = participants[..., 0, :]
        match self.name:
            case 'horizontal_line':
                return np.abs(place[..., 1] - self.parameters[0])
            case 'vertical_line':
                return np.abs(place[..., 0] - self.parameters[0])
            case 'circle':
                return np.abs(np.linalg.norm(place, axis=-1) - self.parameters[0])
            case 'corners':
                corners = self.parameters[0] * _CORNERS
                return np.linalg.norm(place[..., None, :] - corners, axis=-1).min(-1)
            case _:
                return np.linalg.norm(place - np.asarray(self.parameters), axis=-1)

    def goal(self, scene: Scene, attention: np.ndarray) -> np.ndarray | None:
        """Return the (2,) goal of the actor; None where there is more than one."""
        return np.asarray(self.parameters) if self.name == 'point' else None


CONCEPTS = (
    Region('point', (0.4, -0.3)),
    Region('horizontal_line', (0.4,)),
    Region('vertical_line', (-0.3,)),
    Region('circle', (0.6,)),
    Region('corners', (0.6,)),
)
