"""The energy E(x, a, w) (eq. 4) and its gradients, in closed form.

    E = ‖ A(s) w + b(s) ‖²,   s = Σ_ij σ(a_i) σ(a_j) g(x_i, x_j),   (A, b) = f(s)

Three things differ from the paper's text, and each buys convergence or speed:

* f returns a vector of residuals, not a scalar. The zero set of a squared scalar touches zero at an
  isolated goal with no curvature; a sum of squares is quadratic there.
* w enters linearly at the end of f, so E is a convex quadratic of w: inferring a concept from
  demonstrations (eq. 8) has no local minima, and neither g nor f's hidden layers are evaluated
  again while w moves.
* g's output layer and f's input layer are both linear with only a sum between them; they are one.

Gradients with respect to gates, code and positions are written out, not taken by autograd: the
sampler's steps stay ordinary operations that training differentiates once.

Shapes: B any batch axes, N entities, H hidden units, R residuals, D code size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .scene import NUM_FEATURES, POSITION


def silu_and_slope(u: Tensor) -> tuple[Tensor, Tensor]:
    """Return SiLU(u) and its derivative."""
    gate = torch.sigmoid(u)
    value = u * gate
    return value, gate + value * (1 - gate)


class Energy(nn.Module):
    """The relational energy; g and f have two hidden layers each, as in the paper's appendix."""

    def __init__(self, hidden: int = 128, residuals: int = 8, code_size: int = 8) -> None:
        super().__init__()
        self.hidden, self.residuals, self.code_size = hidden, residuals, code_size

        def weight(rows: int, columns: int, gain: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, columns) * gain / rows**0.5)

        def bias(columns: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(columns))

        self.g_first = weight(NUM_FEATURES, hidden)
        self.g_second = weight(NUM_FEATURES, hidden)
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
        for name, parameter in self.named_parameters():
            copy.register_buffer(name, parameter.detach(), persistent=False)
        return copy

    # g: pairs of entities

    def pairs(self, x: Tensor) -> Tensor:
        """Return g's hidden activations (B, N, N, H) of all ordered pairs; x: (B, N, F)."""
        u = (x @ self.g_first).unsqueeze(-2) + (x @ self.g_second + self.g_bias).unsqueeze(-3)
        return torch.nn.functional.silu(
            torch.nn.functional.silu(u) @ self.g_hidden + self.g_hidden_bias
        )

    # f: residuals, affine in the code

    def affine(self, s: Tensor, count: Tensor) -> Tensor:
        """Return [A | b] (B, R, D + 1) of the pair sum s (B, H) and its number of pairs (B,)."""
        silu = torch.nn.functional.silu
        t = silu(s @ self.f_in + count.unsqueeze(-1) * self.f_count + self.f_bias)
        t = silu(t @ self.f_hidden + self.f_hidden_bias)
        out = t @ self.f_out + self.f_out_bias
        return out.unflatten(-1, (self.residuals, self.code_size + 1))

    def head(self, s: Tensor, count: Tensor, w1: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return E (B,), ∂E/∂s (B, H) and ∂E/∂count (B,); w1: (B, D + 1), the code and a one."""
        z = s @ self.f_in + count.unsqueeze(-1) * self.f_count + self.f_bias
        t1, slope1 = silu_and_slope(z)
        t2, slope2 = silu_and_slope(t1 @ self.f_hidden + self.f_hidden_bias)
        out = (t2 @ self.f_out + self.f_out_bias).unflatten(-1, (self.residuals, -1))
        r = (out * w1.unsqueeze(-2)).sum(-1)
        d_out = (2 * r).unsqueeze(-1) * w1.unsqueeze(-2)
        d_t2 = d_out.flatten(-2) @ self.f_out.T
        d_t1 = (d_t2 * slope2) @ self.f_hidden.T
        d_z = d_t1 * slope1
        return r.square().sum(-1), d_z @ self.f_in.T, d_z @ self.f_count

    def energy_of_sum(self, s: Tensor, count: Tensor, w1: Tensor) -> Tensor:
        """Return E (B,) of pair sums s (B, H) with count (B,) and w1 (B, D + 1)."""
        return _square_norm(self.affine(s, count), w1)

    # E as a function of the gates: identification

    @staticmethod
    def gated_sum(h: Tensor, gates: Tensor) -> tuple[Tensor, Tensor]:
        """Return Σ m_i m_j h_ij (B, H) and Σ m_i m_j (B,); h: (B, N, N, H), gates m: (B, N)."""
        weights = gates.unsqueeze(-1) * gates.unsqueeze(-2)
        s = (weights.flatten(-2).unsqueeze(-2) @ h.flatten(-3, -2)).squeeze(-2)
        return s, weights.sum((-1, -2))

    def energy_and_gate_gradient(
        self, h: Tensor, gates: Tensor, w1: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return E (B,) and ∂E/∂m (B, N), the pairs' activations h (B, N, N, H) being given."""
        s, count = self.gated_sum(h, gates)
        energy, d_s, d_count = self.head(s, count, w1)
        pull = (h.flatten(-3, -2) @ d_s.unsqueeze(-1)).unflatten(-2, h.shape[-3:-1]).squeeze(-1)
        pull = pull + d_count[..., None, None]
        gradient = ((pull + pull.transpose(-1, -2)) @ gates.unsqueeze(-1)).squeeze(-1)
        return energy, gradient

    def affine_of_event(self, x: Tensor, gates: Tensor) -> Tensor:
        """Return [A | b] (B, R, D + 1) of states x (B, N, F) under gates (B, N)."""
        return self.affine(*self.gated_sum(self.pairs(x), gates))

    def energy(self, x: Tensor, gates: Tensor, w: Tensor) -> Tensor:
        """Return E (B,); x: (B, N, F), gates in [0, 1]: (B, N), w: (B, D)."""
        return energy_of_affine(self.affine_of_event(x, gates), w)


class ActorEnergy:
    """E as a function of the actor's position alone: what generation and control optimise.

    Pairs without the actor are constant and summed once; entities that are not attended to must be
    left out by the caller or have gate zero.

    x: (B, N, F) with the actor at entity 0; gates: (B, N); w: (B, D).
    """

    def __init__(self, energy: Energy, x: Tensor, gates: Tensor, w: Tensor) -> None:
        self.e = e = energy
        others = x[..., 1:, :]
        rest = gates[..., 1:]
        static, _ = e.gated_sum(e.pairs(others), rest)
        self.static = static
        self.count = gates.sum(-1).square()
        self.w1 = with_one(w)
        still = x[..., 0, :].clone()
        still[..., POSITION] = 0.0
        first, second = still @ e.g_first, still @ e.g_second
        # Input to g's first layer of the pairs (actor, j), (j, actor), (actor, actor), without the
        # actor's position; the rows of `slope` say how that position enters.
        self.base = torch.cat(
            (
                first.unsqueeze(-2) + others @ e.g_second + e.g_bias,
                others @ e.g_first + second.unsqueeze(-2) + e.g_bias,
                (first + second + e.g_bias).unsqueeze(-2),
            ),
            -2,
        )
        n = others.shape[-2]
        p, q = e.g_first[POSITION], e.g_second[POSITION]
        self.slope = torch.stack([p] * n + [q] * n + [p + q])  # (pairs, 2, H)
        actor = gates[..., :1]
        self.weights = torch.cat((actor * rest, actor * rest, actor * actor), -1)

    def _first_layer(self, position: Tensor) -> Tensor:
        """Return (B, M, pairs, H) inputs of SiLU for positions (B, M, 2)."""
        p, q = self.e.g_first[POSITION], self.e.g_second[POSITION]
        n = (self.base.shape[-2] - 1) // 2
        by_first, by_second = position @ p, position @ q
        shift = torch.cat(
            (
                by_first.unsqueeze(-2).expand(*by_first.shape[:-1], n, -1),
                by_second.unsqueeze(-2).expand(*by_second.shape[:-1], n, -1),
                (by_first + by_second).unsqueeze(-2),
            ),
            -2,
        )
        return shift + self.base.unsqueeze(-3)

    def __call__(self, position: Tensor) -> Tensor:
        """Return E (B, M) with the actor at position (B, M, 2), particle units."""
        e = self.e
        silu = torch.nn.functional.silu
        h = silu(silu(self._first_layer(position)) @ e.g_hidden + e.g_hidden_bias)
        s = (self.weights[..., None, None, :] @ h).squeeze(-2) + self.static.unsqueeze(-2)
        return e.energy_of_sum(s, self.count.unsqueeze(-1), self.w1.unsqueeze(-2))

    def value_and_gradient(self, position: Tensor) -> tuple[Tensor, Tensor]:
        """Return E (B, M) and ∂E/∂position (B, M, 2)."""
        e = self.e
        t1, slope1 = silu_and_slope(self._first_layer(position))
        t2, slope2 = silu_and_slope(t1 @ e.g_hidden + e.g_hidden_bias)
        s = (self.weights[..., None, None, :] @ t2).squeeze(-2) + self.static.unsqueeze(-2)
        energy, d_s, _ = e.head(s, self.count.unsqueeze(-1), self.w1.unsqueeze(-2))
        d_t2 = self.weights[..., None, :, None] * d_s.unsqueeze(-2)
        d_u = ((d_t2 * slope2) @ e.g_hidden.T) * slope1
        n = (self.base.shape[-2] - 1) // 2
        both = d_u[..., -1, :]
        d_first = d_u[..., :n, :].sum(-2) + both
        d_second = d_u[..., n : 2 * n, :].sum(-2) + both
        gradient = d_first @ e.g_first[POSITION].T + d_second @ e.g_second[POSITION].T
        return energy, gradient


def energy_of_affine(affine: Tensor, w: Tensor) -> Tensor:
    """Return ‖A w + b‖² (B,) of [A | b] (B, R, D + 1) and codes w (B, D)."""
    return _square_norm(affine, with_one(w))


def _square_norm(affine: Tensor, w1: Tensor) -> Tensor:
    return (affine * w1.unsqueeze(-2)).sum(-1).square().sum(-1)


def with_one(w: Tensor) -> Tensor:
    """Return the code (B, D) with a one appended: A w + b = [A | b] (w, 1)."""
    return torch.cat((w, torch.ones_like(w[..., :1])), -1)
