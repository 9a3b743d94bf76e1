# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Sums of energies that each know one attribute, and the annealed Langevin chains that sample them.

Each energy E_i(x, y_i) is one of images with that value, and E_i(x) of all images. Their sum counts
what all images have in common as often as there are energies; less what is too much, Bayes' rule
makes it  Σ_i E_i(x, y_i) − (1 − 1/k) E_i(x), whose images have all values, independently asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..datasets.shapes import SHAPE
from .energy import AttributeEnergy


class Asked(NamedTuple):
    """What is asked of an attribute: one of `values` (B, V), or, with `negated`, not that value.

    Values count from 0. An image has to satisfy one of the V: the energy of either-or is
    −log Σ_v exp(−E(x, v)).
    """

    attribute: str
    values: Tensor
    negated: bool = False


class Sampling(NamedTuple):
    """How chains go: levels of noise from most to least, and Langevin steps at each.

    step: in units of σ². common_once: whether what energies have in common is counted once, as in
    Bayes' rule, or by each of them (the plain sum). emphasis: of what the value changes; 1 is what
    was learned. denial: the same of a value that is negated.
    """

    levels: int = 40
    steps: int = 3
    step: float = 0.25
    common_once: bool = True
    emphasis: float = 1.0
    denial: float = 0.5


def summed(
    energies: Mapping[str, AttributeEnergy],
    asked: Sequence[Asked],
    x: Tensor,
    sigma: Tensor,
    how: Sampling,
) -> Tensor:
    """Return the sum (B,) of the energies of what is asked, of images x (B, 3, 32, 32)."""
    total, number = x.new_zeros(len(x)), len(asked)
    for part in asked:
        energy = energies[part.attribute]
        told = torch.cat((1 + part.values, torch.zeros_like(part.values[:, :1])), 1)
        many = told.shape[1]
        each = energy(x.repeat_interleave(many, 0), told.flatten(), sigma.repeat_interleave(many))
        each = each.view(-1, many)
        one, untold = -torch.logsumexp(-each[:, :-1], 1), each[:, -1]
        weight = -how.denial if part.negated else how.emphasis
        common = 1 / number if how.common_once else 1
        total = total + weight * (one - untold) + common * untold
    return total


def sample(
    energies: Mapping[str, AttributeEnergy],
    asked: Sequence[Asked],
    how: Sampling,
    seed: int = 0,
) -> Tensor:
    """Return images (B, 3, 32, 32) in [0, 1]: where annealed chains from noise end.

    The same seed begins with the same noise, whatever is asked.
    """
    config, device = energies[asked[0].attribute].config, asked[0].values.device
    number = len(asked[0].values)
    generator = torch.Generator(device).manual_seed(seed)

    def noise() -> Tensor:
        return torch.randn(number, *SHAPE, device=device, generator=generator)

    bounds = math.log(config.most_noise), math.log(config.least_noise)
    step = how.step if how.common_once else how.step / len(asked)
    x = config.most_noise * noise()
    for sigma in torch.linspace(*bounds, how.levels).exp().tolist():
        level = torch.full((number,), sigma, device=device)
        for _ in range(how.steps):
            slope = _slope(energies, asked, x, level, how)
            x = x - step * sigma**2 * slope + math.sqrt(2 * step) * sigma * noise()
    # The mean of what the noise of the last level may have hidden.
    shared = 1 if how.common_once else len(asked)
    return (x - sigma**2 / shared * _slope(energies, asked, x, level, how)).clamp(0, 1)


def _slope(
    energies: Mapping[str, AttributeEnergy],
    asked: Sequence[Asked],
    x: Tensor,
    sigma: Tensor,
    how: Sampling,
) -> Tensor:
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(summed(energies, asked, x, sigma, how).sum(), x)
    return slope
