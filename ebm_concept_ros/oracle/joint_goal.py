# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Several concepts at once, by their own definitions: what a sum of energies is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.oracle.true_goal import ORACLE_SIZE, TrueGoal
from ebm_concept_ros.types import NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.concepts import Concept

_ROUNDS = 300
# From an axis of symmetry it would not get to either side.
_ASIDE_M = np.array([0.01, 0.007])
_TOGETHER_M = 0.01
# Where that leads nowhere, the best of this many places a side is another one to begin at.
_PLACES = 41


@dataclass(frozen=True, eq=False)
class JointGoal:
    """Goals in one scene, two or more, all of which count.

    together_m: how far from satisfying each a place may be that counts for all.
    """

    goals: tuple[TrueGoal, ...]
    together_m: float = _TOGETHER_M

    @property
    def named(self) -> NamedScene:
        """The scene."""
        return self.goals[0].named

    @property
    def workspace(self) -> Workspace:
        """Where the scene's plane lies."""
        return self.goals[0].workspace

    @property
    def attention(self) -> np.ndarray:
        """(N,) 1 for who takes part in any of them, in the order of named.ids."""
        return np.max([goal.attention for goal in self.goals], axis=0)

    @property
    def has_distance(self) -> bool:
        """Tell whether one of them knows how far a place is from satisfying it."""
        return any(goal.has_distance for goal in self.goals)

    @property
    def effector_m(self) -> np.ndarray:
        """Return where the scene has the effector, (2,) m in the base frame."""
        return self.goals[0].effector_m

    def distance_m(self, effector_m: np.ndarray) -> float:
        """Return how far (2,) m is from satisfying the one that it is farthest from satisfying."""
        return max(goal.distance_m(effector_m) for goal in self.goals)

    def place_m(self, from_m: np.ndarray) -> np.ndarray:
        """Return a place (2,) m that satisfies all, going from one's nearest to the next's.

        Where that goes back and forth between two places that are near each other it is the middle.
        Raises ValueError where they are not.
        """
        place_m = self._agreed_m(np.asarray(from_m, float) + _ASIDE_M)
        if self.distance_m(place_m) > self.together_m:
            best_m = self._best_m()
            place_m = min(self._agreed_m(best_m), best_m, key=self.distance_m)
        if self.distance_m(place_m) > self.together_m:
            names = ' and '.join(goal.concept.name for goal in self.goals)
            raise ValueError(f'{names}: no place was found where both hold')
        return place_m

    def oracle(self) -> EnergyField:
        """Return the squared distance to a place where all hold."""
        place = self.workspace.to_plane(self.place_m(self.effector_m))
        return EnergyField.tabulate(
            lambda points: ((points - place) ** 2).sum(1),
            self.workspace.half_width_units,
            ORACLE_SIZE,
        )

    def _agreed_m(self, place_m: np.ndarray) -> np.ndarray:
        """Return where going from one's nearest place to the next's ends, from (2,) m."""
        # Whoever leaves an area to choose from says first where it holds most clearly.
        goals = sorted(self.goals, key=lambda goal: goal.has_distance)
        for _ in range(_ROUNDS):
            places_m = []
            for goal in goals:
                if goal.has_distance or goal.distance_m(place_m) > 0.0:
                    place_m = goal.place_m(place_m)
                places_m.append(place_m)
        return np.mean(places_m, axis=0)

    def _best_m(self) -> np.ndarray:
        """Return the place (2,) m, of many over all the plane, that comes nearest to all."""
        axis = np.linspace(-1.0, 1.0, _PLACES)
        places = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
        return min(self.workspace.to_base(places), key=self.distance_m)


def goal_of(
    concepts: Sequence[Concept],
    colours: Sequence[str],
    weights: Sequence[float],
    named: NamedScene,
    workspace: Workspace,
    together_m: float = _TOGETHER_M,
) -> TrueGoal | JointGoal:
    """Return what a concept, or a sum of several, asks for in a scene.

    colours: of what each refers to. weights: in the sum; what has none is not asked for. Raises
    InvalidInput where the scene has not the entities that they need.
    """
    goals = tuple(
        TrueGoal.of(concept, named, colour, workspace)
        for concept, colour, weight in zip(concepts, colours, weights, strict=True)
        if weight > 0.0
    )
    return goals[0] if len(goals) == 1 else JointGoal(goals, together_m)
