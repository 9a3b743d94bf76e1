# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a concept that has no name asks of the effector: a predicate is its referee."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.oracle.true_goal import ORACLE_SIZE
from ebm_concept_ros.types import NamedScene
from ebm_concept_ros.workspace import Workspace
from ebm_core.evaluation.open.concept import Place


@dataclass(frozen=True, eq=False)
class OpenGoal:
    """A concept of `ebm_core.evaluation.open` in a scene; stands in for a `TrueGoal`.

    attention: (N,) 1 for who takes part, in the order of named.ids. references: (R, 2) particle
    units, in the order of the predicate's arguments. start: (2,) where the effector was when it was
    asked, which "halfway there" depends on.
    """

    concept: Place
    named: NamedScene
    attention: np.ndarray
    references: np.ndarray
    start: np.ndarray
    workspace: Workspace
    has_distance: bool = True

    def distance_m(self, effector_m: np.ndarray) -> float:
        """Return how far the effector (2,) m is from satisfying the predicate."""
        place = self.workspace.to_plane(effector_m)
        off = self.concept.violation(place[None], self.start[None], self.references)
        return float(off) * self.workspace.metres_per_unit

    def place_m(self, from_m: np.ndarray) -> np.ndarray:
        """Return the satisfied place (2,) m that is nearest to where the effector was asked.

        Of a concept that depends on where it was there is no other from any other place.
        """
        return self.workspace.to_base(self.concept.place(self.start, *self.references))

    def oracle(self) -> EnergyField:
        """Return the squared distance to the satisfied place nearest to the start."""
        place = self.concept.place(self.start, *self.references)
        return EnergyField.tabulate(
            lambda points: ((points - place) ** 2).sum(1),
            self.workspace.half_width_units,
            ORACLE_SIZE,
        )
