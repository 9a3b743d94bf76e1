# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""All pairs of very many entities, taken through g and f's first matrix, as far as caches reach.

Of a hundred entities there are ten thousand ordered pairs with hundreds of activations each. To
write them all down and read them again after each operation takes longer than to compute them.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, silu

from ..world.scene import POSITION
from .energy import Energy
from .layers import separation

_AT_ONCE = 512  # pairs at a time


@torch.no_grad()
def first_layers(energy: Energy, x: Tensor) -> Tensor:
    """Return `Energy.pair_sums` (B, Q, H) of g after f's first matrix; x: inputs (B, T, N, I).

    A search compares masks; no gradient is taken of it.
    """
    b, t, n, _ = x.shape
    first, second = x @ energy.g_first, x @ energy.g_second + energy.g_bias
    parts = torch.cat((first.flatten(0, 2), second.flatten(0, 2), energy.g_distance[None]))
    place = x[..., POSITION].flatten(0, 2)
    i, j = energy.unordered_pairs(n, x.device)
    begins = n * torch.arange(b * t, device=x.device).view(b, 1, t)
    out = x.new_empty(b * len(i), energy.hidden)
    each = ((begins + which[:, None]).flatten().split(_AT_ONCE * t) for which in (i, j))
    for rows, one, other in zip(out.split(_AT_ONCE), *each, strict=True):
        distance, _ = separation(place[one], place[other])
        h = _hidden(energy, parts, one, other, distance)
        if energy.relational:
            h += _hidden(energy, parts, other, one, distance)
        torch.mm(h.view(-1, t, energy.hidden).sum(1), energy.f_in, out=rows)
    return out.view(b, len(i), -1)


def _hidden(
    energy: Energy, parts: Tensor, first: Tensor, second: Tensor, distance: Tensor
) -> Tensor:
    """Return g's activations (pairs, H) of which entities are first and second, by their parts."""
    last = len(parts) - 1  # what a distance adds
    which = torch.stack((first, second + last // 2, torch.full_like(first, last)), 1)
    weights = torch.ones_like(which, dtype=parts.dtype)
    weights[:, 2] = distance
    u = embedding_bag(which, parts, mode='sum', per_sample_weights=weights)
    h = torch.addmm(energy.g_hidden_bias, silu(u, inplace=True), energy.g_hidden)
    return silu(h, inplace=True)
