# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the hand must stay out of: upright cylinders, circles in the plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Circles:
    """Centres (K, 2) and radii (K,), particle units, with the width of the hand in the radii.

    above_m: how far above the effector the hand must stay out of them too, m.
    """

    centres: np.ndarray
    radii: np.ndarray
    above_m: float = 0.0

    def __len__(self) -> int:
        return len(self.radii)

    def depth(self, points: np.ndarray) -> np.ndarray:
        """Return how deep points (..., 2) lie within the circles, (...); negative: outside."""
        if not len(self):
            return np.full(np.shape(points)[:-1], -np.inf)
        return self.each_depth(points)[0].max(-1)

    def each_depth(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the depths (..., K) in each circle, and the unit vectors (..., K, 2) out of it."""
        offsets = np.asarray(points, float)[..., None, :] - self.centres
        distances = np.linalg.norm(offsets, axis=-1)
        return self.radii - distances, offsets / np.maximum(distances, 1e-9)[..., None]


NO_CIRCLES = Circles(np.empty((0, 2)), np.empty(0))
