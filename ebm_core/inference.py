"""Execution-time inference: Langevin steps on the code w, the attention a and the state x.

Every chain takes K steps of  v ← v − α_k · clip(∇E) + noise  (eq. 3; the paper prints a plus, but
the step must descend). The step sizes α_k and the clipping radius of each variable are learned with
the energy, so that K steps are enough (the paper's KL objective asks for just that).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .energy import ActorEnergy, Energy, with_one

LANGEVIN_NOISE = 0.005  # standard deviation per step while training; √α would drown the signal
CODE_START = 0.05  # standard deviation of the codes that inference starts from
_INITIAL_STEP = {'code': 0.3, 'attention': 1.0, 'position': 0.05}
_INITIAL_CLIP = {'code': 2.0, 'attention': 2.0, 'position': 5.0}


class Sampler(nn.Module):
    """The three chains, with their learned step sizes."""

    def __init__(self, steps: int = 10) -> None:
        super().__init__()
        self.steps = steps
        self.log_step = nn.ParameterDict(
            {k: nn.Parameter(torch.full((steps,), math.log(v))) for k, v in _INITIAL_STEP.items()}
        )
        self.log_clip = nn.ParameterDict(
            {k: nn.Parameter(torch.tensor(math.log(v))) for k, v in _INITIAL_CLIP.items()}
        )

    def step(self, variable: str, k: int, value: Tensor, gradient: Tensor, noise: float) -> Tensor:
        """Return the value (..., n) after step k of the variable's chain.

        The gradient is clipped softly, g / (1 + |g| / c): a far start moves at a bounded pace, a
        near one as the gradient says.
        """
        radius = self.log_clip[variable].exp()
        norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
        value = value - self.log_step[variable][k].exp() * gradient / (1 + norm / radius)
        return value + noise * torch.randn_like(value) if noise else value

    def infer_code(
        self,
        affine: Tensor,
        *,
        generator: torch.Generator | None = None,
        noise: float = 0.0,
    ) -> Tensor:
        """Return w (C, D) that minimises the mean energy of M demonstrations (eq. 8).

        affine: (C, M, R, D + 1), `Energy.affine_of_event` of the demonstrations. E is quadratic in
        w, so they enter once, as the mean of [A | b]ᵀ[A | b].
        """
        quadratic = (affine.mT @ affine).mean(1)
        w = CODE_START * torch.randn(
            affine.shape[0], affine.shape[-1] - 1, generator=generator, device=affine.device
        )
        for k in range(self.steps):
            gradient = 2 * (quadratic @ with_one(w).unsqueeze(-1)).squeeze(-1)[:, :-1]
            w = self.step('code', k, w, gradient, noise)
        return w

    def generate(
        self, energy: ActorEnergy, position: Tensor, *, noise: float = 0.0
    ) -> list[Tensor]:
        """Return the chain of the actor's positions, K + 1 tensors (B, M, 2), particle units."""
        chain = [position]
        for k in range(self.steps):
            _, gradient = energy.value_and_gradient(chain[-1])
            chain.append(self.step('position', k, chain[-1], gradient, noise))
        return chain

    def identify(
        self,
        energy: Energy,
        pairs: Tensor,
        present: Tensor,
        w: Tensor,
        logits: Tensor,
        *,
        noise: float = 0.0,
    ) -> list[Tensor]:
        """Return the chain of attention logits, K + 1 tensors (B, N).

        pairs: g's activations of the scene, (B, N, N, H); present: (B, N) 0/1; w: (B, D);
        logits: (B, N) where the chain starts, N(0, 1) in the paper.
        """
        w1 = with_one(w)
        chain = [logits]
        for k in range(self.steps):
            gates = torch.sigmoid(chain[-1]) * present
            _, gradient = energy.energy_and_gate_gradient(pairs, gates, w1)
            gradient = gradient * gates * (1 - gates)
            chain.append(self.step('attention', k, chain[-1], gradient, noise))
        return chain

    def identify_best(
        self,
        energy: Energy,
        pairs: Tensor,
        present: Tensor,
        w: Tensor,
        *,
        restarts: int,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return logits (B, N): of `restarts` chains the one whose hard mask has least energy."""
        b, n = present.shape
        starts = torch.randn(restarts, b, n, generator=generator, device=present.device)
        best_energy = torch.full((b,), torch.inf, device=present.device)
        best = starts[0]
        for start in starts:
            logits = self.identify(energy, pairs, present, w, start)[-1]
            mask = (logits > 0).to(pairs.dtype) * present
            value = energy.energy_of_sum(*energy.gated_sum(pairs, mask), with_one(w))
            better = value < best_energy
            best = torch.where(better.unsqueeze(-1), logits, best)
            best_energy = torch.where(better, value, best_energy)
        return best
