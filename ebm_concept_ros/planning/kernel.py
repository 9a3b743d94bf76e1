# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""iLQG's plans from the compiled kernel in src/planning_kernel.

It is called by ctypes, which leaves the interpreter to the control thread meanwhile, and is given
numbers alone: no header of Python or MuJoCo, so one build goes with every version of both.
"""

from __future__ import annotations

import ctypes
import weakref
from functools import cache
from pathlib import Path

import mujoco
import numpy as np

import ebm_concept_ros
from ebm_concept_ros.field.energy_field import EnergyField
from ebm_concept_ros.planning.cost import (
    HAND_SHARES,
    HEIGHT_SCALE_M,
    NEAR_UNITS,
    SOFT_RANGE_RAD,
    SOFT_SPEED,
    ReachCost,
)
from ebm_concept_ros.planning.plan_model import PlanModel, Rollout
from ebm_concept_ros.planning.planner import PlannerConfig, PlanningFailed, Solution
from ebm_concept_ros.planning.policy import Plan

_FAILURES = {
    -1: 'the initial rollout diverged',
    -2: 'the backward pass found no convex model',
}
# Steps in which the kernel's arm must move as MuJoCo's does, and how alike.
_TRIED_STATES, _ALIKE = 4, 1e-9


class NoKernel(RuntimeError):
    """The kernel cannot plan for this arm, or is not built; the message says why."""


def _struct(name: str, **types: object) -> type[ctypes.Structure]:
    """Return a structure of the kernel; its fields are in the order of src/planning_kernel."""
    return type(name, (ctypes.Structure,), {'_fields_': list(types.items())})


_D, _I, _P = ctypes.c_double, ctypes.c_int, ctypes.c_void_p
_Arm = _struct(
    '_Arm',
    **dict.fromkeys(('n', 'site_joint'), _I),
    **dict.fromkeys(('parent', 'slide', 'zero', 'axis', 'anchor', 'mass', 'centre', 'inertia'), _P),
    **dict.fromkeys(('damping', 'armature', 'stiffness', 'spring_rad'), _P),
    **dict.fromkeys(('gravity', 'site', 'site_axis'), _D * 3),
    step_s=_D,
)
_WEIGHTS = (
    *('energy', 'height', 'tilt', 'velocity', 'effort'),
    *('velocity_limit', 'joint_limit', 'obstacle', 'terminal'),
)
_Cost = _struct(
    '_Cost',
    **dict.fromkeys(_WEIGHTS, _D),
    centre=_D * 2,
    **dict.fromkeys(('metres_per_unit', 'height_m'), _D),
    **dict.fromkeys(('height_scale_m', 'soft_speed', 'soft_range_rad', 'near_units'), _D),
    **dict.fromkeys(('effort_scale', 'speed_limit', 'low', 'high'), _P),
)
_Field = _struct(
    '_Field',
    **dict.fromkeys(('cells', 'circles'), _I),
    **dict.fromkeys(('coefficients', 'centres', 'radii'), _P),
    **dict.fromkeys(('origin', 'step', 'half_width', 'above_m'), _D),
    hand_shares=_D * 3,
)
_Settings = _struct(
    '_Settings',
    **dict.fromkeys(('steps', 'iterations', 'cold_iterations', 'shares'), _I),
    **dict.fromkeys(('least_regularisation', 'most_regularisation'), _D),
    **dict.fromkeys(('share', 'limits'), _P),
)
_Former = _struct(
    '_Former', steps=_I, knots=_D, **dict.fromkeys(('states', 'efforts', 'gains'), _P)
)
_OUTPUTS = ('states', 'efforts', 'bias', 'site', 'axis', 'gains')
_Output = _struct('_Output', **dict.fromkeys(_OUTPUTS, _P), cost=_D)


@cache
def _library() -> ctypes.CDLL:
    """Load the kernel; raises NoKernel where it is not built."""
    name = 'libplanning_kernel.so'
    folders = [Path(folder) for folder in ebm_concept_ros.__path__]
    path = next((folder / name for folder in folders if (folder / name).exists()), None)
    if path is None:
        raise NoKernel(f'{name} is not built: colcon builds it')
    library = ctypes.CDLL(str(path))
    library.planning_step.argtypes = [_P] * 6
    library.planning_ilqg.argtypes, library.planning_ilqg.restype = [_P] * 3, _P
    library.planning_ilqg_free.argtypes, library.planning_ilqg_free.restype = [_P], None
    library.planning_ilqg_plan.argtypes = [_P] * 5
    return library


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
        self._library = library = _library()
        self._steps, self._num_joints = config.steps, model.num_joints
        arm = self._arm = _arm(model, library)
        _require_alike(model, arm, library)
        search_array, limits = np.array(search), np.ascontiguousarray(limits_nm, float)
        settings = _Settings(
            *(config.steps, config.iterations, config.cold_iterations, len(search)),
            *(*regularisation, _address(search_array), _address(limits)),
        )
        arrays = [
            np.ascontiguousarray(array, float)
            for array in (cost.effort_scale, cost.speed_limits, cost.low, cost.high)
        ]
        costs = _Cost(
            *(getattr(cost.weights, name) for name in _WEIGHTS),
            (_D * 2)(*cost.workspace.centre_in_base_m),
            *(cost.workspace.metres_per_unit, cost.height_m),
            *(HEIGHT_SCALE_M, SOFT_SPEED, SOFT_RANGE_RAD, NEAR_UNITS),
            *map(_address, arrays),
        )
        # What the structures point to lives as long as the kernel.
        self._kept = (search_array, limits, arrays, costs, settings)
        self._handle = library.planning_ilqg(*map(ctypes.addressof, (arm, costs, settings)))
        weakref.finalize(self, library.planning_ilqg_free, self._handle)
        self._field: tuple[EnergyField, ctypes.Structure] | None = None

    def solve(
        self, time_s: float, start: np.ndarray, field: EnergyField, warm_start: Plan | None
    ) -> Solution:
        """Return the solution from `start` (2n,); raises PlanningFailed."""
        n, steps = self._num_joints, self._steps
        former = None
        if warm_start is not None:
            if warm_start.efforts.shape[1] != n:
                raise ValueError(f'warm_start: of {warm_start.efforts.shape[1]} joints, not {n}')
            before = [
                np.ascontiguousarray(array, float)
                for array in (warm_start.states, warm_start.efforts, warm_start.gains)
            ]
            knots = (time_s - warm_start.start_s) / self._arm.step_s
            former = _Former(len(warm_start.efforts), knots, *map(_address, before))
        arrays = [
            np.empty(shape)
            for shape in (
                *((steps + 1, 2 * n), (steps, n), (steps, n)),
                *((steps + 1, 3), (steps + 1, 3), (steps, n, 2 * n)),
            )
        ]
        out = _Output(*map(_address, arrays))
        start = np.ascontiguousarray(start, float)
        done = self._library.planning_ilqg_plan(
            self._handle,
            _address(start),
            None if former is None else ctypes.addressof(former),
            ctypes.addressof(self._field_struct(field)),
            ctypes.addressof(out),
        )
        if done < 0:
            raise PlanningFailed(_FAILURES[done])
        *rollout, gains = arrays
        return Solution(Rollout(*rollout), gains, out.cost, done)

    def _field_struct(self, field: EnergyField) -> ctypes.Structure:
        if self._field is None or self._field[0] is not field:
            spline, circles = field.spline, field.keep_out
            arrays = [
                np.ascontiguousarray(array, float)
                for array in (spline.coefficients, circles.centres, circles.radii)
            ]
            struct = _Field(
                *(len(spline.coefficients), len(circles), *map(_address, arrays)),
                *(spline.origin, spline.step, field.half_width, circles.above_m),
                (_D * 3)(*HAND_SHARES),
            )
            struct.kept = arrays
            self._field = field, struct
        return self._field[1]


def _arm(model: PlanModel, library: ctypes.CDLL) -> ctypes.Structure:
    """Return the arm as the kernel takes it; raises NoKernel."""
    dynamics, most = model.dynamics, library.planning_max_joints()
    if dynamics is None:
        raise NoKernel('the arm has joints that are neither hinges nor slides')
    if model.num_joints > most:
        raise NoKernel(f'{model.num_joints} joints; the kernel plans for {most} at most')
    arrays = {
        name: np.ascontiguousarray(getattr(dynamics, name))
        for name, kind in _Arm._fields_
        if kind is _P
    }
    arm = _Arm(
        n=model.num_joints,
        site_joint=dynamics.site_joint,
        step_s=dynamics.step_s,
        **{name: _address(array) for name, array in arrays.items()},
        **{name: (_D * 3)(*getattr(dynamics, name)) for name in ('gravity', 'site', 'site_axis')},
    )
    arm.kept = arrays
    return arm


def _require_alike(model: PlanModel, arm: ctypes.Structure, library: ctypes.CDLL) -> None:
    """Raise NoKernel unless the kernel's arm moves as MuJoCo's does.

    So whatever else a model has (tendons, counterweights, fluids, springs that are not linear) or a
    version of MuJoCo brings, no plan is made on other dynamics than MuJoCo's.
    """
    rng, n = np.random.default_rng(0), model.num_joints
    after, bias = np.empty(n), np.empty(n)
    for _ in range(_TRIED_STATES):
        positions = model.model.qpos0 + rng.uniform(-1.0, 1.0, n)
        velocities = rng.uniform(-1.0, 1.0, n)
        expected_bias = model.bias_nm(positions, velocities)
        torques = expected_bias + rng.uniform(-1.0, 1.0, n)
        model.data.qpos[:], model.data.qvel[:] = positions, velocities
        model.data.ctrl[:] = torques
        mujoco.mj_step(model.model, model.data)
        solved = library.planning_step(
            ctypes.addressof(arm), *map(_address, (positions, velocities, torques, after, bias))
        )
        if not solved or not (
            np.allclose(after, model.data.qvel, rtol=_ALIKE, atol=_ALIKE)
            and np.allclose(bias, expected_bias, rtol=_ALIKE, atol=_ALIKE)
        ):
            raise NoKernel('the arm moves by more than its inertia, gravity, damping and springs')


def _address(array: np.ndarray) -> int:
    return array.ctypes.data
