# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The layers that energies of shapes share: squares of pixels, which learn from their neighbours.

Nearly all of their work are products of matrices, once and twice differentiated: what a CPU does
fastest, and Muon learns. Places are mixed by a matrix for each of the nine nearest directions,
which begins as the shift in that direction: together a convolution of 3 × 3, that may be unlearned.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..datasets.shapes import SIDE
from .config import AttributeConfig

DEVIATION = 0.17  # of the values of pixels, about
PATCH = 4  # pixels of a square's side
_FREQUENCIES = 16
_ACROSS = SIDE // PATCH
PLACES = _ACROSS**2
_DIRECTIONS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]


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


def _shifts() -> Tensor:
    """Return a matrix (9, P, P) for each direction: every place has what lies there, or nought."""
    line = torch.arange(_ACROSS)

    def shift(by: int) -> Tensor:
        return (line[None, :] == line[:, None] + by).float()

    return torch.stack([torch.kron(shift(down), shift(right)) for down, right in _DIRECTIONS])


class _Block(nn.Module):
    """Adds what is seen in nine directions; noise scales and shifts what enters."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.seen = width // 3  # in each direction
        self.told = nn.Linear(embedding, 2 * width)
        self.first = nn.Linear(width, 9 * self.seen)
        self.directions = nn.Parameter(_shifts())
        self.second = nn.Linear(9 * self.seen, width)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        number = len(h)
        scale, shift = self.told(embedding)[:, None].chunk(2, 2)
        level = h * (h.square().mean(2, keepdim=True) + 1e-3).rsqrt()
        inner = self.first(level * (1 + scale) + shift).view(number, PLACES, 9, self.seen)
        # One product for each direction, of all images at once.
        inner = inner.permute(2, 1, 0, 3).reshape(9, PLACES, -1)
        inner = F.silu(torch.bmm(self.directions.to(inner.dtype), inner))
        inner = inner.view(9, PLACES, number, self.seen).permute(2, 1, 0, 3).flatten(2)
        return h + self.second(inner)


class Terms(nn.Module):
    """What an energy is a sum of: terms (B, P, 2 W) of P places, of images and noise."""

    def __init__(self, config: AttributeConfig) -> None:
        super().__init__()
        width, embedding = config.width, config.embedding
        self.noise = _Noise(embedding)
        self.enter = nn.Linear(3 * PATCH**2, width)
        self.place = nn.Parameter(0.3 * torch.randn(PLACES, width))
        self.blocks = nn.ModuleList(_Block(width, embedding) for _ in range(config.blocks))
        self.leave = nn.Linear(width, 2 * width)
        nn.init.normal_(self.leave.weight, std=0.05)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return the terms of images (B, 3, 24, 24) and levels of noise (B,)."""
        told = self.noise(sigma)
        x = x * (sigma.square() + DEVIATION**2).rsqrt()[:, None, None, None]
        entering = F.pixel_unshuffle(x, PATCH).flatten(2).transpose(1, 2)
        entering = 2 * self.enter(entering) + self.place
        h = entering
        for block in self.blocks:
            h = block(h, told)
        beside, own = self.leave(h).float().chunk(2, 2)
        return torch.cat((beside * entering.float(), F.silu(own)), 2)


def coarse(device: torch.device, enabled: bool = True) -> torch.autocast:
    """Return a context in which products of matrices are of bfloat16, whose rounding is 0.4 %."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled, cache_enabled=False)
