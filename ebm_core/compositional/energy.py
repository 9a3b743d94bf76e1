# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy E(x, y, σ) of an image, one attribute's value and a level of noise.

E = ½ |x − D(x, y, σ)|² / σ², where D is a network that removes noise: a scalar of the image, whose
gradient is what training fits (Salimans & Ho 2021; Du et al., *Reduce, Reuse, Recycle*, 2023).
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

DEVIATION = 0.14  # of the values of pixels, about
_FREQUENCIES = 16


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


class AttributeEnergy(nn.Module):
    """A U-Net on 2 × 2 pixels at a time, and the energy that it makes.

    Value 0 means that the value is not told; value k is the attribute's k − 1.
    """

    def __init__(self, config: AttributeConfig) -> None:
        super().__init__()
        self.config = config
        w, e = config.width, config.embedding
        self.values = nn.Embedding(1 + len(ATTRIBUTES[config.attribute]), e)
        self.noise = nn.Sequential(nn.Linear(2 * _FREQUENCIES, e), nn.SiLU(), nn.Linear(e, e))
        side = SIDE // 2
        line = torch.linspace(-1, 1, side)
        place = torch.stack((line.expand(side, side), line[:, None].expand(side, side)))
        self.register_buffer('place', place, persistent=False)
        frequencies = torch.linspace(0, math.log(32), _FREQUENCIES).exp() * 0.3
        self.register_buffer('frequencies', frequencies, persistent=False)
        self.enter = nn.Conv2d(12 + 2, w, 3, padding=1)
        self.fine = nn.ModuleList([_Block(w, w, e), _Block(w, w, e)])
        self.down = nn.Conv2d(w, 2 * w, 3, stride=2, padding=1)
        self.middle = nn.ModuleList([_Block(2 * w, 2 * w, e), _Block(2 * w, 2 * w, e)])
        self.further = nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1)
        self.coarse = nn.ModuleList([_Block(4 * w, 4 * w, e), _Block(4 * w, 4 * w, e)])
        self.back = nn.ModuleList([_Block(6 * w, 2 * w, e), _Block(2 * w, 2 * w, e)])
        self.up = nn.ModuleList([_Block(3 * w, w, e), _Block(w, w, e)])
        self.leave = nn.Conv2d(w, 12, 3, padding=1)

    def denoised(self, x: Tensor, y: Tensor, sigma: Tensor) -> Tensor:
        """Return D(x, y, σ), images like x (B, 3, 32, 32); y (B,) values, sigma (B,) noise."""
        variance, data = sigma.square(), DEVIATION**2
        total = variance + data
        waves = sigma.log()[:, None] * self.frequencies
        told = F.silu(self.noise(torch.cat((waves.sin(), waves.cos()), 1)) + self.values(y))
        h = F.pixel_unshuffle(x * total.rsqrt()[:, None, None, None], 2)
        h = self.enter(torch.cat((h, self.place.expand(len(x), -1, -1, -1)), 1))
        fine = _through(self.fine, h, told)
        middle = _through(self.middle, self.down(fine), told)
        h = _through(self.coarse, self.further(middle), told)
        h = _through(self.back, torch.cat((F.interpolate(h, scale_factor=2.0), middle), 1), told)
        h = _through(self.up, torch.cat((F.interpolate(h, scale_factor=2.0), fine), 1), told)
        found = F.pixel_shuffle(self.leave(F.silu(h)), 2)
        kept, scale = data / total, sigma * DEVIATION * total.rsqrt()
        return kept[:, None, None, None] * x + scale[:, None, None, None] * found

    def forward(self, x: Tensor, y: Tensor, sigma: Tensor) -> Tensor:
        """Return E(x, y, σ) (B,) of images (B, 3, 32, 32), values (B,) and noise (B,)."""
        away = x - self.denoised(x, y, sigma)
        return 0.5 * away.square().sum((1, 2, 3)) / sigma.square()


def _through(blocks: nn.ModuleList, h: Tensor, told: Tensor) -> Tensor:
    for block in blocks:
        h = block(h, told)
    return h


def load_attribute_energy(directory: Path | str) -> tuple[AttributeEnergy, dict]:
    """Load a model's directory, and return it with its card; ModelError says what is wrong."""
    files = read_model(directory)
    energy = AttributeEnergy(files.config(AttributeConfig))
    files.load_into(energy)
    return energy.eval(), files.card
