# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""iLQG's plans from the compiled kernel, which leaves the interpreter to others meanwhile."""

from __future__ import annotations

import ctypes
import weakref

import numpy as np

from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.planning.cost import (
    HAND_SHARES,
    HEIGHT_SCALE_M,
    NEAR_UNITS,
    ReachCost,
)
from ebm_concept_ros.planning.kernel_arm import KernelArm, address, kernel_library, struct
from ebm_concept_ros.planning.motion_cost import SOFT_RANGE_RAD, SOFT_SPEED
from ebm_concept_ros.planning.plan_model import PlanModel, Rollout
from ebm_concept_ros.planning.planner import PlannerConfig, PlanningFailed, Solution
from ebm_concept_ros.planning.policy import Plan

_FAILURES = {
    -1: 'the initial rollout diverged',
    -2: 'the backward pass found no convex model',
}
_D, _I, _P = ctypes.c_double, ctypes.c_int, ctypes.c_void_p
_WEIGHTS = (
    *('energy', 'height', 'tilt', 'velocity', 'effort'),
    *('velocity_limit', 'joint_limit', 'obstacle', 'terminal'),
)
_Cost = struct(
    '_Cost',
    **dict.fromkeys(_WEIGHTS, _D),
    centre=_D * 2,
    **dict.fromkeys(('metres_per_unit', 'height_m'), _D),
    **dict.fromkeys(('height_scale_m', 'soft_speed', 'soft_range_rad', 'near_units'), _D),
    **dict.fromkeys(('effort_scale', 'speed_limit', 'low', 'high'), _P),
)
_Field = struct(
    '_Field',
    **dict.fromkeys(('cells', 'circles'), _I),
    **dict.fromkeys(('coefficients', 'centres', 'radii'), _P),
    **dict.fromkeys(('origin', 'step', 'half_width', 'above_m'), _D),
    hand_shares=_D * 3,
)
_Settings = struct(
    '_Settings',
    **dict.fromkeys(('steps', 'iterations', 'cold_iterations', 'shares'), _I),
    **dict.fromkeys(('least_regularisation', 'most_regularisation'), _D),
    **dict.fromkeys(('share', 'limits'), _P),
)
_Former = struct('_Former', steps=_I, knots=_D, **dict.fromkeys(('states', 'efforts', 'gains'), _P))
_OUTPUTS = ('states', 'efforts', 'bias', 'site', 'axis', 'gains')
_Output = struct('_Output', **dict.fromkeys(_OUTPUTS, _P), cost=_D)


class IlqgKernel:
    """Plans for one arm, one cost and one configuration. Not for two threads at once."""

    def __init__(
        self,
        model: PlanModel,
        cost: ReachCost,
        config: PlannerConfig,
        limits_nm: np.ndarray,
        search: tuple[float, ...],
        regularisation: tuple[float, float],
    ) -> None:
        """search: shares of a step, in the order in which they are tried. regularisation: bounds.

        Raises NoKernel where it is not built, or the arm moves in ways that it does not know.
        """
        self._num_joints = n = model.num_joints
        steps = config.steps
        # Of _OUTPUTS, which share one array.
        self._shapes = (
            *((steps + 1, 2 * n), (steps, n), (steps, n)),
            *((steps + 1, 3), (steps + 1, 3), (steps, n, 2 * n)),
        )
        self._ends = tuple(np.cumsum([np.prod(shape) for shape in self._shapes]).tolist())
        self._arm = KernelArm(model)
        self._library = library = kernel_library()
        search_array, limits = np.array(search), np.ascontiguousarray(limits_nm, float)
        settings = _Settings(
            *(config.steps, config.iterations, config.cold_iterations, len(search)),
            *(*regularisation, address(search_array), address(limits)),
        )
        motion = cost.motion
        arrays = [
            np.ascontiguousarray(array, float)
            for array in (motion.effort_scale, motion.speed_limits, motion.low, motion.high)
        ]
        costs = _Cost(
            *(getattr(cost.weights, name) for name in _WEIGHTS),
            (_D * 2)(*cost.workspace.centre_in_base_m),
            *(cost.workspace.metres_per_unit, cost.height_m),
            *(HEIGHT_SCALE_M, SOFT_SPEED, SOFT_RANGE_RAD, NEAR_UNITS),
            *map(address, arrays),
        )
        # What the structures point to lives as long as the kernel.
        self._kept = (search_array, limits, arrays, costs, settings)
        self._handle = library.planning_ilqg(
            self._arm.address, *map(ctypes.addressof, (costs, settings))
        )
        weakref.finalize(self, library.planning_ilqg_free, self._handle)
        self._field: tuple[EnergyField, ctypes.Structure] | None = None

    def solve(
        self, time_s: float, start: np.ndarray, field: EnergyField, warm_start: Plan | None
    ) -> Solution:
        """Return the solution from `start` (2n,); raises PlanningFailed."""
        n = self._num_joints
        former = None
        if warm_start is not None:
            if warm_start.efforts.shape[1] != n:
                raise ValueError(f'warm_start: of {warm_start.efforts.shape[1]} joints, not {n}')
            before = warm_start.states, warm_start.efforts, warm_start.gains
            knots = (time_s - warm_start.start_s) / self._arm.step_s
            former = _Former(len(warm_start.efforts), knots, *map(address, before))
        numbers = np.empty(self._ends[-1])
        begins = (0, *self._ends[:-1])
        first = address(numbers)
        out = _Output(*(first + numbers.itemsize * begin for begin in begins))
        start = np.ascontiguousarray(start, float)
        done = self._library.planning_ilqg_plan(
            self._handle,
            address(start),
            None if former is None else ctypes.addressof(former),
            ctypes.addressof(self._field_struct(field)),
            ctypes.addressof(out),
        )
        if done < 0:
            raise PlanningFailed(_FAILURES[done])
        numbers.setflags(write=False)
        *rollout, gains = (
            numbers[begin:end].reshape(shape)
            for begin, end, shape in zip(begins, self._ends, self._shapes, strict=True)
        )
        return Solution(Rollout(*rollout), gains, out.cost, done)

    def _field_struct(self, field: EnergyField) -> ctypes.Structure:
        if self._field is None or self._field[0] is not field:
            spline, circles = field.spline, field.keep_out
            arrays = [
                np.ascontiguousarray(array, float)
                for array in (spline.coefficients, circles.centres, circles.radii)
            ]
            struct = _Field(
                *(len(spline.coefficients), len(circles), *map(address, arrays)),
                *(spline.origin, spline.step, field.half_width, circles.above_m),
                (_D * 3)(*HAND_SHARES),
            )
            struct.kept = arrays
            self._field = field, struct
        return self._field[1]
