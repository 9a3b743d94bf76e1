# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""E as a function of the states of the entities that may change: what generation descends."""

from __future__ import annotations

import torch
from torch import Tensor

from ..world.scene import POSITION
from .curves import context_of, nothing_of_network
from .energy import Energy
from .formation_search import FormationOfStates
from .layers import LastLayer, separation, silu_and_slope
from .moments import is_movable, moments, vector_jacobian


class StateEnergy:
    """E(x¹ … xᵀ) with attention and code given, for many candidate states at once.

    Pairs of two entities that do not change are constant and summed once.

    x: (B, T, P, F) states of the P attended entities, of which the first `movers` may change;
    before: x⁰ (B, P, F); gates: (B, P); w: (B, D); roles: (B, P, roles) or None.
    """

    def __init__(
        self,
        energy: Energy,
        before: Tensor,
        x: Tensor,
        gates: Tensor,
        w: Tensor,
        movers: int,
        roles: Tensor | None = None,
    ) -> None:
        self.e = e = energy
        self.before = before.unsqueeze(1)
        self.roles = None if roles is None else roles.unsqueeze(1)
        self.movers = movers
        self.w, self.about = w, None
        moves_one = movers == 1 and x.shape[-3] == 1
        # To ask a GPU whether any code has curves would be to wait for it.
        if e.curves is not None and moves_one and (w.is_cuda or e.curves.any_in(w)):
            of_others = None if roles is None else roles[:, 1:]
            places = x[:, 0, 1:, POSITION]
            self.about = context_of(places, gates[:, 1:], before[:, 0, POSITION], of_others)
            is_alone = e.curves.alone(w, self.about).unsqueeze(-1)
            w = torch.where(is_alone, nothing_of_network(w, e.network_code), w)
        self.last = last = e.with_code(w)
        gg = gates.unsqueeze(-1) * gates.unsqueeze(-2) if e.relational else torch.diag_embed(gates)
        self.gates = gates[:, None, None]  # (B, 1, 1, P)
        self.count = e.pair_count(gates).unsqueeze(1)
        # Pairs whose first entity moves, and those whose second alone does.
        pairs = torch.cat((gg[:, :movers].flatten(1), gg[:, movers:, :movers].flatten(1)), 1)
        self.weights = pairs[:, None, None, None, :]  # (B, 1, 1, 1, pairs)
        # Of a map, or where two curves cross, the network need not be asked; nor is a GPU.
        of_network = w[..., : e.network_code + 1]
        self.silent = e.maps is not None and not w.is_cuda and not bool(of_network.any())
        others = slice(movers, None)
        if movers < x.shape[-2] and not self.silent:
            of_others = None if roles is None else roles[..., others, :]
            still = e.pair_sums(e.inputs(x[..., others, :], before[..., others, :], of_others))
            self.static = e.gated_sum(still, gates[:, None, others])[0][..., : e.hidden]
        else:
            self.static = torch.zeros((), device=x.device)
        self.formation = None
        if e.formations is not None:
            at, code = e.formations.layout, w[..., e.formations.columns]
            if w.is_cuda or bool(code.any()):
                inputs = e.inputs(x, before, roles)[:, 0]
                self.formation = FormationOfStates(at, inputs, gates, movers, code)
            else:
                weight = last.weight[:, : -at.sums, : -at.sums]
                self.last = LastLayer(weight, last.bias[..., : -at.sums])
        if self.silent:
            self.last = LastLayer(self.last.weight[:, e.hidden :], self.last.bias)

    def __call__(self, states: Tensor) -> Tensor:
        """Return E (B, M) of candidates (B, M, T, P, F)."""
        e, x = self.e, self._inputs(states)
        s = self._sums(states, self._moments(x))
        if self.silent:
            energy = (s @ self.last.weight + self.last.bias).square().sum(-1)
        else:
            silu = torch.nn.functional.silu
            u, _, _ = self._first_layer(states, x)
            h = silu(silu(u) @ e.g_hidden + e.g_hidden_bias)
            of_network = (self.weights @ h).squeeze(-2).sum(-2) + self.static
            energy = e.energy_of_sum(torch.cat((of_network, s), -1), self.count, self.last)
        return energy if self.about is None else energy + self._of_curves(states)[0]

    def value_and_gradient(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Return E (B, M) and ∂E/∂states (B, M, T, P, F), zero for entities that do not move."""
        e, m, p, x = self.e, self.movers, states.shape[-2], self._inputs(states)
        z = self._moments(x)
        s = self._sums(states, z)
        if self.silent:
            r = s @ self.last.weight + self.last.bias
            energy, d_sums = r.square().sum(-1), 2 * r @ self.last.weight.mT
            d_x = x.new_zeros(*x.shape[:-2], m, x.shape[-1])
        else:
            energy, d_x, d_sums = self._of_network(states, x, s)
        if z is not None:
            of_moments = d_sums[:, :, None, : e.num_moments]
            by_movable = (of_moments * z).sum(-1, keepdim=True)
            d_moments = of_moments * is_movable(z)
            d_moments = d_moments + torch.nn.functional.pad(by_movable, (0, z.shape[-1] - 1))
            d_each = d_moments.unsqueeze(-2) * self.gates[..., :m, None]
            d_x = d_x + vector_jacobian(x[..., :m, :], d_each)
        gradient = torch.nn.functional.pad(e.inputs.vector_jacobian(d_x), (0, 0, 0, p - m))
        if self.about is not None:
            of_curves, d_place = self._of_curves(states)
            energy = energy + of_curves
            gradient[:, :, 0, 0, POSITION] += d_place
        if self.formation:
            d_place = self.formation.pull(states[..., POSITION], d_sums[..., e.num_moments :])
            gradient[..., :m, POSITION] += d_place
        return energy, gradient

    def _of_network(self, states: Tensor, x: Tensor, sums: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return E (B, M), and its gradients by inputs (B, M, T, m, I) and `sums` (B, M, Z)."""
        e, m, p = self.e, self.movers, states.shape[-2]
        u, first_by, second_by = self._first_layer(states, x)
        t1, slope1 = silu_and_slope(u)
        t2, slope2 = silu_and_slope(t1 @ e.g_hidden + e.g_hidden_bias)
        s = (self.weights @ t2).squeeze(-2).sum(-2) + self.static
        energy, d_s, _ = e.head(torch.cat((s, sums), -1), self.count, self.last)
        d_t2 = self.weights.transpose(-1, -2) * d_s[:, :, None, None, : e.hidden]
        d_u = ((d_t2 * slope2) @ e.g_hidden.T) * slope1
        by_first = d_u[..., : m * p, :].unflatten(-2, (m, p))
        d_second = by_first[..., :m, :].sum(-3)
        if m < p:
            d_second = d_second + d_u[..., m * p :, :].unflatten(-2, (p - m, m)).sum(-3)
        d_x = by_first.sum(-2) @ e.g_first.T + d_second @ e.g_second.T
        d_distance = d_u @ e.g_distance
        pull = d_distance[..., : m * p].unflatten(-1, (m, p)).unsqueeze(-1) * first_by
        push = d_distance[..., m * p :].unflatten(-1, (p - m, m)).unsqueeze(-1) * second_by
        d_place = pull.sum(-2) - pull[..., :m, :].sum(-3) - push.sum(-3)
        d_x = d_x + torch.nn.functional.pad(d_place, (0, d_x.shape[-1] - 2))
        return energy, d_x, d_s[..., e.hidden :]

    def _first_layer(self, states: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the inputs (B, M, T, pairs, H) of g's first SiLU, and how distances change.

        That is the gradients of the pairs' distances by the first entity's position, (B, M, T, m,
        P, 2) where the first moves, and (B, M, T, P - m, m, 2) where the second alone does.
        """
        e, m = self.e, self.movers
        place = states[..., POSITION]
        near, first_by = separation(place[..., :m, None, :], place[..., None, :, :])
        far, second_by = separation(place[..., m:, None, :], place[..., None, :m, :])
        distance = torch.cat((near.flatten(-2), far.flatten(-2)), -1).unsqueeze(-1) * e.g_distance
        first, second = x @ e.g_first, x @ e.g_second + e.g_bias
        u = (first[..., :m, :].unsqueeze(-2) + second.unsqueeze(-3)).flatten(-3, -2)
        other = first[..., m:, :].unsqueeze(-2) + second[..., :m, :].unsqueeze(-3)
        return torch.cat((u, other.flatten(-3, -2)), -2) + distance, first_by, second_by

    def _inputs(self, states: Tensor) -> Tensor:
        """Return the inputs (B, M, T, P, I) of candidates (B, M, T, P, F)."""
        return self.e.inputs(states, self.before.expand(*states.shape[:2], -1, -1), self.roles)

    def _sums(self, states: Tensor, z: Tensor | None) -> Tensor:
        """Return the sums (B, M, Z) that maps and formations need; z: `_moments`."""
        parts = [states.new_zeros(*states.shape[:2], 0)]
        if z is not None:
            parts.append((z * is_movable(z)).sum(-2))
        if self.formation:
            parts.append(self.formation.sums(states[..., POSITION]))
        return torch.cat(parts, -1)

    def _moments(self, x: Tensor) -> Tensor | None:
        """Return Σ m_i z_i (B, M, T, Z) of inputs x (B, M, T, P, I), None where nothing asks."""
        if not self.e.maps:
            return None
        return (self.gates.unsqueeze(-2) @ moments(x)).squeeze(-2)

    def _of_curves(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Return E (B, M) of curves, and its gradient (B, M, 2) by the mover's place."""
        return self.e.curves.value_and_gradient(states[:, :, 0, 0, POSITION], self.about, self.w)
