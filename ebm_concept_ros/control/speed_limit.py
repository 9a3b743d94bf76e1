# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A hard limit on joint speeds: no torque goes out that would take a joint beyond its own."""

from __future__ import annotations

import mujoco
import numpy as np

from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.planning.plan_model import PlanModel

# A joint may come nearer to its limit by a fraction of what is left in each such time. States come
# late by a few milliseconds, and the model is not the arm, so the last of it is never used.
APPROACH_S = 0.02
_USED_SHARE = 0.95
# Of the jerk that torques within their rates give a joint by itself: others move it as well.
_USED_JERK_SHARE = 0.05
_BOTH_WAYS = np.array([[1.0], [-1.0]])


def used_speeds_rad_s(arm: ArmConfig) -> np.ndarray:
    """Return (n,) rad/s that each joint may come to."""
    return _USED_SHARE * arm.velocity_limits_rad_s


def used_rates_nm_s(arm: ArmConfig) -> np.ndarray:
    """Return (n,) N·m/s of torque that a joint's acceleration may cease at."""
    return _USED_JERK_SHARE * arm.effort_rate_limits_nm_s


class SpeedLimit:
    """Takes away from a torque what would make a joint too fast, and brakes one that is.

    A control barrier on each joint's speed: its acceleration is kept within what is left to the
    limit over a time constant (Ames et al., "Control barrier functions: theory and applications",
    ECC 2019), and within what ceases in time at the rate of the joint's torque. Joints that are
    within it accelerate as they would have. Not for two threads at once.
    """

    def __init__(self, model: PlanModel, arm: ArmConfig) -> None:
        """model: of that arm."""
        self._model, self._data = model.model, model.data
        self._most, self._used_rates_nm_s = used_speeds_rad_s(arm), used_rates_nm_s(arm)
        self._inertia = np.zeros((len(arm.joints), len(arm.joints)))
        self._own_inertia = self._inertia.diagonal()  # a view
        self._acceleration = np.zeros((1, len(arm.joints)))
        self._change = np.zeros(len(arm.joints))

    def limited(
        self, effort_nm: np.ndarray, positions_rad: np.ndarray, velocities_rad_s: np.ndarray
    ) -> np.ndarray:
        """Return the torque (n,) N·m, changed near a limit alone; it may exceed torque limits."""
        model, data = self._model, self._data
        data.qpos[:], data.qvel[:] = positions_rad, velocities_rad_s
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_fwdVelocity(model, data)
        force = effort_nm + data.qfrc_passive - data.qfrc_bias
        mujoco.mj_solveM(model, data, self._acceleration, force[None])
        acceleration = self._acceleration[0]
        mujoco.mj_fullM(model, data, self._inertia)
        jerk = self._used_rates_nm_s / self._own_inertia
        # Both ways at once, as this is done for every torque: down, and up.
        left, right = _approach(self._most + _BOTH_WAYS * velocities_rad_s, jerk)
        low, high = -left, right
        if ((low <= acceleration) & (acceleration <= high)).all():
            return effort_nm
        high = np.where(velocities_rad_s < 0.0, np.maximum(low, high), high)  # to brake comes first
        allowed = np.minimum(np.maximum(acceleration, low), high)
        mujoco.mj_mulM(model, data, self._change, allowed - acceleration)
        return effort_nm + self._change


def _approach(left_rad_s: np.ndarray, jerk_rad_s3: np.ndarray) -> np.ndarray:
    """Return the acceleration (…, n) rad/s² that may be had so far from a limit, or brakes.

    An acceleration that ceases at this jerk takes the speed no further than to the limit.
    """
    ceasing = np.sqrt(2.0 * jerk_rad_s3 * np.maximum(left_rad_s, 0.0))
    return np.minimum(left_rad_s / APPROACH_S, ceasing)
