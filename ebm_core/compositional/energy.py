# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy of all images, E(x, σ), and that of an attribute's value, E(y | x, σ).

σ is a level of noise. Both energies are scalars in closed form. E(x, σ) = −log p(x | σ), but for a
constant. E(y | x, σ) = −log p(y | x, σ). An attribute's own images have the energy
E(x, σ) + E(y | x, σ), as Bayes' rule says; more attributes add their own.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ..datasets.shapes import ATTRIBUTES
from ..model_files import read_model
from .config import AttributeConfig
from .memory import Memory

_CERTAIN = 30.0  # the logit of a value that was told, above all others


class ImageEnergy(nn.Module):
    """E(x, σ) of images with any values: −log Σ exp(−|x − outline in colour|² / 2 σ²) of all."""

    def __init__(self, config: AttributeConfig) -> None:
        super().__init__()
        self.config = config
        self.memory = Memory(config)

    def begin(self, images: Tensor) -> None:
        """Remember images (K, 3, 24, 24)."""
        self.memory.begin(images)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return E(x, σ) (B,) of images (B, 3, 24, 24) and levels of noise (B,)."""
        own = 0.5 * x.square().sum((1, 2, 3)) / sigma.square()
        return own - torch.logsumexp(self.memory.logits(x, sigma).flatten(1), 1)


class AttributeEnergy(nn.Module):
    """E(y | x, σ) of one attribute's values y: what the outlines, or the colours, are called.

    Names alone are learned; its memory stays the one it begins with, of images it was told of.
    """

    def __init__(self, config: AttributeConfig) -> None:
        super().__init__()
        self.config = config
        self.memory = Memory(config).requires_grad_(False)
        self.of_colours = config.attribute == 'colour'
        number = config.colours if self.of_colours else config.outlines
        self.names = nn.Parameter(torch.zeros(number, len(ATTRIBUTES[config.attribute])))

    @torch.no_grad()
    def begin(self, images: Tensor, told: Tensor) -> None:
        """Remember images (K, 3, 24, 24), and what each was told to be: values (K,)."""
        chosen = self.memory.begin(images)
        told = told[chosen] if self.of_colours else told
        self.names.zero_().scatter_(1, told[:, None], _CERTAIN)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return E(y | x, σ) (B, Y) of every value, of images (B, 3, 24, 24) and noise (B,)."""
        near = torch.logsumexp(self.memory.logits(x, sigma), 1 if self.of_colours else 2)
        return -(torch.softmax(near, 1) @ torch.softmax(self.names, 1)).log()


def energy_of(config: AttributeConfig) -> ImageEnergy | AttributeEnergy:
    """Return the energy that a configuration names, with weights at random."""
    return (ImageEnergy if config.attribute == 'any' else AttributeEnergy)(config)


def load_energy(directory: Path | str) -> tuple[ImageEnergy | AttributeEnergy, dict]:
    """Load a model's directory, and return it with its card; ModelError says what is wrong."""
    files = read_model(directory)
    energy = energy_of(files.config(AttributeConfig))
    files.load_into(energy)
    return energy.eval(), files.card
