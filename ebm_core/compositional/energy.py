# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy of all images, E(x, σ), and that of an attribute's value, E(y | x, σ).

σ is a level of noise. E(x, σ) = ½ |x − D(x, σ)|² / σ², where D is a network that removes noise: a
scalar whose gradient is what training fits (Salimans & Ho 2021; Du et al., *Reduce, Reuse,
Recycle*, 2023). E(y | x, σ) = −log p(y | x, σ). An attribute's own images have the energy
E(x, σ) + E(y | x, σ), as Bayes' rule says; more attributes add their own.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..datasets.shapes import ATTRIBUTES, SIDE
from ..model_files import read_model
from .config import AttributeConfig

DEVIATION = 0.17  # of the values of pixels, about
_FREQUENCIES = 16
_ENTERING = 4 * 3 + 2  # of 2 × 2 pixels, and where they are


class _Noise(nn.Module):
    """An embedding (B, E) of the level of noise."""

    def __init__(self, embedding: int) -> None:
        super().__init__()
        frequencies = 0.3 * torch.linspace(0, math.log(32), _FREQUENCIES).exp()
        self.register_buffer('frequencies', frequencies, persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(2 * _FREQUENCIES, embedding), nn.SiLU(), nn.Linear(embedding, embedding)
        )

    def forward(self, sigma: Tensor) -> Tensor:
        waves = sigma.log()[:, None] * self.frequencies
        return F.silu(self.layers(torch.cat((waves.sin(), waves.cos()), 1)))


class _Enter(nn.Module):
    """The first layer, on 2 × 2 pixels at a time, which have their place beside them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        side = SIDE // 2
        line = torch.linspace(-1, 1, side)
        place = torch.stack((line.expand(side, side), line[:, None].expand(side, side)))
        self.register_buffer('place', place, persistent=False)
        self.layer = nn.Conv2d(_ENTERING, width, 3, padding=1)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        x = x * (sigma.square() + DEVIATION**2).rsqrt()[:, None, None, None]
        h = F.pixel_unshuffle(x, 2)
        return self.layer(torch.cat((h, self.place.expand(len(x), -1, -1, -1)), 1))


class _Block(nn.Module):
    """Two convolutions beside the input, the first scaled and shifted by the embedding."""

    def __init__(self, entering: int, leaving: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(entering, leaving, 3, padding=1)
        self.told = nn.Linear(embedding, 2 * leaving)
        self.second = nn.Conv2d(leaving, leaving, 3, padding=1)
        self.beside = nn.Conv2d(entering, leaving, 1) if entering != leaving else nn.Identity()
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.told(embedding)[:, :, None, None].chunk(2, 1)
        inner = self.first(F.silu(h)) * (1 + scale) + shift
        return self.beside(h) + self.second(F.silu(inner))


class ImageEnergy(nn.Module):
    """E(x, σ) of images with any values: a U-Net that removes noise, and how far it moves them."""

    def __init__(self, config: AttributeConfig) -> None:
        super().__init__()
        self.config = config
        w, e = config.width, config.embedding
        self.noise, self.enter = _Noise(e), _Enter(w)
        self.fine = nn.ModuleList([_Block(w, w, e), _Block(w, w, e)])
        self.down = nn.Conv2d(w, 2 * w, 3, stride=2, padding=1)
        self.middle = nn.ModuleList([_Block(2 * w, 2 * w, e), _Block(2 * w, 2 * w, e)])
        self.further = nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1)
        self.coarse = nn.ModuleList([_Block(4 * w, 4 * w, e), _Block(4 * w, 4 * w, e)])
        self.back = nn.ModuleList([_Block(6 * w, 2 * w, e), _Block(2 * w, 2 * w, e)])
        self.up = nn.ModuleList([_Block(3 * w, w, e), _Block(w, w, e)])
        self.leave = nn.Conv2d(w, 12, 3, padding=1)

    def denoised(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return D(x, σ), images like x (B, 3, 24, 24), of levels of noise (B,)."""
        told = self.noise(sigma)
        fine = _through(self.fine, self.enter(x, sigma), told)
        middle = _through(self.middle, self.down(fine), told)
        h = _through(self.coarse, self.further(middle), told)
        h = _through(self.back, torch.cat((F.interpolate(h, scale_factor=2.0), middle), 1), told)
        h = _through(self.up, torch.cat((F.interpolate(h, scale_factor=2.0), fine), 1), told)
        found = F.pixel_shuffle(self.leave(F.silu(h)), 2)
        data, total = DEVIATION**2, sigma.square() + DEVIATION**2
        kept, scale = data / total, sigma * DEVIATION * total.rsqrt()
        return kept[:, None, None, None] * x + scale[:, None, None, None] * found

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return E(x, σ) (B,) of images (B, 3, 24, 24) and levels of noise (B,)."""
        away = x - self.denoised(x, sigma)
        return 0.5 * away.square().sum((1, 2, 3)) / sigma.square()


class AttributeEnergy(nn.Module):
    """E(y | x, σ) of one attribute's values y."""

    def __init__(self, config: AttributeConfig) -> None:
        super().__init__()
        self.config = config
        w, e = config.width, config.embedding
        self.noise, self.enter = _Noise(e), _Enter(w)
        self.fine = nn.ModuleList([_Block(w, w, e)])
        self.down = nn.Conv2d(w, 2 * w, 3, stride=2, padding=1)
        self.middle = nn.ModuleList([_Block(2 * w, 2 * w, e)])
        self.further = nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1)
        self.coarse = nn.ModuleList([_Block(4 * w, 4 * w, e), _Block(4 * w, 4 * w, e)])
        self.leave = nn.Linear(4 * w * (SIDE // 8) ** 2, len(ATTRIBUTES[config.attribute]))

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return E(y | x, σ) (B, Y) of every value, of images (B, 3, 24, 24) and noise (B,)."""
        told = self.noise(sigma)
        h = _through(self.fine, self.enter(x, sigma), told)
        h = _through(self.middle, self.down(h), told)
        h = _through(self.coarse, self.further(h), told)
        return -torch.log_softmax(self.leave(F.silu(h).flatten(1)), 1)


def _through(blocks: nn.ModuleList, h: Tensor, told: Tensor) -> Tensor:
    for block in blocks:
        h = block(h, told)
    return h


def energy_of(config: AttributeConfig) -> ImageEnergy | AttributeEnergy:
    """Return the energy that a configuration names, with weights at random."""
    return (ImageEnergy if config.attribute == 'any' else AttributeEnergy)(config)


def load_energy(directory: Path | str) -> tuple[ImageEnergy | AttributeEnergy, dict]:
    """Load a model's directory, and return it with its card; ModelError says what is wrong."""
    files = read_model(directory)
    energy = energy_of(files.config(AttributeConfig))
    files.load_into(energy)
    return energy.eval(), files.card
