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
from torch.nn.functional import embedding_bag, silu

from .energy import Energy
from .layers import LastLayer, silu_and_slope
from .pair_layers import first_layers

_AT_ONCE = 1024  # sums over pairs: what f makes of them stays in caches


class MaskEnergies:
    """The energies of masks of 0 and 1 in B scenes; that of nobody attended to is infinite."""

    def __init__(self, energy: Energy, x: Tensor, last: LastLayer) -> None:
        """Prepare for inputs (B or 1, T, N, I), and f's last layer for the B codes."""
        self._energy, self._n = energy, x.shape[-2]
        hidden, of_network = energy.hidden, energy.residuals
        self._weight = last.weight[:, :hidden, :of_network]
        self._bias, self._rest = last.bias[..., :of_network], last.bias[..., of_network:]
        self._pairs = first_layers(energy, x)
        of_sums = last.weight[:, hidden:, of_network:]
        if of_sums.any():
            sums = energy.in_time_and_order(energy.other_sums(x)) @ of_sums
            self._pairs = torch.cat((self._pairs.expand(len(sums), -1, -1), sums), -1)

    def of(self, masks: Tensor) -> Tensor:
        """Return E (B, C) of masks (B, C, N), or (1, C, N) for all scenes."""
        each = [self._of_sums(*self._gated_sum(some)) for some in masks.split(_AT_ONCE, 1)]
        return torch.cat(each, 1).masked_fill(masks.sum(-1) == 0, torch.inf)

    def of_pairs(self) -> Tensor:
        """Return E (B, Q) of two entities each, i ≤ j; i = j: of one by itself."""
        both = torch.triu_indices(self._n, self._n, device=self._pairs.device)
        each = [self._of_two(*some) for some in both.split(_AT_ONCE, 1)]
        return torch.cat(each, 1)

    def _of_two(self, i: Tensor, j: Tensor) -> Tensor:
        own, same = self._own.index_select(1, i), i == j
        sums = own + self._own.index_select(1, j)
        if self._energy.relational:
            sums += self._pairs.index_select(1, self._number[i, j])
        sums[:, same] = own[:, same]
        return self._of_sums(sums, self._counted(torch.where(same, 1.0, 2.0)).to(sums))

    def of_toggles(self, masks: Tensor) -> Tensor:
        """Return E (B, C, N) where one entity of each mask (B, C, N) is turned over.

        What an entity adds is summed over its own pairs with those of the mask, not over all.
        """
        few = masks.split(max(1, _AT_ONCE // self._n), 1)
        return torch.cat([self._of_toggles(some) for some in few], 1)

    def _of_toggles(self, masks: Tensor) -> Tensor:
        if self._energy.relational:
            others, own = self._of_others(masks), self._own.unsqueeze(1)
            s = (masks.unsqueeze(-2) @ (own + 0.5 * others)).squeeze(-2)
            added = own + others
        else:
            s, added = masks @ self._own, self._own.unsqueeze(1)
        sign = 1.0 - 2.0 * masks
        sums = torch.addcmul(s.unsqueeze(-2), sign.unsqueeze(-1), added)
        size = masks.sum(-1, keepdim=True) + sign
        values = self._of_sums(sums.flatten(1, 2), self._counted(size).flatten(1))
        return values.unflatten(1, masks.shape[1:]).masked_fill(size == 0, torch.inf)

    def gate_gradient(self, gates: Tensor) -> Tensor:
        """Return ∂E/∂m (B, C, N) of gates m in [0, 1], as `Energy.energy_and_gate_gradient`."""
        e, size = self._energy, gates.sum(-1)
        s, count = self._gated_sum(gates)
        t, slope_1 = silu_and_slope(s[..., : e.hidden] + self._of_count(count))
        t, slope_2 = silu_and_slope(t @ e.f_hidden + e.f_hidden_bias)
        d_t = 2.0 * (t @ self._weight + self._bias) @ self._weight.mT
        d_s = d_z = ((d_t * slope_2) @ e.f_hidden.T) * slope_1
        if s.shape[-1] > e.hidden:
            d_s = torch.cat((d_z, 2.0 * (self._rest + s[..., e.hidden :])), -1)
        along, d_count = d_s @ self._pairs.mT, d_z @ e.f_count
        if not e.relational:
            return along + d_count.unsqueeze(-1)
        along = along[..., self._number.flatten()].unflatten(-1, self._number.shape)
        along = (along @ gates.unsqueeze(-1)).squeeze(-1)
        return along + (2.0 * d_count * size).unsqueeze(-1)

    def _gated_sum(self, gates: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `Energy.gated_sum` does, sooner."""
        weights = gates
        if self._energy.relational:
            i, j = torch.triu_indices(self._n, self._n, device=gates.device)
            weights = gates[..., i] * gates[..., j] * torch.where(i == j, 0.5, 1.0)
        return weights @ self._pairs, self._counted(gates.sum(-1))

    def _of_others(self, masks: Tensor) -> Tensor:
        """Return Σ_j≠i m_j (h_ij + h_ji) (B, C, N, …) of masks m (B, C, N).

        Few take part, so it adds up theirs alone.
        """
        b, c, n = masks.shape
        there, who = masks.topk(max(1, int(masks.sum(-1).max())))
        is_other = who.unsqueeze(-2) != torch.arange(n, device=who.device).unsqueeze(-1)
        which = self._number[who].mT  # (B, C, N, those who take part)
        if len(self._pairs) > 1:
            first = self._pairs.shape[1] * torch.arange(b, device=who.device)
            which = which + first.view(-1, 1, 1, 1)
        weights = (there.unsqueeze(-2) * is_other).flatten(0, 2)
        sums = embedding_bag(
            *(which.flatten(0, 2), self._pairs.flatten(0, 1)),
            mode='sum',
            per_sample_weights=weights,
        )
        return sums.view(b, c, n, -1)

    def _counted(self, size: Tensor) -> Tensor:
        """Return Σ m_i m_j of masks with so many entities."""
        return size.square() if self._energy.relational else size

    def _of_count(self, count: Tensor) -> Tensor:
        """Return what counts (…) of pairs add in f's first layer, (…, H)."""
        return torch.addcmul(self._energy.f_bias, count.unsqueeze(-1), self._energy.f_count)

    def _of_sums(self, s: Tensor, count: Tensor) -> Tensor:
        e = self._energy
        t = silu(self._of_count(count) + s[..., : e.hidden], inplace=True)
        t = silu((t @ e.f_hidden).add_(e.f_hidden_bias), inplace=True)
        value = (t @ self._weight + self._bias).square().sum(-1)
        rest = self._rest + s[..., e.hidden :] if s.shape[-1] > e.hidden else self._rest
        return value + rest.square().sum(-1)

    @cached_property
    def _own(self) -> Tensor:
        """Of each entity with itself, (B, N, …)."""
        if not self._energy.relational:
            return self._pairs
        return 0.5 * self._pairs[:, self._number.diagonal()]  # which stands in its pair sum twice

    @cached_property
    def _number(self) -> Tensor:
        """Which of the Q pairs two entities (N, N) are."""
        number = torch.zeros((self._n, self._n), dtype=torch.long, device=self._pairs.device)
        i, j = torch.triu_indices(self._n, self._n, device=number.device)
        number[i, j] = number[j, i] = torch.arange(len(i), device=number.device)
        return number
