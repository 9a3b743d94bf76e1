# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The torques of `torques`, and the forces of `momentum_observer`, from the compiled kernel.

Both take a few microseconds, a tenth of what NumPy and MuJoCo's bindings take for as few joints.
"""

from __future__ import annotations

import ctypes

import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.hold import hold_damping_nms_per_rad
from ebm_concept_ros.control.momentum_observer import Forces, PlainForces
from ebm_concept_ros.control.speed_limit import APPROACH_S, used_rates_nm_s, used_speeds_rad_s
from ebm_concept_ros.control.torques import PlainTorques, Reachable, Torques
from ebm_concept_ros.planning.kernel_arm import KernelArm, NoKernel, address, struct, torque_library
from ebm_concept_ros.planning.plan_model import PlanModel
from ebm_concept_ros.planning.policy import FRICTION_SPEED_RAD_S, InvalidState, Plan, check_state

_D, _P = ctypes.c_double, ctypes.c_void_p
_Limits = struct(
    '_Limits',
    **dict.fromkeys(('torque', 'speed', 'torque_rate', 'hold_damping'), _P),
    **dict.fromkeys(('approach_s', 'friction_speed'), _D),
)
_Followed = struct(
    '_Followed',
    **dict.fromkeys(('before', 'after', 'torque', 'gains', 'friction', 'limits'), _P),
    part=_D,
)
_FLOAT_BYTES = 8
# No state whose numbers have squares of a sum below this is implausible.
_SURELY_PLAUSIBLE = 1e6


def torques_of(arm: ArmConfig, model: PlanModel) -> Torques:
    """Return the compiled torques of an arm, or the plain ones where the kernel does not know it.

    model: of that arm, and nobody else's.
    """
    try:
        return CompiledTorques(arm, model)
    except NoKernel:
        return PlainTorques(arm, model)


def forces_of(model: PlanModel) -> Forces:
    """Return the compiled forces of an arm, or the plain ones. model: nobody else's."""
    try:
        return CompiledForces(model)
    except NoKernel:
        return PlainForces(model)


class CompiledTorques:
    """Torques of one arm, for one thread; raises NoKernel where the kernel does not know it."""

    def __init__(self, arm: ArmConfig, model: PlanModel) -> None:
        """model: of that arm."""
        self._arm = KernelArm(model)
        self._n = model.num_joints
        library = torque_library()
        self._follow, self._hold = library.torque_follow_within, library.torque_hold
        self._kept = [
            np.ascontiguousarray(array, float)
            for array in (
                *(arm.effort_limits_nm, used_speeds_rad_s(arm), used_rates_nm_s(arm)),
                hold_damping_nms_per_rad(model.model, arm.home_rad),
            )
        ]
        self._limits = _Limits(*map(address, self._kept), APPROACH_S, FRICTION_SPEED_RAD_S)
        self._friction_nm = np.ascontiguousarray(model.friction_nm, float)
        self._state, self._wanted = np.zeros(2 * self._n), np.zeros(self._n)
        self._torque = np.zeros(self._n)
        self._reachable = np.zeros((2, self._n))
        self._followed = _Followed()
        self._plan: Plan | None = None
        # To ask an array where its numbers are takes as long as the torque.
        self._begins: tuple[int, ...] = ()
        self._at = {
            name: address(getattr(self, name))
            for name in ('_friction_nm', '_state', '_wanted', '_torque', '_reachable')
        }
        self._limits_at = ctypes.addressof(self._limits)
        self._followed_at = ctypes.addressof(self._followed)

    def following_nm(
        self,
        plan: Plan,
        time_s: float,
        positions_rad: np.ndarray,
        velocities_rad_s: np.ndarray,
        reachable_nm: Reachable | None = None,
    ) -> np.ndarray:
        """See Torques."""
        k, part = plan.knot(time_s)
        self._set_state(positions_rad, velocities_rad_s)
        if not self._state.dot(self._state) < _SURELY_PLAUSIBLE:
            check_state(self._state, self._n)
        if plan is not self._plan:
            self._take(plan)
        states, efforts, gains = self._begins
        n, followed = self._n, self._followed
        followed.before = before = states + k * 2 * n * _FLOAT_BYTES
        followed.after = before + 2 * n * _FLOAT_BYTES
        followed.torque = efforts + k * n * _FLOAT_BYTES
        followed.gains = gains + k * 2 * n * n * _FLOAT_BYTES
        followed.part = part
        if reachable_nm is not None:
            self._reachable[0], self._reachable[1] = reachable_nm
        self._follow(
            *(self._arm.address, self._limits_at, self._followed_at),
            None if reachable_nm is None else self._at['_reachable'],
            *(self._at['_state'], self._at['_torque']),
        )
        return self._torque.copy()

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
        self._plan = plan
        self._begins = tuple(map(address, (plan.states, plan.efforts, plan.gains)))
        self._followed.friction, self._followed.limits = map(
            address, (plan.friction_nm, plan.limits_nm)
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


class CompiledForces:
    """Inertia and own forces of one arm, for one thread; raises NoKernel."""

    def __init__(self, model: PlanModel) -> None:
        self._arm = KernelArm(model)
        self._n = n = model.num_joints
        self._look = torque_library().torque_look
        self._state = np.zeros(2 * n)
        self._state_at = address(self._state)
        arrays = [(np.zeros((n, n)), np.zeros(n)) for _ in range(2)]
        self._next, self._other = [(pair, tuple(map(address, pair))) for pair in arrays]

    def at(
        self, positions_rad: np.ndarray, velocities_rad_s: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See Forces."""
        n = self._n
        self._state[:n], self._state[n:] = positions_rad, velocities_rad_s
        arrays, addresses = self._next
        self._next, self._other = self._other, self._next
        self._look(self._arm.address, self._state_at, *addresses)
        return arrays
