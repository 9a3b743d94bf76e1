# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Maximum likelihood with Langevin negatives, as a recipe of the shared training."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidInput
from ..protocols import ParameterGroup, StepLosses
from .config import PlanePreset, PlaneTraining
from .curves import point_on
from .energy import PlaneLearner


@dataclass(frozen=True)
class PlaneRecipe:
    """What `ebm_core.training` trains a preset by; it satisfies `protocols.Recipe`."""

    preset: PlanePreset

    @property
    def run(self) -> PlaneTraining:
        """The preset's training."""
        return self.preset.training

    @property
    def config(self) -> dict:
        """The preset."""
        return self.preset.model_dump()

    @property
    def work(self) -> float:
        """The number of points per step."""
        return self.run.batch

    @property
    def shown(self) -> Mapping[str, str]:
        """The energies of points of the curve (+) and of samples (-)."""
        return {'+': 'data', '-': 'samples'}

    def share(self, rank: int, number: int) -> Self:
        """Return the recipe with this process's share of each step's points."""
        batch = self.run.batch // number + (rank < self.run.batch % number)
        if not batch:
            raise InvalidInput(f'batch: {self.run.batch} is too few for {number} processes')
        training = self.run.model_copy(update={'batch': batch})
        return type(self)(self.preset.model_copy(update={'training': training}))

    def build(self) -> PlaneLearner:
        """Return a learner with weights and samples at random."""
        return PlaneLearner(self.preset.model)

    def parameter_groups(self, module: PlaneLearner) -> tuple[ParameterGroup, ...]:
        """Return the energy's parameters; the chains' step sizes are not learned."""
        return (ParameterGroup(tuple(module.energy.parameters()), self.run.learning_rate),)

    def draw(self, step: int, rng: np.random.Generator, device: torch.device) -> Tensor:
        """Draw points (batch, 2) around the curve."""
        points = point_on(self.run.curve, rng.random(self.run.batch))
        points += self.run.spread * rng.standard_normal(points.shape)
        return torch.from_numpy(points.astype(np.float32)).to(device)

    def losses(self, module: PlaneLearner, batch: Tensor, step: int) -> StepLosses:
        """Return E of points minus E of samples, whose gradient is that of −log p(points)."""
        data = module.energy(batch)
        samples = module.energy(module.sample(len(batch)))
        likelihood = data.mean() - samples.mean()
        size = data.square().mean() + samples.square().mean()
        parts = {
            'likelihood': likelihood,
            'size': size,
            'data': data.mean(),
            'samples': samples.mean(),
        }
        return StepLosses(likelihood + self.run.energy_weight * size, parts)

    def phase(self, step: int) -> Hashable:
        """Return None: every step has the same losses."""
        return None
