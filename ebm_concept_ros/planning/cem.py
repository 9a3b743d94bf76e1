# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The cross-entropy method: a Gaussian over splines, refitted to its cheapest samples.

Kobilarov, "Cross-entropy motion planning" (2012).
"""

from __future__ import annotations

import numpy as np
from pydantic import Field, model_validator

from ebm_concept_ros.planning.sampling import Costs, SamplingConfig, SamplingPlanner


class CemConfig(SamplingConfig):
    """How the Gaussian shrinks."""

    iterations: int = Field(3, ge=1, le=50, description='per plan that has a warm start')
    elites: int = Field(6, ge=2, le=1000, description='samples that the Gaussian is fitted to')

    @model_validator(mode='after')
    def _elites_are_samples(self) -> CemConfig:
        if self.elites > self.samples:
            raise ValueError(f'elites {self.elites} are more than samples {self.samples}')
        return self


class CemPlanner(SamplingPlanner):
    """Every plan starts with the configured noise around the plan before."""

    config_type = CemConfig
    config: CemConfig

    def _improve(
        self, knots: np.ndarray, iterations: int, costs: Costs, rng: np.random.Generator
    ) -> np.ndarray:
        sigma = np.full_like(knots, self.config.noise_rad_s)
        for _ in range(iterations):
            candidates = self._around(knots, sigma, rng)
            values = costs(candidates)
            elites = candidates[np.argsort(values, kind='stable')[: self.config.elites]]
            knots, sigma = elites.mean(0), elites.std(0)
        return knots
