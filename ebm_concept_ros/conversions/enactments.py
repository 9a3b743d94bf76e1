# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Goals of the action `enact`: what they ask for, and what is refused of them."""

from __future__ import annotations

import math

from ebm_concept_ros.action import EnactConcept
from ebm_concept_ros.conversions.concepts import composition_of
from ebm_concept_ros.types import CompositionRequest, Goal
from ebm_core.world.scene import InvalidInput

# What is larger is a mistake in the unit.
_MOST = {'tolerance_m': 1.0, 'hold_time_s': 3600.0, 'timeout_s': 1e6}


def enact_goal_from_message(message: EnactConcept.Goal) -> tuple[CompositionRequest, Goal]:
    """Return what is to be enacted until when, or raise InvalidInput naming field and reason."""
    for field, most in _MOST.items():
        value = getattr(message, field)
        if not (math.isfinite(value) and 0.0 <= value <= most):
            raise InvalidInput(f'{field}: {value} is not within [0, {most:g}]')
    usual = Goal()
    goal = Goal(
        message.tolerance_m or usual.tolerance_m,
        message.hold_time_s or usual.hold_time_s,
        message.timeout_s or usual.timeout_s,
    )
    return composition_of(message.concepts, message.weights), goal
