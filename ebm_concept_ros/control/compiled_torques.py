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
)
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import (
    FRICTION_SPEED_RAD_S,
    InvalidState,
    NotFinite,
    Plan,
    check_state,
)
from ebm_concept_ros.types import JointSample

_D, _P = ctypes.c_double, ctypes.c_void_p
_Limits = struct(
    '_Limits',
    **dict.fromkeys(('torque', 'speed', 'torque_rate', 'hold_damping'), _P),
    **dict.fromkeys(('approach_s', 'friction_speed'), _D),
    rate=_P,
)
_Plan = struct(
    '_Plan',
    **dict.fromkeys(('start_s', 'expires_s', 'step_s'), _D),
    steps=ctypes.c_int,
    **dict.fromkeys(('states', 'efforts', 'gains', 'friction', 'limits'), _P),
)
_FLOAT_BYTES = 8
_FOLLOWED = 0  # as in torque.hpp; else plan and state say themselves what is wrong with them


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
        self._sizes = [_FLOAT_BYTES * count * self._n for count in (2, 3)]
        self._at = {
            name: address(getattr(self, name))
            for name in ('_friction_nm', '_state', '_wanted', '_torque')
        }
        self._limits_at, self._torque_at = ctypes.addressof(self._limits), self._at['_torque']

    def following_nm(
        self,
        plan: Plan,
        time_s: float,
        sample: JointSample,
        former_nm: np.ndarray | None = None,
        elapsed_s: float = 0.0,
    ) -> np.ndarray:
        """See Torques."""
        if plan is not self._plan:
            self._take(plan)
        packed = sample.packed
        if len(packed) not in self._sizes:
            self._require_size(sample)
        period_s = self._period_s
        found = self._follow(
            *self._follow_at,
            time_s,
            None if former_nm is None else former_nm.tobytes(),
            elapsed_s if elapsed_s < period_s else period_s,
            packed,
            self._torque_at,
        )
        if found == _FOLLOWED:
            return self._torque.copy()
        plan.knot(time_s)
        self._require_size(sample)
        raise NotFinite

    def _require_size(self, sample: JointSample) -> None:
        state = np.concatenate([sample.positions_rad, sample.velocities_rad_s])
        check_state(state, self._n)

    def _take(self, plan: Plan) -> None:
        n = self._n
        if plan.gains.shape[1:] != (n, 2 * n):
            raise InvalidState(f'state: {2 * n} numbers, expected {plan.gains.shape[2]}')
        # The kernel reads as far as it is told to.
        steps = len(plan.efforts)
        for name, shape in (
            *(
                ('states', (steps + 1, 2 * n)),
                ('efforts', (steps, n)),
                ('gains', (steps, n, 2 * n)),
            ),
            *(('friction_nm', (n,)), ('limits_nm', (n,))),
        ):
            if (found := getattr(plan, name).shape) != shape:
                raise InvalidState(f'{name}: shape {found}, expected {shape}')
        self._plan = plan
        self._plan_struct = _Plan(
            *(plan.start_s, plan.expires_at_s, plan.step_s, steps, *plan.addresses)
        )
        self._follow_at = (
            *(self._arm.address, self._limits_at),
            ctypes.addressof(self._plan_struct),
        )

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
