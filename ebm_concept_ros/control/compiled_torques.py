# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The torques of `torques` from the compiled kernel.

They take a few microseconds, a tenth of what NumPy and MuJoCo's bindings take for as few joints.
"""

from __future__ import annotations

import ctypes

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import hold_damping_nms_per_rad
from ebm_concept_ros.control.speed_limit import APPROACH_S, used_rates_nm_s, used_speeds_rad_s
from ebm_concept_ros.control.torques import PlainTorques, Torques
from ebm_concept_ros.planning.kernel_arm import (
    KernelArm,
    NoKernel,
    address,
    struct,
    torque_library,
    vector,
)
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import (
    FRICTION_SPEED_RAD_S,
    InvalidState,
    NotFinite,
    Plan,
    check_state,
)

_D, _P = ctypes.c_double, ctypes.c_void_p
_Limits = struct(
    '_Limits',
    **dict.fromkeys(('torque', 'speed', 'torque_rate', 'hold_damping'), _P),
    **dict.fromkeys(('approach_s', 'friction_speed'), _D),
    rate=_P,
)
_Plan = struct('_Plan', **dict.fromkeys(('states', 'efforts', 'gains', 'friction', 'limits'), _P))
_FOLLOWED, _IMPLAUSIBLE = 0, 1  # as in torque.hpp


def torques_of(arm: ArmConfig, model: PlanModel, period_s: float) -> Torques:
    """Return the compiled torques of an arm, or the plain ones where the kernel does not know it.

    model: of that arm, and nobody else's. period_s: from one torque to the next.
    """
    try:
        return CompiledTorques(arm, model, period_s)
    except NoKernel:
        return PlainTorques(arm, model, period_s)


class CompiledTorques:
    """Torques of one arm, for one thread; raises NoKernel where the kernel does not know it."""

    def __init__(self, arm: ArmConfig, model: PlanModel, period_s: float) -> None:
        """model: of that arm. period_s: from one torque to the next."""
        self._period_s = period_s
        self._arm = KernelArm(model)
        self._n = model.num_joints
        library = torque_library()
        self._follow, self._hold = library.torque_follow, library.torque_hold
        self._kept = [
            np.ascontiguousarray(array, float)
            for array in (
                *(arm.effort_limits_nm, used_speeds_rad_s(arm), used_rates_nm_s(arm)),
                hold_damping_nms_per_rad(model.model, arm.home_rad),
                arm.effort_rate_limits_nm_s,
            )
        ]
        *limits, rates = map(address, self._kept)
        self._limits = _Limits(*limits, APPROACH_S, FRICTION_SPEED_RAD_S, rates)
        self._friction_nm = np.ascontiguousarray(model.friction_nm, float)
        self._state, self._wanted = np.zeros(2 * self._n), np.zeros(self._n)
        self._torque = np.zeros(self._n)
        self._plan: Plan | None = None
        self._plan_struct = _Plan()
        self._at = {
            name: address(getattr(self, name))
            for name in ('_friction_nm', '_state', '_wanted', '_torque')
        }
        self._limits_at = ctypes.addressof(self._limits)
        self._plan_at = ctypes.addressof(self._plan_struct)

    def following_nm(
        self,
        plan: Plan,
        time_s: float,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        former_nm: np.ndarray | None = None,
        elapsed_s: float = 0.0,
    ) -> np.ndarray:
        """See Torques."""
        n = self._n
        knot, part = plan.knot(time_s)
        if len(positions_rad) != n or len(velocities_rad_s) != n:
            size = len(positions_rad) + len(velocities_rad_s)
            raise InvalidState(f'state: {size} numbers, expected {2 * n}')
        if plan is not self._plan:
            self._take(plan)
        found = self._follow(
            *(self._arm.address, self._limits_at, self._plan_at, knot, part),
            None if former_nm is None else vector(former_nm, n),
            min(elapsed_s, self._period_s),
            *(vector(positions_rad, n), vector(velocities_rad_s, n), self._at['_torque']),
        )
        if found == _FOLLOWED:
            return self._torque.copy()
        if found == _IMPLAUSIBLE:
            check_state(np.concatenate([positions_rad, velocities_rad_s]), n)
        raise NotFinite

    def _take(self, plan: Plan) -> None:
        n = self._n
        if plan.gains.shape[1:] != (n, 2 * n):
            raise InvalidState(f'state: {2 * n} numbers, expected {plan.gains.shape[2]}')
        # The kernel reads as far as it is told to.
        steps = len(plan.efforts)
        shapes = {
            'states': (steps + 1, 2 * n),
            'efforts': (steps, n),
            'gains': (steps, n, 2 * n),
            'friction_nm': (n,),
            'limits_nm': (n,),
        }
        for name, shape in shapes.items():
            if (found := getattr(plan, name).shape) != shape:
                raise InvalidState(f'{name}: shape {found}, expected {shape}')
        self._plan, self._plan_struct = plan, _Plan(*plan.addresses)
        self._plan_at = ctypes.addressof(self._plan_struct)

    def holding_nm(
        self,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        wanted_rad_s: np.ndarray | None = None,
    ) -> np.ndarray:
        """See Torques."""
        self._set_state(positions_rad, velocities_rad_s)
        if wanted_rad_s is not None:
            self._wanted[:] = wanted_rad_s
        at = self._at
        self._hold(
            *(self._arm.address, self._limits_at, at['_friction_nm'], at['_state']),
            *(None if wanted_rad_s is None else at['_wanted'], at['_torque']),
        )
        return self._torque.copy()

    def _set_state(self, positions_rad: np.ndarray, velocities_rad_s: np.ndarray) -> None:
        n = self._n
        if len(positions_rad) != n or len(velocities_rad_s) != n:
            size = len(positions_rad) + len(velocities_rad_s)
            raise InvalidState(f'state: {size} numbers, expected {2 * n}')
        self._state[:n], self._state[n:] = positions_rad, velocities_rad_s
