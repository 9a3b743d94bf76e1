# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Denoising score matching of an energy that is told one attribute, for the shared loop."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..config import share_of_batch
from ..datasets.shapes import ATTRIBUTES, JITTER, SHAPE, draw_images, draw_values
from ..protocols import ParameterGroup, StepLosses
from .config import AttributePreset, AttributeTraining
from .energy import DEVIATION, AttributeEnergy


@dataclass(frozen=True)
class AttributeRecipe:
    """What `ebm_core.training` trains a preset by; it satisfies `protocols.Recipe`."""

    preset: AttributePreset

    @property
    def run(self) -> AttributeTraining:
        """The preset's training."""
        return self.preset.training

    @property
    def config(self) -> dict:
        """The preset."""
        return self.preset.model_dump()

    @property
    def work(self) -> float:
        """The number of images per step."""
        return self.run.batch

    @property
    def shown(self) -> Mapping[str, str]:
        """The loss."""
        return {'loss': 'denoising'}

    def share(self, rank: int, number: int) -> Self:
        """Return the recipe with this process's share of each step's images."""
        training = share_of_batch(self.run, rank, number)
        return type(self)(self.preset.model_copy(update={'training': training}))

    def build(self) -> AttributeEnergy:
        """Return an energy with weights at random."""
        return AttributeEnergy(self.preset.model)

    def parameter_groups(self, module: AttributeEnergy) -> tuple[ParameterGroup, ...]:
        """Return all parameters."""
        return (ParameterGroup(tuple(module.parameters()), self.run.learning_rate),)

    def draw(
        self, step: int, rng: np.random.Generator, device: torch.device
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Draw images, the attribute's value (0: untold), a level of noise (B,), and noise."""
        number, model = self.run.batch, self.preset.model
        values = draw_values(number, rng)
        jitter = rng.uniform(-1, 1, (number, len(JITTER))).astype(np.float32)
        told = rng.random(number) >= self.run.untold_share
        y = np.where(told, 1 + values[:, list(ATTRIBUTES).index(model.attribute)], 0)
        # Levels are spread evenly (one in each of as many parts), which makes the loss steadier.
        parts = (rng.permutation(number) + rng.random(number)) / number
        low, high = math.log(model.least_noise), math.log(model.most_noise)
        sigma = np.exp(low + (high - low) * parts).astype(np.float32)
        x = draw_images(*(torch.from_numpy(a).to(device) for a in (values, jitter)))
        noise = torch.randn(number, *SHAPE, device=device)
        return x, torch.from_numpy(y).to(device), torch.from_numpy(sigma).to(device), noise

    def losses(
        self, module: AttributeEnergy, batch: tuple[Tensor, Tensor, Tensor, Tensor], step: int
    ) -> StepLosses:
        """Return the mean of w(σ) |σ ∇E(x + σ n, y, σ) − n|², which is least where E is −log p_σ.

        w weighs levels as Karras et al. (2022) do: an energy that knows nothing loses the same in
        each.
        """
        x, y, sigma, noise = batch
        spread = sigma[:, None, None, None]
        noisy = (x + spread * noise).requires_grad_()
        energies = module(noisy, y, sigma)
        (slope,) = torch.autograd.grad(energies.sum(), noisy, create_graph=True)
        wrong = (spread * slope - noise).square().mean((1, 2, 3))
        loss = ((1 + sigma.square() / DEVIATION**2) * wrong).mean()
        return StepLosses(loss, {'denoising': loss})

    def phase(self, step: int) -> Hashable:
        """Return None: every step has the same losses."""
        return None
