# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Episodes: several at a time, planned and acted step by step, and their scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import torch

from ..errors import InvalidInput
from .planning import Chain, PlanConfig, search
from .worlds import World


class Episodes(NamedTuple):
    """Scores (B,), whether the goal was reached (B,), steps (B,), and states (B, T + 1, d)."""

    scores: np.ndarray
    reached: np.ndarray
    steps: np.ndarray
    states: np.ndarray


class Planner(Protocol):
    """What acts in episodes."""

    def actions(self, states: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Return actions (B, a) in states (B, d) towards goals (B, g)."""


class Receding:
    """Plans anew in every step, from what is left of the last plan (receding horizon)."""

    def __init__(
        self,
        chain: Chain,
        config: PlanConfig,
        inverse: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    ) -> None:
        """inverse: from states and nexts (B, d) to actions (B, a); by default the world's own."""
        self.chain, self.config = chain, config
        self.inverse = inverse or chain.world.inverse
        self.plan: torch.Tensor | None = None
        self.asked: np.ndarray | None = None  # the next states (B, d) that were planned

    def actions(self, states: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Return the first actions (B, a) of the plans."""
        start, goal = (torch.as_tensor(x, dtype=torch.float32) for x in (states, goals))
        if self.plan is None:
            self.plan = torch.zeros(len(start), self.config.horizon, self.chain.size)
        plan, planned = search(self.chain, start, goal, self.plan, self.config)
        self.plan = torch.cat((plan[:, 1:], plan[:, -1:]), 1)
        if self.chain.acts:
            return plan[:, 0].double().numpy()
        self.asked = planned[:, 1].double().numpy()
        return self.inverse(states, self.asked)


def run_episodes(
    world: World,
    planner: Planner,
    starts: np.ndarray,
    goals: np.ndarray,
    cap: int | None = None,
    heard: Callable[[np.ndarray, np.ndarray, np.ndarray], None] | None = None,
) -> Episodes:
    """Act from starts (B, d) to goals (B, g), at most `cap` steps, or until all are there.

    heard: is told states, actions and next states of every step. A start or goal that is not in the
    world raises InvalidInput.
    """
    starts, goals = np.atleast_2d(starts).astype(float), np.atleast_2d(goals).astype(float)
    for name, values, can_be in (
        ('start', starts, world.allowed(starts)),
        ('goal', goals, world.can_be_at(goals)),
    ):
        for value, fits in zip(values, can_be, strict=True):
            if not (np.isfinite(value).all() and fits):
                raise InvalidInput(f'{name}: {value.tolist()} is not in the world {world.name}')
    states, cap = starts, world.cap if cap is None else cap
    scores, steps = np.zeros(len(starts)), np.full(len(starts), cap)
    reached, seen = np.zeros(len(starts), bool), [starts]
    for step in range(cap):
        actions = planner.actions(states, goals)
        nexts = world.step(states, actions)
        if heard is not None:
            heard(states, actions, nexts)
        over = reached & world.ends
        states = np.where(over[:, None], states, nexts)
        far = world.far(torch.from_numpy(states), torch.from_numpy(goals)).numpy()
        scores -= np.where(over, 0, world.unit * far)
        there = (far < world.reach) & ~reached
        steps[there] = step + 1
        reached |= there
        seen.append(states)
        if world.ends and reached.all():
            break
    return Episodes(scores, reached, steps, np.stack(seen, 1))
