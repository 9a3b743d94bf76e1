# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether a concept is satisfied where everybody is.

What a code says exactly (maps, curves, bounds) has residuals that are distances, in any scene. The
network's energy of a satisfied state differs from scene to scene: so it is compared with the least
that a search finds in the same one, and what is above it with a measured threshold.

Shapes: B scenes, T times, P participants, F features, D code size.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .energy import Energy
from .sampler import Sampler
from .state_energy import StateEnergy

RESTARTS = 32
TOLERANCE = 0.1  # particle units, how far from satisfied counts as satisfied
_LEAST_SLOPE = 1e-6


@torch.no_grad()
def excess(
    energy: Energy,
    sampler: Sampler,
    before: Tensor,
    states: Tensor,
    gates: Tensor,
    w: Tensor,
    mutable: Tensor,
    movers: int,
    roles: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Return by how much states fall short of what codes ask for, (B,), and where it is exact.

    before: x⁰ (B, P, F); states: x¹ … xᵀ (B, T, P, F), movers first; gates: (B, P) of 0 and 1; w:
    (B, D); mutable: (B, P, F), 1 for what may change; roles: (B, P, R) or None. Where it is exact,
    (B,) bool, it is a distance in particle units, otherwise energy above the least that chains
    find, of which one begins at x⁰.
    """
    start = torch.where(mutable.unsqueeze(1) > 0.5, before.unsqueeze(1), states)
    of = StateEnergy(energy, before, start, gates, w, movers, roles)
    exact = _is_exact(energy, of, w)
    short = torch.zeros_like(exact, dtype=w.dtype)
    if not exact.all():
        best = sampler.generate_best(of, start, mutable, restarts=RESTARTS, generator=generator)
        here = of(torch.stack((states, best), 1))
        short = (here[:, 0] - here[:, 1]).clamp_min(0.0)
    if exact.any():
        of_exact = StateEnergy(energy, before, start, gates, _exactly(energy, w), movers, roles)
        value, gradient = of_exact.value_and_gradient(states.unsqueeze(1))
        # Of the square of a distance, the value is half of the slope times the distance.
        slope = (gradient[:, 0] * mutable.unsqueeze(1)).flatten(1).norm(dim=-1)
        far = 2 * value[:, 0] / slope.clamp_min(_LEAST_SLOPE)
        short = torch.where(exact, far, short)
    return short, exact


def _is_exact(energy: Energy, of: StateEnergy, w: Tensor) -> Tensor:
    """Tell (B,) which codes (B, D) are maps or have curves of as many references as take part."""
    if energy.maps is None:
        return torch.zeros(len(w), dtype=torch.bool)
    exact = w[:, energy.maps.columns.start] > 0.5
    return exact if of.about is None else exact | energy.curves.counts(w, of.about)


def is_little(
    short: Tensor, exact: Tensor, variable: str, thresholds: Mapping[str, float]
) -> Tensor:
    """Tell (B,) whether what `excess` returns is little enough.

    variable: what may change (`sampler.variable_of`), by which there are thresholds of energy.
    """
    return torch.where(exact, short <= TOLERANCE, short <= thresholds[variable])


def _exactly(energy: Energy, w: Tensor) -> Tensor:
    """Return codes (B, D) with nothing of the network where there are curves, nor where on them."""
    if energy.curves is None:
        return w
    w = w.clone()
    of_network = slice(0, energy.network_code + 1)
    w[:, of_network] *= ~energy.curves.are_in(w).unsqueeze(-1)
    energy.curves.without_pull(w)
    return w
