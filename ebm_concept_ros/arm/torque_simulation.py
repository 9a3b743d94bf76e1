# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What simulations of an arm by torque motors have in common, whatever stands on the table."""

from __future__ import annotations

import math
from typing import NamedTuple

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.effort_rate import EffortRateLimit
from ebm_concept_ros.arm.names import own


class InvalidEffort(ValueError):
    """A torque command that is refused; the message names the reason."""


class JointState(NamedTuple):
    """Positions, velocities and acting torques (n,) of the joints, in SI units."""

    positions_rad: np.ndarray
    velocities_rad_s: np.ndarray
    efforts_nm: np.ndarray


class TorqueSimulation:
    """An arm of n joints, driven by torque motors, whose joints are the first of the model.

    The torque of the last `apply` acts until the next one.
    """

    def __init__(self, live: ArmConfig, model: mujoco.MjModel) -> None:
        """live: with all joints that have motors, fingers too. model: of arm and table."""
        self.live, self.model = live, model
        self.data = mujoco.MjData(model)
        self._n = len(live.joints)
        assert model.nu == self._n, 'motors are those of the arm, and of its hand'
        self.effort_limits_nm = live.effort_limits_nm
        self._rate_limit = EffortRateLimit(live.effort_rate_limits_nm_s, self.timestep_s)
        # MuJoCo makes an array anew each time it is asked for one, of numbers that stay in place.
        data = self.data
        self._joint_state = JointState(data.qpos[: self._n], data.qvel[: self._n], data.ctrl)

    @property
    def timestep_s(self) -> float:
        """Return the simulation step, s."""
        return float(self.model.opt.timestep)

    @property
    def time_s(self) -> float:
        """Return the simulated time since reset, s."""
        return float(self.data.time)

    @property
    def joint_positions_rad(self) -> np.ndarray:
        """Return a copy, (n,) rad."""
        return self.data.qpos[: self._n].copy()

    @property
    def joint_velocities_rad_s(self) -> np.ndarray:
        """Return a copy, (n,) rad/s."""
        return self.data.qvel[: self._n].copy()

    @property
    def applied_effort_nm(self) -> np.ndarray:
        """Return a copy of the torque that acts now, (n,) N·m."""
        return self.data.ctrl.copy()

    @property
    def joint_state(self) -> JointState:
        """Return what the joints do now, without a copy: as it is until the next step."""
        return self._joint_state

    def hold_effort(self) -> np.ndarray:
        """Return the torque (n,) N·m with which the arm stays where it is."""
        raise NotImplementedError

    def hold(self) -> None:
        """Set the torque that holds, or what its rate lets come nearest to it, for one step."""
        self.approach(self.hold_effort())

    def approach(self, effort_nm: np.ndarray) -> bool:
        """Set the torque (n,) N·m, or what its rate lets come nearest to it, for one step.

        Returns whether it is the torque itself; raises InvalidEffort as `apply`.
        """
        before = self.applied_effort_nm
        self.apply(effort_nm)
        wanted = self.applied_effort_nm
        limited = self._rate_limit.limited(wanted, before, self.timestep_s)
        self.apply(limited)
        return bool((limited == wanted).all())

    def apply(self, effort_nm: np.ndarray) -> None:
        """Set the torque, (n,) N·m, clipped to the limits.

        Raises InvalidEffort when it has another length or is not finite; the last torque stays.
        """
        effort = np.asarray(effort_nm, float)
        limits_nm = self.effort_limits_nm
        if effort.shape != limits_nm.shape:
            raise InvalidEffort(
                f'effort: shape {effort.shape}, expected {limits_nm.shape}, '
                f'one for each of {", ".join(self.live.joint_names)}'
            )
        # One sum of squares is faster than to look at each, and mostly tells enough.
        if not math.isfinite(effort.dot(effort)) and not np.isfinite(effort).all():
            raise InvalidEffort('effort: contains NaN or infinity')
        np.minimum(np.maximum(effort, -limits_nm), limits_nm, out=self._joint_state.efforts_nm)

    def step(self) -> None:
        """Advance by one timestep."""
        # In two halves, so that places and bias forces belong to the state after the step.
        mujoco.mj_step2(self.model, self.data)
        mujoco.mj_step1(self.model, self.data)

    def link_touched_by(self, id_: str) -> str | None:
        """Return the name of a body beside the table that touches the entity now, or None."""
        entity, table = self.model.body(own(id_)).id, self.model.body(own('table')).id
        for geoms, distance_m in zip(self.data.contact.geom, self.data.contact.dist, strict=True):
            bodies = {int(body) for body in self.model.geom_bodyid[geoms]}
            if entity in bodies and table not in bodies and distance_m <= 0.0:
                return self.model.body((bodies - {entity}).pop()).name
        return None
