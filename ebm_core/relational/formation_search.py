# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Formations as a function of where the movers are, and the way into one.

Chains end near a formation, not in it: the network's energy has ripples, and a formation's is
stiff. Its residuals are few and smooth in the places, so Gauss and Newton's steps arrive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..world.scene import PLANE_HALF_WIDTH, POSITION
from .formations import Layout, of_offsets, offsets, pair_kinds, slopes

if TYPE_CHECKING:
    from .state_energy import StateEnergy

_STEPS = 20
_DAMPING = 1e-2  # of the first step
# Per unit²: which of the places found counts, those that are exact before those that are not, and
# those within the plane before those outside it.
_EXACT, _WITHIN = 1e4, 1e3


class FormationOfStates:
    """The sums over pairs, and their residuals, by the positions of those who may move.

    x: inputs (B, P, I) of the attended entities, of which the first `movers` move; gates: (B, P).
    code: a code's part (B, V).
    """

    def __init__(self, at: Layout, x: Tensor, gates: Tensor, movers: int, code: Tensor) -> None:
        weights = pair_kinds(x) * (gates.unsqueeze(-1) * gates.unsqueeze(-2)).unsqueeze(-1)
        self.weights, self.movers = weights[:, None, None, :movers], movers
        self.scales = at.scales(code).unsqueeze(1)
        self.targets = at.targets(code).unsqueeze(1)

    def sums(self, place: Tensor) -> Tensor:
        """Return the sums (B, M, sums) over pairs and time; place: (B, M, T, P, 2)."""
        base = of_offsets(offsets(place)[..., : self.movers, :, :])
        return torch.einsum('bmtijk,bmtijf->bmtkf', self._like(base), base).sum(2).flatten(2)

    def pull(self, place: Tensor, d_sums: Tensor) -> Tensor:
        """Return ∂E/∂place (B, M, T, movers, 2) of ∂E/∂sums (B, M, sums)."""
        slope = slopes(offsets(place)[..., : self.movers, :, :])
        of_kind = d_sums.unflatten(-1, (self.weights.shape[-1], -1))
        d_base = torch.einsum('btijk,bmkf->bmtijf', self.weights.squeeze(1), of_kind)
        d_offset = (d_base.unsqueeze(-1) * slope).sum(-2)
        return d_offset[..., : self.movers, :].sum(-3) - d_offset.sum(-2)

    def residuals(self, place: Tensor) -> Tensor:
        """Return by how much the sums (B, M, sums) are missed, in units of distance."""
        return self.scales * self.sums(place) - self.targets

    def jacobian(self, place: Tensor) -> Tensor:
        """Return ∂residuals/∂place (B, M, sums, T, movers, 2)."""
        slope = slopes(offsets(place)[..., : self.movers, :, :])
        weights = self._like(slope)
        first = torch.einsum('bmtijk,bmtijfc->bmkftic', weights, slope)
        m = self.movers
        second = torch.einsum('bmtijk,bmtijfc->bmkftjc', weights[..., :m, :], slope[..., :m, :, :])
        return (second - first).flatten(2, 3) * self.scales[..., None, None, None]

    def reached(self, place: Tensor, steps: int) -> Tensor:
        """Return places (B, M, T, P, 2) nearby where the residuals are least.

        By steps of Levenberg and Marquardt, each taken where it makes them less.
        """
        m = self.movers
        residuals = self.residuals(place)
        value = residuals.square().sum(-1)
        damping = torch.full_like(value, _DAMPING)
        for _ in range(steps):
            slope = self.jacobian(place).flatten(3)
            matrix = slope.mT @ slope
            matrix = matrix + torch.diag_embed(damping.unsqueeze(-1).expand(*matrix.shape[:-1]))
            step = torch.linalg.solve_ex(matrix, slope.mT @ residuals.unsqueeze(-1)).result
            trial = place.clone()
            trial[..., :m, :] -= step.unflatten(2, (-1, m, 2)).squeeze(-1)
            trial_residuals = self.residuals(trial)
            trial_value = trial_residuals.square().sum(-1)
            better = trial_value < value
            place = torch.where(better[..., None, None, None], trial, place)
            residuals = torch.where(better.unsqueeze(-1), trial_residuals, residuals)
            value = torch.where(better, trial_value, value)
            damping = torch.where(better, damping / 5, damping * 4)
        return place

    def _like(self, base: Tensor) -> Tensor:
        return self.weights.expand(*base.shape[:3], -1, -1, -1)


def in_formation(energy: StateEnergy, states: Tensor) -> Tensor:
    """Return of states (B, M, T, P, F), brought where a code's formation is, the best (B, T, P, F).

    Codes without a formation leave them as they are. Of many exact places the energy chooses.
    """
    formation, m = energy.formation, energy.movers
    place = formation.reached(states[..., POSITION], _STEPS)
    states = states.clone()
    states[..., POSITION] = place
    outside = (place[..., :m, :].abs() - PLANE_HALF_WIDTH).clamp_min(0.0).square().sum((-1, -2, -3))
    missed = formation.residuals(place).square().sum(-1)
    has_one = (formation.scales != 0).any(-1)
    cost = energy(states) + has_one * (_EXACT * missed + _WITHIN * outside)
    return states[torch.arange(len(states), device=states.device), cost.argmin(1)]
