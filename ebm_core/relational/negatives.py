# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Samples of q, the distribution that estimates the partition functions (eq. 12)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..world.scene import COLOUR, PLANE_HALF_WIDTH
from .kept import kept

# Standard deviations, in particle units, of the states drawn around the demonstrated one: from
# where a controller must be precise to where its basin must reach.
NEAR_SPREADS = (0.05, 0.05, 0.1, 0.1, 0.2, 0.2, 0.4, 0.4)
# How far back on the way from x⁰ to the demonstrated state, as shares of it.
ON_THE_WAY = (1.0, 0.75, 0.5, 0.3, 0.15)
ANYWHERE = 6
# Candidates this near to the demonstrated state, in particle units, are ignored: no negatives.
IGNORE_RADIUS = 0.03
RANDOM_MASKS = 4
SWAPPED_MASKS = 8


def state_candidates(
    x: Tensor, start: Tensor, chain: Sequence[Tensor], mutable: Tensor
) -> tuple[Tensor, Tensor]:
    """Return states (B, M, T, P, F), the first being the demonstrated one, and an ignore mask.

    Then come those on the straight way from x⁰ to it, those near it, any, and the sampler's.
    x, start: the demonstrated states and x⁰ (B, T, P, F); chain: the sampler's from start to end,
    each of C chains (B, C, T, P, F), or none; mutable: (B, P, F), 1 for what may change. The ignore
    mask (B, M) is bool.
    """
    mutable_mask = mutable[:, None, None]
    true = x.unsqueeze(1)
    spread = _column(NEAR_SPREADS, x)
    shape = (len(x), len(NEAR_SPREADS), *x.shape[1:])
    noise = torch.randn(shape, device=x.device)
    near = true + spread * noise * mutable_mask * _some(shape, mutable)
    shape = (len(x), ANYWHERE, *x.shape[1:])
    anything = PLANE_HALF_WIDTH * (2 * torch.rand(shape, device=x.device) - 1)
    anything[..., COLOUR] = torch.rand((*shape[:-1], 3), device=x.device)
    where = mutable_mask * _some(shape, mutable)
    anywhere = true * (1 - where) + anything * where
    back = _column(ON_THE_WAY, x)
    on_the_way = true + back * (start.unsqueeze(1) - true)
    sampled = (chain[len(chain) // 2], chain[-1]) if chain else ()
    candidates = torch.cat((true, on_the_way, near, anywhere, *sampled), 1)
    off = torch.linalg.vector_norm((candidates - true) * mutable_mask, dim=-1).flatten(2).amax(-1)
    ignored = off < IGNORE_RADIUS
    ignored[:, 0] = False
    return candidates, ignored


def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
    """Return values (M, 1, 1, 1) of the kind of another tensor."""
    return _kept_column(values, like.device, like.dtype)


@kept
def _kept_column(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return the same; kept, for a GPU waits for what comes from the CPU."""
    return torch.tensor(values, device=device, dtype=dtype).view(-1, 1, 1, 1)


def sure_of_the_way(candidates: int, device: torch.device) -> Tensor:
    """Return (M,) 1 for the candidates whose way to the demonstrated state is sure.

    From all others, where many states are right, another one may be nearer.
    """
    sure = torch.zeros(candidates, device=device)
    sure[1 : 1 + len(ON_THE_WAY) + sum(spread <= 0.1 for spread in NEAR_SPREADS)] = 1.0
    return sure


def _some(shape: tuple[int, ...], mutable: Tensor) -> Tensor:
    """Return (B, M, T, P, 1) zeros and ones: what changes, in every other candidate all of it.

    An arrangement in which one entity alone is wrong is the hardest to tell from a right one.
    """
    b, m, t, p, _ = shape
    some = (torch.rand((b, m, t, p), device=mutable.device) < 0.5).float()
    mutable_mask = mutable.any(-1).float()[:, None, None].expand(b, m, t, p)
    one = (torch.rand((b, m, t, p), device=mutable.device) * mutable_mask).flatten(2)
    some = some.flatten(2).scatter(2, one.argmax(-1, keepdim=True), 1.0)
    some[:, ::2] = 1.0
    return some.view(b, m, t, p, 1)


def mask_candidates(
    mask: Tensor, present: Tensor, any_of: Tensor, found: Tensor
) -> tuple[Tensor, Tensor]:
    """Return masks (B, M, N), the first being the demonstrated one, and an ignore mask (B, M).

    mask, present: (B, N) of 0 and 1; any_of: (B, 2), `EventBatch.any_of`; found: (B, C, N) in
    [0, 1] of the sampler. Besides the first, what is equal to it or as right as it does not count.
    """
    b, n = mask.shape
    true = mask.unsqueeze(1)
    flipped = (true - torch.eye(n, device=mask.device)).abs()
    anything = (torch.rand((b, RANDOM_MASKS, n), device=mask.device) < 0.5).float()
    shape = (b, SWAPPED_MASKS, n)
    leaves = (torch.rand(shape, device=mask.device) * true).argmax(-1)
    joins = (torch.rand(shape, device=mask.device) * (present - mask).unsqueeze(1)).argmax(-1)
    swapped = true.repeat(1, SWAPPED_MASKS, 1).scatter(2, leaves.unsqueeze(-1), 0.0)
    swapped = swapped.scatter(2, joins.unsqueeze(-1), 1.0)
    settled = (found > 0.5).float()
    candidates = torch.cat((true, settled, flipped, swapped, anything), 1) * present.unsqueeze(1)
    number = candidates.sum(-1)
    low, high = any_of.unsqueeze(-2).unbind(-1)
    ignored = (candidates == true).all(-1) | ((number >= low) & (number <= high) & (high > 0))
    ignored[:, 0] = False
    return candidates, ignored
