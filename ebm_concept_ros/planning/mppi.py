# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Model predictive path integral control: noisy copies averaged, the cheap ones counting most.

Williams et al., "Information-theoretic model predictive control" (2018).
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ebm_concept_ros.planning.sampling import Costs, SamplingConfig, SamplingPlanner


class MppiConfig(SamplingConfig):
    """Temperature: relative, so that it means the same near the goal as far from it."""

    temperature: float = Field(
        0.1, gt=0, le=100, description="of the weights, in standard deviations of the samples' cost"
    )


class MppiPlanner(SamplingPlanner):
    """Weights each sample by exp(-cost / temperature)."""

    config_type = MppiConfig
    config: MppiConfig

    def _improve(
        self, knots: np.ndarray, iterations: int, costs: Costs, rng: np.random.Generator
    ) -> np.ndarray:
        for _ in range(iterations):
            candidates = self._around(knots, self.config.noise_rad_s, rng)
            values = costs(candidates)
            if not np.isfinite(values).any():
                break
            knots = averaged(candidates, values, self.config.temperature)
        return knots


def averaged(candidates: np.ndarray, costs: np.ndarray, temperature: float) -> np.ndarray:
    """Return the mean (...) of candidates (S, ...), weighted by exp(-costs / temperature).

    costs: (S,), not all of them infinite. temperature: in standard deviations of the finite ones.
    """
    scale = temperature * max(costs[np.isfinite(costs)].std(), 1e-12)
    weights = np.exp(-(costs - costs.min()) / scale)
    return np.tensordot(weights / weights.sum(), candidates, axes=1)
