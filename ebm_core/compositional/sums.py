# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sums of energies that each know one attribute, and the annealed Langevin chains that sample them.

E(x, σ) + Σ_i E(y_i | x, σ): the energy of all images, and one for each attribute asked for. Of an
attribute any set of values can be asked for: one, either of two, or all but one. Its energy is then
−log Σ_y exp(−E(y | x, σ)) over the set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..datasets.shapes import ATTRIBUTES, SHAPE
from .levels import level


class Asked(NamedTuple):
    """What is asked of an attribute: allowed (B, Y), which of its values an image may have."""

    attribute: str
    allowed: Tensor

    @classmethod
    def one_of(cls, attribute: str, values: Tensor) -> Asked:
        """Ask for one of the values (B, V)."""
        allowed = torch.zeros(
            len(values), len(ATTRIBUTES[attribute]), dtype=torch.bool, device=values.device
        )
        return cls(attribute, allowed.scatter(1, values, True))

    @classmethod
    def none_of(cls, attribute: str, values: Tensor) -> Asked:
        """Ask for any value but the values (B, V)."""
        return cls(attribute, ~cls.one_of(attribute, values).allowed)


class Sampling(NamedTuple):
    """How chains go: levels of noise from most to least, and Langevin steps at each.

    step: the share of the way to what an image of the level looks like without its noise; of the
    noise as much is drawn anew as keeps its level. emphasis: the weight of the attributes'
    energies; 1 is what was learned.
    """

    levels: int = 24
    steps: int = 2
    step: float = 0.25
    emphasis: float = 10.0


USUAL = Sampling()


def summed(
    energies: Mapping[str, nn.Module],
    asked: Sequence[Asked],
    x: Tensor,
    sigma: Tensor,
    emphasis: float = 1.0,
) -> Tensor:
    """Return the sum (B,) of the energies of images x (B, 3, 24, 24) with noise sigma (B,).

    energies: by attribute, `any` for that of all images.
    """
    total = energies['any'](x, sigma)
    for attribute, allowed in asked:
        likely = -energies[attribute](x, sigma).masked_fill(~allowed, math.inf)
        total = total - emphasis * torch.logsumexp(likely, 1)
    return total


def sample(
    energies: Mapping[str, nn.Module],
    asked: Sequence[Asked],
    number: int,
    how: Sampling = USUAL,
    *,
    seed: int = 0,
    device: torch.device | str = 'cpu',
) -> Tensor:
    """Return images (number, 3, 24, 24) in [0, 1]: where annealed chains from noise end.

    The same seed begins with the same noise, whatever is asked.
    """
    config = energies['any'].config
    generator = torch.Generator(device).manual_seed(seed)

    def noise() -> Tensor:
        return torch.randn(number, *SHAPE, device=device, generator=generator)

    def clean(x: Tensor, sigma: float) -> Tensor:
        level_ = torch.full((number,), sigma, device=device)
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            energy = summed(energies, asked, x, level_, how.emphasis).sum()
            return x.detach() - sigma**2 * torch.autograd.grad(energy, x)[0]

    sigmas = level(np.linspace(1, 0, how.levels), config.least_noise, config.most_noise).tolist()
    kept = 1 - how.step
    x = config.most_noise * noise()
    for sigma, lower in zip(sigmas, [*sigmas[1:], sigmas[-1]], strict=True):
        for step in range(how.steps):
            # Langevin's step in the form that has no error where what is clean is certain; the
            # level's last one leaves the next level's noise.
            after = lower if step == how.steps - 1 else sigma
            found = clean(x, sigma)
            x = found + after * (kept * (x - found) / sigma + math.sqrt(1 - kept**2) * noise())
    # The mean of what the noise of the last level may have hidden.
    return clean(x, sigma).clamp(0, 1)
