# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Predictive sampling: the best of a few noisy copies of the plan before.

Howell et al., "Predictive sampling: real-time behaviour synthesis with MuJoCo" (2022).
"""

from __future__ import annotations

import numpy as np

from ebm_concept_ros.planning.sampling import Costs, SamplingPlanner


class PredictiveSamplingPlanner(SamplingPlanner):
    """Keeps the cheapest sample, which is the plan before where no other is cheaper."""

    def _improve(
        self, knots: np.ndarray, iterations: int, costs: Costs, rng: np.random.Generator
    ) -> np.ndarray:
        for _ in range(iterations):
            candidates = self._around(knots, self.config.noise_rad_s, rng)
            knots = candidates[costs(candidates).argmin()]
        return knots
