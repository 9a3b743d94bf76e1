# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The worlds by name, and what all of them have."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from torch import Tensor

from ..errors import InvalidInput
from .points import Maze, Particle
from .reacher import DmReacher, Reacher
from .seven_joints import SevenJoints
from .transitions import Transitions


class World(Protocol):
    """States (N, d) between low and high (d,).

    The reward after a step is −unit · far(state, goal); the goal is reached where that is below
    `reach`. An episode ends there, if it `ends`, or after `cap` steps.
    """

    name: str
    start: tuple[float, ...]
    goal: tuple[float, ...]
    reach: float
    cap: int
    unit: float
    ends: bool
    low: np.ndarray
    high: np.ndarray
    actions: int

    def allowed(self, states: np.ndarray) -> np.ndarray:
        """Return whether states (N, d) are in the world, (N,)."""

    def far(self, states: Tensor, goals: Tensor) -> Tensor:
        """Return how far states (..., d) are from goals (..., g), (...)."""

    def can_be_at(self, goals: np.ndarray) -> np.ndarray:
        """Return whether goals (N, g) are in the world, (N,)."""

    def step(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the states (N, d) after actions (N, a)."""

    def inverse(self, states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
        """Return the actions (N, a) that lead from one state to the next, as far as any does."""

    def transitions(self, number: int, rng: np.random.Generator) -> Transitions:
        """Return random transitions."""


WORLDS = {
    'particle': Particle(),
    'maze': Maze(),
    'maze8': Maze(corridors=8, name='maze8'),
    'maze32': Maze(corridors=32, name='maze32'),
    'reacher': Reacher(),
    'dm_reacher': DmReacher(),
    'seven_joints': SevenJoints(),
}


def world_named(name: str) -> World:
    """Return a world; an unknown name raises InvalidInput."""
    if name not in WORLDS:
        raise InvalidInput(f'world: {name!r} is unknown; known are {", ".join(WORLDS)}')
    return WORLDS[name]
