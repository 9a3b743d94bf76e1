# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The cost of reaching, and its energy fields, as the compiled kernel takes them."""

from __future__ import annotations

import ctypes

from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.planning.compiled_cost import (
    DOUBLE,
    INT,
    MOTION_ARRAYS,
    POINTER,
    CompiledCost,
    keeping,
    motion_arrays,
)
from ebm_concept_ros.planning.cost import HAND_SHARES, HEIGHT_SCALE_M, NEAR_UNITS, ReachCost
from ebm_concept_ros.planning.kernel_arm import struct
from ebm_concept_ros.planning.motion_cost import SOFT_RANGE_RAD, SOFT_SPEED

_WEIGHTS = (
    *('energy', 'height', 'tilt', 'velocity', 'effort'),
    *('velocity_limit', 'joint_limit', 'obstacle', 'terminal'),
)
_Cost = struct(
    '_Cost',
    **dict.fromkeys(_WEIGHTS, DOUBLE),
    centre=DOUBLE * 2,
    **dict.fromkeys(('metres_per_unit', 'height_m'), DOUBLE),
    **dict.fromkeys(('height_scale_m', 'soft_speed', 'soft_range_rad', 'near_units'), DOUBLE),
    **MOTION_ARRAYS,
)
_Field = struct(
    '_Field',
    **dict.fromkeys(('cells', 'circles'), INT),
    **dict.fromkeys(('coefficients', 'centres', 'radii'), POINTER),
    **dict.fromkeys(('origin', 'step', 'half_width', 'above_m'), DOUBLE),
    hand_shares=DOUBLE * 3,
)


def compiled_reach_cost(cost: ReachCost) -> CompiledCost[EnergyField]:
    """Return the cost as the kernel takes it."""
    numbers = keeping(
        _Cost,
        *(getattr(cost.weights, name) for name in _WEIGHTS),
        (DOUBLE * 2)(*cost.workspace.centre_in_base_m),
        *(cost.workspace.metres_per_unit, cost.height_m),
        *(HEIGHT_SCALE_M, SOFT_SPEED, SOFT_RANGE_RAD, NEAR_UNITS),
        *motion_arrays(cost.motion),
    )
    return CompiledCost('reach_ilqg', numbers, _field_numbers)


def _field_numbers(field: EnergyField, _: int) -> ctypes.Structure:
    spline, circles = field.spline, field.keep_out
    return keeping(
        _Field,
        *(len(spline.coefficients), len(circles)),
        *(spline.coefficients, circles.centres, circles.radii),
        *(spline.origin, spline.step, field.half_width, circles.above_m),
        (DOUBLE * 3)(*HAND_SHARES),
    )
