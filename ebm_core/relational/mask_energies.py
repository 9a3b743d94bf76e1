# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""E of very many masks in the same scenes, for the search that compares them.

What f does with a sum over pairs begins with linear maps. Each pair is taken through them once,
and not the sum of every mask.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from .energy import Energy
from .layers import LastLayer, silu_and_slope

_AT_ONCE = 1024  # masks, of which each weighs all pairs of entities


class MaskEnergies:
    """The energies of masks of 0 and 1 in B scenes; that of nobody attended to is infinite."""

    def __init__(self, energy: Energy, pairs: Tensor, last: LastLayer) -> None:
        """Prepare for `Energy.pair_sums` (B, Q, H + Z) and f's last layer for the B codes."""
        self._energy = energy
        hidden, of_network = energy.hidden, energy.residuals
        self._weight = last.weight[:, :hidden, :of_network]
        self._bias, self._rest = last.bias[..., :of_network], last.bias[..., of_network:]
        of_sums = last.weight[:, hidden:, of_network:]
        each = [pairs[..., :hidden] @ energy.f_in]
        if of_sums.any():
            each.append(pairs[..., hidden:] @ of_sums)
        self._pairs = torch.cat(each, -1)

    def of(self, masks: Tensor) -> Tensor:
        """Return E (B, C) of masks (B, C, N), or (1, C, N) for all scenes."""
        each = [self._energy.gated_sum(self._pairs, some) for some in masks.split(_AT_ONCE, 1)]
        values = torch.cat([self._of_sums(*sums) for sums in each], 1)
        return values.masked_fill(masks.sum(-1) == 0, torch.inf)

    def of_pairs(self, number: int) -> Tensor:
        """Return E (B, Q) of two of so many entities each, i ≤ j; i = j: of one by itself."""
        i, j = torch.triu_indices(number, number, device=self._pairs.device)
        sums = self._own[:, i] + self._own[:, j]
        if self._energy.relational:
            sums += self._pairs
        sums[:, i == j] = self._own
        count = self._counted(torch.where(i == j, 1.0, 2.0)).to(sums)
        return self._of_sums(sums, count.expand(len(sums), -1))

    def of_toggles(self, masks: Tensor) -> Tensor:
        """Return E (B, C, N) where one entity of each mask (B, C, N) is turned over.

        What an entity adds is summed over its own N pairs, not over all.
        """
        s, _ = self._energy.gated_sum(self._pairs, masks)
        added = self._own.unsqueeze(1)
        if self._energy.relational:
            added = added + self._of_others(masks)
        sign = 1.0 - 2.0 * masks
        sums = s.unsqueeze(-2) + sign.unsqueeze(-1) * added
        size = masks.sum(-1, keepdim=True) + sign
        values = self._of_sums(sums.flatten(1, 2), self._counted(size).flatten(1))
        return values.unflatten(1, masks.shape[1:]).masked_fill(size == 0, torch.inf)

    def gate_gradient(self, gates: Tensor) -> Tensor:
        """Return ∂E/∂m (B, C, N) of gates m in [0, 1], as `Energy.energy_and_gate_gradient`."""
        e, size = self._energy, gates.sum(-1)
        own, gate = self._own.unsqueeze(1), gates.unsqueeze(-1)
        if e.relational:
            others = self._of_others(gates)
            s = (gate * (0.5 * others + gate * own)).sum(-2)
            slope, of_count = others + 2.0 * gate * own, 2.0 * size
        else:
            s, slope, of_count = gates @ self._own, own, torch.ones_like(size)
        z = s[..., : e.hidden] + self._counted(size).unsqueeze(-1) * e.f_count + e.f_bias
        t, slope_1 = silu_and_slope(z)
        t, slope_2 = silu_and_slope(t @ e.f_hidden + e.f_hidden_bias)
        d_t = 2.0 * (t @ self._weight + self._bias) @ self._weight.mT
        d_s = d_z = ((d_t * slope_2) @ e.f_hidden.T) * slope_1
        if s.shape[-1] > e.hidden:
            d_s = torch.cat((d_z, 2.0 * (self._rest + s[..., e.hidden :])), -1)
        along = (slope @ d_s.unsqueeze(-1)).squeeze(-1)
        return along + ((d_z @ e.f_count) * of_count).unsqueeze(-1)

    def _of_others(self, gates: Tensor) -> Tensor:
        """Return Σ_j≠i m_j (h_ij + h_ji) (B, C, N, …) of gates m (B, C, N)."""
        return (gates @ self._with_others).unflatten(-1, (gates.shape[-1], -1))

    def _counted(self, size: Tensor) -> Tensor:
        """Return Σ m_i m_j of masks with so many entities."""
        return size.square() if self._energy.relational else size

    def _of_sums(self, s: Tensor, count: Tensor) -> Tensor:
        silu, e = torch.nn.functional.silu, self._energy
        t = silu(s[..., : e.hidden] + count.unsqueeze(-1) * e.f_count + e.f_bias)
        t = silu(t @ e.f_hidden + e.f_hidden_bias)
        value = (t @ self._weight + self._bias).square().sum(-1)
        rest = self._rest + s[..., e.hidden :] if s.shape[-1] > e.hidden else self._rest
        return value + rest.square().sum(-1)

    @cached_property
    def _own(self) -> Tensor:
        """Of each entity with itself, (B, N, …)."""
        if not self._energy.relational:
            return self._pairs
        number = self._number
        return 0.5 * self._pairs[:, number.diagonal()]  # which stands in its pair sum twice

    @cached_property
    def _with_others(self) -> Tensor:
        """Of each entity with each other one, (B, N, N · …)."""
        number = self._number
        others = 1.0 - torch.eye(len(number)).to(self._pairs).unsqueeze(-1)
        return (self._pairs[:, number] * others).flatten(-2)

    @cached_property
    def _number(self) -> Tensor:
        """Which of the Q pairs two entities (N, N) are."""
        q = self._pairs.shape[1]
        n = round(((8 * q + 1) ** 0.5 - 1) / 2)
        number = torch.zeros((n, n), dtype=torch.long, device=self._pairs.device)
        i, j = torch.triu_indices(n, n, device=number.device)
        number[i, j] = number[j, i] = torch.arange(q, device=number.device)
        return number
