# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From tabulated energies to the field that the hand descends, around what stands in its way."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ebm_concept_ros.field.circles import Circles
from ebm_concept_ros.field.energy_field import EnergyField


class FieldMaker(Protocol):
    """What makes fields, here or in another process."""

    def __call__(
        self, energies: np.ndarray, half_width: float, goal_margin: float, circles: Circles
    ) -> EnergyField:
        """Return the field of energies (size, size) around the circles; see EnergyField."""


def make_field(
    energies: np.ndarray, half_width: float, goal_margin: float, circles: Circles
) -> EnergyField:
    """Return the field of energies (size, size) around the circles; raises InvalidField."""
    field = EnergyField(energies, half_width, goal_margin)
    if not len(circles):
        return field
    # Imported here: without obstacles nobody needs the search for geodesics.
    from ebm_concept_ros.field.cost_to_go import with_cost_to_go_around

    return with_cost_to_go_around(field, circles)
