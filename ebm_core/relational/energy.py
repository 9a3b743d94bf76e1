# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The energy E(x, a, w) (eq. 4) and its gradients, in closed form.

    E = ‖ A(s) w + b(s) ‖²,   s = Σ_ij σ(a_i) σ(a_j) g(x_i, x_j),   (A, b) = f(s)

Five things differ from the paper's text, and each buys convergence or speed:

* f returns a vector of residuals, not a scalar. The zero set of a squared scalar touches zero at an
  isolated goal with no curvature; a sum of squares is quadratic there.
* w enters linearly at the end of f, so E is a convex quadratic of w: inferring a concept from
  demonstrations (eq. 8) has no local minima, and neither g nor f's hidden layers are evaluated
  again while w moves.
* g's output layer and f's input layer are both linear with only a sum between them; they are one.
* g also sees how far apart the two entities are: shapes are made of distances, and two layers spend
  themselves on finding them in coordinates.
* a code may be a linear map instead (`maps`), whose residuals are added to the network's: what is
  linear in where everybody is, nothing has to learn. Or it is a relation (`leaders`), which tells
  who takes part; and `StateEnergy` adds residuals of `curves`, and how several stand
  to one another stands beside it (`formations`).

Gradients with respect to gates, code and states are written out, not taken by autograd: the
sampler's steps stay ordinary operations that training differentiates once.

Shapes: B any batch axes, T times, N entities, I inputs, H hidden units and Z sums, which maps and
formations need, R residuals, D code size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..world.scene import POSITION
from .affine import Affine
from .curves import Curves
from .formations import Formations
from .inputs import Inputs
from .layers import LastLayer, block_diagonal, homogeneous, separation, silu_and_slope
from .leaders import Leaders
from .maps import Maps
from .moments import is_movable, moments, number_of_moments


class Energy(nn.Module):
    """The relational energy; g and f have two hidden layers each, as in the paper's appendix."""

    def __init__(
        self,
        hidden: int = 128,
        residuals: int = 8,
        code_size: int = 8,
        relational: bool = True,
        distances: bool = True,
        inputs: Inputs | None = None,
        maps: bool = False,
        relations: bool = False,
        curves: bool = False,
        formations: bool = False,
    ) -> None:
        """Draw the weights; code_size is the network's, to which the other parts add.

        Ablations: relational=False sums g over entities, not pairs; distances=False leaves the
        weight of their distance at zero.
        """
        super().__init__()
        if maps and not relational:
            raise ValueError('maps: their sums are over pairs, which a relational energy has')
        if (relations or curves or formations) and not maps:
            raise ValueError(
                'relations, curves, formations: a code has such parts only where it has maps'
            )
        self.hidden, self.residuals, self.network_code = hidden, residuals, code_size
        self.relational = relational
        self.inputs = inputs = inputs or Inputs()
        # A map's part begins with whether the network counts.
        self.maps = Maps(inputs.roles, code_size + 1) if maps else None
        self.code_size = code_size if self.maps is None else self.maps.columns.stop
        self.leaders = Leaders(self.code_size) if relations else None
        self.code_size = self.code_size if self.leaders is None else self.leaders.columns.stop
        self.curves = Curves(self.code_size) if curves else None
        self.code_size = self.code_size if self.curves is None else self.curves.columns.stop
        self.formations = Formations(inputs.roles, self.code_size) if formations else None
        self.code_size = self.code_size if self.formations is None else self.formations.columns.stop
        self.num_moments = number_of_moments(inputs.roles) if maps else 0

        def weight(rows: int, columns: int, gain: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, columns) * gain / rows**0.5)

        def bias(columns: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(columns))

        self.g_first = weight(inputs.number, hidden)
        self.g_second = weight(inputs.number, hidden)
        # From zero: one that is there from the start is learned before the directions are, and
        # "north of" ends as a ring around its reference.
        self.g_distance = bias(hidden).requires_grad_(distances)
        self.g_bias = bias(hidden)
        self.g_hidden = weight(hidden, hidden, 1.5)
        self.g_hidden_bias = bias(hidden)
        self.f_in = weight(hidden, hidden)
        self.f_count = bias(hidden)
        self.f_bias = bias(hidden)
        self.f_hidden = weight(hidden, hidden, 1.5)
        self.f_hidden_bias = bias(hidden)
        out = residuals * (code_size + 1)
        self.f_out = weight(hidden, out)
        self.f_out_bias = bias(out)

    def frozen(self) -> Energy:
        """Return the same energy with parameters that receive no gradient (the bar of Ē)."""
        copy = Energy.__new__(Energy)
        nn.Module.__init__(copy)
        copy.hidden, copy.residuals, copy.code_size = self.hidden, self.residuals, self.code_size
        copy.network_code, copy.maps = self.network_code, self.maps
        copy.leaders, copy.curves = self.leaders, self.curves
        copy.formations, copy.num_moments = self.formations, self.num_moments
        copy.relational, copy.inputs = self.relational, self.inputs
        for name, parameter in self.named_parameters():
            copy.register_buffer(name, parameter.detach(), persistent=False)
        return copy

    # g: pairs of entities

    def pairs(self, x: Tensor) -> Tensor:
        """Return g's activations (B, N, N, H + Z) of all ordered pairs; x: (B, N, I)."""
        u = (x @ self.g_first).unsqueeze(-2) + (x @ self.g_second + self.g_bias).unsqueeze(-3)
        place = x[..., POSITION]
        distance, _ = separation(place.unsqueeze(-2), place.unsqueeze(-3))
        u = u + distance.unsqueeze(-1) * self.g_distance
        h = torch.nn.functional.silu(
            torch.nn.functional.silu(u) @ self.g_hidden + self.g_hidden_bias
        )
        return h if self.maps is None else torch.cat((h, self.other_sums(x)), -1)

    def other_sums(self, x: Tensor) -> Tensor:
        """Return what maps and formations sum over pairs (B, N, N, Z); x: (B, N, I)."""
        z = moments(x)
        of_moments = z.unsqueeze(-2) * is_movable(z).unsqueeze(-3)
        if self.formations is None:
            return of_moments
        return torch.cat((of_moments, self.formations.pairs(x)), -1)

    # f: residuals, affine in the code

    def affine_of_sum(self, s: Tensor, count: Tensor) -> Affine:
        """Return the residuals (B, …) of pair sums s (B, H + Z) and their number of pairs (B,)."""
        hidden, sums = s[..., : self.hidden], s[..., self.hidden :]
        out = self._last_hidden(hidden, count) @ self.f_out + self.f_out_bias
        of_network = out.unflatten(-1, (self.residuals, self.network_code + 1))
        if self.maps is None:
            return Affine(of_network)
        of_maps = self.maps.matrix(sums[..., : self.num_moments])
        if self.formations is None:
            return Affine(of_network, of_maps)
        return Affine(of_network, of_maps, self.formations.matrix(sums[..., self.num_moments :]))

    def _last_hidden(self, hidden: Tensor, count: Tensor) -> Tensor:
        silu = torch.nn.functional.silu
        t = silu(hidden @ self.f_in + count.unsqueeze(-1) * self.f_count + self.f_bias)
        return silu(t @ self.f_hidden + self.f_hidden_bias)

    def with_code(self, w: Tensor) -> LastLayer:
        """Return f's last layer for codes w (B, D).

        Whoever asks many energies of one code needs neither A nor b.
        """
        network = self.network_code + 1
        w1 = homogeneous(w) if self.maps is None else w[..., :network]
        weight = (w1 @ self.f_out.view(-1, network).T).unflatten(-1, (-1, self.residuals))
        bias = w1 @ self.f_out_bias.view(-1, network).T
        if self.maps is not None:
            parts = [(weight, bias), self.maps.layer(w[..., self.maps.columns])]
            if self.formations is not None:
                parts.append(self.formations.layer(w[..., self.formations.columns]))
            weights, biases = zip(*parts, strict=True)
            weight, bias = block_diagonal(weights), torch.cat(biases, -1)
        return LastLayer(weight, bias.unsqueeze(-2))

    def energy_of_sum(self, s: Tensor, count: Tensor, last: LastLayer) -> Tensor:
        """Return E (B, C) of C pair sums s (B, C, H + Z) with count (B, C) each."""
        t = self._last_hidden(s[..., : self.hidden], count)
        t = torch.cat((t, s[..., self.hidden :]), -1) if self.maps else t
        return (t @ last.weight + last.bias).square().sum(-1)

    def head(self, s: Tensor, count: Tensor, last: LastLayer) -> tuple[Tensor, Tensor, Tensor]:
        """Return E (B, C), ∂E/∂s (B, C, H + Z) and ∂E/∂count (B, C); arguments as above."""
        hidden, sums = s[..., : self.hidden], s[..., self.hidden :]
        z = hidden @ self.f_in + count.unsqueeze(-1) * self.f_count + self.f_bias
        t1, slope1 = silu_and_slope(z)
        t2, slope2 = silu_and_slope(t1 @ self.f_hidden + self.f_hidden_bias)
        t2 = torch.cat((t2, sums), -1) if self.maps else t2
        r = t2 @ last.weight + last.bias
        d_t2 = 2 * r @ last.weight.transpose(-1, -2)
        d_z = ((d_t2[..., : self.hidden] * slope2) @ self.f_hidden.T) * slope1
        d_s = d_z @ self.f_in.T
        d_s = torch.cat((d_s, d_t2[..., self.hidden :]), -1) if self.maps else d_s
        return r.square().sum(-1), d_s, d_z @ self.f_count

    # E as a function of the gates: identification

    def pair_sums(self, x: Tensor) -> Tensor:
        """Return what the gates weigh (B, pairs, H + Z), summed over time; x: (B, T, N, I).

        Unordered pairs i ≤ j: Σ_t h_ij + h_ji, which halves what identification reads in every
        step; if not relational, the N entities.
        """
        return self.in_time_and_order(self.pairs(x))

    def in_time_and_order(self, h: Tensor) -> Tensor:
        """Return Σ_t h_ij + h_ji (B, pairs, …) of ordered pairs (B, T, N, N, …), as `pair_sums`."""
        h, n = h.sum(-4), h.shape[-2]
        if not self.relational:
            return h.diagonal(dim1=-3, dim2=-2).transpose(-1, -2)
        i, j = self.unordered_pairs(n, h.device)
        return (h + h.transpose(-3, -2)).flatten(-3, -2).index_select(-2, i * n + j)

    def unordered_pairs(self, number: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return i ≤ j of the pairs of so many entities; not relational: each with itself."""
        if not self.relational:
            return (torch.arange(number, device=device),) * 2
        return tuple(torch.triu_indices(number, number, device=device))

    def pair_weights(self, gates: Tensor) -> Tensor:
        """Return the weights (..., pairs) of `pair_sums` under gates m (..., N)."""
        if not self.relational:
            return gates
        n = gates.shape[-1]
        i, j = torch.triu_indices(n, n, device=gates.device)
        # h_ii stands in its pair sum twice.
        once = torch.where(i == j, 0.5, 1.0)
        return gates.index_select(-1, i) * gates.index_select(-1, j) * once

    def pair_count(self, gates: Tensor) -> Tensor:
        """Return Σ m_i m_j (...) of gates m (..., N), over ordered pairs as in eq. 4."""
        return gates.sum(-1).square() if self.relational else gates.sum(-1)

    def gated_sum(self, h: Tensor, gates: Tensor) -> tuple[Tensor, Tensor]:
        """Return Σ m_i m_j h_ij (B, C, H + Z) and Σ m_i m_j (B, C) of C choices of gates.

        h: pair sums (B, pairs, H + Z); gates m: (B, C, N).
        """
        return self.pair_weights(gates) @ h, self.pair_count(gates)

    def energy_of_gates(self, h: Tensor, gates: Tensor, last: LastLayer) -> Tensor:
        """Return E (B, C); h: `pair_sums`, gates: (B, C, N)."""
        return self.energy_of_sum(*self.gated_sum(h, gates), last)

    def energy_and_gate_gradient(
        self, h: Tensor, gates: Tensor, last: LastLayer
    ) -> tuple[Tensor, Tensor]:
        """Return E (B, C) and ∂E/∂m (B, C, N); arguments as of `energy_of_gates`."""
        s, count = self.gated_sum(h, gates)
        energy, d_s, d_count = self.head(s, count, last)
        pull = d_s @ h.transpose(-1, -2)
        if not self.relational:
            return energy, pull + d_count.unsqueeze(-1)
        n = gates.shape[-1]
        i, j = torch.triu_indices(n, n, device=h.device)
        where = torch.zeros((n, n), dtype=torch.long, device=h.device)
        where[i, j] = where[j, i] = torch.arange(len(i), device=h.device)
        by_pair = pull.index_select(-1, where.flatten()).unflatten(-1, (n, n))
        gradient = (by_pair @ gates.unsqueeze(-1)).squeeze(-1)
        return energy, gradient + 2 * (d_count * gates.sum(-1)).unsqueeze(-1)

    def affine(self, x: Tensor, gates: Tensor) -> Affine:
        """Return the residuals (B, …) of x¹ … xᵀ (B, T, N, I) under gates (B, N)."""
        s, count = self.gated_sum(self.pair_sums(x), gates.unsqueeze(-2))
        return self.affine_of_sum(s.squeeze(-2), count.squeeze(-1))

    def energy_of_affine(self, affine: Affine, w: Tensor) -> Tensor:
        """Return E (B,) of residuals (B, …) and codes w (B, D)."""
        parts = (self.maps, self.formations)
        return affine.energy(w, *(None if part is None else part.columns for part in parts))

    def energy(self, x: Tensor, gates: Tensor, w: Tensor) -> Tensor:
        """Return E (B,); x: (B, T, N, I), gates in [0, 1]: (B, N), w: (B, D)."""
        return self.energy_of_affine(self.affine(x, gates), w)
