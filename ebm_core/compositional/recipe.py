# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the energies of shapes are trained by in the shared loop: likelihood, or naming a value.

The energy of all images is fitted by the likelihood of images with noise, of which no value is
told. That of an attribute, alone, by the cross-entropy of its value, which is the only one that is.
Neither needs chains.
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
from .levels import level


@dataclass(frozen=True)
class AttributeRecipe(PresetRecipe[AttributePreset, AttributeTraining]):
    """What `ebm_core.training` trains a preset by; it satisfies `protocols.Recipe`."""

    @property
    def shown(self) -> Mapping[str, str]:
        """The loss."""
        return {'loss': 'likelihood' if self._of_images else 'naming'}

    @property
    def _of_images(self) -> bool:
        return self.preset.model.attribute == 'any'

    def build(self) -> ImageEnergy | AttributeEnergy:
        """Return an energy whose memory begins with images that torch's generator draws."""
        energy, number = energy_of(self.preset.model), self.preset.model.outlines
        rng = np.random.default_rng(torch.randint(2**31, ()).item())
        values = draw_values(number, rng)
        energy.begin(_images(values, rng), *self._told(values))
        return energy

    def parameter_groups(self, module: nn.Module) -> Sequence[ParameterGroup]:
        """Return all parameters; what is learned of all images and of an attribute differ."""
        rate = self.run.learning_rate if self._of_images else self.run.naming_rate
        return (ParameterGroup(tuple(module.parameters()), rate),)

    def draw(self, step: int, rng: np.random.Generator, device: torch.device) -> tuple[Tensor, ...]:
        """Draw images, levels of noise (B,) and noise; of an attribute its values (B,), too."""
        number, model = self.run.batch, self.preset.model
        values = draw_values(number, rng)
        images = _images(values, rng).to(device)
        # Levels are spread evenly (one in each of as many parts), which makes the loss steadier.
        parts = (rng.permutation(number) + rng.random(number)) / number
        if not self._of_images:
            parts = parts / 2  # what something is called is best learned where it is seen
        sigma = level(parts, model.least_noise, model.most_noise).astype(np.float32)
        sigma = torch.from_numpy(sigma).to(device)
        noise = torch.randn(number, *SHAPE, device=device)
        return images, sigma, noise, *(told.to(device) for told in self._told(values))

    def _told(self, values: np.ndarray) -> tuple[Tensor, ...]:
        """Return the one attribute's values (B,) of all (B, 5); of all images none."""
        if self._of_images:
            return ()
        place = list(ATTRIBUTES).index(self.preset.model.attribute)
        return (torch.from_numpy(values[:, place]),)

    def losses(
        self, module: ImageEnergy | AttributeEnergy, batch: tuple[Tensor, ...], step: int
    ) -> StepLosses:
        """Return what is descended.

        Of all images the mean of σ² (E(x + σ n, σ) − ½ |n|²) at all levels of noise: squares of
        distances to what is remembered, least where E is −log p_σ. Of an attribute the mean of
        E(y | x + σ n, σ) at the lower half of the levels.
        """
        x, sigma, noise, *told = batch
        energy = module(x + sigma[:, None, None, None] * noise, sigma)
        if told:
            loss = energy.gather(1, told[0][:, None]).mean()
            return StepLosses(loss, {'naming': loss})
        loss = (sigma.square() * (energy - 0.5 * noise.square().sum((1, 2, 3)))).mean()
        return StepLosses(loss, {'likelihood': loss})


def _images(values: np.ndarray, rng: np.random.Generator) -> Tensor:
    jitter = rng.uniform(-1, 1, (len(values), len(JITTER))).astype(np.float32)
    return draw_images(torch.from_numpy(values), torch.from_numpy(jitter))
