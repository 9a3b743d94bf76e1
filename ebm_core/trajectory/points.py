# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Particle and Maze: worlds of points that move by at most 0.05 a step in each coordinate.

Both are those of *Model Based Planning with Energy Based Models* (Du, Lin, Mordatch, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import InvalidInput
from .goals import PlaceFirst
from .transitions import Transitions

STEP = 0.05  # the most that a coordinate changes by in a step
_RIM = 0.01  # of the Maze, which nobody enters
_DEAR = 1e6  # the cost of what cannot be


@dataclass(frozen=True)
class Particle(PlaceFirst):
    """A point in the square [-1, 1]², and maybe a rectangle that no step may touch.

    obstacle: (left, bottom, right, top). reach: the distance of the goal that counts as there.
    """

    obstacle: tuple[float, float, float, float] | None = None
    name: str = 'particle'
    start: tuple[float, ...] = (0.0, 0.0)
    goal: tuple[float, ...] = (0.5, 0.5)
    reach: float = 0.05
    cap: int = 100
    ends: bool = True
    unit: float = 1.0  # what a distance of 1 between states is in the reward
    low: np.ndarray = field(default_factory=lambda: np.array([-1.0, -1.0]), compare=False)
    high: np.ndarray = field(default_factory=lambda: np.array([1.0, 1.0]), compare=False)
    actions: int = 2

    def allowed(self, states: np.ndarray) -> np.ndarray:
        """Return whether states (N, 2) are in the world, (N,)."""
        inside = ((states >= self.low) & (states <= self.high)).all(-1)
        if self.obstacle is None:
            return inside
        corner, opposite = np.array(self.obstacle[:2]), np.array(self.obstacle[2:])
        return inside & ~((states > corner) & (states < opposite)).all(-1)

    def step(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the states (N, 2) after actions (N, 2) in [-1, 1]; greater ones are shortened."""
        size = np.maximum(np.abs(actions).max(-1, keepdims=True), 1)
        nexts = np.clip(states + STEP * actions / size, self.low, self.high)
        return np.where(self._blocked(states, nexts)[:, None], states, nexts)

    def inverse(self, states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
        """Return the actions (N, 2) that lead from one state to the next: the given dynamics."""
        return (nexts - states) / STEP

    def draw(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """Return states (number, 2) evenly from all that are allowed."""
        found = np.empty((0, 2))
        while len(found) < number:
            states = rng.uniform(self.low, self.high, (2 * number, 2))
            found = np.concatenate((found, states[self.allowed(states)]))
        return found[:number]

    def transitions(self, number: int, rng: np.random.Generator) -> Transitions:
        """Return random transitions: evenly drawn states and actions."""
        states = self.draw(number, rng)
        actions = rng.uniform(-1, 1, states.shape)
        return Transitions.of(states, actions, self.step(states, actions))

    def optimum(self, start: np.ndarray, goal: np.ndarray, spacing: float = 0.01) -> float:
        """Return the best score from start to goal, by dynamic programming on a grid.

        It is a bound that is approached: walls and the goal's reach count as closed there.
        """
        sides = [
            np.arange(round((high - low) / spacing) + 1) * spacing + low
            for low, high in zip(self.low, self.high, strict=True)
        ]
        grid = np.stack(np.meshgrid(*sides, indexing='ij'), -1)
        shape, points = grid.shape[:2], grid.reshape(-1, 2)
        far = np.abs(points - goal).sum(-1).reshape(shape)
        there = far < self.reach + 1e-9
        free = (self.allowed(points + 1e-9) | self.allowed(points - 1e-9)).reshape(shape)
        most = round(STEP / spacing)
        moves = [(i, j) for i in range(-most, most + 1) for j in range(-most, most + 1)]
        shut = {
            move: self._blocked(points, points + spacing * np.array(move)).reshape(shape)
            for move in (moves if self.obstacle else ())
        }
        value = np.where(there, 0.0, _DEAR)
        while True:
            cost = np.pad(np.where(free, far + value, _DEAR), most, constant_values=_DEAR)
            best = np.full(shape, _DEAR)
            for i, j in moves:
                there_cost = cost[most + i :, most + j :][: shape[0], : shape[1]]
                best = np.minimum(best, np.where(shut.get((i, j), False), _DEAR, there_cost))
            best = np.where(there, 0.0, best)
            if np.allclose(best, value, atol=1e-9):
                break
            value = best
        at = tuple(np.round((np.asarray(start) - self.low) / spacing).astype(int))
        return -float(value[at])

    def _blocked(self, states: np.ndarray, nexts: np.ndarray) -> np.ndarray:
        if self.obstacle is None:
            return np.zeros(len(states), bool)
        corner, opposite = np.array(self.obstacle[:2]), np.array(self.obstacle[2:])
        first, last = np.minimum(states, nexts), np.maximum(states, nexts)
        return ((np.minimum(last, opposite) - np.maximum(first, corner)) >= 0).all(-1)


@dataclass(frozen=True)
class Maze(Particle):
    """Columns of width 0.5: free ones, and between them walls with a gap above or below in turn.

    The paper's has two corridors (free columns) and is the square [-1, 1]²; more of them make the
    world longer, from x = -1 to corridors - 1. A step to a place that is not allowed is not taken.
    """

    corridors: int = 2
    name: str = 'maze'
    start: tuple[float, ...] = (-0.85, -0.85)
    goal: tuple[float, ...] = (0.7, -0.8)
    reach: float = 0.01

    def __post_init__(self) -> None:
        if not 1 <= self.corridors <= 64:
            raise InvalidInput(f'corridors: {self.corridors} is refused: 1 to 64')
        object.__setattr__(self, 'high', np.array([self.corridors - 1.0, 1.0]))

    def column(self, states: np.ndarray) -> np.ndarray:
        """Return the columns (N,) that states (N, 2) are in, from 0."""
        return np.floor(2 * (states[:, 0] + 1)).astype(int)

    def allowed(self, states: np.ndarray) -> np.ndarray:
        """Return whether states (N, 2) are neither in a wall nor at the rim, (N,)."""
        inside = ((states > self.low + _RIM) & (states < self.high - _RIM)).all(-1)
        column, y = self.column(states), states[:, 1]
        wall = ((column % 4 == 1) & (y <= 0.25)) | ((column % 4 == 3) & (y >= -0.25))
        return inside & ~wall

    def step(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the states (N, 2) after actions (N, 2) in [-1, 1]; greater ones are shortened."""
        nexts = super().step(states, actions)
        return np.where(self.allowed(nexts)[:, None], nexts, states)
