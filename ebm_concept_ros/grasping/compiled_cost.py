# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The cost of a hand on its way, and its references, as the compiled kernel takes them."""

from __future__ import annotations

import ctypes

import numpy as np

from ebm_concept_ros.grasping.cost import FAR_M, HEIGHT_M, NEAR_M, GraspCost, HandReference
from ebm_concept_ros.planning.compiled_cost import (
    DOUBLE,
    MOTION_ARRAYS,
    POINTER,
    CompiledCost,
    keeping,
    motion_arrays,
)
from ebm_concept_ros.planning.kernel_arm import struct
from ebm_concept_ros.planning.motion_cost import SOFT_RANGE_RAD, SOFT_SPEED

_WEIGHTS = (
    *('far', 'near', 'height', 'tilt', 'yaw', 'velocity', 'effort'),
    *('velocity_limit', 'joint_limit', 'terminal'),
)
_Cost = struct(
    '_Cost',
    **dict.fromkeys(_WEIGHTS, DOUBLE),
    **dict.fromkeys(('far_m', 'near_m', 'height_m', 'soft_speed', 'soft_range_rad'), DOUBLE),
    **MOTION_ARRAYS,
)
_Reference = struct('_Reference', places=POINTER, sides=POINTER)


def compiled_grasp_cost(cost: GraspCost) -> CompiledCost[HandReference]:
    """Return the cost as the kernel takes it."""
    numbers = keeping(
        _Cost,
        *(getattr(cost.weights, name) for name in _WEIGHTS),
        *(FAR_M, NEAR_M, HEIGHT_M, SOFT_SPEED, SOFT_RANGE_RAD),
        *motion_arrays(cost.motion),
    )
    return CompiledCost('grasp_ilqg', numbers, _reference_numbers)


def _reference_numbers(reference: HandReference, knots: int) -> ctypes.Structure:
    # The kernel reads as many as it plans.
    for name, given in (('places_m', reference.places_m), ('sides', reference.sides)):
        if np.shape(given) != (knots, 3):
            raise ValueError(f'{name}: shape {np.shape(given)}, the plan takes {(knots, 3)}')
    return keeping(_Reference, reference.places_m, reference.sides)
