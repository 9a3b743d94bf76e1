# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Learning while acting: what was experienced, and what was asked for and did not happen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import InvalidInput
from .episodes import Episodes, Planner, run_episodes
from .transitions import Transitions
from .worlds import World

# Learns from transitions, and from those that were asked for and did not happen (or None).
Learn = Callable[[Transitions, Transitions | None], None]

_MISSED = 0.1  # of how far was asked for: less is the rounding of what is possible


class Experience:
    """A planner that acts at random first, keeps what happens, and has a network learn from it."""

    def __init__(
        self,
        world: World,
        planner: Callable[[], Planner],
        learn: Learn,
        rng: np.random.Generator,
        explore: int = 10,
    ) -> None:
        """planner: makes one after the first learning. explore: random steps before it."""
        if explore < 2:
            raise InvalidInput(f'explore: {explore} is refused: at least 2, for a frame to be fit')
        self.world, self.make, self.learn, self.rng = world, planner, learn, rng
        self.planner: Planner | None = None
        self.explore, self.rows, self.missed = explore, [], []

    def actions(self, states: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Return the planner's actions (B, a), or random ones in the first steps."""
        if len(self.rows) < self.explore:
            return self.rng.uniform(-1, 1, (len(states), self.world.actions))
        if self.planner is None:
            self.planner = self.make()
        return self.planner.actions(states, goals)

    def hear(self, states: np.ndarray, actions: np.ndarray, nexts: np.ndarray) -> None:
        """Keep what happened, and learn from all that ever has."""
        self.rows.append((states, actions, nexts))
        asked = getattr(self.planner, 'asked', None)
        if asked is not None and len(self.rows) > self.explore:
            far = np.abs(asked - states).max(1)
            missed = np.abs(asked - nexts).max(1) > _MISSED * far
            if missed.any():
                self.missed.append((states[missed], actions[missed], asked[missed]))
        if len(self.rows) >= self.explore:
            self.learn(_joined(self.rows), _joined(self.missed) if self.missed else None)

    def live(self, start: np.ndarray, goal: np.ndarray, episodes: int, cap: int) -> list[Episodes]:
        """Run episodes from start (d,) to goal (g,), one after the other, of `cap` steps each."""
        lived = []
        for _ in range(episodes):
            self.planner = None  # each begins without the plan of the last one
            lived.append(run_episodes(self.world, self, start[None], goal[None], cap, self.hear))
        return lived


def _joined(rows: list[tuple[np.ndarray, ...]]) -> Transitions:
    return Transitions.of(*(np.concatenate(column) for column in zip(*rows, strict=True)))
