# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Planning over states: by MPPI, or down the gradient (Langevin); and MPPI over actions.

What is planned is a sequence of vectors from which a chain of states follows: deviations from the
linear prediction, one for one with the states, whose energy is paid; or actions, put through a
network. Cost: the sum of distances to the goal, of the transitions' excess energy, and of energies
that are added when it is planned (obstacles, concepts).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..config import Config
from ..sampling.langevin import Langevin, StepRange
from .energy import ActionModel, PairEnergy
from .transitions import Frame
from .worlds import World

Extra = Callable[[Tensor, Tensor], Tensor]  # an energy (...,) of states and nexts (..., d)


class PlanConfig(Config):
    """How a plan is searched for."""

    method: Literal['mppi', 'langevin'] = 'mppi'
    horizon: int = 15
    iterations: int = 8
    draws: int = 64
    spread: float = 1.0  # of MPPI's draws and of Langevin's first step, in deviations or actions
    temperature: float = 0.05
    energy_weight: float = 1.0


@dataclass(frozen=True)
class Chain:
    """From what is planned to states and their energy; model: whose states, None for no model."""

    world: World
    frame: Frame
    model: PairEnergy | ActionModel | None
    extra: Extra | None = None

    @property
    def size(self) -> int:
        """How many numbers a step of a plan has."""
        return self.world.actions if self.acts else len(self.world.low)

    @property
    def acts(self) -> bool:
        """Whether plans are actions."""
        return isinstance(self.model, ActionModel)

    def states(self, start: Tensor, plan: Tensor) -> Tensor:
        """Return states (B, N, H + 1, d) from start (B, d) by plans (B, N, H, size)."""
        states = [start[:, None].expand(-1, plan.shape[1], -1)]
        for step in plan.unbind(2):
            before = states[-1]
            if self.acts:
                states.append(self.model(before, step))
            else:
                states.append(self.frame.apply_deviation(before, step))
        return torch.stack(states, 2)

    def cost(self, start: Tensor, goal: Tensor, plan: Tensor, config: PlanConfig) -> Tensor:
        """Return the cost (B, N)."""
        states = self.states(start, plan)
        before, after = states[:, :, :-1], states[:, :, 1:]
        total = self.world.unit * self.world.far(after, goal[:, None, None]).sum(-1)
        if isinstance(self.model, PairEnergy):
            energy = self.model.excess(before, after).sum(-1)
            total = total + config.energy_weight * energy
        if self.extra is not None:
            total = total + self.extra(before, after).sum(-1)
        return total


def search(
    chain: Chain, start: Tensor, goal: Tensor, plan: Tensor, config: PlanConfig
) -> tuple[Tensor, Tensor]:
    """Improve plans (B, H, size) from start (B, d) to goal (B, g).

    Returns the plans and their states (B, H + 1, d).
    """
    if config.method == 'mppi':
        plan = _mppi(chain, start, goal, plan, config)
    else:
        plan = _langevin(chain, start, goal, plan, config)
    with torch.no_grad():
        return plan, chain.states(start, plan[:, None])[:, 0]


@torch.no_grad()
def _mppi(chain: Chain, start: Tensor, goal: Tensor, plan: Tensor, config: PlanConfig) -> Tensor:
    for iteration in range(config.iterations):
        share = 1 - 0.9 * iteration / config.iterations
        noise = torch.randn(len(plan), config.draws, *plan.shape[1:])
        # Every other draw moves all steps alike: far goals are not found by white noise.
        noise[:, ::2] = noise[:, ::2, :1]
        noise[:, 0] = 0
        draws = plan[:, None] + config.spread * share * noise
        if chain.acts:
            draws = draws.clamp(-1, 1)
        cost = chain.cost(start, goal, draws, config)
        weights = torch.softmax((cost.amin(1, keepdim=True) - cost) / config.temperature, 1)
        plan = (weights[..., None, None] * draws).sum(1)
    return plan


def _langevin(
    chain: Chain, start: Tensor, goal: Tensor, plan: Tensor, config: PlanConfig
) -> Tensor:
    first = StepRange(2 * config.spread, 0.05 * config.spread, 0.5)
    steps = Langevin(config.iterations, {'plan': first}).requires_grad_(False)

    def gradient(plan: Tensor) -> Tensor:
        with torch.enable_grad():
            plan = plan.detach().requires_grad_()
            cost = chain.cost(start, goal, plan[:, None], config).sum()
            return torch.autograd.grad(cost, plan)[0]

    return steps.chain('plan', plan, gradient, noise=0.002).detach()
