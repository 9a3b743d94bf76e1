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

import torch
from torch import Tensor, nn

from ..datasets.shapes import ATTRIBUTES, SHAPE


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

    step: in units of σ². emphasis: the weight of the attributes' energies; 1 is what was learned.
    """

    levels: int = 40
    steps: int = 3
    step: float = 0.25
    emphasis: float = 1.0


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

    def slope(x: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(summed(energies, asked, x, level, how.emphasis).sum(), x)[0]

    bounds = math.log(config.most_noise), math.log(config.least_noise)
    x = config.most_noise * noise()
    for sigma in torch.linspace(*bounds, how.levels).exp().tolist():
        level = torch.full((number,), sigma, device=device)
        for _ in range(how.steps):
            x = x - how.step * sigma**2 * slope(x) + math.sqrt(2 * how.step) * sigma * noise()
    # The mean of what the noise of the last level may have hidden.
    return (x - sigma**2 * slope(x)).clamp(0, 1)
