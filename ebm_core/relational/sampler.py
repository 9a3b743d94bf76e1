# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Execution-time inference: Langevin steps on the code w, the attention a and the state x.

The step sizes and the clipping radius of each variable (`ebm_core.sampling.langevin`) are learned
with the energy, so that K steps are enough (the paper's KL objective asks for just that).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from ..sampling.langevin import Langevin, StepRange
from ..world.scene import COLOUR, PLANE_HALF_WIDTH, POSITION
from .affine import Affine, ridge_code
from .curve_choice import choose
from .energy import Energy
from .formation_search import in_formation
from .layers import homogeneous
from .mask_energies import MaskEnergies
from .mask_search import (
    MOST_SEARCHED,
    MOST_TRIED,
    best_of_all_masks,
    grow_masks,
    refine_masks,
)
from .state_energy import StateEnergy
from .way_search import least, with_times_exchanged

LANGEVIN_NOISE = 0.005  # standard deviation per step while training; √α would drown the signal
TRAJECTORY_SPREAD = 0.5  # standard deviation around x⁰ of where restarts begin, particle units
RIDGE_START = 0.1  # λ of exact inference: it falls as far as training lets it, so it has a bound
LEAST_RIDGE = 1e-3
CODE_START = 0.05  # standard deviation of the codes that inference starts from
# Where several entities move, chains end near a formation, not in it. So many of the best go on, so
# many times, by the later half of the steps.
_BEST, _TIMES = 8, 4
_EXCHANGES = 2  # of what trajectories are at in each time
# By variable: what a chain moves; several entities at once need other steps than one. States come
# from far and must arrive, so their steps shorten from the beginning: the ends of chains are what
# shows the likelihood where the energy has false minima.
_STATES = StepRange(0.5, 0.02, clip=1.0)
_VARIABLES = {
    'code': StepRange(0.3, 0.3, clip=2.0),
    'attention': StepRange(1.0, 1.0, clip=2.0),
    **dict.fromkeys(('position', 'positions', 'trajectory', 'colour'), _STATES),
}


class Sampler(Langevin):
    """The three chains, with their learned step sizes."""

    def __init__(self, steps: int = 10, *, ridge: bool = False) -> None:
        """Begin with the usual step sizes; ridge: codes are solved for, not descended to."""
        super().__init__(steps, _VARIABLES)
        self.log_ridge = nn.Parameter(torch.tensor(math.log(RIDGE_START))) if ridge else None

    def infer_code(
        self,
        energy: Energy,
        affine: Affine,
        *,
        seen: Tensor | None = None,
        generator: torch.Generator | None = None,
        noise: float = 0.0,
    ) -> Tensor:
        """Return w (C, D) that minimises the mean energy of M demonstrations (eq. 8).

        affine: (C, M, …), `Energy.affine` of the demonstrations. E is quadratic in w, so they enter
        once, as the mean of [A | b]ᵀ[A | b]. Its minimum is taken exactly where the sampler has a
        ridge λ, as that of E + λ‖w‖²; the K steps stop on the way to it. Where demonstrations
        follow a map, it is the code, and where they agree on a formation, it stands beside it.
        seen: (C,) the noise of what is seen.
        """
        w = self._network_code(affine.network, generator, noise)
        if energy.maps is None or affine.maps is None:
            return w
        w = homogeneous(w)
        v, is_map = energy.maps.infer(affine.maps)
        after = w.new_zeros(len(w), energy.code_size - energy.maps.columns.stop)
        network = torch.cat((w, torch.zeros_like(v), after), -1)
        a_map = torch.cat((torch.zeros_like(w), v, after), -1)
        w = torch.where(is_map.unsqueeze(-1), a_map, network)
        if energy.formations is None or affine.formations is None:
            return w
        formation = energy.formations.infer(affine.formations, seen)
        at = energy.formations.columns
        return torch.cat((w[..., : at.start], formation, w[..., at.stop :]), -1)

    def _network_code(
        self, affine: Tensor, generator: torch.Generator | None, noise: float
    ) -> Tensor:
        quadratic = (affine.mT @ affine).mean(1)
        if self.log_ridge is not None:
            return ridge_code(quadratic, self.log_ridge.exp().clamp_min(LEAST_RIDGE))
        w = CODE_START * torch.randn(
            affine.shape[0], affine.shape[-1] - 1, generator=generator, device=affine.device
        )
        for k in range(self.steps):
            gradient = 2 * (quadratic @ homogeneous(w).unsqueeze(-1)).squeeze(-1)[:, :-1]
            w = self.step('code', k, w, gradient, noise)
        return w

    def generate(
        self,
        energy: StateEnergy,
        states: Tensor,
        mutable: Tensor,
        *,
        noise: float = 0.0,
        variable: str | None = None,
    ) -> list[Tensor]:
        """Return M chains of states x¹ … xᵀ each, K + 1 tensors (B, M, T, P, F).

        states: where they start; mutable: (B, P, F), 1 for what may change. variable: whose step
        sizes are taken; None looks at `mutable`, for which a GPU must be waited for.
        """
        variable = variable or variable_of(mutable, states.shape[2])
        return self._descend(energy, states, mutable, variable, range(self.steps), noise)

    def _descend(
        self,
        energy: StateEnergy,
        states: Tensor,
        mutable: Tensor,
        variable: str,
        steps: Iterable[int],
        noise: float = 0.0,
    ) -> list[Tensor]:
        mutable_mask = mutable[:, None, None]
        chain = [states]
        for k in steps:
            _, gradient = energy.value_and_gradient(chain[-1])
            moved = self.step(variable, k, chain[-1], gradient * mutable_mask, 0.0)
            chain.append(moved + noise * torch.randn_like(moved) * mutable_mask if noise else moved)
        return chain

    def generate_best(
        self,
        energy: StateEnergy,
        states: Tensor,
        mutable: Tensor,
        *,
        restarts: int,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return the states (B, T, P, F) of least energy that `restarts` chains end in.

        One begins at `states` (B, T, P, F), the others anywhere; mutable: (B, P, F). Where several
        entities move and there are several chains, the best of them go on before they count.
        """
        variable = variable_of(mutable, states.shape[1])
        first = starts(states, mutable, restarts, generator)
        ends = self.generate(energy, first, mutable, variable=variable)[-1]
        if variable == 'positions' and restarts > 1:
            later = range(self.steps // 2, self.steps)
            for _ in range(_TIMES):
                best = least(energy, ends, _BEST)
                further = self._descend(energy, best, mutable, variable, later)[-1]
                ends = torch.cat((best, further), 1)
            if isinstance(energy, StateEnergy) and energy.formation is not None:
                return in_formation(energy, torch.cat((ends, first[:, :_BEST]), 1))
        if variable == 'trajectory' and restarts > 1:
            later = range(self.steps // 2, self.steps)
            for _ in range(_EXCHANGES):
                best = with_times_exchanged(energy, ends, mutable)
                further = self._descend(energy, best, mutable, variable, later)[-1]
                ends = torch.cat((best, further, ends), 1)
        return least(energy, ends, 1).squeeze(1)

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
        """Return C chains of attention logits each, K + 1 tensors (B, C, N).

        pairs: `Energy.pair_sums` of the scene, (B, Q, H); present: (B, N) 0/1; w: (B, D);
        logits: (B, C, N) where the chains start, N(0, 1) in the paper.
        """
        last = energy.with_code(w)

        def gradient(gates: Tensor) -> Tensor:
            return energy.energy_and_gate_gradient(pairs, gates, last)[1]

        return self._attend(gradient, present, logits, noise)

    def _attend(
        self,
        gradient: Callable[[Tensor], Tensor],
        present: Tensor,
        logits: Tensor,
        noise: float = 0.0,
    ) -> list[Tensor]:
        """Return `identify` by the gradient ∂E/∂m (B, C, N) of gates m."""
        chain = [logits]
        for k in range(self.steps):
            gates = torch.sigmoid(chain[-1]) * present.unsqueeze(1)
            of_logits = gradient(gates) * gates * (1 - gates)
            chain.append(self.step('attention', k, chain[-1], of_logits, noise))
        return chain

    @torch.no_grad()
    def identify_best(
        self,
        energy: Energy,
        x: Tensor,
        present: Tensor,
        w: Tensor,
        *,
        restarts: int,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return masks (B, N) of 0 and 1: the best of all, or, of many entities, of those searched.

        restarts: chains of that search, of up to MOST_SEARCHED entities, beside which masks are
        grown and refined.

        x: inputs (B, T, N, I), or (1, T, N, I) for all; present: (B, N) 0/1; w: (B, D). Of a
        relation they are exact, and where there are curves, the best of all choices.
        """
        is_relation = torch.zeros(len(w), dtype=torch.bool, device=w.device)
        if energy.leaders is not None:
            is_relation = energy.leaders.is_relation(w)
        masks = torch.zeros_like(present)
        if not is_relation.all():
            masks = self._searched(energy, x, present, w, restarts, generator)
        every = x.expand(len(w), -1, -1, -1)
        if energy.curves is not None:
            for rows, chosen in choose(energy, every, present, w):
                masks[rows] = chosen
        if is_relation.any():
            of_relations = energy.leaders.masks(every[:, -1], present, w)
            masks = torch.where(is_relation.unsqueeze(-1), of_relations, masks)
        return masks

    def _searched(
        self,
        energy: Energy,
        x: Tensor,
        present: Tensor,
        w: Tensor,
        restarts: int,
        generator: torch.Generator | None,
    ) -> Tensor:
        energies = MaskEnergies(energy, x, energy.with_code(w))
        b, n = present.shape
        if n <= MOST_TRIED:
            return best_of_all_masks(energies, present)
        masks = grow_masks(energies, present)
        if n <= MOST_SEARCHED:  # of more, chains find nothing better than what grows
            start = torch.randn(b, restarts, n, generator=generator, device=present.device)
            logits = self._attend(energies.gate_gradient, present, start)[-1]
            ends = (logits > 0).to(logits) * present.unsqueeze(1)
            best = energies.of(ends).argmin(1)
            chosen = ends[torch.arange(b, device=best.device), best]
            masks = torch.cat((chosen.unsqueeze(1), masks), 1)
        return refine_masks(energies, present, masks)[0]


def starts(
    states: Tensor, mutable: Tensor, number: int, generator: torch.Generator | None = None
) -> Tensor:
    """Return (B, number, T, P, F): `states` (B, T, P, F), then others, drawn where mutable.

    Positions are anywhere in the plane, colours any; trajectories are around the given one, for no
    motion begins anywhere at every time. mutable: (B, P, F).
    """
    out = states.unsqueeze(1).repeat(1, number, 1, 1, 1)
    if states.shape[1] > 1:
        shape = out[:, 1:].shape
        around = torch.randn(shape, generator=generator, device=out.device)
        out[:, 1:] += TRAJECTORY_SPREAD * around * mutable[:, None, None]
        return out
    anything = torch.rand(out[:, 1:].shape, generator=generator, device=out.device)
    anything[..., POSITION] = PLANE_HALF_WIDTH * (2 * anything[..., POSITION] - 1)
    mutable_mask = mutable[:, None, None]
    out[:, 1:] = out[:, 1:] * (1 - mutable_mask) + anything * mutable_mask
    return out


def variable_of(mutable: Tensor, times: int) -> str:
    """Return which of the sampler's variables generation moves; mutable: (B, P, F)."""
    if bool(mutable[..., COLOUR].any()):
        return 'colour'
    if times > 1:
        return 'trajectory'
    return 'positions' if bool(mutable[:, 1:].any()) else 'position'
