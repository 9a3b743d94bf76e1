# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who satisfies a curve in a still scene: of one mover and so many references, all are tried.

Shapes: B scenes, N entities, C choices, K references.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import torch
from torch import Tensor

from ..world.scene import MOVABLE, NUM_INPUTS, POSITION
from .curves import MOST, context_of, nothing_of_network
from .energy import Energy
from .kept import kept

_MOST_CHOICES = 8192  # beyond it, the network's search is all there is
_AT_ONCE = 1024


def choose(
    energy: Energy, inputs: Tensor, present: Tensor, w: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield rows (b,) of scenes whose codes have curves, and their masks (b, N) of least energy.

    inputs: (B, T, N, I), of whose last state it is; present: (B, N) of 0 and 1; w: codes (B, D).
    """
    code = w[:, energy.curves.columns]
    for k in range(MOST + 1):
        rows = ((code[:, 0] > 0.5) & (code[:, 1].round() == k)).nonzero().squeeze(1)
        choices = _choices(inputs.shape[-2], k, inputs.device) if len(rows) else None
        if choices is None:
            continue
        of_rows = (part[rows] for part in (inputs, present, w))
        mask, is_possible = _best(energy, *of_rows, choices)
        yield rows[is_possible], mask[is_possible]


def _best(
    energy: Energy, inputs: Tensor, present: Tensor, w: Tensor, choices: Tensor
) -> tuple[Tensor, Tensor]:
    """Return masks (B, N) of least energy of choices (C, 1 + K), and whether (B,) any can be."""
    x = inputs[:, -1]
    movable = (x[..., MOVABLE] > 0.5) & (present > 0.5)
    stays = (x[..., MOVABLE] <= 0.5) & (present > 0.5)
    mover, others = choices[:, 0], choices[:, 1:]
    can = movable[:, mover] & stays[:, others].all(-1)
    place = x[..., POSITION]
    roles = x[:, others, NUM_INPUTS:]
    about = context_of(place[:, others], torch.ones_like(roles[..., 0]), place[:, mover], roles)
    one = type(about)(*(part[:, 0] for part in about))
    value = energy.curves.of_choices(place[:, mover], about, energy.curves.coefficients(w, one))
    masks = torch.zeros(len(choices), x.shape[-2], device=x.device).scatter(1, choices, 1.0)
    is_alone = energy.curves.alone(w, one).unsqueeze(-1)
    of_network = torch.where(is_alone, nothing_of_network(w, energy.network_code), w)
    pairs, last = energy.pair_sums(inputs), energy.with_code(of_network)
    each = masks.expand(len(x), -1, -1).split(_AT_ONCE, 1)
    value = value + torch.cat([energy.energy_of_gates(pairs, some, last) for some in each], 1)
    least, which = value.masked_fill(~can, torch.inf).min(1)
    return masks[which], least.isfinite()


@kept
def _choices(n: int, k: int, device: torch.device) -> Tensor | None:
    """Return (C, 1 + K) a mover and k others of n, None where there are too many."""
    number = n
    for i in range(k):
        number = number * (n - 1 - i) // (i + 1)
    if not 0 < number <= _MOST_CHOICES:
        return None
    every = range(n)
    all_of_them = [(m, *r) for m in every for r in combinations([i for i in every if i != m], k)]
    return torch.tensor(all_of_them, device=device).view(-1, 1 + k)
