# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Costs as the compiled kernel takes them: which of its own they are, and their numbers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

import numpy as np

from ebm_concept_ros.planning.kernel_arm import address
from ebm_concept_ros.planning.motion_cost import GoalT, MotionCost

DOUBLE, INT, POINTER = ctypes.c_double, ctypes.c_int, ctypes.c_void_p
# As every cost of the kernel has them.
MOTION_ARRAYS = dict.fromkeys(('effort_scale', 'speed_limit', 'low', 'high'), POINTER)


@dataclass(frozen=True, eq=False)
class CompiledCost(Generic[GoalT]):
    """A cost of the kernel: `kind` begins the names of its functions, `numbers` is its structure.

    goal_numbers: makes the structure of a goal for so many knots, or raises ValueError where it is
    not one for these. Structures keep alive what they point to.
    """

    kind: str
    numbers: ctypes.Structure
    goal_numbers: Callable[[GoalT, int], ctypes.Structure]


def keeping(kind: type[ctypes.Structure], *values: object) -> ctypes.Structure:
    """Return a structure of values; arrays among them are given by address, and kept alive."""
    kept, plain = [], []
    for value in values:
        if isinstance(value, np.ndarray):
            kept.append(np.ascontiguousarray(value, float))
            plain.append(address(kept[-1]))
        else:
            plain.append(value)
    made = kind(*plain)
    made.kept = kept
    return made


def motion_arrays(motion: MotionCost) -> tuple[np.ndarray, ...]:
    """Return the arrays of `MOTION_ARRAYS`."""
    return motion.effort_scale, motion.speed_limits, motion.low, motion.high
