# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Maximum likelihood and margin ranking, as recipes of the shared training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..preset_recipe import PresetRecipe
from ..protocols import ParameterGroup, StepLosses
from .config import PlanePreset, PlaneTraining
from .curves import point_on
from .energy import PlaneLearner, anywhere


@dataclass(frozen=True)
class PlaneRecipe(PresetRecipe[PlanePreset, PlaneTraining]):
    """What `ebm_core.training` trains a preset by; it satisfies `protocols.Recipe`."""

    @property
    def shown(self) -> Mapping[str, str]:
        """The energies of points of the curve (+) and of samples (-)."""
        return {'+': 'data', '-': 'samples'}

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
        """Return what separates the energies of points (+) from those of negatives (-)."""
        ranking = self.run.objective == 'ranking'
        taken = self.negatives(module, batch) if ranking else module.sample(len(batch))
        data, samples = module.energy(batch), module.energy(taken)
        size = data.square().mean()
        if ranking:
            # Energies of points are drawn to zero, so that a level has a meaning: the zero set.
            loss = torch.relu(self.run.margin - (samples - data)).mean()
        else:
            # Its gradient is that of −log p(points).
            loss = data.mean() - samples.mean()
            size = size + samples.square().mean()
        parts = {'loss': loss, 'size': size, 'data': data.mean(), 'samples': samples.mean()}
        return StepLosses(loss + self.run.energy_weight * size, parts)

    @torch.no_grad()
    def negatives(self, module: PlaneLearner, batch: Tensor) -> Tensor:
        """Return the points (B, 2) that are ranked above the batch (B, 2).

        random: drawn evenly. answers: with the x of the batch, y drawn evenly. hard: of several
        candidates, half of them evenly drawn and half mismatched pairs (the x of a point with the y
        of another), those that the model gives low energy, with probability ∝ exp(−F / margin).
        """
        even = anywhere(len(batch)).to(batch)
        if self.run.negatives == 'random':
            return even
        if self.run.negatives == 'answers':
            return torch.stack((batch[:, 0], even[:, 1]), -1)
        half = -(-len(batch) * self.run.candidates // 2)
        first, second = torch.randint(len(batch), (2, half), device=batch.device)
        mismatched = torch.stack((batch[first, 0], batch[second, 1]), -1)
        candidates = torch.cat((anywhere(half).to(batch), mismatched))
        # The Gumbel trick: the largest noisy scores are draws without replacement.
        noise = -torch.empty(len(candidates), device=batch.device).exponential_().log()
        score = noise - module.energy(candidates).squeeze(-1) / self.run.margin
        return candidates[score.topk(len(batch)).indices]
