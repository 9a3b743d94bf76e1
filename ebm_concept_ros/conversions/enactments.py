# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Goals: what they ask for, and what is refused of them."""

from __future__ import annotations

import math

from ebm_concept_ros.action import ArrangeConcept, EnactConcept
from ebm_concept_ros.conversions.concepts import composition_of
from ebm_concept_ros.types import CompositionRequest, Goal
from ebm_core.world.scene import InvalidInput

_USUAL = Goal()
# What is larger is a mistake in the unit.
_MOST = {'tolerance_m': 1.0, 'hold_time_s': 3600.0, 'timeout_s': 1e6}


def enact_goal_from_message(message: EnactConcept.Goal) -> tuple[CompositionRequest, Goal]:
    """Return what is to be enacted until when, or raise InvalidInput naming field and reason."""
    goal = Goal(*(_checked(field, getattr(message, field)) for field in _MOST))
    return composition_of(message.concepts, message.weights), goal


def arrange_goal_from_message(message: ArrangeConcept.Goal) -> tuple[CompositionRequest, float]:
    """Return what is asked for and the time-out, s; raises InvalidInput naming field and reason."""
    timeout_s = _checked('timeout_s', message.timeout_s)
    return composition_of(message.concepts, message.weights), timeout_s


def tolerance_from_message(tolerance_m: float) -> float:
    """Return a tolerance, 0 being the usual one, m, or raise InvalidInput."""
    return _checked('tolerance_m', tolerance_m)


def _checked(field: str, value: float) -> float:
    most = _MOST[field]
    if not (math.isfinite(value) and 0.0 <= value <= most):
        raise InvalidInput(f'{field}: {value} is not within [0, {most:g}]')
    return value or getattr(_USUAL, field)
