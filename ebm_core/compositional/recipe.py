# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the energies of shapes are trained by in the shared loop: denoising, or naming a value.

The energy of all images is fitted by denoising score matching. That of an attribute, alone, by
the cross-entropy of its value, which is the only one that is told. Neither needs chains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..datasets.shapes import ATTRIBUTES, JITTER, SHAPE, draw_images, draw_values
from ..preset_recipe import PresetRecipe
from ..protocols import ParameterGroup, StepLosses
from .config import AttributePreset, AttributeTraining
from .energy import AttributeEnergy, ImageEnergy, energy_of
from .layers import DEVIATION, coarse
from .levels import level


@dataclass(frozen=True)
class AttributeRecipe(PresetRecipe[AttributePreset, AttributeTraining]):
    """What `ebm_core.training` trains a preset by; it satisfies `protocols.Recipe`."""

    @property
    def shown(self) -> Mapping[str, str]:
        """The loss."""
        return {'loss': 'denoising' if self._of_images else 'naming'}

    @property
    def _of_images(self) -> bool:
        return self.preset.model.attribute == 'any'

    def build(self) -> ImageEnergy | AttributeEnergy:
        """Return an energy with weights at random."""
        return energy_of(self.preset.model)

    def parameter_groups(self, module: nn.Module) -> Sequence[ParameterGroup]:
        """Return all parameters, of which Muon learns the matrices."""
        run = self.run
        return (ParameterGroup(tuple(module.parameters()), run.adam_rate, run.learning_rate),)

    def draw(self, step: int, rng: np.random.Generator, device: torch.device) -> tuple[Tensor, ...]:
        """Draw images, levels of noise (B,) and noise; of an attribute its values (B,), too."""
        number, model = self.run.batch, self.preset.model
        values = draw_values(number, rng)
        jitter = rng.uniform(-1, 1, (number, len(JITTER))).astype(np.float32)
        # Levels are spread evenly (one in each of as many parts), which makes the loss steadier.
        parts = (rng.permutation(number) + rng.random(number)) / number
        sigma = level(parts, model.least_noise, model.most_noise).astype(np.float32)
        values, jitter, sigma = (torch.from_numpy(a).to(device) for a in (values, jitter, sigma))
        drawn = draw_images(values, jitter), sigma, torch.randn(number, *SHAPE, device=device)
        if self._of_images:
            return drawn
        return *drawn, values[:, list(ATTRIBUTES).index(model.attribute)]

    def losses(
        self, module: ImageEnergy | AttributeEnergy, batch: tuple[Tensor, ...], step: int
    ) -> StepLosses:
        """Return what is descended, at every level of noise alike.

        Of all images the mean of w(σ) |σ ∇E(x + σ n, σ) − n|², which is least where E is −log p_σ;
        w weighs levels as Karras et al. (2022) do: an energy that knows nothing loses the same in
        each. Of an attribute the mean of E(y | x + σ n, σ).
        """
        x, sigma, noise, *told = batch
        spread = sigma[:, None, None, None]
        noisy = x + spread * noise
        if told:
            with coarse(x.device, self.run.bfloat16):
                loss = module(noisy, sigma).gather(1, told[0][:, None]).mean()
            return StepLosses(loss, {'naming': loss})
        noisy.requires_grad_()
        with coarse(x.device, self.run.bfloat16):
            energy = module(noisy, sigma).sum()
        (slope,) = torch.autograd.grad(energy, noisy, create_graph=True)
        wrong = (spread * slope - noise).square().mean((1, 2, 3))
        loss = ((1 + sigma.square() / DEVIATION**2) * wrong).mean()
        return StepLosses(loss, {'denoising': loss})
