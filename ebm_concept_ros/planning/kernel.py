# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""iLQG's plans from the compiled kernel, which leaves the interpreter to others meanwhile."""

from __future__ import annotations

import ctypes
import math
import weakref

import numpy as np

from ebm_concept_ros.planning.compiled_cost import CompiledCost
from ebm_concept_ros.planning.kernel_arm import KernelArm, address, kernel_functions, struct
from ebm_concept_ros.planning.motion_cost import GoalT
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.planner import PlannerConfig, PlanningFailed, Solution
from ebm_concept_ros.planning.policy import Plan

_FAILURES = {
    -1: 'the initial rollout diverged',
    -2: 'the backward pass found no convex model',
}
_D, _I, _P = ctypes.c_double, ctypes.c_int, ctypes.c_void_p
_Settings = struct(
    '_Settings',
    **dict.fromkeys(('steps', 'iterations', 'cold_iterations', 'shares'), _I),
    **dict.fromkeys(('least_regularisation', 'most_regularisation'), _D),
    **dict.fromkeys(('share', 'limits'), _P),
)
_Former = struct('_Former', steps=_I, knots=_D, **dict.fromkeys(('states', 'efforts', 'gains'), _P))
_OUTPUTS = ('states', 'efforts', 'gains')
_D_BYTES = ctypes.sizeof(_D)
_Output = struct('_Output', **dict.fromkeys(_OUTPUTS, _P), cost=_D)


class IlqgKernel:
    """Plans for one arm, one cost and one configuration. Not for two threads at once."""

    def __init__(
        self,
        model: PlanModel,
        cost: CompiledCost[GoalT],
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
        self._knots = steps + 1
        # Of _OUTPUTS, which share one block.
        self._shapes = (steps + 1, 2 * n), (steps, n), (steps, n, 2 * n)
        sizes = [math.prod(shape) for shape in self._shapes]
        self._offsets = tuple((_D_BYTES * np.cumsum([0, *sizes[:-1]])).tolist())
        self._block = _D * sum(sizes)
        self._arm = KernelArm(model)
        self._functions = functions = kernel_functions(cost.kind)
        search_array, limits = np.array(search), np.ascontiguousarray(limits_nm, float)
        settings = _Settings(
            *(config.steps, config.iterations, config.cold_iterations, len(search)),
            *(*regularisation, address(search_array), address(limits)),
        )
        # What the structures point to lives as long as the kernel.
        self._kept = (search_array, limits, cost, settings)
        self._handle = functions.make(
            self._arm.address, *map(ctypes.addressof, (cost.numbers, settings))
        )
        weakref.finalize(self, functions.free, self._handle)
        self._cost = cost
        self._goal: tuple[GoalT, ctypes.Structure] | None = None

    def solve(
        self, time_s: float, start: np.ndarray, goal: GoalT, warm_start: Plan | None
    ) -> Solution:
        """Return the solution from `start` (2n,); raises PlanningFailed."""
        n = self._num_joints
        former = None
        if warm_start is not None:
            if warm_start.efforts.shape[1] != n:
                raise ValueError(f'warm_start: of {warm_start.efforts.shape[1]} joints, not {n}')
            knots = (time_s - warm_start.start_s) / self._arm.step_s
            former = _Former(len(warm_start.efforts), knots, *warm_start.addresses[:3])
        block = self._block()
        first = ctypes.addressof(block)
        at = [first + offset for offset in self._offsets]
        out = _Output(*at)
        done = self._functions.plan(
            self._handle,
            start.tobytes(),
            None if former is None else ctypes.addressof(former),
            ctypes.addressof(self._goal_numbers(goal)),
            ctypes.addressof(out),
        )
        if done < 0:
            raise PlanningFailed(_FAILURES[done])
        numbers = np.frombuffer(block)
        numbers.setflags(write=False)
        states, efforts, gains = (
            np.ndarray(shape, buffer=numbers, offset=offset)
            for shape, offset in zip(self._shapes, self._offsets, strict=True)
        )
        is_finite = math.isfinite(numbers.dot(numbers)) and math.isfinite(out.cost)
        return Solution(states, efforts, gains, out.cost, done, tuple(at) if is_finite else None)

    def _goal_numbers(self, goal: GoalT) -> ctypes.Structure:
        # A field stays the same for many plans.
        if self._goal is None or self._goal[0] is not goal:
            self._goal = goal, self._cost.goal_numbers(goal, self._knots)
        return self._goal[1]
