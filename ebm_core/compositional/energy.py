# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy of all images, E(x, σ), and that of an attribute's value, E(y | x, σ).

σ is a level of noise. E(x, σ) is a scalar whose gradient is what training fits (Salimans & Ho 2021;
Du et al., *Reduce, Reuse, Recycle*, 2023). E(y | x, σ) = −log p(y | x, σ). An attribute's own
images have the energy E(x, σ) + E(y | x, σ), as Bayes' rule says; more attributes add their own.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ..datasets.shapes import ATTRIBUTES
from ..model_files import read_model
from .config import AttributeConfig
from .layers import DEVIATION, PLACES, Terms


class ImageEnergy(nn.Module):
    """E(x, σ) of images with any values: a normal distribution's, and what a network adds to it.

    The network's part is scaled so that its gradient has to have the same size at every noise.
    """

    def __init__(self, config: AttributeConfig) -> None:
        super().__init__()
        self.config = config
        self.terms = Terms(config)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return E(x, σ) (B,) of images (B, 3, 24, 24) and levels of noise (B,)."""
        normal = 0.5 * x.square().sum((1, 2, 3)) / (sigma.square() + DEVIATION**2)
        return normal - DEVIATION / sigma * self.terms(x, sigma).sum((1, 2))


class AttributeEnergy(nn.Module):
    """E(y | x, σ) of one attribute's values y.

    Its network is the one of `ImageEnergy`, whose weights it may begin with; its terms are weighed.
    """

    def __init__(self, config: AttributeConfig) -> None:
        super().__init__()
        self.config = config
        self.terms = Terms(config)
        self.weigh = nn.Linear(2 * config.width * PLACES, len(ATTRIBUTES[config.attribute]))

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return E(y | x, σ) (B, Y) of every value, of images (B, 3, 24, 24) and noise (B,)."""
        logits = self.weigh(self.terms(x, sigma).flatten(1)).float()
        return -torch.log_softmax(logits, 1)


def energy_of(config: AttributeConfig) -> ImageEnergy | AttributeEnergy:
    """Return the energy that a configuration names, with weights at random."""
    return (ImageEnergy if config.attribute == 'any' else AttributeEnergy)(config)


def load_energy(directory: Path | str) -> tuple[ImageEnergy | AttributeEnergy, dict]:
    """Load a model's directory, and return it with its card; ModelError says what is wrong."""
    files = read_model(directory)
    energy = energy_of(files.config(AttributeConfig))
    files.load_into(energy)
    return energy.eval(), files.card
